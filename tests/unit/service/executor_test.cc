#include "server/service/executor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <future>
#include <vector>

namespace coalition::service {
namespace {

TEST(ExecutorTest, RunsEverythingOnceAlsoWhenItDrains) {
  std::atomic<int> ran{0};
  Executor executor(3, 10'000);
  for (int i = 0; i < 1000; ++i) {
    Executor::Task task = [&ran] { ++ran; };
    EXPECT_TRUE(executor.Submit(1, task));
  }
  executor.Drain();
  EXPECT_EQ(ran.load(), 1000);
  Executor::Task late = [&ran] { ++ran; };
  EXPECT_FALSE(executor.Submit(1, late));
  EXPECT_TRUE(late != nullptr);  // untouched
  EXPECT_EQ(ran.load(), 1000);
}

// An executor whose one thread is held until Release.
class HeldExecutor {
 public:
  explicit HeldExecutor(size_t queue_max) : executor_(1, queue_max) {
    std::promise<void> started;
    Executor::Task blocking = [this, &started] {
      started.set_value();
      release_.get_future().wait();
    };
    EXPECT_TRUE(executor_.Submit(99, blocking));
    started.get_future().wait();
  }
  bool Submit(uint32_t member) {
    Executor::Task task = [this, member] { ran_.push_back(member); };
    return executor_.Submit(member, task);
  }
  void SubmitAlways(uint32_t member) {
    executor_.SubmitAlways(member, [this, member] { ran_.push_back(member); });
  }
  // The members whose tasks ran, in that order.
  std::vector<uint32_t> Release() {
    release_.set_value();
    executor_.Drain();
    return ran_;
  }
  size_t depth() const { return executor_.depth(); }
  const std::vector<uint32_t>& ran() const { return ran_; }

 private:
  std::promise<void> release_;
  std::vector<uint32_t> ran_;  // by the one thread
  Executor executor_;
};

TEST(ExecutorTest, AMemberHasAQuarterOfTheQueue) {
  HeldExecutor executor(8);
  EXPECT_TRUE(executor.Submit(1));
  EXPECT_TRUE(executor.Submit(1));
  EXPECT_FALSE(executor.Submit(1));
  EXPECT_TRUE(executor.Submit(2));
  EXPECT_EQ(executor.depth(), 3U);
  EXPECT_THAT(executor.Release(), ::testing::SizeIs(3));
}

TEST(ExecutorTest, AFullQueueRefusesButTheFirstOfAMember) {
  HeldExecutor executor(4);
  for (const uint32_t member : {1U, 2U, 3U, 4U}) EXPECT_TRUE(executor.Submit(member)) << member;
  EXPECT_FALSE(executor.Submit(4));
  EXPECT_TRUE(executor.Submit(5));
  EXPECT_FALSE(executor.Submit(5));
  EXPECT_EQ(executor.depth(), 5U);
  EXPECT_THAT(executor.Release(), ::testing::SizeIs(5));
}

TEST(ExecutorTest, WhatWasLetInBeforeIsTakenHoweverManyWait) {
  HeldExecutor executor(4);
  EXPECT_TRUE(executor.Submit(1));
  EXPECT_FALSE(executor.Submit(1));
  for (int i = 0; i < 10; ++i) executor.SubmitAlways(1);
  EXPECT_THAT(executor.Release(), ::testing::SizeIs(11));
  executor.SubmitAlways(2);  // the executor has drained
  EXPECT_EQ(executor.ran().back(), 2U);
}

TEST(ExecutorTest, AMemberHasHalfOfTheThreads) {
  Executor executor(4, 100);
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  std::atomic<int> greedy{0}, most{0};
  for (int i = 0; i < 20; ++i) {
    Executor::Task task = [&, released] {
      const int now = ++greedy;
      for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
      }
      released.wait();
      --greedy;
    };
    ASSERT_TRUE(executor.Submit(1, task));
  }
  std::promise<void> others;
  Executor::Task other = [&others] { others.set_value(); };
  ASSERT_TRUE(executor.Submit(2, other));
  others.get_future().wait();  // there is a thread for it
  release.set_value();
  executor.Drain();
  EXPECT_LE(most, 2);
  EXPECT_EQ(greedy, 0);
}

TEST(ExecutorTest, MembersTakeTurns) {
  HeldExecutor executor(400);
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(executor.Submit(1));
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(executor.Submit(2));
  ASSERT_TRUE(executor.Submit(3));
  const std::vector<uint32_t> ran = executor.Release();
  ASSERT_THAT(ran, ::testing::SizeIs(53));
  EXPECT_THAT(std::vector<uint32_t>(ran.begin(), ran.begin() + 7),
              ::testing::ElementsAre(1, 2, 3, 1, 2, 1, 1));
}

}  // namespace
}  // namespace coalition::service
