// SipHash (Aumasson and Bernstein, 2012): a fast hash of short inputs that nobody without the key can steer.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace coalition {

// Thread-safe after construction.
class KeyedHash {
 public:
  static constexpr size_t kKeyBytes = 16;
  explicit KeyedHash(std::span<const uint8_t, kKeyBytes> key);

  // SipHash-1-3: for tables and filters in memory. About 10 ns for 30 bytes.
  uint64_t operator()(std::string_view text) const;

  // SipHash-2-4, the paper's.
  uint64_t Strong(std::string_view text) const;

 private:
  uint64_t k0_;
  uint64_t k1_;
};

}  // namespace coalition
