// A change of a member's own policy: whoever watches is told of that member's records and of all that depends
// on them, and nothing else is looked at for it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/policy/default_policy.h"
#include "server/exchange/keys.h"
#include "server/exchange/stored_record.h"
#include "server/watch/cursor.h"
#include "server/watch/feed.h"
#include "tests/property/feed_room.h"
#include "tests/property/feed_watcher.h"
#include "tests/unit/exchange/clearance_support.h"
#include "tests/unit/exchange/departure_support.h"
#include "tests/unit/watch/looked_at_store.h"

namespace coalition::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class OwnPolicyFeedTest : public ::testing::Test {
 protected:
  OwnPolicyFeedTest() : world_(Options()), feeds_(world_, 100) {}

  WorldOptions Options() {
    WorldOptions options;
    options.in_memory = true;
    options.wrap_store = [this](store::Store& base) {
      return std::make_unique<LookedAtStore>(base, looked_);
    };
    return options;
  }

  std::string Write(const std::string& by, v1::Record record, const std::vector<std::string>& to) {
    for (const std::string& member : to) GrantMember(record, member);
    return world_.Created(by, record).name();
  }
  std::string WriteReport(const std::string& by, const std::string& shop,
                          const std::vector<std::string>& to) {
    return Write(by, Report("bazaar.example", shop), to);
  }
  void ReferTo(const std::string& notice, const std::string& report) {
    v1::ReviseRecordRequest request;
    request.mutable_record()->set_name(notice);
    request.mutable_record()->mutable_takedown_notice()->set_report(report);
    request.mutable_update_mask()->add_paths("takedown_notice.report");
    ASSERT_TRUE(world_.Revise(world_.As("aurore"), request).ok());
  }

  FeedWatcher CaughtUp(const std::string& member, const v1::RecordFilter& filter = {}) {
    FeedWatcher watcher(world_, feeds_.room, member, filter);
    watcher.CatchUp();
    return watcher;
  }
  // One look at a time, cut off after each.
  void CatchUpCutOff(FeedWatcher& watcher) {
    feeds_.room.limits = {.events = 1, .looks = 1};
    for (int i = 0; i < 1'000; ++i) {
      const bool caught_up = watcher.Step();
      watcher.Crash();
      if (caught_up) return;
    }
    FAIL() << "never catches up";
  }
  static v1::Record In(const FeedWatcher& watcher, const std::string& name) {
    v1::Record record;
    const auto found = watcher.mirror().find(name);
    EXPECT_TRUE(found != watcher.mirror().end() && record.ParseFromString(found->second)) << name;
    return record;
  }
  // Which records are looked at until the watcher has caught up.
  std::set<std::string> LookedAtBy(FeedWatcher& watcher) {
    (void)looked_.Take();
    watcher.CatchUp();
    return looked_.Take();
  }
  static void ExpectRight(const FeedWatcher& watcher) {
    EXPECT_EQ(watcher.wrong(), "");
    EXPECT_EQ(watcher.mirror(), watcher.Listed());
  }
  exchange::Position PositionOf(const std::string& name) {
    const auto read = [this](const std::string& key) {
      const auto values = world_.store().Read(std::span(&key, 1), world_.store().Head());
      return values.ok() && (*values)[0] ? (*values)[0]->value : std::string();
    };
    const std::string value = read(read(exchange::IdKey(IdOf(name))));
    const auto stored = exchange::ParseStoredRecord(value);
    EXPECT_TRUE(stored.has_value());
    return stored ? stored->position() : exchange::Position();
  }

  Looked looked_;
  World world_;
  FeedsOf feeds_;
};

TEST_F(OwnPolicyFeedTest, NothingElseIsLookedAt) {
  std::set<std::string> theirs;
  for (int i = 0; i < 300; ++i) {
    const std::string number = std::to_string(i);
    WriteReport("aurore", "seen-" + number, {"belmont"});
    // Of its own that the member does not see.
    WriteReport("corsa", "hidden-" + number, {"paylink"});
    if (i % 100 == 50) theirs.insert(WriteReport("corsa", "shop-" + number, {"belmont"}));
  }
  FeedWatcher watcher = CaughtUp("belmont"), corsa = CaughtUp("corsa");
  EXPECT_EQ(watcher.mirror().size(), 303U);
  feeds_.room.limits.looks = 5;
  SetOwnPolicy(world_, "corsa", Excluding({"belmont"}));
  EXPECT_EQ(LookedAtBy(watcher), theirs);
  EXPECT_EQ(watcher.retractions(), 3);
  ExpectRight(watcher);
  EXPECT_THAT(LookedAtBy(corsa), IsEmpty()) << "its own policy is not for itself";
  // And otherwise everything is: what is counted is what is looked at.
  SetStanding(world_, "souk", v1::STANDING_SUSPENDED);
  EXPECT_GE(LookedAtBy(watcher).size(), 300U);
}

