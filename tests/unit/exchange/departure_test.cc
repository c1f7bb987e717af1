// What becomes of the records of members that leave.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "common/errors.h"
#include "server/exchange/keys.h"
#include "tests/unit/exchange/departure_support.h"

namespace coalition::exchange {
namespace {

using namespace coalition::testing;  // NOLINT: the room's own fixtures
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class DepartureTest : public ::testing::Test {
 protected:
  static WorldOptions Options() {
    WorldOptions options;
    options.in_memory = true;
    options.exchange.departure_records_per_commit = 3;
    return options;
  }

  v1::Record GrantedToBelmont(const std::string& seller, const std::string& external_id = "") {
    v1::Record report = Report("bazaar.example", seller);
    report.set_external_id(external_id);
    GrantMember(report, "belmont");
    return world_.Created("aurore", report);
  }

  // Leaves, and waits until all is done.
  void LeaveAndWait(const std::string& member, const std::string& successor = "") {
    departing_.Resume(world_);
    Leave(world_, member, successor);
    world_.exchange().departures().Start(NumberOf(world_, member));
    ASSERT_TRUE(departing_.WaitEnded(NumberOf(world_, member)));
  }

  int64_t Done(const std::string& member) {
    const auto done = world_.exchange().departures().RecordsDone(NumberOf(world_, member));
    return done.ok() ? *done : -1;
  }
  bool Sees(const std::string& member, const std::string& name) {
    return world_.Get(world_.As(member), name).ok();
  }
  std::vector<std::string> Listed(const std::string& member) { return world_.ListAll(world_.As(member), {}); }
  // Rows of the member's own index.
  size_t OwnRows(const std::string& member) {
    const std::string prefix = OwnerPrefix(NumberOf(world_, member));
    const auto page = world_.store().Scan(prefix, PrefixEnd(prefix), world_.store().Head(), {});
    return page.ok() ? page->items.size() : 999;
  }
  absl::StatusOr<v1::ImportRecordsResponse> ImportOne(const CallContext& context, const v1::Record& record) {
    v1::ImportRecordsRequest request;
    *request.add_items()->mutable_record() = record;
    return world_.Import(context, request);
  }
  absl::StatusOr<v1::ReviseRecordResponse> Comment(const CallContext& context, const std::string& name) {
    v1::ReviseRecordRequest request;
    request.mutable_record()->set_name(name);
    request.mutable_record()->mutable_offender_report()->set_comment("later");
    request.mutable_update_mask()->add_paths("offender_report.comment");
    return world_.Revise(context, request);
  }

  Departing departing_;
  World world_{Options()};
};

TEST_F(DepartureTest, AllIsWithdrawn) {
  std::vector<std::string> names;
  for (int i = 0; i < 10; ++i) names.push_back(GrantedToBelmont("shop-" + std::to_string(i)).name());
  v1::Record opinion = Opinion(names[0], v1::OPINION_VERDICT_CONFIRMED);
  const std::string opined = world_.Created("belmont", opinion).name();
  v1::Record others = Report("bazaar.example", "shop-0");
  GrantMember(others, "corsa");
  const std::string of_belmont = world_.Created("belmont", others).name();
  ASSERT_TRUE(Sees("belmont", names[3]));
  LeaveAndWait("aurore");
  for (const std::string& name : names) {
    EXPECT_FALSE(Sees("belmont", name));
    EXPECT_FALSE(Sees("aurore", name));
  }
  EXPECT_EQ(Done("aurore"), 10);
  EXPECT_EQ(OwnRows("aurore"), 0U);
  EXPECT_TRUE(Sees("corsa", of_belmont)) << "others' records stay";
  EXPECT_EQ(world_.ScreenOne("belmont", "bazaar.example", "shop-1").matches_size(), 0);
  EXPECT_THAT(Listed("belmont"), ElementsAre(of_belmont, opined));
  EXPECT_EQ(departing_.Ended().count(NumberOf(world_, "aurore")), 1U);
}

TEST_F(DepartureTest, AMemberWithoutRecordsHasLeftAtOnce) {
  LeaveAndWait("corsa", "belmont");
  EXPECT_EQ(Done("corsa"), 0);
}

TEST_F(DepartureTest, ATransferMakesTheSuccessorTheContributor) {
  std::vector<std::string> names;
  for (int i = 0; i < 7; ++i) {
    v1::Record report = Report("bazaar.example", "shop-" + std::to_string(i));
    report.mutable_offender_report()->set_comment("as it was");
    GrantMember(report, "corsa");
    names.insert(names.begin(), world_.Created("aurore", report).name());
  }
  v1::Record notice = Notice("bazaar.example", "shop-1");
  notice.mutable_takedown_notice()->set_report(names[5]);
  GrantMember(notice, "corsa");
  names.insert(names.begin(), world_.Created("aurore", notice).name());
  const std::string opined = world_.Created("corsa", Opinion(names[7], v1::OPINION_VERDICT_CONFIRMED)).name();
  std::vector<v1::Record> before;
  for (const std::string& name : names) before.push_back(*world_.Get(world_.As("corsa"), name));
  const auto listed_before = Listed("corsa");
  EXPECT_THAT(Listed("belmont"), IsEmpty());

  world_.clock.now_ns += 1'000'000'000;
  LeaveAndWait("aurore", "belmont");
  EXPECT_EQ(Done("aurore"), 8);
  EXPECT_EQ(OwnRows("aurore"), 0U);
  EXPECT_EQ(Listed("belmont"), names) << "in the places that they had";
  EXPECT_EQ(Listed("corsa"), listed_before);
  for (size_t i = 0; i < names.size(); ++i) {
    const auto own = world_.Get(world_.As("belmont"), names[i]);
    ASSERT_TRUE(own.ok()) << own.status();
    EXPECT_EQ(own->view(), "owner");
    EXPECT_EQ(own->contributor(), "members/belmont");
    EXPECT_FALSE(Sees("aurore", names[i]));
    v1::Record after = *world_.Get(world_.As("corsa"), names[i]);
    EXPECT_EQ(after.contributor(), "members/belmont");
    EXPECT_EQ(after.update_time().seconds(), world_.clock.NowS());
    EXPECT_NE(after.etag(), before[i].etag());
    after.set_contributor(before[i].contributor());
    after.set_etag(before[i].etag());
    *after.mutable_update_time() = before[i].update_time();
    EXPECT_EQ(after.SerializeAsString(), before[i].SerializeAsString());
  }
  EXPECT_EQ(world_.Get(world_.As("belmont"), names[0])->takedown_notice().report(), names[6]);
  EXPECT_TRUE(Sees("corsa", opined));
  EXPECT_EQ(world_.ScreenOne("corsa", "bazaar.example", "shop-2").matches_size(), 1);
  // It is the successor's in every way.
  EXPECT_TRUE(Comment(world_.As("belmont"), names[3]).ok());
  v1::WithdrawRecordRequest withdraw;
  withdraw.set_name(names[4]);
  EXPECT_TRUE(world_.Withdraw(world_.As("belmont"), withdraw).ok());
  EXPECT_FALSE(Sees("corsa", names[4]));
}

TEST_F(DepartureTest, OutcomesGoToASuccessorThatDoesNotHoldThePlatform) {
  v1::Record outcome = Outcome("bazaar.example", "shop-1");
  GrantMember(outcome, "aurore");
  const std::string name = world_.Created("bazaar", outcome).name();
  LeaveAndWait("bazaar", "souk");
  EXPECT_EQ(world_.Get(world_.As("souk"), name)->view(), "owner");
  EXPECT_TRUE(Sees("aurore", name));
  EXPECT_EQ(GetErrorReason(world_.Create(world_.As("souk"), CreateRequest(outcome)).status()),
            v1::ERROR_REASON_PLATFORM_NOT_HELD)
      << "it publishes no others";
}

TEST_F(DepartureTest, WhatHasExpiredIsRemovedAndNotCounted) {
  v1::Record shortly = Report("bazaar.example", "shop-1");
  shortly.mutable_expire_time()->set_seconds(world_.clock.NowS() + 60);
  world_.Created("aurore", shortly);
  const std::string lasting = GrantedToBelmont("shop-2").name();
  world_.clock.now_ns += 61'000'000'000;
  LeaveAndWait("aurore", "belmont");
  EXPECT_EQ(Done("aurore"), 1);
  EXPECT_EQ(OwnRows("aurore"), 0U);
  EXPECT_EQ(OwnRows("belmont"), 1U);
  EXPECT_THAT(Listed("belmont"), ElementsAre(lasting));
}

TEST_F(DepartureTest, ExternalIdsGoAlongUnlessTheSuccessorHasThem) {
  v1::Record mine = Report("bazaar.example", "shop-1");
  mine.set_external_id("case-1");
  const std::string of_belmont = world_.Created("belmont", mine).name();
  const std::string collides = GrantedToBelmont("shop-2", "case-1").name();
  v1::Record free = Report("bazaar.example", "shop-3");
  free.set_external_id("case-2");
  const std::string goes_along = world_.Created("aurore", free).name();
  LeaveAndWait("aurore", "belmont");
  EXPECT_EQ(world_.Get(world_.As("belmont"), of_belmont)->external_id(), "case-1");
  EXPECT_EQ(world_.Get(world_.As("belmont"), collides)->external_id(), "");
  EXPECT_EQ(world_.Get(world_.As("belmont"), goes_along)->external_id(), "case-2");
  EXPECT_THAT(Listed("belmont"), SizeIs(3));
  // The same contents are the same record, also for the successor; others are not.
  auto again = ImportOne(world_.As("belmont"), free);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->results(0).status(), v1::IMPORT_STATUS_UNCHANGED);
  EXPECT_EQ(again->results(0).name(), goes_along);
  again = ImportOne(world_.As("belmont"), mine);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->results(0).name(), of_belmont);
  free.mutable_seller()->set_seller_id("shop-4");
  again = ImportOne(world_.As("belmont"), free);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->results(0).status(), v1::IMPORT_STATUS_REJECTED);
  // The one without an id can be changed, and taken back.
  EXPECT_TRUE(Comment(world_.As("belmont"), collides).ok());
  v1::WithdrawRecordRequest withdraw;
  withdraw.set_name(collides);
  EXPECT_TRUE(world_.Withdraw(world_.As("belmont"), withdraw).ok());
  EXPECT_EQ(world_.Get(world_.As("belmont"), of_belmont)->external_id(), "case-1");
}

