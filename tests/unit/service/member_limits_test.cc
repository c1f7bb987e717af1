#include "server/service/member_limits.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "common/errors.h"

namespace coalition::service {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

TEST(MemberLimitsTest, TheBucketHoldsTheBurstAndFillsAtTheRate) {
  MemberLimits limits(
      {.calls_in_flight_max = 1000, .calls_per_second = 10, .calls_burst = 3, .imports_max = 1});
  const auto admits = [&](int64_t now_ns) {
    MemberLimits::Permit permit;
    return limits.AdmitCall(1, now_ns, &permit).ok();
  };
  EXPECT_TRUE(admits(kSecond) && admits(kSecond) && admits(kSecond));
  EXPECT_FALSE(admits(kSecond));
  EXPECT_FALSE(admits(kSecond + kSecond / 10 - 1));
  EXPECT_TRUE(admits(kSecond + kSecond / 10));
  EXPECT_FALSE(admits(kSecond + kSecond / 10));
  // However long it waits, no more than the burst.
  EXPECT_TRUE(admits(100 * kSecond) && admits(100 * kSecond) && admits(100 * kSecond));
  EXPECT_FALSE(admits(100 * kSecond));
}

TEST(MemberLimitsTest, ARefusalSaysWhenToComeAgain) {
  MemberLimits limits(
      {.calls_in_flight_max = 1000, .calls_per_second = 10, .calls_burst = 1, .imports_max = 1});
  MemberLimits::Permit permit;
  ASSERT_TRUE(limits.AdmitCall(1, kSecond, &permit).ok());
  const absl::Status refused = limits.AdmitCall(1, kSecond, &permit);
  ASSERT_TRUE(GetRetryDelay(refused).has_value()) << refused;
  MemberLimits::Permit later;
  EXPECT_TRUE(limits.AdmitCall(1, kSecond + GetRetryDelay(refused)->count() * 1'000'000, &later).ok());
}

TEST(MemberLimitsTest, PlacesComeBackAndMembersAreApart) {
  MemberLimits limits(
      {.calls_in_flight_max = 2, .calls_per_second = 1'000'000, .calls_burst = 1000, .imports_max = 1});
  std::vector<MemberLimits::Permit> permits(4);
  EXPECT_TRUE(limits.AdmitCall(7, kSecond, &permits[0]).ok());
  EXPECT_TRUE(limits.AdmitCall(7, kSecond, &permits[1]).ok());
  EXPECT_FALSE(limits.AdmitCall(7, kSecond, &permits[2]).ok());
  EXPECT_TRUE(limits.AdmitCall(60'000, kSecond, &permits[3]).ok());
  EXPECT_EQ(limits.calls_in_flight(), 3);
  permits[0].Release();
  permits[0].Release();  // nothing more
  EXPECT_EQ(limits.calls_in_flight(), 2);
  EXPECT_TRUE(limits.AdmitCall(7, kSecond, &permits[2]).ok());
  permits.clear();
  EXPECT_EQ(limits.calls_in_flight(), 0);
}

TEST(MemberLimitsTest, ImportsHaveALimitOfTheirOwn) {
  MemberLimits limits({.calls_in_flight_max = 9, .calls_per_second = 9, .calls_burst = 9, .imports_max = 1});
  MemberLimits::Permit first, second;
  EXPECT_TRUE(limits.AdmitImport(1, &first).ok());
  EXPECT_EQ(GetErrorReason(limits.AdmitImport(1, &second)), v1::ERROR_REASON_RATE_LIMITED);
  first = MemberLimits::Permit();
  EXPECT_TRUE(limits.AdmitImport(1, &second).ok());
}

TEST(MemberLimitsTest, ThreadsTogetherGetNoMoreThanThereIs) {
  constexpr int kBurst = 1000;
  MemberLimits limits(
      {.calls_in_flight_max = 1 << 20, .calls_per_second = 1, .calls_burst = kBurst, .imports_max = 1});
  std::atomic<int> admitted{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kBurst; ++i) {
        MemberLimits::Permit permit;
        if (limits.AdmitCall(3, kSecond, &permit).ok()) ++admitted;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(admitted.load(), kBurst);
  EXPECT_EQ(limits.calls_in_flight(), 0);
}

}  // namespace
}  // namespace coalition::service
