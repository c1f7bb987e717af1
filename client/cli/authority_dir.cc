#include "client/cli/authority_dir.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "common/file.h"

namespace coalition::cli {
namespace {

std::string RootStem(const std::string& dir) { return absl::StrCat(dir, "/", "root"); }
std::string IssuingStem(const std::string& dir) { return absl::StrCat(dir, "/", "issuing"); }

absl::Status Write(const std::string& stem, const CertificateAuthority& authority) {
  if (absl::Status status = WriteFileAtomic(stem + ".key", authority.key_pem, 0600); !status.ok()) {
    return status;
  }
  return WriteFileAtomic(stem + ".pem", authority.certificate_pem, 0644);
}

absl::StatusOr<CertificateAuthority> Read(const std::string& stem) {
  const std::string key_path = stem + ".key";
  absl::StatusOr<std::string> certificate = ReadFile(stem + ".pem", kPemBytesMax);
  if (!certificate.ok()) return certificate.status();
  absl::StatusOr<std::string> key = ReadFile(key_path, kPemBytesMax);
  if (!key.ok()) return key.status();
  struct stat facts {};
  if (::stat(key_path.c_str(), &facts) == 0 && (facts.st_mode & 077) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(key_path, " can be read by others: chmod 600 it, and ask who has"));
  }
  return CertificateAuthority{*std::move(certificate), *std::move(key)};
}

}  // namespace

std::string RootCertificateFile(const std::string& dir) { return RootStem(dir) + ".pem"; }
std::string IssuingCertificateFile(const std::string& dir) { return IssuingStem(dir) + ".pem"; }

absl::Status MakeAuthorityDir(const std::string& dir, const CertificateAuthority& root,
                              const CertificateAuthority& issuing) {
  std::filesystem::path path = std::filesystem::path(dir).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();  // "ca/"
  if (path.has_parent_path()) {
    if (absl::Status status = MakeDir(path.parent_path().string(), 0700); !status.ok()) return status;
  }
  const std::string temporary = absl::StrCat(path.string(), ".", static_cast<int>(::getpid()), ".tmp");
  absl::Status status = MakeDir(temporary, 0700);
  if (status.ok()) status = Write(RootStem(temporary), root);
  if (status.ok()) status = Write(IssuingStem(temporary), issuing);
  // Replaces an empty directory, and no other.
  if (status.ok() && std::rename(temporary.c_str(), path.c_str()) != 0) {
    status = errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR
                 ? absl::AlreadyExistsError(absl::StrCat(path.string(), " is there already"))
                 : absl::ErrnoToStatus(errno, absl::StrCat("cannot make ", path.string()));
  }
  if (!status.ok()) {
    std::error_code ignored;
    std::filesystem::remove_all(temporary, ignored);
  }
  return status;
}

absl::StatusOr<CertificateAuthority> ReadRootCa(const std::string& dir) { return Read(RootStem(dir)); }
absl::StatusOr<CertificateAuthority> ReadIssuingCa(const std::string& dir) { return Read(IssuingStem(dir)); }
absl::StatusOr<std::string> ReadRootCertificate(const std::string& dir) {
  return ReadFile(RootCertificateFile(dir), kPemBytesMax);
}

absl::Status ReplaceIssuingCa(const std::string& dir, const CertificateAuthority& issuing) {
  return Write(IssuingStem(dir), issuing);
}

}  // namespace coalition::cli
