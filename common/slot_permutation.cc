#include "common/slot_permutation.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace coalition::merkle {
namespace {

constexpr char kRoundPrefix = 3;
constexpr unsigned kRounds = 10;
constexpr uint32_t kValuesPerBlock = sizeof(Sha256Digest) / 2;

constexpr uint32_t Mask(unsigned bits) { return (uint32_t{1} << bits) - 1; }

// Of each round: enough for the longer part.
constexpr size_t BlocksPerRound(unsigned depth) { return Mask((depth + 1) / 2) / kValuesPerBlock + 1; }

}  // namespace

absl::StatusOr<SlotPermutation> SlotPermutation::Make(unsigned depth, TickSecret secret) {
  if (depth < 1 || depth > kTickDepthMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("the depth of a tick's tree is 1 to ", kTickDepthMax, ", not ", depth));
  }
  return SlotPermutation(depth, secret);
}

SlotPermutation::SlotPermutation(unsigned depth, TickSecret secret)
    : depth_(depth), blocks_(kRounds * BlocksPerRound(depth)) {
  std::copy(secret.begin(), secret.end(), secret_.begin());
}

SlotPermutation::~SlotPermutation() { OPENSSL_cleanse(secret_.data(), secret_.size()); }

absl::StatusOr<uint32_t> SlotPermutation::SlotOf(uint64_t index) {
  if (index >> depth_ != 0) {
    return absl::OutOfRangeError(
        absl::StrCat("a tick has ", uint64_t{1} << depth_, " slots: there is none for entry ", index));
  }
  const unsigned high_bits = depth_ / 2;
  const unsigned low_bits = depth_ - high_bits;
  uint32_t high = static_cast<uint32_t>(index >> low_bits);
  uint32_t low = static_cast<uint32_t>(index) & Mask(low_bits);
  for (unsigned round = 0; round < kRounds; round += 2) {
    low ^= RoundValue(round, high) & Mask(low_bits);
    high ^= RoundValue(round + 1, low) & Mask(high_bits);
  }
  return (high << low_bits) | low;
}

uint32_t SlotPermutation::RoundValue(unsigned round, uint32_t part) {
  const uint32_t block_index = part / kValuesPerBlock;
  Block& block = blocks_[round * BlocksPerRound(depth_) + block_index];
  if (!block.known) {
    const char prefix[] = {kRoundPrefix};
    const char suffix[] = {static_cast<char>(depth_), static_cast<char>(round),
                           static_cast<char>(block_index >> 8), static_cast<char>(block_index & 0xff)};
    block.values =
        Sha256({{prefix, sizeof(prefix)}, Bytes(secret_), std::string_view(suffix, sizeof(suffix))});
    block.known = true;
  }
  const size_t at = 2 * (part % kValuesPerBlock);
  return (uint32_t{block.values[at]} << 8) | block.values[at + 1];
}

}  // namespace coalition::merkle
