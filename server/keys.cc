#include "server/keys.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/file.h"
#include "common/key_file.h"
#include "common/key_tree_file.h"
#include "server/contents/contents.h"
#include "server/ledger/entry_keys.h"

namespace coalition::server {
namespace {

constexpr mode_t kOthers = 0077;

absl::Status CheckPrivate(const std::string& path, const char* mode) {
  struct stat facts {};
  if (stat(path.c_str(), &facts) != 0) {
    return absl::FailedPreconditionError(absl::StrCat(path, ": ", std::strerror(errno)));
  }
  if ((facts.st_mode & kOthers) == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrFormat("%s holds secrets and is open to others (mode %04o): chmod %s %s", path,
                      facts.st_mode & 07777, mode, path));
}

absl::Status CheckKey(const std::string& path, const std::string& key) {
  if (key.size() == kKeyBytes) return CheckPrivate(path, "600");
  return absl::FailedPreconditionError(absl::StrCat(path, " has ", key.size(), " bytes, not ", kKeyBytes,
                                                    ": restore it from your copy of the key directory"));
}

absl::StatusOr<std::string> LoadKey(const std::string& path, bool may_create, Random& random) {
  absl::StatusOr<std::string> key = ReadFile(path, kKeyFileBytesMax);
  if (absl::IsNotFound(key.status()) && may_create) {
    key = random.Bytes(kKeyBytes);
    if (absl::Status written = WriteFileAtomic(path, *key, 0600); !written.ok()) return written;
  } else if (absl::IsNotFound(key.status())) {
    return absl::FailedPreconditionError(
        absl::StrCat(path,
                     " is missing, and the store is not empty: restore it from your copy of the key "
                     "directory. Without it what the store holds can't be served as before; what to do if "
                     "there is no copy stands in docs/operations.md, \"The keys\"."));
  }
  if (!key.ok()) return key;
  if (absl::Status checked = CheckKey(path, *key); !checked.ok()) return checked;
  return key;
}

absl::Status LoadContentKeys(const std::string& dir, bool may_create, Random& random,
                             exchange::ExchangeKeys* keys) {
  const auto pseudonym = LoadKey(absl::StrCat(dir, "/", contents::kPseudonymFile), may_create, random);
  if (!pseudonym.ok()) return pseudonym.status();
  const std::string file = absl::StrCat(dir, "/", contents::kErasureKeysFile);
  absl::StatusOr<PuncturedTree> tree = LoadKeyTree(file, contents::ContentKeys::kTreeBits, may_create,
                                                   "nobody can read what records say", random);
  if (!tree.ok()) return tree.status();
  keys->contents = contents::ContentKeys::Make(file, *std::move(tree), *pseudonym);
  return absl::OkStatus();
}

absl::Status LoadFormerPageTokenKey(const std::string& dir, exchange::ExchangeKeys* keys) {
  const std::string path = absl::StrCat(dir, "/", kFormerPageTokenKey);
  const absl::StatusOr<std::string> key = ReadFile(path, kKeyFileBytesMax);
  if (absl::IsNotFound(key.status())) return absl::OkStatus();
  if (!key.ok()) return key.status();
  if (absl::Status checked = CheckKey(path, *key); !checked.ok()) return checked;
  SealKey former;
  std::copy(key->begin(), key->end(), former.begin());
  keys->page_token_former.push_back(former);
  return absl::OkStatus();
}

std::string MarkOf(const std::string& dir) { return absl::StrCat(dir, "/store_begun"); }

absl::StatusOr<bool> StoreBegun(const std::string& dir) {
  const absl::StatusOr<std::string> mark = ReadFile(MarkOf(dir), 4096);
  if (absl::IsNotFound(mark.status())) return false;
  return mark.ok() ? absl::StatusOr<bool>(true) : mark.status();
}

}  // namespace

absl::Status MarkStoreBegun(const std::string& dir) {
  const absl::StatusOr<bool> begun = StoreBegun(dir);
  if (!begun.ok() || *begun) return begun.status();
  return WriteFileAtomic(MarkOf(dir), "The store of these keys is not empty any more.\n", 0600);
}

absl::StatusOr<exchange::ExchangeKeys> LoadKeys(const std::string& dir, bool store_is_empty, Random& random) {
  if (store_is_empty) {
    if (absl::Status made = MakeDir(dir, 0700); !made.ok()) return made;
    const absl::StatusOr<bool> begun = StoreBegun(dir);
    if (!begun.ok()) return begun.status();
    if (*begun) {
      return absl::FailedPreconditionError(absl::StrCat(
          "store_dir holds no store, but the keys in ", dir,
          " had one: mount its disk, or restore it. To begin a new coalition, take another key_dir."));
    }
  }
  if (absl::Status is_private = CheckPrivate(dir, "700"); !is_private.ok()) return is_private;
  exchange::ExchangeKeys keys;
  const std::pair<const char*, std::string*> files[] = {{kTokenMasterKey, &keys.token_master},
                                                        {kPageTokenKey, &keys.page_token},
                                                        {kSellerHashKey, &keys.seller_hash},
                                                        {kEtagKey, &keys.etag}};
  for (const auto& [name, key] : files) {
    absl::StatusOr<std::string> loaded = LoadKey(absl::StrCat(dir, "/", name), store_is_empty, random);
    if (!loaded.ok()) return loaded.status();
    *key = *std::move(loaded);
  }
  if (absl::Status loaded = LoadContentKeys(dir, store_is_empty, random, &keys); !loaded.ok()) return loaded;
  if (absl::Status former = LoadFormerPageTokenKey(dir, &keys); !former.ok()) return former;
  return keys;
}

absl::Status RemoveKeyLeftovers(const std::string& dir) {
  for (const char* file : {contents::kErasureKeysFile, ledger::kEntryKeysFile}) {
    if (absl::Status removed = RemoveLeftovers(absl::StrCat(dir, "/", file)); !removed.ok()) return removed;
  }
  return absl::OkStatus();
}

absl::StatusOr<Ed25519Key> LoadLedgerKey(const std::string& dir, bool ledger_is_empty, Random& random) {
  if (ledger_is_empty) {
    if (absl::Status made = MakeDir(dir, 0700); !made.ok()) return made;
  }
  if (absl::Status is_private = CheckPrivate(dir, "700"); !is_private.ok()) return is_private;
  const std::string path = absl::StrCat(dir, "/", kLedgerKey);
  absl::StatusOr<Ed25519Key> key = ReadKeyFile(path);
  if (!absl::IsNotFound(key.status())) return key;
  if (!ledger_is_empty) {
    return absl::FailedPreconditionError(absl::StrCat(
        path,
        " is missing, and the store has a ledger that was signed with it: restore it from your "
        "copy of the key directory. No other key can go on with that ledger; what to do if there "
        "is no copy stands in docs/operations.md, \"The keys\"."));
  }
  key = Ed25519Key::Generate(random);
  if (!key.ok()) return key.status();
  if (absl::Status written = WriteKeyFile(path, *key); !written.ok()) return written;
  return key;
}

absl::StatusOr<std::optional<Ed25519Key>> LoadFormerLedgerKey(const std::string& dir) {
  absl::StatusOr<Ed25519Key> key = ReadKeyFile(absl::StrCat(dir, "/", kFormerLedgerKey));
  if (absl::IsNotFound(key.status())) return std::nullopt;
  if (!key.ok()) return key.status();
  return *std::move(key);
}

}  // namespace coalition::server
