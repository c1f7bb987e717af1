#include "common/slot_permutation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace coalition::merkle {
namespace {

using ::testing::ElementsAre;
using Secret = std::array<uint8_t, kTickSecretBytes>;

// 0, 1, 2, ... 31
constexpr Secret kSecret = [] {
  Secret secret{};
  for (size_t i = 0; i < secret.size(); ++i) secret[i] = static_cast<uint8_t>(i);
  return secret;
}();

Secret SecretOf(int number) { return Sha256(std::to_string(number)); }

std::vector<uint32_t> FirstSlots(unsigned depth, const Secret& secret, uint64_t count) {
  SlotPermutation permutation = SlotPermutation::Make(depth, secret).value();
  std::vector<uint32_t> slots;
  for (uint64_t index = 0; index < count; ++index) slots.push_back(permutation.SlotOf(index).value());
  return slots;
}

// Made with another implementation of what slot_permutation.h says.
TEST(SlotPermutation, IsWhatItsHeaderSays) {
  EXPECT_THAT(FirstSlots(1, kSecret, 2), ElementsAre(1, 0));
  EXPECT_THAT(FirstSlots(2, kSecret, 4), ElementsAre(2, 0, 3, 1));
  EXPECT_THAT(FirstSlots(7, kSecret, 4), ElementsAre(13, 92, 31, 16));
  EXPECT_THAT(FirstSlots(16, kSecret, 4), ElementsAre(46449, 23947, 58844, 63953));
  EXPECT_THAT(FirstSlots(20, kSecret, 4), ElementsAre(941653, 852874, 233083, 850417));
  EXPECT_THAT(FirstSlots(24, kSecret, 4), ElementsAre(13651779, 2297212, 6463042, 7839837));
}

void ExpectBijection(unsigned depth, const Secret& secret) {
  const uint64_t slots = uint64_t{1} << depth;
  std::vector<bool> taken(slots);
  for (const uint32_t slot : FirstSlots(depth, secret, slots)) {
    ASSERT_LT(slot, slots);
    ASSERT_FALSE(taken[slot]) << slot << ", depth " << depth;
    taken[slot] = true;
  }
}

TEST(SlotPermutation, GivesEachEntryASlotOfItsOwn) {
  for (unsigned depth = 1; depth <= 16; ++depth) {
    for (int secret = 0; secret < 3; ++secret) ExpectBijection(depth, SecretOf(secret));
  }
  ExpectBijection(21, SecretOf(0));
}

TEST(SlotPermutation, DiffersByTheSecretAndTheDepth) {
  for (unsigned depth = 8; depth <= kTickDepthMax; ++depth) {
    const auto slots = FirstSlots(depth, SecretOf(0), 64);
    EXPECT_EQ(slots, FirstSlots(depth, SecretOf(0), 64));
    EXPECT_NE(slots, FirstSlots(depth, SecretOf(1), 64));
    if (depth < kTickDepthMax) {
      EXPECT_NE(slots, FirstSlots(depth + 1, SecretOf(0), 64));
    }
  }
}

// What the first entry's slot is, over many ticks, and the last one's of a hundred: each sixteenth of the
// tree has them about as often, so neither tells its number.
TEST(SlotPermutation, ScattersTheFirstAndTheHundredth) {
  constexpr int kTicks = 4000;
  for (const unsigned depth : {9U, 16U, 20U}) {
    std::array<int, 16> first{}, hundredth{};
    for (int tick = 0; tick < kTicks; ++tick) {
      SlotPermutation permutation = SlotPermutation::Make(depth, SecretOf(tick)).value();
      ++first[permutation.SlotOf(0).value() >> (depth - 4)];
      ++hundredth[permutation.SlotOf(99).value() >> (depth - 4)];
    }
    // 250 are expected; the standard deviation is 15.
    for (const auto& counts : {first, hundredth}) {
      EXPECT_GT(*std::min_element(counts.begin(), counts.end()), 170);
      EXPECT_LT(*std::max_element(counts.begin(), counts.end()), 330);
    }
  }
}

TEST(SlotPermutation, RefusesWhatIsOutOfRange) {
  EXPECT_TRUE(absl::IsInvalidArgument(SlotPermutation::Make(0, kSecret).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(SlotPermutation::Make(kTickDepthMax + 1, kSecret).status()));
  SlotPermutation permutation = SlotPermutation::Make(4, kSecret).value();
  EXPECT_TRUE(permutation.SlotOf(15).ok());
  EXPECT_TRUE(absl::IsOutOfRange(permutation.SlotOf(16).status()));
  EXPECT_TRUE(absl::IsOutOfRange(permutation.SlotOf(~uint64_t{0}).status()));
}

TEST(SlotPermutation, IsTheSameWhereItIsMovedTo) {
  SlotPermutation permutation = SlotPermutation::Make(12, kSecret).value();
  const uint32_t slot = permutation.SlotOf(7).value();
  SlotPermutation moved = std::move(permutation);
  EXPECT_EQ(moved.SlotOf(7).value(), slot);
  EXPECT_EQ(moved.SlotOf(8).value(), FirstSlots(12, kSecret, 9)[8]);
}

}  // namespace
}  // namespace coalition::merkle