TEST_F(DepartureTest, TheLeaversOwnExclusionsStay) {
  SetOwnPolicy(world_, "aurore", Excluding({"corsa"}));
  v1::Record report = Report("bazaar.example", "shop-1");
  GrantKind(report, v1::MEMBER_KIND_BRAND);
  ExcludeMember(report, "limbo");
  const std::string name = world_.Created("aurore", report).name();
  ASSERT_FALSE(Sees("corsa", name));
  LeaveAndWait("aurore", "belmont");
  EXPECT_FALSE(Sees("corsa", name));
  const auto own = world_.Get(world_.As("belmont"), name);
  ASSERT_TRUE(own.ok()) << own.status();
  ASSERT_EQ(own->audience().exclusions_size(), 2);
  EXPECT_EQ(own->audience().exclusions(0).member(), "members/limbo");
  EXPECT_EQ(own->audience().exclusions(1).member(), "members/corsa");
  EXPECT_EQ(own->audience().grants_size(), 1);
  // What the successor changes of it does not lift them.
  EXPECT_TRUE(Comment(world_.As("belmont"), name).ok());
  EXPECT_FALSE(Sees("corsa", name));
}

TEST_F(DepartureTest, TheLeaversOwnNamedAudienceIsSpeltOut) {
  v1::SaveAudienceRequest save;
  save.set_audience_id("friends");
  v1::Record of_friends;
  GrantMember(of_friends, "corsa");
  *save.mutable_audience() = of_friends.audience();
  ASSERT_TRUE(world_.exchange().SaveAudience(world_.As("aurore"), save).ok());
  v1::Record report = Report("bazaar.example", "shop-1");
  report.mutable_audience()->add_include("members/aurore/audiences/friends");
  const std::string name = world_.Created("aurore", report).name();
  LeaveAndWait("aurore", "belmont");
  const auto own = world_.Get(world_.As("belmont"), name);
  ASSERT_TRUE(own.ok()) << own.status();
  EXPECT_EQ(own->audience().include_size(), 0);
  ASSERT_EQ(own->audience().grants_size(), 1);
  EXPECT_EQ(own->audience().grants(0).subject().member(), "members/corsa");
  const auto revised = Comment(world_.As("belmont"), name);
  EXPECT_TRUE(revised.ok()) << revised.status();
  EXPECT_TRUE(Sees("corsa", name));
}

