// What the property of the feed does not meet: history that is given up, and nobody who watches for long.
#include "server/watch/feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "common/errors.h"
#include "tests/property/feed_room.h"
#include "tests/property/feed_watcher.h"
#include "tests/unit/watch/looked_at_store.h"

namespace coalition::testing {
namespace {

class FeedTest : public ::testing::Test {
 protected:
  FeedTest() : world_(InMemory()), feeds_(world_, 100) {}
  WorldOptions InMemory() {
    WorldOptions options;
    options.in_memory = true;
    options.wrap_store = [this](store::Store& base) {
      return std::make_unique<LookedAtStore>(base, looked_);
    };
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

  // A feed that has caught up with what there is.
  watch::Feed CaughtUp(const std::string& member, const v1::RecordFilter& filter) {
    v1::WatchStart start;
    *start.mutable_filter() = filter;
    auto feed = watch::Feed::Start(feeds_.room, world_.As(member), start);
    EXPECT_TRUE(feed.ok());
    (void)EventsOf(*feed, member);
    return *std::move(feed);
  }
  // Of one response, which counts as sent.
  int EventsOf(watch::Feed& feed, const std::string& member) {
    ledger::Disclosure disclosure;
    EXPECT_TRUE(feed.Next(world_.As(member), &disclosure).ok());
    const int events = feed.response().events_size();
    EXPECT_EQ(static_cast<size_t>(events), disclosure.records.size());
    cursor_ = feed.Cursor();
    feed.Sent();
    return events;
  }

  // In one commit.
  void WriteMany(int records) {
    v1::ImportRecordsRequest request;
    for (int i = 0; i < records; ++i) {
      v1::Record record = Report("bazaar.example", "many-" + std::to_string(i));
      GrantMember(record, "belmont");
      *request.add_items()->mutable_record() = record;
    }
    ASSERT_TRUE(world_.Import(world_.As("aurore"), request).ok());
  }
  // The cursors behind each response, until it has caught up.
  std::vector<std::string> Drain(watch::Feed& feed, const std::string& member) {
    std::vector<std::string> cursors;
    for (bool caught_up = false; !caught_up;) {
      ledger::Disclosure disclosure;
      const auto progress = feed.Next(world_.As(member), &disclosure);
      EXPECT_TRUE(progress.ok()) << progress.status();
      caught_up = !progress.ok() || *progress == watch::Feed::Progress::kCaughtUp;
      cursors.push_back(feed.Cursor());
      feed.Sent();
    }
    return cursors;
  }

  Looked looked_;
  std::string cursor_;  // behind the response that EventsOf took last
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
  ledger::Disclosure disclosure;
  EXPECT_EQ(GetErrorReason(feed->Next(world_.As("belmont"), &disclosure).status()),
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

// Most commits concern nobody, and a cursor may be of days ago: a thread is not held for all of them at once.
TEST_F(FeedTest, WhatConcernsNobodyIsGoneThroughInSteps) {
  watch::Feed feed = CaughtUp("belmont", {});
  for (int i = 0; i < 12'000; ++i) {
    store::Commit commit;
    commit.build = [](store::Revision, auto) { return std::vector<store::Write>{{"zz", "of nobody"}}; };
    ASSERT_TRUE(world_.store().CommitAll({&commit, 1}).at(0).ok());
  }
  const std::vector<std::string> cursors = Drain(feed, "belmont");
  EXPECT_GT(cursors.size(), 4U);
  EXPECT_LT(cursors.size(), 20U);
  Write("shop-1");
  EXPECT_EQ(EventsOf(feed, "belmont"), 1);
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

// Watches that stand at the same place share what is found there, and its cursor; others do not.
TEST_F(FeedTest, OnlyTheSameMemberWithTheSameFilterSharesWhatItIsTold) {
  v1::RecordFilter opinions;
  opinions.add_record_classes(v1::RECORD_CLASS_OPINION);
  watch::Feed one = CaughtUp("belmont", {}), same = CaughtUp("belmont", {});
  watch::Feed filtered = CaughtUp("belmont", opinions), other = CaughtUp("bazaar", {});
  const std::string name = Write("shop-1");
  EXPECT_EQ(EventsOf(one, "belmont"), 1);
  const std::string cursor = cursor_;
  EXPECT_EQ(EventsOf(same, "belmont"), 1);
  EXPECT_EQ(cursor_, cursor);
  EXPECT_EQ(EventsOf(filtered, "belmont"), 0);
  EXPECT_NE(cursor_, cursor);
  EXPECT_EQ(EventsOf(other, "bazaar"), 0);
  // Each goes on from where it is itself.
  Withdraw(name);
  ledger::Disclosure disclosure;
  ASSERT_TRUE(one.Next(world_.As("belmont"), &disclosure).ok());
  ASSERT_EQ(one.response().events_size(), 1);
  EXPECT_EQ(one.response().events(0).retract().name(), name);
  one.Sent();
  EXPECT_EQ(EventsOf(filtered, "belmont"), 0);
  EXPECT_EQ(EventsOf(other, "bazaar"), 0);
}

// Those that are behind too, and stand within a commit: of what one has found the other reads no record. Not
// of what their snapshots were.
TEST_F(FeedTest, WatchesThatAreBehindShareWhatTheyAreTold) {
  const std::string first = Write("shop-1");
  Write("shop-2");
  watch::Feed one = CaughtUp("belmont", {});
  Withdraw(first);
  EXPECT_EQ(Drain(one, "belmont").size(), 1U);
  watch::Feed other = CaughtUp("belmont", {});
  feeds_.room.limits.events = 3;
  WriteMany(10);
  for (int i = 0; i < 5; ++i) Write("single-" + std::to_string(i));
  const std::vector<std::string> cursors = Drain(one, "belmont");
  EXPECT_GE(cursors.size(), 5U);
  EXPECT_FALSE(looked_.Take().empty());
  EXPECT_EQ(Drain(other, "belmont"), cursors);
  EXPECT_THAT(looked_.Take(), ::testing::IsEmpty());
}

}  // namespace
}  // namespace coalition::testing
