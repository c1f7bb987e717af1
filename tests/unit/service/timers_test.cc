#include "server/service/timers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <vector>

namespace coalition::service {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

// Far longer than it takes, and far less than the hours that a timer waits which nobody wakes.
constexpr std::chrono::minutes kPatience{1};

bool Happens(std::promise<void>& event) {
  return event.get_future().wait_for(kPatience) == std::future_status::ready;
}

// Promises are declared before the timers, whose thread may still be leaving set_value when a test ends.

TEST(TimersTest, RunInTheOrderOfTheirTimes) {
  std::promise<void> done;
  std::vector<int> order;  // the timers' thread alone writes
  Timers timers;
  timers.After(hours(3), [&] {
    order.push_back(3);
    done.set_value();
  });
  timers.After(hours(1), [&] { order.push_back(1); });
  timers.After(hours(2), [&] { order.push_back(2); });
  timers.ExpireAll();
  ASSERT_TRUE(Happens(done));
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST(TimersTest, RunWhenTheirTimeHasComeAndNotBefore) {
  std::promise<void> done;
  std::atomic<bool> early{false};
  Timers timers;
  timers.After(hours(1), [&] { early = true; });
  // The thread waits for the other one by now, or soon: the new first one wakes it.
  const auto start = std::chrono::steady_clock::now();
  timers.After(milliseconds(30), [&] { done.set_value(); });
  ASSERT_TRUE(Happens(done));
  EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(30));
  EXPECT_FALSE(early.load());
}

TEST(TimersTest, WhatIsCancelledDoesNotRun) {
  std::promise<void> later;
  std::atomic<bool> ran{false};
  Timers timers;
  const Timers::Handle handle = timers.After(hours(1), [&] { ran = true; });
  EXPECT_TRUE(timers.Cancel(handle));
  EXPECT_FALSE(timers.Cancel(handle));
  EXPECT_FALSE(timers.Cancel(Timers::Handle()));
  timers.After(hours(2), [&] { later.set_value(); });
  timers.ExpireAll();
  ASSERT_TRUE(Happens(later));
  EXPECT_FALSE(ran.load());
}

TEST(TimersTest, ExpireAllMakesEverythingDue) {
  std::promise<void> before, after;
  Timers timers;
  timers.After(hours(1), [&] { before.set_value(); });
  timers.ExpireAll();
  ASSERT_TRUE(Happens(before));
  timers.After(hours(1), [&] { after.set_value(); });
  ASSERT_TRUE(Happens(after));
}

TEST(TimersTest, AFunctionMayUseTheTimers) {
  std::promise<void> done;
  Timers timers;
  timers.After(milliseconds(1), [&] { timers.After(milliseconds(1), [&] { done.set_value(); }); });
  ASSERT_TRUE(Happens(done));
}

}  // namespace
}  // namespace coalition::service
