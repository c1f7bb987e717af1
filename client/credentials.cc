#include "client/credentials.h"

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "common/tls.h"

namespace coalition::client {
namespace {

absl::StatusOr<std::string> Load(const std::string& pem, const std::string& file, const char* what) {
  if (!pem.empty()) return pem;
  if (file.empty()) return absl::InvalidArgumentError(absl::StrCat(what, " is missing: give its PEM file"));
  absl::StatusOr<std::string> text = ReadFile(file, kPemBytesMax);
  if (!text.ok())
    return absl::Status(text.status().code(), absl::StrCat(what, ": ", text.status().message()));
  if (text->empty()) return absl::InvalidArgumentError(absl::StrCat(what, ": ", file, " is empty"));
  return text;
}

// The same error, and what it is about.
absl::Status About(const char* what, const absl::Status& status) {
  return absl::InvalidArgumentError(absl::StrCat(what, ": ", status.message()));
}

}  // namespace

absl::StatusOr<Credentials> LoadCredentials(const TlsOptions& options) {
  Credentials credentials;
  absl::StatusOr<std::string> ca = Load(options.ca_pem, options.ca_file, "the CA certificate");
  if (!ca.ok()) return ca.status();
  absl::StatusOr<std::string> certificate =
      Load(options.certificate_pem, options.certificate_file, "the client certificate");
  if (!certificate.ok()) return certificate.status();
  absl::StatusOr<std::string> key = Load(options.key_pem, options.key_file, "the private key");
  if (!key.ok()) return key.status();
  return Credentials{*std::move(ca), *std::move(certificate), *std::move(key)};
}

absl::Status CheckCertificateDates(const std::string& certificate_pem, int64_t now_s) {
  absl::StatusOr<CertificateFacts> facts = ParseCertificatePem(certificate_pem);
  if (!facts.ok()) return About("the client certificate", facts.status());
  if (now_s < facts->not_before_s) {
    return absl::FailedPreconditionError(absl::StrCat("the client certificate is not valid before ",
                                                      FormatTime(facts->not_before_s), "; it is now ",
                                                      FormatTime(now_s)));
  }
  if (now_s > facts->not_after_s) {
    return absl::FailedPreconditionError(absl::StrCat("the client certificate expired at ",
                                                      FormatTime(facts->not_after_s), "; it is now ",
                                                      FormatTime(now_s)));
  }
  return absl::OkStatus();
}

absl::Status CheckCredentials(const Credentials& credentials, int64_t now_s) {
  if (auto ca = ParseCertificateChainPem(credentials.ca_pem); !ca.ok())
    return About("the CA certificate", ca.status());
  if (auto chain = ParseCertificateChainPem(credentials.certificate_pem); !chain.ok()) {
    return About("the client certificate", chain.status());
  }
  if (auto key = ParsePrivateKeyPem(credentials.key_pem); !key.ok())
    return About("the private key", key.status());
  if (!CheckKeyMatchesCertificate(credentials.certificate_pem, credentials.key_pem).ok()) {
    return absl::InvalidArgumentError(
        "the private key is not that of the client certificate (the first one, if the file holds several)");
  }
  return CheckCertificateDates(credentials.certificate_pem, now_s);
}

}  // namespace coalition::client
