// AES-256-GCM of one message, as rows keep it: nonce, ciphertext, tag.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace coalition {

inline constexpr size_t kGcmKeyBytes = 32;
inline constexpr size_t kGcmNonceBytes = 12;
inline constexpr size_t kGcmTagBytes = 16;
// What GcmSeal adds.
inline constexpr size_t kGcmSealBytes = kGcmNonceBytes + kGcmTagBytes;

// Both are thread-safe. Each thread keeps its two ciphers, with their last keys, until it uses them again: to
// set one up costs as much as to seal a record. More than 2 GiB aborts.

// `nonce`: of this key, a new one each time. `bound` is not in it, but GcmOpen must be given the same.
std::string GcmSeal(std::span<const uint8_t, kGcmKeyBytes> key,
                    std::span<const uint8_t, kGcmNonceBytes> nonce, std::string_view plaintext,
                    std::string_view bound);
// nullopt: these are not bytes that were sealed so.
std::optional<std::string> GcmOpen(std::span<const uint8_t, kGcmKeyBytes> key, std::string_view sealed,
                                   std::string_view bound);

}  // namespace coalition
