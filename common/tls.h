// Facts about X.509 certificates and keys, read with OpenSSL. Nothing here decides whom to trust. Every
// function is thread-safe and never asks for a passphrase. Errors are INVALID_ARGUMENT unless said otherwise.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/hash.h"

namespace coalition {

// Of PEM input. More is nobody's certificate.
inline constexpr size_t kPemBytesMax = size_t{1} << 20;

struct CertificateFacts {
  // Subject alternative names as they stand in the certificate, any bytes.
  std::vector<std::string> uri_sans;
  std::vector<std::string> dns_sans;
  std::vector<std::string> ip_sans;  // as text
  size_t other_sans = 0;             // of any other type
  // For messages only: no name in a subject identifies anybody here.
  std::string common_name;
  std::string subject;  // RFC 2253, escaped
  std::string issuer;
  // SHA-256 of the DER SubjectPublicKeyInfo.
  Sha256Digest spki_sha256{};
  // Valid from the first to the last of these, both included. Seconds since the Unix epoch.
  int64_t not_before_s = 0;
  int64_t not_after_s = 0;
  bool is_ca = false;
  // What the certificate may be used for: true also when it has no extended key usage, which restricts
  // nothing.
  bool client_auth = false;
  bool server_auth = false;
  bool self_signed = false;  // subject equals issuer
};

// The first certificate in `pem`.
absl::StatusOr<CertificateFacts> ParseCertificatePem(std::string_view pem);
// All of them, in order; at least one.
absl::StatusOr<std::vector<CertificateFacts>> ParseCertificateChainPem(std::string_view pem);

// Negative: expired so many seconds ago.
inline int64_t SecondsUntilExpiry(const CertificateFacts& facts, int64_t now_s) {
  return facts.not_after_s - now_s;
}
bool IsCurrent(const CertificateFacts& facts, int64_t now_s);
// "2026-11-23T21:00:00Z".
std::string FormatTime(int64_t unix_s);

struct PrivateKeyFacts {
  bool is_ecdsa = false;
  int bits = 0;
  std::string type;  // e.g. "EC", "RSA", "ED25519"
  Sha256Digest spki_sha256{};
};

// An encrypted key is refused with a message that says so.
absl::StatusOr<PrivateKeyFacts> ParsePrivateKeyPem(std::string_view pem);

// FAILED_PRECONDITION: the key is not that of the first certificate in `certificate_pem`.
absl::Status CheckKeyMatchesCertificate(std::string_view certificate_pem, std::string_view key_pem);

enum class CertificatePurpose { kServer, kClient };

// Whether the first certificate of `chain_pem` leads, through the others, to one in `ca_pem`, is for
// `purpose` and is current at `now_s`. FAILED_PRECONDITION with OpenSSL's reason and the certificate it is
// about.
absl::Status VerifyChain(std::string_view chain_pem, std::string_view ca_pem, CertificatePurpose purpose,
                         int64_t now_s);

// spiffe://{trust domain}/member/{member}/{credential}
struct SpiffeId {
  std::string trust_domain;
  std::string member;
  std::string credential;
  friend bool operator==(const SpiffeId&, const SpiffeId&) = default;
};

// Strict: the scheme and trust domain ([a-z0-9._-]{1,255}) in lower case, exactly those three path segments,
// ids as in ids.h; no port, user, query, fragment or escape.
absl::StatusOr<SpiffeId> ParseSpiffeMemberId(std::string_view uri);
std::string FormatSpiffeMemberId(const SpiffeId& id);
bool IsTrustDomain(std::string_view text);

}  // namespace coalition
