#include "common/keyed_hash.h"

#include <bit>
#include <cstddef>
#include <cstring>

namespace coalition {
namespace {

// Reads up to 8 bytes as a little-endian number.
uint64_t LittleEndian(const void* bytes, size_t count) {
  uint64_t number = 0;
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(&number, bytes, count);
  } else {
    const auto* each = static_cast<const uint8_t*>(bytes);
    for (size_t i = 0; i < count; ++i) number |= uint64_t{each[i]} << (8 * i);
  }
  return number;
}

struct State {
  uint64_t v0;
  uint64_t v1;
  uint64_t v2;
  uint64_t v3;

  State(uint64_t k0, uint64_t k1)
      : v0(k0 ^ 0x736f6d6570736575U),
        v1(k1 ^ 0x646f72616e646f6dU),
        v2(k0 ^ 0x6c7967656e657261U),
        v3(k1 ^ 0x7465646279746573U) {}

  void Round() {
    v0 += v1;
    v2 += v3;
    v1 = std::rotl(v1, 13) ^ v0;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 = std::rotl(v0, 32);
    v2 += v1;
    v0 += v3;
    v1 = std::rotl(v1, 17) ^ v2;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 = std::rotl(v2, 32);
  }

  template <int kRounds>
  void Absorb(uint64_t word) {
    v3 ^= word;
    for (int i = 0; i < kRounds; ++i) Round();
    v0 ^= word;
  }
};

template <int kCompressionRounds, int kFinalRounds>
uint64_t SipHash(uint64_t k0, uint64_t k1, std::string_view text) {
  State state(k0, k1);
  const char* next = text.data();
  size_t left = text.size();
  for (; left >= sizeof(uint64_t); left -= sizeof(uint64_t), next += sizeof(uint64_t)) {
    state.Absorb<kCompressionRounds>(LittleEndian(next, sizeof(uint64_t)));
  }
  const uint64_t tail = left == 0 ? 0 : LittleEndian(next, left);
  state.Absorb<kCompressionRounds>(tail | uint64_t{text.size() & 0xFF} << 56);
  state.v2 ^= 0xFF;
  for (int i = 0; i < kFinalRounds; ++i) state.Round();
  return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

}  // namespace

KeyedHash::KeyedHash(std::span<const uint8_t, kKeyBytes> key)
    : k0_(LittleEndian(key.data(), 8)), k1_(LittleEndian(key.data() + 8, 8)) {}

uint64_t KeyedHash::operator()(std::string_view text) const { return SipHash<1, 3>(k0_, k1_, text); }

uint64_t KeyedHash::Strong(std::string_view text) const { return SipHash<2, 4>(k0_, k1_, text); }

}  // namespace coalition
