#include "common/key_file.h"

#include <sys/stat.h>

#include <cerrno>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/file.h"
#include "common/strings.h"

namespace coalition {
namespace {

constexpr mode_t kOthers = 0077;
constexpr size_t kFileBytesMax = 16384;

absl::Status InFile(const std::string& path, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(path, ": ", status.message()));
}

}  // namespace

absl::Status CheckPrivateFile(const std::string& path, std::string_view what) {
  struct stat facts {};
  if (stat(path.c_str(), &facts) != 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot read ", path));
  if ((facts.st_mode & kOthers) == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrFormat("%s holds %s and is open to others (mode %04o): chmod 600 %s", path, Absl(what),
                      facts.st_mode & 07777, path));
}

absl::Status WriteKeyFile(const std::string& path, const Ed25519Key& key) {
  const absl::StatusOr<std::string> pem = key.ToPem();
  if (!pem.ok()) return pem.status();
  return WriteNewFile(path, *pem, 0600);
}

absl::StatusOr<Ed25519Key> ReadKeyFile(const std::string& path) {
  const absl::StatusOr<std::string> pem = ReadFile(path, kFileBytesMax);
  if (!pem.ok()) return pem.status();
  if (absl::Status is_private = CheckPrivateFile(path); !is_private.ok()) return is_private;
  absl::StatusOr<Ed25519Key> key = Ed25519Key::FromPem(*pem);
  if (!key.ok()) return InFile(path, key.status());
  return key;
}

absl::Status WriteVerifierKeyFile(const std::string& path, const VerifierKey& key) {
  return WriteFileAtomic(path, key.ToText() + "\n", 0644);
}

absl::StatusOr<VerifierKey> ReadVerifierKeyFile(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadFile(path, kFileBytesMax);
  if (!text.ok()) return text.status();
  std::string_view line = *text;
  if (!line.empty() && line.back() == '\n') line.remove_suffix(1);
  absl::StatusOr<VerifierKey> key = VerifierKey::Parse(line);
  if (!key.ok()) return InFile(path, key.status());
  return key;
}

}  // namespace coalition
