// The tables that a mirror keeps its records in, held against a plain map.
#include "client/internal/mirror_blocks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <map>
#include <random>
#include <utility>
#include <vector>

#include "client/internal/mirror_region.h"
#include "client/internal/mirror_table.h"

namespace coalition::client::internal {
namespace {

RecordIdBytes IdOf(uint64_t number) {
  RecordIdBytes id{1};
  std::memcpy(id.data() + 8, &number, sizeof(number));
  return id;
}

// The table of one shard, so full and with so few homes that many of its entries are not at home.
class MirrorBlocksTest : public ::testing::Test {
 protected:
  static constexpr size_t kBlocks = 13;

  MirrorKey RandomKey() {
    // The last homes, so that what has no room there goes on at the beginning.
    const uint64_t home = random_() % 4 == 0 ? random_() : ~(random_() % (uint64_t{1} << 61));
    return {home, static_cast<uint8_t>(random_() % 2)};
  }
  bool Insert(const MirrorKey& key, uint64_t number) {
    if (!model_.emplace(std::pair(key.most, key.rest), IdOf(number)).second) return false;
    blocks_.Insert(key, {.id = IdOf(number), .create_s = 5, .flags = 5});
    return true;
  }
  void EraseAny() {
    auto gone = model_.begin();
    std::advance(gone, static_cast<std::ptrdiff_t>(random_() % model_.size()));
    blocks_.Erase(*blocks_.Find(MirrorKey(gone->first.first, gone->first.second)));
    model_.erase(gone);
  }
  void ExpectSame() {
    EXPECT_EQ(blocks_.size(), model_.size());
    if (model_.empty()) return;
    MirrorKey before(model_.rbegin()->first.first, 0);
    for (const auto& [parts, id] : model_) {
      const MirrorKey key(parts.first, parts.second);
      const auto place = blocks_.Find(key);
      ASSERT_TRUE(place);
      EXPECT_EQ(blocks_.At(*place).id, id);
      EXPECT_EQ(blocks_.KeyAt(*place), key);
      const auto found = blocks_.FindRecord(MirrorBlocks::HomeBits(key), id);
      ASSERT_TRUE(found);
      EXPECT_EQ(blocks_.KeyAt(*found), key);
      // Who goes on from the one before comes past it, and must not take it for its own.
      const uint32_t home_before = MirrorBlocks::HomeBits(before);
      if (home_before != MirrorBlocks::HomeBits(key)) {
        EXPECT_FALSE(blocks_.FindRecord(home_before, id));
      }
      before = key;
      const auto other = static_cast<uint8_t>(parts.second ^ 1);
      EXPECT_EQ(blocks_.Find(MirrorKey(parts.first, other)).has_value(),
                model_.contains({parts.first, other}));
    }
    size_t seen = 0;
    blocks_.ForEach([&](const MirrorKey& key, const MirrorEntry& entry) {
      ++seen;
      EXPECT_EQ(model_.at({key.most, key.rest}), entry.id);
    });
    EXPECT_EQ(seen, model_.size());
  }