TEST_F(DepartureTest, TheSuccessorsOwnPolicyBoundsThem) {
  v1::Record report = Report("bazaar.example", "shop-1");
  GrantMember(report, "corsa");
  GrantMember(report, "paylink");
  const std::string name = world_.Created("aurore", report).name();
  SetOwnPolicy(world_, "belmont", Excluding({"paylink"}));
  ASSERT_TRUE(Sees("paylink", name));
  LeaveAndWait("aurore", "belmont");
  EXPECT_FALSE(Sees("paylink", name));
  EXPECT_TRUE(Sees("corsa", name));
}

// Calls that were let in before the member left.
TEST_F(DepartureTest, WritesThatAreUnderWayDoNotSlipThrough) {
  const std::string name = GrantedToBelmont("shop-1").name();
  const CallContext let_in = world_.As("aurore");
  LeaveAndWait("aurore", "belmont");
  v1::Record report = Report("bazaar.example", "shop-2");
  EXPECT_EQ(GetErrorReason(world_.Create(let_in, CreateRequest(report)).status()),
            v1::ERROR_REASON_MEMBER_NOT_ACTIVE);
  EXPECT_EQ(GetErrorReason(ImportOne(let_in, report).status()), v1::ERROR_REASON_MEMBER_NOT_ACTIVE);
  EXPECT_EQ(OwnRows("aurore"), 0U);
}

