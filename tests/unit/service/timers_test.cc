#include "server/service/timers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <vector>

namespace coalition::service {
namespace {

using std::chrono::milliseconds;

TEST(TimersTest, RunInTheOrderOfTheirTimes) {
  Timers timers;
  std::promise<void> done;
  std::vector<int> order;  // the timers' thread alone writes
  timers.After(milliseconds(60), [&] {
    order.push_back(3);
    done.set_value();
  });
  timers.After(milliseconds(20), [&] { order.push_back(1); });
  timers.After(milliseconds(40), [&] { order.push_back(2); });
  done.get_future().wait();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST(TimersTest, WhatIsCancelledDoesNotRun) {
  Timers timers;
  std::atomic<bool> ran{false};
  const Timers::Handle handle = timers.After(milliseconds(30), [&] { ran = true; });
  EXPECT_TRUE(timers.Cancel(handle));
  EXPECT_FALSE(timers.Cancel(handle));
  EXPECT_FALSE(timers.Cancel(Timers::Handle()));
  std::promise<void> later;
  timers.After(milliseconds(60), [&] { later.set_value(); });
  later.get_future().wait();
  EXPECT_FALSE(ran.load());
}

TEST(TimersTest, ExpireAllMakesEverythingDue) {
  Timers timers;
  std::promise<void> before, after;
  timers.After(std::chrono::hours(1), [&] { before.set_value(); });
  timers.ExpireAll();
  before.get_future().wait();
  timers.After(std::chrono::hours(1), [&] { after.set_value(); });
  after.get_future().wait();
}

TEST(TimersTest, AFunctionMayUseTheTimers) {
  Timers timers;
  std::promise<void> done;
  timers.After(milliseconds(1), [&] { timers.After(milliseconds(1), [&] { done.set_value(); }); });
  done.get_future().wait();
}

}  // namespace
}  // namespace coalition::service
