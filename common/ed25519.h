// Ed25519 signatures (RFC 8032, without pre-hashing) with OpenSSL. Every function is thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/random.h"

struct evp_pkey_st;  // OpenSSL's EVP_PKEY

namespace coalition {

inline constexpr size_t kEd25519KeyBytes = 32;
inline constexpr size_t kEd25519SignatureBytes = 64;

using Ed25519PublicKey = std::array<uint8_t, kEd25519KeyBytes>;

// False also where `key` or `signature` is none.
bool VerifyEd25519(const Ed25519PublicKey& key, std::string_view message, std::string_view signature);

// A private key. Copies share it; OpenSSL wipes it when the last of them goes.
class Ed25519Key {
 public:
  // RESOURCE_EXHAUSTED: OpenSSL is out of memory.
  static absl::StatusOr<Ed25519Key> Generate(Random& random);
  // RFC 8032's private key: the 32 bytes from which all else is derived.
  static absl::StatusOr<Ed25519Key> FromSeed(std::span<const uint8_t, kEd25519KeyBytes> seed);
  // INVALID_ARGUMENT: no PEM private key, an encrypted one, or one of another kind.
  static absl::StatusOr<Ed25519Key> FromPem(std::string_view pem);

  // PKCS #8, unencrypted: a secret. INTERNAL: OpenSSL can't write it.
  absl::StatusOr<std::string> ToPem() const;
  const Ed25519PublicKey& public_key() const { return public_key_; }

  // 64 bytes, the same for the same message. INTERNAL: OpenSSL can't sign.
  absl::StatusOr<std::string> Sign(std::string_view message) const;

 private:
  static absl::StatusOr<Ed25519Key> Make(std::shared_ptr<evp_pkey_st> key);
  Ed25519Key(std::shared_ptr<evp_pkey_st> key, const Ed25519PublicKey& public_key);

  std::shared_ptr<evp_pkey_st> key_;
  Ed25519PublicKey public_key_;
};

}  // namespace coalition
