// SHA-256, HMAC and the encodings of their results. Every function is thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace coalition {

using Sha256Digest = std::array<uint8_t, 32>;

Sha256Digest Sha256(std::string_view data);
// Of the parts one after the other. Nothing separates them: the caller's parts must say their own lengths
// where it matters.
Sha256Digest Sha256(std::initializer_list<std::string_view> parts);

// Of data that arrives in pieces. Not thread-safe.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(const Sha256Stream&) = delete;
  Sha256Stream& operator=(const Sha256Stream&) = delete;

  void Update(std::string_view data);
  // The digest of all so far; begins anew.
  Sha256Digest Finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// RFC 2104 with SHA-256. Any length of key.
Sha256Digest HmacSha256(std::string_view key, std::string_view data);

// The bytes of a digest; lives as long as the digest.
inline std::string_view Bytes(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Lower case.
std::string HexEncode(std::string_view bytes);
// Accepts both cases. nullopt: an odd number of digits, or something that is no digit.
std::optional<std::string> HexDecode(std::string_view hex);

// RFC 4648 base 32 in lower case, without padding.
std::string Base32Encode(std::string_view bytes);
// Strict: lower case only, no padding, and unused bits zero, so that each value has one spelling. nullopt:
// not that.
std::optional<std::string> Base32Decode(std::string_view text);

// Takes a time that depends on the lengths alone.
bool ConstantTimeEquals(std::string_view a, std::string_view b);

}  // namespace coalition
