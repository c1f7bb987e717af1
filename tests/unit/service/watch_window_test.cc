#include "server/service/watch_window.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace coalition::service {
namespace {

class Waiting final : public MemberWindows::Waiter {
 public:
  void RoomAgain() override { ++told; }
  int told = 0;
};

TEST(WatchWindowTest, ResponsesAndBytesAreBoundedAndOneAlwaysFits) {
  MemberWindows windows({2, 100});
  const auto waiter = std::make_shared<Waiting>();
  EXPECT_TRUE(windows.Take(1, 1'000, waiter));  // alone, whatever its size
  EXPECT_FALSE(windows.Take(1, 1, waiter));
  windows.Give(1, {0, 990});  // it was smaller
  EXPECT_TRUE(windows.Take(1, 90, waiter));
  EXPECT_FALSE(windows.Take(1, 0, waiter));   // a third one
  EXPECT_TRUE(windows.Take(2, 100, waiter));  // members do not share
}

TEST(WatchWindowTest, WhoWaitsIsToldOnceWhenThereIsRoom) {
  MemberWindows windows({1, 100});
  const auto first = std::make_shared<Waiting>(), second = std::make_shared<Waiting>();
  ASSERT_TRUE(windows.Take(1, 1, first));
  EXPECT_FALSE(windows.Take(1, 1, first));
  EXPECT_FALSE(windows.Take(1, 1, second));
  windows.Give(1, {1, 1});
  EXPECT_EQ(first->told, 1);
  EXPECT_EQ(second->told, 0);
  ASSERT_TRUE(windows.Take(1, 1, first));
  windows.Give(1, {1, 1});
  EXPECT_EQ(first->told, 1);
  EXPECT_EQ(second->told, 1);
}

TEST(WatchWindowTest, WhoIsGoneTakesNobodysTurn) {
  MemberWindows windows({1, 100});
  auto gone = std::make_shared<Waiting>();
  const auto left = std::make_shared<Waiting>(), waits = std::make_shared<Waiting>();
  ASSERT_TRUE(windows.Take(1, 1, waits));
  for (const std::shared_ptr<Waiting>& one : {gone, left, waits}) EXPECT_FALSE(windows.Take(1, 1, one));
  gone.reset();
  windows.Leave(1, left.get());
  windows.Give(1, {1, 1});
  EXPECT_EQ(left->told, 0);
  EXPECT_EQ(waits->told, 1);
}

}  // namespace
}  // namespace coalition::service