TEST_F(DepartureTest, NorDoChangesOfARecord) {
  const std::string name = GrantedToBelmont("shop-1").name();
  const CallContext let_in = world_.As("aurore");
  Leave(world_, "aurore", "belmont");  // and nothing is given over yet
  EXPECT_EQ(GetErrorReason(Comment(let_in, name).status()), v1::ERROR_REASON_MEMBER_NOT_ACTIVE);
  v1::WithdrawRecordRequest withdraw;
  withdraw.set_name(name);
  EXPECT_EQ(GetErrorReason(world_.Withdraw(let_in, withdraw).status()), v1::ERROR_REASON_MEMBER_NOT_ACTIVE);
  EXPECT_TRUE(Sees("belmont", name));
}

TEST_F(DepartureTest, ASuccessorThatLeftGivesThemOn) {
  const std::string name = GrantedToBelmont("shop-1").name();
  Leave(world_, "aurore", "belmont");
  Leave(world_, "belmont", "corsa");
  departing_.Resume(world_);
  ASSERT_TRUE(departing_.WaitEnded(NumberOf(world_, "aurore")));
  ASSERT_TRUE(departing_.WaitEnded(NumberOf(world_, "belmont")));
  EXPECT_THAT(Listed("corsa"), ElementsAre(name));
  EXPECT_EQ(world_.Get(world_.As("corsa"), name)->contributor(), "members/corsa");
  EXPECT_EQ(OwnRows("aurore") + OwnRows("belmont"), 0U);
}

TEST_F(DepartureTest, ExclusionsOfAllWhoGaveThemOnStay) {
  SetOwnPolicy(world_, "aurore", Excluding({"paylink"}));
  SetOwnPolicy(world_, "belmont", Excluding({"customs"}));
  v1::Record report = Report("bazaar.example", "shop-1");
  for (const char* member : {"paylink", "customs", "watcher"}) GrantMember(report, member);
  const std::string name = world_.Created("aurore", report).name();
  Leave(world_, "aurore", "belmont");
  Leave(world_, "belmont", "corsa");
  departing_.Resume(world_);
  ASSERT_TRUE(departing_.WaitEnded(NumberOf(world_, "aurore")));
  EXPECT_FALSE(Sees("paylink", name));
  EXPECT_FALSE(Sees("customs", name));
  EXPECT_TRUE(Sees("watcher", name));
}

TEST_F(DepartureTest, WhereASuccessorLeftAndWithdrewTheyAreWithdrawn) {
  const std::string name = GrantedToBelmont("shop-1").name();
  Leave(world_, "aurore", "corsa");
  Leave(world_, "corsa");
  departing_.Resume(world_);
  ASSERT_TRUE(departing_.WaitEnded(NumberOf(world_, "aurore")));
  EXPECT_FALSE(Sees("belmont", name));
  EXPECT_EQ(OwnRows("aurore") + OwnRows("corsa"), 0U);
}