  std::mt19937_64 random_{7};
  std::vector<MirrorBlocks::Block> memory_{kBlocks};
  MirrorBlocks blocks_{memory_};
  std::map<std::pair<uint64_t, uint8_t>, RecordIdBytes> model_;
};

TEST_F(MirrorBlocksTest, HasWhatAMapHas) {
  for (uint64_t i = 0; i < 20'000; ++i) {
    const bool grows = i / 1'000 % 2 == 0;
    if (random_() % 10 < (grows ? 7u : 3u)) {
      if (blocks_.HasRoom()) Insert(RandomKey(), i);
    } else if (!model_.empty()) {
      EraseAny();
    }
    if (i % 50 == 0) ExpectSame();
  }
}

// Else a mirror becomes slower with each change.
TEST_F(MirrorBlocksTest, NothingIsBehindABlockThatHasRoom) {
  for (uint64_t i = 0; i < 20'000; ++i) {
    if (blocks_.HasRoom()) {
      Insert(RandomKey(), i);
    } else {
      EraseAny();
    }
    if (i % 50 != 0) continue;
    for (const MirrorBlocks::Block& block : memory_) {
      if (std::count(block.keys.begin(), block.keys.end(), 0u) == 0) continue;
      EXPECT_EQ(std::count(block.passed.begin(), block.passed.end(), 0), 8);
    }
  }
}

TEST_F(MirrorBlocksTest, NothingIsLeftOfWhatIsErased) {
  for (uint64_t i = 0; blocks_.HasRoom(); ++i) Insert(RandomKey(), i);
  while (!model_.empty()) EraseAny();
  const std::vector<MirrorBlocks::Block> fresh(kBlocks);
  EXPECT_EQ(std::memcmp(memory_.data(), fresh.data(), kBlocks * sizeof(fresh[0])), 0);
}

// More of one kind than a block can count. If a look for what is not there went on as long as it is told to,
// it would not end.
TEST_F(MirrorBlocksTest, ABlockMayBePassedByVeryMany) {
  constexpr uint64_t kMany = 64, kAtOnce = 320;
  memory_ = std::vector<MirrorBlocks::Block>(kMany);
  blocks_ = MirrorBlocks(memory_);
  for (uint64_t home = 0; home < kMany; ++home) {
    for (uint64_t i = 0; i < kAtOnce; ++i) ASSERT_TRUE(Insert(MirrorKey(home << 58 | i << 1, 0), i));
    ExpectSame();
    for (uint64_t i = 0; i < kAtOnce - 40; ++i) EraseAny();
    ExpectSame();
    while (!model_.empty()) EraseAny();
  }
  for (const MirrorBlocks::Block& block : memory_) EXPECT_EQ(block.passed[0], 255);
  EXPECT_FALSE(blocks_.Find(MirrorKey(0, 0)));
}

TEST(MirrorKeyTest, ARowComesBackAndIsNeverWhatStandsForFree) {
  const MirrorKey first(uint64_t{0} - 0x9e3779b97f4a7c16, 3);
  EXPECT_NE(first.Next().most, 0u);
  EXPECT_EQ(first.Next().Next().Before().Before(), first);
  EXPECT_EQ(first.Next().Next().Next(), first.Next(3));
}

// Lines that each have something of another: both are "passed", and neither ends a look.
TEST(MirrorTableTest, ALookForWhatIsNotThereEnds) {
  MirrorTable table;
  table.Grow([](const auto&) {});
  table.Grow([](const auto&) {});  // two lines of twelve
  const auto hash = [](uint64_t line, uint64_t tag) { return line << 63 | tag; };
  const auto place_of = [&](uint64_t line, uint32_t wanted) {
    return table.Find(hash(line, 1), [&](uint32_t number) { return number == wanted; });
  };
  for (uint32_t i = 0; i < 13; ++i) table.Insert(hash(0, 1), i);
  for (uint32_t i = 0; i < 6; ++i) table.Erase(hash(0, 1), *place_of(0, i));
  for (uint32_t i = 20; i < 32; ++i) table.Insert(hash(1, 1), i);
  ASSERT_TRUE(table.HasRoom());
  ASSERT_TRUE(place_of(0, 12));
  ASSERT_TRUE(place_of(1, 31));
  int asked = 0;
  EXPECT_FALSE(table.Find(hash(0, 1), [&](uint32_t) { return ++asked > 1'000; }));
  EXPECT_EQ(asked, 19);
}

TEST(MirrorRegionTest, IsZeroAndGivesBackOnlyWhatIsBeforeTheEnd) {
  constexpr size_t kPage = size_t{2} << 20;
  MirrorRegion region(3 * kPage + 4096);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(region.data()) % kPage, 0u);
  char* const data = region.data();
  EXPECT_EQ(std::count(data, data + 3 * kPage + 4096, 0), static_cast<ptrdiff_t>(3 * kPage + 4096));
  std::memset(data, 1, 3 * kPage + 4096);
  region.GiveBackUntil(data + 2 * kPage + 1);
  EXPECT_EQ(data[2 * kPage - 1], 0);
  EXPECT_EQ(data[2 * kPage], 1);
  MirrorRegion other = std::move(region);
  EXPECT_EQ(other.data(), data);
  EXPECT_EQ(data[3 * kPage + 4095], 1);
}

}  // namespace
}  // namespace coalition::client::internal
