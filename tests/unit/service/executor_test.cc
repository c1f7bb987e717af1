#include "server/service/executor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace coalition::service {
namespace {

TEST(ExecutorTest, RunsEverythingOnceAlsoWhenItDrains) {
  std::atomic<int> ran{0};
  Executor executor(3, 10'000);
  for (int i = 0; i < 1000; ++i) {
    Executor::Task task = [&ran] { ++ran; };
    EXPECT_TRUE(executor.Submit(task));
  }
  executor.Drain();
  EXPECT_EQ(ran.load(), 1000);
  Executor::Task late = [&ran] { ++ran; };
  EXPECT_FALSE(executor.Submit(late));
  EXPECT_TRUE(late != nullptr);  // untouched
  EXPECT_EQ(ran.load(), 1000);
}

TEST(ExecutorTest, AFullQueueRefuses) {
  Executor executor(1, 2);
  std::promise<void> release;
  std::promise<void> started;
  Executor::Task blocking = [&] {
    started.set_value();
    release.get_future().wait();
  };
  ASSERT_TRUE(executor.Submit(blocking));
  started.get_future().wait();
  for (int i = 0; i < 2; ++i) {
    Executor::Task task = [] {};
    EXPECT_TRUE(executor.Submit(task)) << i;
  }
  EXPECT_EQ(executor.depth(), 2u);
  Executor::Task one_more = [] {};
  EXPECT_FALSE(executor.Submit(one_more));
  release.set_value();
}

}  // namespace
}  // namespace coalition::service
