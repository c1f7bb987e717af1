// What the property of the feed does not meet: history that is given up, and nobody who watches for long.
#include "server/watch/feed.h"

#include <gtest/gtest.h>

#include <string>

#include "common/errors.h"
#include "tests/property/feed_room.h"
#include "tests/property/feed_watcher.h"

namespace coalition::testing {
namespace {

class FeedTest : public ::testing::Test {
 protected:
  FeedTest() : world_(InMemory()), feeds_(world_, 100) {}
  static WorldOptions InMemory() {
    WorldOptions options;
    options.in_memory = true;
    return options;
  }
  std::string Write(const std::string& seller) {
    v1::Record record = Report("bazaar.example", seller);
    GrantMember(record, "belmont");
    return world_.Created("aurore", record).name();
  }
  void Withdraw(const std::string& name) {
    v1::WithdrawRecordRequest request;
    request.set_name(name);
    ASSERT_TRUE(world_.Withdraw(world_.As("aurore"), request).ok());
  }
  void GiveUpHistory() {
    for (;;) {
      const auto removed = world_.store().RaiseFloor(world_.store().Head(), {});
      ASSERT_TRUE(removed.ok()) << removed.status();
      if (*removed == 0) return;
    }
  }
  absl::StatusOr<watch::Feed> Start(const std::string& cursor, const std::string& member = "belmont") {
    v1::WatchStart start;
    start.set_cursor(cursor);
    return watch::Feed::Start(feeds_.room, world_.As(member), start);
  }

  World world_;
  FeedsOf feeds_;
};

TEST_F(FeedTest, ACursorFromBeforeTheHistoryIsTooOld) {
  FeedWatcher watcher(world_, feeds_.room, "belmont", {});
  Write("shop-1");
  watcher.CatchUp();
  const std::string cursor = watcher.cursor();
  ASSERT_FALSE(cursor.empty());
  Write("shop-2");
  EXPECT_TRUE(Start(cursor).ok());
  GiveUpHistory();
  EXPECT_EQ(GetErrorReason(Start(cursor).status()), v1::ERROR_REASON_CURSOR_TOO_OLD);
}

TEST_F(FeedTest, AWatchThatTheHistoryOvertakesIsTold) {
  auto feed = Start("");
  ASSERT_TRUE(feed.ok());
  Write("shop-1");
  Write("shop-2");
  GiveUpHistory();
  v1::WatchRecordsResponse response;
  ledger::Disclosure disclosure;
  EXPECT_EQ(GetErrorReason(feed->Next(world_.As("belmont"), &response, &disclosure).status()),
            v1::ERROR_REASON_CURSOR_TOO_OLD);
}

TEST_F(FeedTest, WhoComesAfterALongTimeWithoutAnybodyWatches) {
  for (int i = 0; i < 10; ++i) Write("shop-" + std::to_string(i));
  GiveUpHistory();
  FeedWatcher watcher(world_, feeds_.room, "belmont", {});
  watcher.CatchUp();
  Write("shop-10");
  watcher.CatchUp();
  EXPECT_EQ(watcher.wrong(), "");
  EXPECT_EQ(watcher.mirror().size(), 11U);
}

// A report and an opinion about it, withdrawn one after the other while nobody looks: both are taken back.
TEST_F(FeedTest, WhatRefersToWhatIsGoneIsTakenBackToo) {
  const std::string report = Write("shop-1");
  v1::Record opinion = Opinion(report, v1::OPINION_VERDICT_CONFIRMED);
  GrantMember(opinion, "belmont");
  const std::string about = world_.Created("aurore", opinion).name();
  FeedWatcher watcher(world_, feeds_.room, "belmont", {});
  watcher.CatchUp();
  EXPECT_EQ(watcher.mirror().size(), 2U);
  Withdraw(report);
  Withdraw(about);
  watcher.CatchUp();
  EXPECT_EQ(watcher.wrong(), "");
  EXPECT_TRUE(watcher.mirror().empty());
}

}  // namespace
}  // namespace coalition::testing