TEST_F(DepartureTest, ASuspendedSuccessorHasThemAllTheSame) {
  const std::string name = GrantedToBelmont("shop-1").name();
  Leave(world_, "aurore", "corsa");
  SetStanding(world_, "corsa", v1::STANDING_SUSPENDED);
  departing_.Resume(world_);
  ASSERT_TRUE(departing_.WaitEnded(NumberOf(world_, "aurore")));
  EXPECT_EQ(OwnRows("corsa"), 1U);
  EXPECT_TRUE(Sees("belmont", name));
}

TEST_F(DepartureTest, OnlyWhoLeavesIsStarted) {
  const std::string name = GrantedToBelmont("shop-1").name();
  Departures& departures = world_.exchange().departures();
  departures.Start(NumberOf(world_, "aurore"));  // before all is there: Resume takes it up
  departing_.Resume(world_);
  departures.Start(NumberOf(world_, "aurore"));
  departures.Start(NumberOf(world_, "left"));  // an administrator's act; its records stay
  departures.Start(0);
  departures.Start(999);
  departures.Drain();
  EXPECT_TRUE(Sees("aurore", name));
  EXPECT_THAT(departing_.Ended(), IsEmpty());
  Leave(world_, "aurore");
  departures.Start(NumberOf(world_, "aurore"));  // drained: at the next start
  EXPECT_TRUE(Sees("belmont", name));
  world_.Restart();
  departing_.Resume(world_);
  ASSERT_TRUE(departing_.WaitEnded(NumberOf(world_, "aurore")));
  EXPECT_FALSE(Sees("belmont", name));
}

TEST_F(DepartureTest, StartedTwiceItIsDoneOnce) {
  for (int i = 0; i < 10; ++i) GrantedToBelmont("shop-" + std::to_string(i));
  departing_.Resume(world_);
  Leave(world_, "aurore", "belmont");
  for (int i = 0; i < 5; ++i) world_.exchange().departures().Start(NumberOf(world_, "aurore"));
  ASSERT_TRUE(departing_.WaitEnded(NumberOf(world_, "aurore")));
  world_.exchange().departures().Start(NumberOf(world_, "aurore"));
  world_.exchange().departures().Drain();
  EXPECT_EQ(Done("aurore"), 10);
  EXPECT_EQ(departing_.Ended().size(), 1U);
}

TEST_F(DepartureTest, TheEndIsToldUntilItIsKept) {
  GrantedToBelmont("shop-1");
  departing_.FailEnds(2);
  departing_.Resume(world_);
  Leave(world_, "aurore");
  world_.exchange().departures().Start(NumberOf(world_, "aurore"));
  ASSERT_TRUE(departing_.WaitFailed(1));
  ASSERT_TRUE(departing_.RunRetry());
  ASSERT_TRUE(departing_.WaitFailed(2));
  EXPECT_THAT(departing_.Ended(), IsEmpty());
  ASSERT_TRUE(departing_.RunRetry());
  ASSERT_TRUE(departing_.WaitEnded(NumberOf(world_, "aurore")));
  EXPECT_EQ(Done("aurore"), 1);
}

TEST_F(DepartureTest, ADamagedRecordHoldsUpTheEndAndNothingElse) {
  std::vector<std::string> names;
  for (int i = 0; i < 5; ++i) names.push_back(GrantedToBelmont("shop-" + std::to_string(i)).name());
  const std::string prefix = OwnerPrefix(NumberOf(world_, "aurore"));
  const auto rows = world_.store().Scan(prefix, PrefixEnd(prefix), world_.store().Head(), {});
  store::Commit damage;
  damage.build = [&](store::Revision, auto) -> absl::StatusOr<std::vector<store::Write>> {
    return std::vector<store::Write>{{rows->items[2].version.value, "no record"}};
  };
  ASSERT_TRUE(world_.store().CommitAll(std::span(&damage, 1))[0].ok());
  departing_.Resume(world_);
  Leave(world_, "aurore", "belmont");
  world_.exchange().departures().Start(NumberOf(world_, "aurore"));
  ASSERT_TRUE(departing_.WaitFailed());
  EXPECT_EQ(GetErrorReason(departing_.LastFailure()), v1::ERROR_REASON_CORRUPT);
  EXPECT_EQ(Done("aurore"), 4);
  EXPECT_THAT(Listed("belmont"), SizeIs(4));
  EXPECT_EQ(OwnRows("aurore"), 1U);
  EXPECT_THAT(departing_.Ended(), IsEmpty());
}

}  // namespace
}  // namespace coalition::exchange
