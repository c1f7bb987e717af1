// Certificates of a coalition's own: a root, an issuing CA below it, and what that signs. Nothing of a
// signing request but its key gets into a certificate. Every function is thread-safe. Signatures are ECDSA
// with SHA-256 or SHA-384, as the issuer's key asks for. INTERNAL: OpenSSL can't do it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/random.h"
#include "common/tls.h"
#include "common/x509_request.h"

namespace coalition {

// Clocks of those who read a certificate may be that much behind the issuer's.
inline constexpr int64_t kIssuedBackdatedS = 60;
inline constexpr int64_t kRootLifetimeDays = 3650;
inline constexpr int64_t kIssuingLifetimeDays = 730;
inline constexpr int64_t kMemberLifetimeDays = 90;

struct CertificateAuthority {
  std::string certificate_pem;
  std::string key_pem;  // a secret
};

struct AuthoritySpec {
  // The coalition's, 1 to 64 characters: O of the subject.
  std::string name;
  // That of the members' certificates; both CAs carry it as their one name, spiffe://{trust domain}.
  std::string trust_domain;
  Curve curve = Curve::kP384;
};

// A new key and what it signs for itself: CA, pathlen 1, for keyCertSign and cRLSign alone, for
// kRootLifetimeDays. INVALID_ARGUMENT: the name or the trust domain is none.
absl::StatusOr<CertificateAuthority> MakeRootCa(const AuthoritySpec& spec, int64_t now_s, Random& random);
// The same of `root`'s name, trust domain and curve, signed by it: pathlen 0, for kIssuingLifetimeDays, and
// not longer than the root. FAILED_PRECONDITION: `root` can't sign one now, or is itself an issuing CA.
absl::StatusOr<CertificateAuthority> MakeIssuingCa(const CertificateAuthority& root, int64_t now_s,
                                                   Random& random);

// Of a CA of MakeRootCa or MakeIssuingCa. INVALID_ARGUMENT: it carries none, or more than one.
absl::StatusOr<std::string> TrustDomainOf(std::string_view ca_certificate_pem);

struct IssueSpec {
  std::string request_pem;
  int64_t days = kMemberLifetimeDays;  // from now_s, at least 1
  int64_t now_s = 0;
  // When it becomes valid, at most now_s; 0: kIssuedBackdatedS before now_s.
  int64_t not_before_s = 0;
};

// For a credential: its one name is the SPIFFE id, its one purpose to be a TLS client. INVALID_ARGUMENT: as
// ParseSigningRequestPem, or the id or the days are none. FAILED_PRECONDITION: the issuer's key is another
// than its certificate's, it is no CA, or it is not valid for all of that time.
absl::StatusOr<std::string> IssueMemberCertificate(const CertificateAuthority& issuer, const SpiffeId& id,
                                                   const IssueSpec& spec, Random& random);
// For the exchange: its names are those given, at least one, its one purpose to be a TLS server.
// INVALID_ARGUMENT also where a name or an address is none, or the key is not ECDSA.
absl::StatusOr<std::string> IssueServerCertificate(const CertificateAuthority& issuer,
                                                   const std::vector<std::string>& dns_names,
                                                   const std::vector<std::string>& ip_addresses,
                                                   const IssueSpec& spec, Random& random);

}  // namespace coalition
