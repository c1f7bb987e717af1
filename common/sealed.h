// Tokens that only their maker can read or make: page tokens, which carry a position and must grant nothing.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/random.h"

namespace coalition {

inline constexpr size_t kSealKeyBytes = 32;

using SealKey = std::array<uint8_t, kSealKeyBytes>;

// AES-256-GCM under a key of its own for each token, HMAC-SHA256(key, 16 random bytes): so no nonce is ever
// used twice under one key, however many tokens are made. Layout before base 64: version (1), random bytes
// (16), ciphertext, tag (16). A token's length follows from the plaintext's length alone. Thread-safe.
class Sealer {
 public:
  // Seals with `key`, and opens what that one or any of `former` has sealed: so that a key can be changed
  // while its tokens are about. `random` must outlive the Sealer.
  Sealer(std::span<const uint8_t, kSealKeyBytes> key, Random& random, std::vector<SealKey> former = {});
  ~Sealer();
  Sealer(const Sealer&) = delete;
  Sealer& operator=(const Sealer&) = delete;

  // A token in base64url without padding. `plaintext` is at most 32 KiB (more aborts). `associated_data` is
  // not in it, but Open must be given the same: whom and which question the token was made for.
  std::string Seal(std::string_view plaintext, std::string_view associated_data) const;

  // INVALID_ARGUMENT, with one message for every cause: not a token of these keys, changed in any bit,
  // spelled otherwise, or made with other associated data.
  absl::StatusOr<std::string> Open(std::string_view token, std::string_view associated_data) const;

 private:
  SealKey key_;
  std::vector<SealKey> former_;
  Random& random_;
};

}  // namespace coalition
