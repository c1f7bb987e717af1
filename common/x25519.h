// X25519 keys (RFC 7748) with OpenSSL, and the files they are kept in: whom something is encrypted to. Every
// function is thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/random.h"

struct evp_pkey_st;  // OpenSSL's EVP_PKEY

namespace coalition {

inline constexpr size_t kX25519KeyBytes = 32;
using X25519PublicKey = std::array<uint8_t, kX25519KeyBytes>;

// PEM, SubjectPublicKeyInfo: "-----BEGIN PUBLIC KEY-----". INTERNAL: OpenSSL can't write it.
absl::StatusOr<std::string> ToPem(const X25519PublicKey& key);
// INVALID_ARGUMENT: no PEM public key, or one of another kind; where it is a private key, says so.
absl::StatusOr<X25519PublicKey> X25519PublicKeyFromPem(std::string_view pem);

// Names a key to people: 16 hex digits of its SHA-256.
std::string X25519KeyId(const X25519PublicKey& key);

// A private key. Copies share it; OpenSSL wipes it when the last of them goes.
class X25519Key {
 public:
  // RESOURCE_EXHAUSTED: OpenSSL is out of memory.
  static absl::StatusOr<X25519Key> Generate(Random& random);
  // INVALID_ARGUMENT: no PEM private key, an encrypted one, or one of another kind.
  static absl::StatusOr<X25519Key> FromPem(std::string_view pem);

  // PKCS #8, unencrypted: a secret. INTERNAL: OpenSSL can't write it.
  absl::StatusOr<std::string> ToPem() const;
  const X25519PublicKey& public_key() const { return public_key_; }

  // What the holder of the other's private key derives from ours. INVALID_ARGUMENT: `peer` is one of the few
  // keys with which that would be the same for everybody.
  absl::StatusOr<std::string> SharedSecret(const X25519PublicKey& peer) const;

 private:
  static absl::StatusOr<X25519Key> Make(std::shared_ptr<evp_pkey_st> key);
  X25519Key(std::shared_ptr<evp_pkey_st> key, const X25519PublicKey& public_key);

  std::shared_ptr<evp_pkey_st> key_;
  X25519PublicKey public_key_;
};

// The files block on the disk; errors of the disk are those of common/file.h.

// PEM, mode 0600, into a file that must not be there yet: ALREADY_EXISTS.
absl::Status WriteX25519KeyFile(const std::string& path, const X25519Key& key);
// FAILED_PRECONDITION: others than the file's owner may read or write it; says what to do. INVALID_ARGUMENT
// names the file: as FromPem.
absl::StatusOr<X25519Key> ReadX25519KeyFile(const std::string& path);
// PEM, mode 0644, into a file that must not be there yet: ALREADY_EXISTS.
absl::Status WriteX25519PublicKeyFile(const std::string& path, const X25519PublicKey& key);
// INVALID_ARGUMENT names the file: as X25519PublicKeyFromPem.
absl::StatusOr<X25519PublicKey> ReadX25519PublicKeyFile(const std::string& path);

}  // namespace coalition
