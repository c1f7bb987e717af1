#include "server/key_rotation.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <optional>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "common/checkpoint.h"
#include "common/ed25519.h"
#include "common/fd.h"
#include "common/file.h"
#include "common/key_file.h"
#include "common/log.h"
#include "common/signed_note.h"
#include "common/strings.h"
#include "server/contents/contents.h"
#include "server/keys.h"
#include "server/ledger/entry_keys.h"
#include "server/ledger/head.h"

namespace coalition::server {
namespace {

// As the operator names them.
constexpr std::string_view kLedger = "ledger_key";
constexpr std::string_view kPageToken = kPageTokenKey;

absl::Status Refused(std::string_view what) { return absl::FailedPreconditionError(Absl(what)); }

// The lock that LevelDB holds of a store that is open (fcntl's, of the process), while the descriptor lives:
// what a running server has sealed or signed after its key was changed would be the former key's.
absl::StatusOr<Fd> LockStore(const config::v1::ServerConfig& config) {
  const std::string path = config.store_dir() + "/LOCK";
  Fd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (fd.get() < 0) {
    if (errno == ENOENT) return fd;  // no store, no server
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", path));
  }
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (::fcntl(fd.get(), F_SETLK, &lock) == 0) return fd;
  return Refused(absl::StrCat("the server is running, or another program is at ", config.store_dir(),
                              ": stop it, rotate the key, and start it again"));
}

// A key and its former one, by their paths.
struct KeyFiles {
  std::string key, former;
};

KeyFiles LedgerFiles(const std::string& dir) {
  return {absl::StrCat(dir, "/", kLedgerKey), absl::StrCat(dir, "/", kFormerLedgerKey)};
}
KeyFiles PageTokenFiles(const std::string& dir) {
  return {absl::StrCat(dir, "/", kPageTokenKey), absl::StrCat(dir, "/", kFormerPageTokenKey)};
}

absl::StatusOr<std::string> ReadKey(const std::string& path) {
  absl::StatusOr<std::string> key = ReadFile(path, kKeyFileBytesMax);
  if (!absl::IsNotFound(key.status())) return key;
  return Refused(
      absl::StrCat(path, " is not there, so there is nothing to rotate: is key_dir the right one?"));
}

// Puts `key` in the file's place, and what was there beside it first: after a crash in between both hold the
// same, and it can be done again.
absl::Status Replace(const KeyFiles& files, std::string_view name, const std::string& key) {
  const absl::StatusOr<std::string> now = ReadKey(files.key);
  if (!now.ok()) return now.status();
  const absl::StatusOr<std::string> former = ReadFile(files.former, kKeyFileBytesMax);
  if (!former.ok() && !absl::IsNotFound(former.status())) return former.status();
  if (former.ok() && *former != *now) {
    return Refused(
        absl::StrCat(files.former,
                     " is there: the key was rotated before, and that overlap goes on. End it first, "
                     "with --end-key-overlap ",
                     Absl(name)));
  }
  if (absl::Status kept = WriteFileAtomic(files.former, *now, 0600); !kept.ok()) return kept;
  return WriteFileAtomic(files.key, key, 0600);
}

// The key that signs the ledger, by which its newest checkpoint, as the head has it, is signed.
absl::StatusOr<VerifierKey> SigningKey(const config::v1::ServerConfig& config, const std::string& path) {
  const absl::StatusOr<Ed25519Key> key = ReadKeyFile(path);
  if (absl::IsNotFound(key.status())) return ReadKey(path).status();
  if (!key.ok()) return key.status();
  const ledger::HeadDir dir(config.ledger().head_dir());
  const absl::StatusOr<std::optional<ledger::Head>> head = dir.Read();
  if (!head.ok()) return head.status();
  if (!*head)
    return Refused(absl::StrCat(dir.file(), " is not there: the ledger has not begun, or the head is lost"));
  const absl::StatusOr<SignedNote> note = ParseNote((*head)->note);
  if (!note.ok()) return note.status();
  const std::string origin = note->text.substr(0, note->text.find('\n'));
  absl::StatusOr<VerifierKey> verifier =
      VerifierKey::Make(origin, NoteAlgorithm::kEd25519, key->public_key());
  if (!verifier.ok()) return verifier.status();
  const absl::StatusOr<OpenedNote> opened = OpenNote((*head)->note, std::span(&*verifier, 1));
  if (opened.ok()) return verifier;
  return Refused(
      absl::StrCat("the ledger's newest checkpoint is not signed with ", path,
                   ": a key signs once the server was started with it. Start it first; if it does not "
                   "start, its message says what to do."));
}

absl::StatusOr<std::string> RotateLedgerKey(const config::v1::ServerConfig& config, Random& random) {
  const KeyFiles files = LedgerFiles(config.key_dir());
  const absl::StatusOr<VerifierKey> former = SigningKey(config, files.key);
  if (!former.ok()) return former.status();
  const absl::StatusOr<Ed25519Key> key = Ed25519Key::Generate(random);
  if (!key.ok()) return key.status();
  const absl::StatusOr<std::string> pem = key->ToPem();
  if (!pem.ok()) return pem.status();
  const auto verifier = VerifierKey::Make(former->name(), NoteAlgorithm::kEd25519, key->public_key());
  if (!verifier.ok()) return verifier.status();
  if (absl::Status replaced = Replace(files, kLedger, *pem); !replaced.ok()) return replaced;
  return absl::StrCat(files.key, " is a new key; ", files.former,
                      " has the former one. From the next start on both sign, and the ledger names the new "
                      "one:\n",
                      verifier->ToText(),
                      "\nCopy the key directory, start the server, and have the coalition's office tell the "
                      "members. When they have pinned it: --end-key-overlap ledger_key, and restart.");
}

absl::StatusOr<std::string> RotatePageToken(const config::v1::ServerConfig& config, Random& random) {
  const KeyFiles files = PageTokenFiles(config.key_dir());
  if (absl::Status replaced = Replace(files, kPageToken, random.Bytes(kKeyBytes)); !replaced.ok()) {
    return replaced;
  }
  return absl::StrCat(
      files.key, " is a new key; ", files.former,
      " has the former one, which still opens page tokens and cursors. From the next start on, and "
      "for ",
      config.storage().history_days(),
      " days; --end-key-overlap page_token ends that sooner. Copy the key directory.");
}

// Without an overlap: nothing that others keep has to be opened with it.
absl::StatusOr<std::string> RotateAlone(const config::v1::ServerConfig& config, const std::string& name,
                                        Random& random, std::string_view what_follows) {
  const std::string path = absl::StrCat(config.key_dir(), "/", name);
  if (const auto now = ReadKey(path); !now.ok()) return now.status();
  if (absl::Status written = WriteFileAtomic(path, random.Bytes(kKeyBytes), 0600); !written.ok()) {
    return written;
  }
  return absl::StrCat(path, " is a new key. ", Absl(what_follows), " Copy the key directory.");
}

absl::Status Remove(const std::string& path) {
  absl::Status removed = RemoveFile(path);
  if (!absl::IsNotFound(removed)) return removed;
  return Refused(absl::StrCat(path, " is not there: no overlap goes on"));
}

}  // namespace

absl::StatusOr<std::string> RotateKey(const config::v1::ServerConfig& config, const std::string& name,
                                      Random& random) {
  const absl::StatusOr<Fd> lock = LockStore(config);
  if (!lock.ok()) return lock.status();
  if (name == kLedger) return RotateLedgerKey(config, random);
  if (name == kPageToken) return RotatePageToken(config, random);
  if (name == kSellerHashKey) {
    return RotateAlone(
        config, name, random,
        "At the next start the presence keys of all sellers are made anew, which takes some time.");
  }
  if (name == kEtagKey) {
    return RotateAlone(config, name, random,
                       "From the next start on, a change that names an etag from before is refused once.");
  }
  if (name == kTokenMasterKey) {
    return Refused(
        "token_master is not rotated: all tokens that members keep would be others, and none would be found "
        "again. If it was stolen or lost, docs/operations.md, \"The keys\", says what to do.");
  }
  if (name == contents::kPseudonymFile) {
    return Refused(
        "pseudonym is not changed, because sellers and external ids stand in the store as what it makes of "
        "them: none would be found again. What theft means stands in docs/operations.md, \"The keys\".");
  }
  if (name == contents::kErasureKeysFile) {
    return Refused(
        "erasure_keys is not changed, because what records say is sealed under these keys: nobody could read "
        "any of it. A record's key goes when the record is erased; what theft means stands in "
        "docs/operations.md, \"The keys\".");
  }
  if (name == ledger::kEntryKeysFile) {
    return Refused(
        "ledger_contents is not changed, because what the ledger's entries say is sealed under these keys: "
        "nobody could read any of it. What theft means stands in docs/operations.md, \"The keys\".");
  }
  return absl::InvalidArgumentError(absl::StrCat(
      Quoted(name), " is no key that can be rotated: ledger_key, page_token, seller_hash and etag can"));
}

absl::StatusOr<std::string> EndKeyOverlap(const config::v1::ServerConfig& config, const std::string& name) {
  if (name != kLedger && name != kPageToken) {
    return absl::InvalidArgumentError(
        absl::StrCat(Quoted(name), " has no overlap: ledger_key and page_token have"));
  }
  const bool is_ledger = name == kLedger;
  const KeyFiles files = is_ledger ? LedgerFiles(config.key_dir()) : PageTokenFiles(config.key_dir());
  // Without the former one nobody could go on with a ledger that the new one has not signed yet.
  if (is_ledger) {
    if (const auto signs = SigningKey(config, files.key); !signs.ok()) return signs.status();
  }
  if (absl::Status removed = Remove(files.former); !removed.ok()) return removed;
  return absl::StrCat(files.former, " is removed. From the next start on ", name, " is the only key.");
}

absl::Status EndKeyOverlapInTime(const config::v1::ServerConfig& config, int64_t now_s) {
  constexpr int64_t kDayS = 86'400;
  const std::string path = PageTokenFiles(config.key_dir()).former;
  struct stat facts {};
  if (stat(path.c_str(), &facts) != 0) return absl::OkStatus();  // LoadKeys says what is wrong
  if (facts.st_mtime + kDayS * config.storage().history_days() > now_s) return absl::OkStatus();
  if (absl::Status removed = Remove(path); !removed.ok()) return removed;
  Log::Info("key_overlap_ended", {{"key", kPageToken}});
  return absl::OkStatus();
}

}  // namespace coalition::server
