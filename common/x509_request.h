// Private keys and signing requests (PKCS #10), made where the key is to be used: it never leaves. Every
// function is thread-safe. What OpenSSL can't do is INTERNAL.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/hash.h"

namespace coalition {

enum class Curve { kP256, kP384 };

// A new key of OpenSSL's generator, PKCS #8, not encrypted: a secret.
absl::StatusOr<std::string> NewPrivateKeyPem(Curve curve);

// A request that is signed with the key and says the subject O={organization} and nothing else: what a
// certificate is for is its issuer's to choose. INVALID_ARGUMENT: no key that can be read, or no organization
// of 1 to 64 characters.
absl::StatusOr<std::string> MakeSigningRequestPem(std::string_view key_pem, std::string_view organization);

struct SigningRequestFacts {
  std::string subject;         // RFC 2253, escaped; for messages only
  Sha256Digest spki_sha256{};  // of the DER SubjectPublicKeyInfo
};

// INVALID_ARGUMENT: there is no PEM request; it is not signed with the key that it asks to be certified; or
// the key is none that is sound: ECDSA on P-256 or P-384, or RSA of 3,072 bits or more.
absl::StatusOr<SigningRequestFacts> ParseSigningRequestPem(std::string_view pem);

}  // namespace coalition
