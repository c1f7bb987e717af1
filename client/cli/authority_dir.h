// The directory of the coalition's own CA, on the administrator's machine: never the server's. It holds
// root.pem (what servers and members trust), root.key, issuing.pem and issuing.key; the keys with mode 0600.
// Functions block on the disk; their errors name the file.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/x509_issue.h"

namespace coalition::cli {

// What all others trust, and what is presented with the certificates that the issuing CA signs.
std::string RootCertificateFile(const std::string& dir);
std::string IssuingCertificateFile(const std::string& dir);

// Makes the directory, mode 0700, whole or not at all. ALREADY_EXISTS: there is something in it.
absl::Status MakeAuthorityDir(const std::string& dir, const CertificateAuthority& root,
                              const CertificateAuthority& issuing);

// FAILED_PRECONDITION: the key is readable by others than its owner.
absl::StatusOr<CertificateAuthority> ReadRootCa(const std::string& dir);
absl::StatusOr<CertificateAuthority> ReadIssuingCa(const std::string& dir);
// The root's certificate alone; its key may be elsewhere.
absl::StatusOr<std::string> ReadRootCertificate(const std::string& dir);

// A new issuing CA takes the place of the old one.
absl::Status ReplaceIssuingCa(const std::string& dir, const CertificateAuthority& issuing);

}  // namespace coalition::cli
