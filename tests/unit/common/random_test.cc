#include "common/random.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

namespace coalition {
namespace {

using ::testing::SizeIs;

// Far more than a page, of sizes that do not divide it.
TEST(PagedRandomTest, NothingIsGivenTwice) {
  constexpr int kThreads = 3, kDraws = 5'000;
  constexpr size_t kBytes = 12;
  std::vector<std::vector<std::string>> drawn(kThreads);
  std::vector<std::thread> threads;
  for (auto& mine : drawn) {
    threads.emplace_back([&mine] {
      PagedRandom random;
      for (int i = 0; i < kDraws; ++i) mine.push_back(random.Bytes(i % 7 == 0 ? 76 : kBytes));
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<std::string> all;
  for (const auto& mine : drawn) {
    // A part of one that was given before would do as well.
    for (const std::string& one : mine) all.insert(one.substr(0, kBytes));
  }
  EXPECT_THAT(all, SizeIs(kThreads * kDraws));
}

TEST(PagedRandomTest, FillsAllOfIt) {
  PagedRandom random;
  for (const size_t size : {size_t{0}, size_t{1}, size_t{4096}, size_t{4097}, size_t{100'000}}) {
    // Each byte is drawn as 0 once in 256 times.
    std::string seen(size, '\0');
    for (int round = 0; round < 8; ++round) {
      const std::string drawn = random.Bytes(size);
      ASSERT_THAT(drawn, SizeIs(size));
      for (size_t i = 0; i < size; ++i) seen[i] = static_cast<char>(seen[i] | drawn[i]);
    }
    EXPECT_EQ(seen.find('\0'), std::string::npos) << size;
  }
}

}  // namespace
}  // namespace coalition
