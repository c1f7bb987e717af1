#include "server/service/watch_window.h"

#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <vector>

#include "server/service/sent_responses.h"

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

TEST(WatchWindowTest, NoMoreAreToldThanThereIsRoomFor) {
  MemberWindows windows({10, 100});
  const auto first = std::make_shared<Waiting>(), second = std::make_shared<Waiting>();
  ASSERT_TRUE(windows.Take(1, 90, first));
  EXPECT_FALSE(windows.Take(1, 60, first));
  EXPECT_FALSE(windows.Take(1, 60, second));
  windows.Give(1, {0, 60});
  EXPECT_EQ(first->told, 1);
  EXPECT_EQ(second->told, 0);
  // It has no use for it: the next is told.
  windows.Give(1, {});
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

TEST(SentResponsesTest, AnAcknowledgementFreesWhatWasSentInItsOrder) {
  const auto recall = [](uint8_t record) { return ledger::Recall{{record}, v1::RETRACTION_KIND_GONE}; };
  SentResponses sent;
  EXPECT_TRUE(sent.empty());
  sent.Push(10, {recall(1), recall(2)});
  sent.Push(20, {});
  sent.Push(30, {recall(3)});
  EXPECT_EQ(sent.used().responses, 3);
  EXPECT_EQ(sent.used().bytes, 60);
  EXPECT_FALSE(sent.Acknowledge(4).has_value()) << "more than were sent";
  const auto two = sent.Acknowledge(2);
  ASSERT_TRUE(two.has_value());
  EXPECT_EQ(two->size.responses, 2);
  EXPECT_EQ(two->size.bytes, 30);
  EXPECT_EQ(two->recalls, (std::vector<ledger::Recall>{recall(1), recall(2)}));
  EXPECT_FALSE(sent.Acknowledge(1).has_value()) << "it falls";
  EXPECT_FALSE(sent.Acknowledge(std::numeric_limits<int64_t>::min()).has_value());
  EXPECT_EQ(sent.Acknowledge(2)->size.responses, 0);
  EXPECT_EQ(sent.Acknowledge(3)->recalls, std::vector<ledger::Recall>{recall(3)});
  EXPECT_TRUE(sent.empty());
  EXPECT_EQ(sent.used().bytes, 0);
}

}  // namespace
}  // namespace coalition::service