TEST_F(OwnPolicyFeedTest, WhatDependsOnThemIsToldToo) {
  v1::Record older = Notice("bazaar.example", "shop-1");
  const std::string notice = Write("aurore", older, {"belmont"});
  const std::string report = WriteReport("corsa", "shop-1", {"belmont", "aurore", "bazaar"});
  ReferTo(notice, report);
  v1::Record resting = Outcome("bazaar.example", "shop-1");
  resting.mutable_takedown_outcome()->set_report(report);
  const std::string outcome = Write("bazaar", resting, {"belmont"});
  const std::string about = Write("aurore", Opinion(report, v1::OPINION_VERDICT_CONFIRMED), {"belmont"});
  const std::string disputed = WriteReport("aurore", "shop-2", {"belmont", "corsa", "souk"});
  const std::string denied =
      Write("corsa", Opinion(disputed, v1::OPINION_VERDICT_FALSE_POSITIVE), {"belmont"});
  Write("souk", Opinion(disputed, v1::OPINION_VERDICT_CONFIRMED), {"belmont"});
  const std::string cleared = WriteReport("corsa", "shop-3", {"belmont"});
  ClearIt(world_, "corsa", cleared);
  const std::string again = WriteReport("aurore", "shop-3", {"belmont"});
  const std::string once_more = WriteReport("paylink", "shop-3", {"belmont"});
  v1::RecordFilter of_aurore;
  of_aurore.set_contributor("members/aurore");

  FeedWatcher watcher = CaughtUp("belmont"), filtered = CaughtUp("belmont", of_aurore);
  EXPECT_EQ(watcher.mirror().size(), 9U);
  EXPECT_EQ(filtered.mirror().size(), 4U);
  EXPECT_EQ(In(watcher, notice).takedown_notice().report(), report);
  EXPECT_EQ(In(watcher, outcome).takedown_outcome().report(), report);
  EXPECT_TRUE(In(watcher, disputed).disputed());
  EXPECT_THAT(ClearedBefore(In(watcher, again)), ElementsAre(cleared));
  EXPECT_THAT(ClearedBefore(In(watcher, once_more)), ElementsAre(cleared));

  SetOwnPolicy(world_, "corsa", Excluding({"belmont"}));
  CatchUpCutOff(watcher);
  CatchUpCutOff(filtered);
  EXPECT_EQ(watcher.retractions(), 3);
  for (const std::string& gone : {report, about, denied}) EXPECT_EQ(watcher.mirror().count(gone), 0U);
  EXPECT_EQ(In(watcher, notice).takedown_notice().report(), "");
  EXPECT_EQ(In(watcher, outcome).takedown_outcome().report(), "");
  EXPECT_FALSE(In(watcher, disputed).disputed());
  EXPECT_THAT(ClearedBefore(In(watcher, again)), IsEmpty());
  EXPECT_THAT(ClearedBefore(In(watcher, once_more)), IsEmpty());
  ExpectRight(watcher);
  EXPECT_EQ(filtered.retractions(), 1);
  ExpectRight(filtered);
}

// What is only shown otherwise is no retraction, and what is not is no event.
TEST_F(OwnPolicyFeedTest, ALowerCeilingShowsLess) {
  const std::string report = WriteReport("corsa", "shop-1", {"belmont", "aurore"});
  const std::string about = Write("aurore", Opinion(report, v1::OPINION_VERDICT_CONFIRMED), {"belmont"});
  FeedWatcher watcher = CaughtUp("belmont");
  EXPECT_TRUE(In(watcher, report).has_update_time());
  v1::MemberPolicy own;
  *own.add_ceilings() = policy::DefaultPolicy().ceilings(0);
  own.mutable_ceilings(0)->set_view("notice");
  SetOwnPolicy(world_, "corsa", own);
  CatchUpCutOff(watcher);
  EXPECT_FALSE(In(watcher, report).has_update_time());
  EXPECT_FALSE(In(watcher, about).has_update_time());
  EXPECT_EQ(watcher.retractions(), 0);
  ExpectRight(watcher);

  auto feed = watch::Feed::Start(feeds_.room, world_.As("belmont"), [&] {
    v1::WatchStart start;
    start.set_cursor(watcher.cursor());
    return start;
  }());
  ASSERT_TRUE(feed.ok()) << feed.status();
  feeds_.room.limits = {};
  SetOwnPolicy(world_, "corsa", own);
  ledger::Disclosure disclosure;
  ASSERT_TRUE(feed->Next(world_.As("belmont"), &disclosure).ok());
  EXPECT_THAT(feed->response().events(), IsEmpty());
  EXPECT_THAT(disclosure.records, IsEmpty());
}

