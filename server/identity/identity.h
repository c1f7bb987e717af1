// Who is calling: certificate -> credential -> member, and nothing else. Fails closed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "coalition/v1/member.pb.h"
#include "common/hash.h"
#include "server/identity/gate.h"

namespace coalition::identity {

// A set of roles. Values that this build does not know are not in any set.
class Roles {
 public:
  constexpr Roles() = default;
  constexpr Roles(std::initializer_list<v1::Role> roles) {
    for (const v1::Role role : roles) Add(role);
  }

  constexpr void Add(v1::Role role) { bits_ |= Bit(role); }
  constexpr bool Has(v1::Role role) const { return (bits_ & Bit(role)) != 0; }
  constexpr bool HasAny(Roles roles) const { return (bits_ & roles.bits_) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  friend constexpr bool operator==(Roles, Roles) = default;

 private:
  static constexpr uint32_t Bit(v1::Role role) {
    return role > v1::ROLE_UNSPECIFIED && role <= v1::ROLE_AUDITOR ? uint32_t{1} << role : 0;
  }
  uint32_t bits_ = 0;
};

// What the coalition knows of a credential.
struct RegisteredCredential {
  uint32_t member_number = 0;
  std::string member;      // id
  std::string credential;  // id
  // SHA-256 of the DER SubjectPublicKeyInfo of the one key that it may use. Zeros: none.
  Sha256Digest key_sha256{};
  // One that is not accepted before it is confirmed.
  Sha256Digest unconfirmed_key_sha256{};
  // The key before, which it may use too until then.
  Sha256Digest previous_key_sha256{};
  int64_t previous_key_until_s = 0;
  // Certificates that became valid before then are refused.
  int64_t certificates_not_before_s = 0;
  std::vector<Sha256Digest> revoked_keys{};
  // The same of all snapshots of one store. Never null in a membership snapshot.
  std::shared_ptr<Gate> gate{};
  Roles roles;
  std::string purpose;
};

// Thread-safe, does not change: the membership room's snapshot.
class CredentialRegistry {
 public:
  virtual ~CredentialRegistry() = default;
  // nullptr: not registered. What is returned lives as long as the registry.
  virtual const RegisteredCredential* Find(std::string_view member, std::string_view credential) const = 0;
};

// What a credential's key and certificate are good for at a time.
enum class KeyUse { kAccepted, kUnknown, kUnconfirmed, kRevoked, kCertificateRefused };
KeyUse UseOf(const RegisteredCredential& registered, const Sha256Digest& key,
             int64_t certificate_not_before_s, int64_t now_s);

// UNAUTHENTICATED CREDENTIAL_REVOKED, of what was good when the call began.
absl::Status RevokedSince();

// Who is calling. The views live as long as the registry that Identify was given.
struct Caller {
  uint32_t member_number = 0;
  std::string_view member;      // id
  std::string_view credential;  // id
  Roles roles;
  std::string_view purpose;
  Gate* gate = nullptr;
  Sha256Digest key_sha256{};
  int64_t certificate_not_before_s = 0;
  int64_t certificate_not_after_s = 0;
};

// Thread-safe. Keeps what parsing a certificate gave, by the certificate's bytes; never a decision: every
// call asks the registry and the time again.
class Identifier {
 public:
  static constexpr size_t kCachedCertificatesDefault = 16'384;

  // `trust_domain` as in the Bootstrap. Keeps at most about `cached_certificates_max` parse results (at least
  // 16).
  explicit Identifier(std::string trust_domain, size_t cached_certificates_max = kCachedCertificatesDefault);
  ~Identifier();
  Identifier(const Identifier&) = delete;
  Identifier& operator=(const Identifier&) = delete;

  // Who presented the certificate `peer_pem` (the leaf alone; TLS has verified its chain and that the peer
  // holds its key), judged at `now_s`, seconds since the Unix epoch. Below 0.5 µs for a certificate seen
  // before.
  //
  // UNAUTHENTICATED, with the first reason of these that holds:
  //   IDENTITY_MALFORMED        no certificate or a broken one; not exactly one URI name; not
  //                             spiffe://{trust domain}/member/{member}/{credential}; a CA's; not for TLS
  //                             clients
  //   CREDENTIAL_UNREGISTERED   no such credential, or its registered key is another, or the key waits to be
  //                             confirmed (`state` UNCONFIRMED)
  //   CREDENTIAL_REVOKED        the key was revoked, or the member accepts no certificates from before a time
  //                             since this one became valid
  //   CERTIFICATE_NOT_CURRENT   `now_s` is before notBefore or after notAfter
  absl::StatusOr<Caller> Identify(std::string_view peer_pem, const CredentialRegistry& registry,
                                  int64_t now_s) const;

 private:
  class Cache;
  const std::string trust_domain_;
  const std::unique_ptr<Cache> cache_;
};

}  // namespace coalition::identity
