#include "server/store/presence_filter.h"

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

namespace coalition::store {
namespace {

std::vector<uint64_t> Hashes(size_t count, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<uint64_t> hashes(count);
  for (uint64_t& hash : hashes) hash = random();
  return hashes;
}

double FalsePositives(const PresenceFilter& filter) {
  const std::vector<uint64_t> absent = Hashes(500'000, 2);
  size_t found = 0;
  for (const uint64_t hash : absent) found += filter.MayContain(hash) ? 1 : 0;
  return static_cast<double>(found) / static_cast<double>(absent.size());
}

TEST(PresenceFilter, AnEmptyOneHasNothing) {
  const PresenceFilter filter;
  for (const uint64_t hash : Hashes(1000, 3)) EXPECT_FALSE(filter.MayContain(hash));
  EXPECT_FALSE(filter.MayContain(0));
  EXPECT_FALSE(filter.MayContain(~uint64_t{0}));
}

TEST(PresenceFilter, NeverForgetsAndSeldomMakesUpAtCapacity) {
  constexpr size_t kCount = 1'000'000;
  PresenceFilter filter(kCount);
  for (const uint64_t hash : Hashes(kCount, 1)) filter.Add(hash);
  for (const uint64_t hash : Hashes(kCount, 1)) ASSERT_TRUE(filter.MayContain(hash));
  EXPECT_LE(FalsePositives(filter), 0.002);
  EXPECT_LE(filter.MemoryBytes(), kCount * 2 + 64);
  EXPECT_GE(static_cast<double>(filter.Size()), 0.998 * kCount);
}

TEST(PresenceFilter, GrowsWithoutForgetting) {
  constexpr size_t kCount = size_t{1} << 20;  // four generations after the first
  PresenceFilter filter;
  const size_t before = filter.MemoryBytes();
  size_t added = 0;
  for (const uint64_t hash : Hashes(kCount, 1)) {
    filter.Add(hash);
    ASSERT_TRUE(filter.MayContain(hash));
    ++added;
  }
  ASSERT_EQ(added, kCount);
  for (const uint64_t hash : Hashes(kCount, 1)) ASSERT_TRUE(filter.MayContain(hash));
  EXPECT_LE(FalsePositives(filter), 0.002);
  EXPECT_GT(filter.MemoryBytes(), before);
  EXPECT_LE(filter.MemoryBytes(), kCount * 4 + 1024);
}

TEST(PresenceFilter, ARepeatedHashTakesNoRoom) {
  PresenceFilter filter;
  const size_t before = filter.MemoryBytes();
  for (int i = 0; i < 1'000'000; ++i) filter.Add(42);
  EXPECT_EQ(filter.Size(), 1U);
  EXPECT_EQ(filter.MemoryBytes(), before);
}

TEST(PresenceFilter, ReadersBesideAWriterSeeWhatWasAdded) {
  const std::vector<uint64_t> hashes = Hashes(300'000, 1);
  PresenceFilter filter;
  std::atomic<size_t> added{0};
  std::vector<std::thread> readers;
  for (int t = 0; t < 2; ++t) {
    readers.emplace_back([&] {
      size_t until = 0;
      do {
        const size_t from = until;
        until = added.load(std::memory_order_acquire);
        for (size_t i = from; i < until; ++i) ASSERT_TRUE(filter.MayContain(hashes[i]));
      } while (until < hashes.size());
    });
  }
  for (const uint64_t hash : hashes) {
    filter.Add(hash);
    added.fetch_add(1, std::memory_order_release);
  }
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace coalition::store