// Of the version before, which went through everything: it has told of the report, and not yet of what refers
// to it and is older.
TEST_F(OwnPolicyFeedTest, GoesOnFromACursorThatIsWithinASweepOfEverything) {
  const std::string notice = Write("aurore", Notice("bazaar.example", "shop-1"), {"belmont"});
  const std::string report = WriteReport("corsa", "shop-1", {"belmont", "aurore"});
  ReferTo(notice, report);
  SetOwnPolicy(world_, "corsa", Excluding({"belmont"}));
  watch::FeedPosition position;
  position.done = world_.store().Head() - 1;
  position.snapshot_complete = true;
  position.change = world_.store().Head();
  position.stage_after = exchange::EncodePosition(PositionOf(report));
  position.ahead[IdOf(report)] = {std::nullopt, true};
  v1::WatchStart start;
  start.set_cursor(
      watch::MakeCursor(feeds_.room.cursors, NumberOf(world_, "belmont"), start.filter(), position));
  auto feed = watch::Feed::Start(feeds_.room, world_.As("belmont"), start);
  ASSERT_TRUE(feed.ok()) << feed.status();
  ledger::Disclosure disclosure;
  const auto progress = feed->Next(world_.As("belmont"), &disclosure);
  ASSERT_TRUE(progress.ok()) << progress.status();
  EXPECT_EQ(*progress, watch::Feed::Progress::kCaughtUp);
  ASSERT_EQ(feed->response().events_size(), 1);
  EXPECT_EQ(feed->response().events(0).upsert().name(), notice);
  EXPECT_EQ(feed->response().events(0).upsert().takedown_notice().report(), "");
}

// Of changes of the coalition that alter much, each record is come upon once: nothing has to be kept of what
// was told, and there is a cursor at every step.
class LargeChangeTest : public OwnPolicyFeedTest {
 protected:
  static constexpr int kRecords = 600;

  LargeChangeTest() {
    for (int i = 0; i < kRecords; ++i) {
      v1::Record report = Report("bazaar.example", "shop-" + std::to_string(i));
      GrantGroup(report, "club");
      world_.Created("corsa", report);
    }
  }
  void ExpectAllTakenBack(const std::function<void()>& change) {
    FeedWatcher watcher = CaughtUp("belmont");
    ASSERT_EQ(watcher.mirror().size(), static_cast<size_t>(kRecords));
    v1::WatchStart start;
    start.set_cursor(watcher.cursor());
    auto feed = watch::Feed::Start(feeds_.room, world_.As("belmont"), start);
    ASSERT_TRUE(feed.ok()) << feed.status();
    change();
    int retractions = 0;
    for (bool caught_up = false; !caught_up;) {
      ledger::Disclosure disclosure;
      const auto progress = feed->Next(world_.As("belmont"), &disclosure);
      ASSERT_TRUE(progress.ok()) << progress.status();
      caught_up = *progress == watch::Feed::Progress::kCaughtUp;
      for (const v1::WatchEvent& event : feed->response().events())
        retractions += event.has_retract() ? 1 : 0;
      EXPECT_NE(feed->Cursor(), "") << "after " << retractions;
      feed->Sent();
    }
    EXPECT_EQ(retractions, kRecords);
  }
};

TEST_F(LargeChangeTest, OfTheContributorsPolicy) {
  ExpectAllTakenBack([this] { SetOwnPolicy(world_, "corsa", Excluding({"belmont"})); });
}

TEST_F(LargeChangeTest, OfAGroup) {
  ExpectAllTakenBack([this] {
    ChangeMember(world_, "belmont", [](store::Revision revision, storage::v1::StoredMember* stored) {
      for (auto& group : *stored->mutable_groups()) {
        for (auto& held : *group.mutable_held()) {
          if (held.to_revision() == 0) held.set_to_revision(revision);
        }
      }
    });
  });
}

}  // namespace
}  // namespace coalition::testing
