#include "server/keys.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/file.h"
#include "common/key_file.h"

namespace coalition::server {
namespace {

constexpr size_t kKeyBytes = 32;
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

absl::StatusOr<std::string> LoadKey(const std::string& path, bool may_create, Random& random) {
  absl::StatusOr<std::string> key = ReadFile(path, 4096);
  if (!key.ok()) {
    if (!absl::IsNotFound(key.status())) return key.status();
    if (!may_create) {
      return absl::FailedPreconditionError(
          absl::StrCat(path,
                       " is missing, and the store is not empty: restore it from your copy of the key "
                       "directory. Without it what the "
                       "store holds can't be served as before."));
    }
    key = random.Bytes(kKeyBytes);
    if (absl::Status written = WriteFileAtomic(path, *key, 0600); !written.ok()) return written;
  }
  if (key->size() != kKeyBytes) {
    return absl::FailedPreconditionError(absl::StrCat(path, " has ", key->size(), " bytes, not ", kKeyBytes,
                                                      ": restore it from your copy of the key directory"));
  }
  if (absl::Status is_private = CheckPrivate(path, "600"); !is_private.ok()) return is_private;
  return key;
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
  const std::pair<const char*, std::string*> files[] = {{"token_master", &keys.token_master},
                                                        {"page_token", &keys.page_token},
                                                        {"seller_hash", &keys.seller_hash},
                                                        {"etag", &keys.etag}};
  for (const auto& [name, key] : files) {
    absl::StatusOr<std::string> loaded = LoadKey(absl::StrCat(dir, "/", name), store_is_empty, random);
    if (!loaded.ok()) return loaded.status();
    *key = *std::move(loaded);
  }
  return keys;
}

absl::StatusOr<Ed25519Key> LoadLedgerKey(const std::string& dir, bool ledger_is_empty, Random& random) {
  if (ledger_is_empty) {
    if (absl::Status made = MakeDir(dir, 0700); !made.ok()) return made;
  }
  if (absl::Status is_private = CheckPrivate(dir, "700"); !is_private.ok()) return is_private;
  const std::string path = absl::StrCat(dir, "/ledger_key.pem");
  absl::StatusOr<Ed25519Key> key = ReadKeyFile(path);
  if (!absl::IsNotFound(key.status())) return key;
  if (!ledger_is_empty) {
    return absl::FailedPreconditionError(
        absl::StrCat(path,
                     " is missing, and the store has a ledger that was signed with it: restore it from your "
                     "copy of the key directory. No other key can go on with that ledger."));
  }
  key = Ed25519Key::Generate(random);
  if (!key.ok()) return key.status();
  if (absl::Status written = WriteKeyFile(path, *key); !written.ok()) return written;
  return key;
}

}  // namespace coalition::server
