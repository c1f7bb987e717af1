// Where the entries of a tick stand among its tree's leaves: scattered, so that the slot of an entry does not
// tell how many others there are.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "common/tick_tree.h"

namespace coalition::merkle {

// A bijection of [0, 2^depth) that follows from a secret: a Feistel network of ten rounds, as many as NIST SP
// 800-38G's FF1 has, since the domain is small. The number is cut into a high part of depth / 2 bits and a
// low part of the others, which an odd depth makes one bit longer; the rounds change them in turn, the low
// one first. What round r adds (exclusive or) where the other part is x is two bytes, cut to size,
// big-endian, at 2 (x mod 16) of
//
//   SHA-256(0x03 || secret || depth, one byte || r, one byte || x / 16, two bytes big-endian)
//
// which is kept: many slots of one tick cost little more than a table look-up each, the first at most ten
// hashes. At depth 24 that takes up to 84 KB. Not thread-safe.
class SlotPermutation {
 public:
  // The secret may be the one of the tick's tree: the prefix keeps the two uses apart. INVALID_ARGUMENT: the
  // depth is not 1 to kTickDepthMax.
  static absl::StatusOr<SlotPermutation> Make(unsigned depth, TickSecret secret);
  ~SlotPermutation();
  SlotPermutation(SlotPermutation&&) = default;
  SlotPermutation& operator=(SlotPermutation&&) = default;

  // Of the tick's entry `index`, counted from 0. OUT_OF_RANGE: the tree has no more slots.
  absl::StatusOr<uint32_t> SlotOf(uint64_t index);

 private:
  struct Block {
    Sha256Digest values{};
    bool known = false;
  };

  SlotPermutation(unsigned depth, TickSecret secret);
  uint32_t RoundValue(unsigned round, uint32_t part);

  unsigned depth_;
  std::array<uint8_t, kTickSecretBytes> secret_{};
  std::vector<Block> blocks_;  // of the first round, then of the next
};

}  // namespace coalition::merkle
