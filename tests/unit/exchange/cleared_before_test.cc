// Who lists a seller again is told of reports that were cleared, as far as it could see them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "common/errors.h"
#include "tests/unit/exchange/clearance_support.h"
#include "tests/unit/exchange/departure_support.h"
#include "tests/unit/exchange/expiry_support.h"

namespace coalition::exchange {
namespace {

using namespace coalition::testing;  // NOLINT: the room's own fixtures
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;

v1::Record GrantedTo(const std::vector<std::string>& members, const std::string& view = "full") {
  v1::Record report = Report("bazaar.example", "shop-1");
  for (const std::string& member : members) GrantMember(report, member, view);
  return report;
}

class ClearedBeforeTest : public ::testing::Test {
 protected:
  // The name of a report that is cleared.
  std::string Cleared(const v1::Record& report) {
    const std::string name = world_.Created("aurore", report).name();
    ClearIt(world_, "aurore", name);
    return name;
  }
  std::vector<std::string> Told(const char* member, const std::string& name) {
    const auto record = world_.Get(world_.As(member), name);
    EXPECT_TRUE(record.ok()) << record.status();
    return record.ok() ? ClearedBefore(*record) : std::vector<std::string>();
  }
  v1::ReviseRecordRequest Comment(const std::string& name) {
    v1::ReviseRecordRequest request;
    request.mutable_record()->set_name(name);
    request.mutable_record()->mutable_offender_report()->set_comment("second");
    request.mutable_update_mask()->add_paths("offender_report.comment");
    return request;
  }

  World world_;
};

TEST_F(ClearedBeforeTest, IsToldToWhoCouldSeeTheOther) {
  const std::string cleared = Cleared(GrantedTo({"belmont"}));
  const v1::Record again = world_.Created("aurore", GrantedTo({"belmont", "corsa"}));
  EXPECT_THAT(ClearedBefore(again), ElementsAre(cleared)) << "its contributor is told at once";
  EXPECT_THAT(Told("aurore", again.name()), ElementsAre(cleared));
  EXPECT_THAT(Told("belmont", again.name()), ElementsAre(cleared));
  EXPECT_THAT(Told("corsa", again.name()), IsEmpty());
  EXPECT_THAT(ClearedBefore(world_.Created("belmont", GrantedTo({}))), ElementsAre(cleared));
  const v1::Record by_corsa = world_.Created("corsa", GrantedTo({"belmont"}));
  EXPECT_THAT(ClearedBefore(by_corsa), IsEmpty());
  EXPECT_THAT(Told("corsa", by_corsa.name()), IsEmpty());
  EXPECT_THAT(Told("belmont", by_corsa.name()), ElementsAre(cleared));
  v1::ListRecordsRequest list;
  const auto listed = world_.List(world_.As("corsa"), list);
  ASSERT_TRUE(listed.ok()) << listed.status();
  ASSERT_GT(listed->records_size(), 0);
  for (const v1::Record& record : listed->records()) EXPECT_THAT(ClearedBefore(record), IsEmpty());
}

// What is hidden changes no byte of an answer, nor how large a record may be.
// What somebody may not know of takes no place from what it may.
TEST_F(ClearedBeforeTest, HiddenOnesDisplaceNothing) {
  std::vector<std::string> own;
  for (int i = 0; i < 8; ++i) {
    own.push_back(world_.Created("corsa", GrantedTo({})).name());
    ClearIt(world_, "corsa", own.back());
  }
  for (int i = 0; i < 40; ++i) ClearIt(world_, "aurore", world_.Created("aurore", GrantedTo({})).name());
  const v1::Record made = world_.Created("corsa", GrantedTo({}));
  EXPECT_THAT(ClearedBefore(made), ::testing::UnorderedElementsAreArray(own));
  EXPECT_THAT(Told("corsa", made.name()), ::testing::UnorderedElementsAreArray(own));
  ClearIt(world_, "corsa", world_.Created("corsa", GrantedTo({})).name());
  EXPECT_THAT(Told("corsa", made.name()), ::testing::UnorderedElementsAreArray(own)) << "that was later";
}

TEST(ClearedBeforeHiddenTest, WhoCouldNotSeeItIsAnsweredAsIfThereWereNone) {
  WorldOptions options;
  options.exchange.record_bytes_max = 600;
  World told(options), untold(options);
  for (World* world : {&told, &untold}) world->random.Reseed(7);
  ClearIt(told, "aurore", told.Created("aurore", GrantedTo({"belmont"})).name());
  v1::WithdrawRecordRequest withdraw;
  withdraw.set_name(untold.Created("aurore", GrantedTo({"belmont"})).name());
  ASSERT_TRUE(untold.Withdraw(untold.As("aurore"), withdraw).ok());

  const v1::Record report = GrantedTo({"customs"});
  const v1::Record made = told.Created("corsa", report);
  EXPECT_EQ(made.SerializeAsString(), untold.Created("corsa", report).SerializeAsString());
  for (const char* member : {"corsa", "customs"}) {
    EXPECT_EQ(told.Get(told.As(member), made.name())->SerializeAsString(),
              untold.Get(untold.As(member), made.name())->SerializeAsString())
        << member;
  }
  v1::ReviseRecordRequest request;
  request.mutable_record()->set_name(made.name());
  request.mutable_update_mask()->add_paths("offender_report.comment");
  request.set_validate_only(true);
  int refused = 0;
  for (int size = 0; size < 600; ++size) {
    request.mutable_record()->mutable_offender_report()->set_comment(std::string(size, 'x'));
    const absl::Status status = told.Revise(told.As("corsa"), request).status();
    EXPECT_EQ(status, untold.Revise(untold.As("corsa"), request).status()) << size;
    refused += status.ok() ? 0 : 1;
  }
  EXPECT_GT(refused, 0);
  EXPECT_LT(refused, 600);
}

TEST_F(ClearedBeforeTest, WhatWasNarrowedBeforeItWasClearedIsJudgedSo) {
  const std::string name = world_.Created("aurore", GrantedTo({"belmont", "corsa"})).name();
  v1::ReviseRecordRequest narrow;
  narrow.mutable_record()->set_name(name);
  *narrow.mutable_record()->mutable_audience() = GrantedTo({"belmont"}).audience();
  narrow.mutable_update_mask()->add_paths("audience");
  ASSERT_TRUE(world_.Revise(world_.As("aurore"), narrow).ok());
  ClearIt(world_, "aurore", name);
  EXPECT_THAT(ClearedBefore(world_.Created("belmont", GrantedTo({}))), ElementsAre(name));
  EXPECT_THAT(ClearedBefore(world_.Created("corsa", GrantedTo({}))), IsEmpty());
}

TEST_F(ClearedBeforeTest, IsJudgedByTheStateOfNow) {
  const std::string cleared = Cleared(GrantedTo({"belmont"}));
  const v1::Record again = world_.Created("corsa", GrantedTo({"belmont"}));
  const v1::Record own = world_.Created("belmont", GrantedTo({}));
  EXPECT_THAT(Told("belmont", again.name()), ElementsAre(cleared));
  SetOwnPolicy(world_, "aurore", Excluding({"belmont"}));
  EXPECT_THAT(Told("belmont", again.name()), IsEmpty());
  const auto now = world_.Get(world_.As("belmont"), own.name());
  ASSERT_TRUE(now.ok());
  EXPECT_THAT(ClearedBefore(*now), IsEmpty());
  EXPECT_EQ(now->etag(), own.etag()) << "it does not keep the contributor from changing its record";
}

// Through a view that hides whom one of the two is about, the other would tell it.
TEST(ClearedBeforeViewTest, IsToldWhereBothShowTheirSeller) {
  WorldOptions options = WithLimits("");
  v1::ViewDefinition* blind = options.bootstrap.mutable_policy()->add_views();
  blind->set_name("blind");
  blind->set_record_class(v1::RECORD_CLASS_OFFENDER_REPORT);
  blind->add_full("infringement_types");
  blind->add_token("seller.seller_id");
  World world(options);
  const auto told = [&world](const std::string& name) {
    const auto record = world.Get(world.As("belmont"), name);
    EXPECT_TRUE(record.ok()) << record.status();
    return record.ok() ? ClearedBefore(*record) : std::vector<std::string>();
  };
  const std::string seen = world.Created("aurore", GrantedTo({"belmont"})).name();
  const std::string blindly = world.Created("aurore", GrantedTo({"belmont"}, "blind")).name();
  ASSERT_TRUE(world.Get(world.As("belmont"), blindly).ok());
  ClearIt(world, "aurore", seen);
  ClearIt(world, "aurore", blindly);
  EXPECT_THAT(told(world.Created("corsa", GrantedTo({"belmont"})).name()), ElementsAre(seen));
  EXPECT_THAT(told(world.Created("corsa", GrantedTo({"belmont"}, "blind")).name()), IsEmpty());
}

TEST_F(ClearedBeforeTest, StaysWhenTheReportIsRevised) {
  const std::string cleared = Cleared(GrantedTo({}));
  const std::string name = world_.Created("aurore", GrantedTo({})).name();
  const auto revised = world_.Revise(world_.As("aurore"), Comment(name));
  ASSERT_TRUE(revised.ok()) << revised.status();
  EXPECT_THAT(ClearedBefore(revised->record()), ElementsAre(cleared));
  world_.Restart();
  EXPECT_THAT(Told("aurore", name), ElementsAre(cleared));
  EXPECT_EQ(world_.Get(world_.As("aurore"), name)->offender_report().comment(), "second");
}

TEST_F(ClearedBeforeTest, IsNeverTakenFromTheCaller) {
  const std::string cleared = Cleared(GrantedTo({}));
  v1::Record elsewhere = Report("bazaar.example", "shop-2");
  elsewhere.add_cleared_before(cleared);
  elsewhere.mutable_contest()->set_confirm_grounds("none");
  elsewhere.set_external_id("case-1");
  const v1::Record made = world_.Created("aurore", elsewhere);
  EXPECT_THAT(ClearedBefore(made), IsEmpty());
  EXPECT_FALSE(made.has_contest());
  elsewhere.clear_cleared_before();
  elsewhere.clear_contest();
  EXPECT_TRUE(world_.Create(world_.As("aurore"), CreateRequest(elsewhere))->existed())
      << "and is no part of the contents";
  for (const char* path : {"cleared_before", "contest", "contest.confirm_grounds"}) {
    v1::ReviseRecordRequest request;
    request.mutable_record()->set_name(made.name());
    request.mutable_record()->add_cleared_before(cleared);
    request.mutable_update_mask()->add_paths(path);
    const auto refused = world_.Revise(world_.As("aurore"), request);
    EXPECT_EQ(GetErrorReason(refused.status()), v1::ERROR_REASON_IMMUTABLE_FIELD) << path;
  }
}

TEST_F(ClearedBeforeTest, ImportsAreToldToo) {
  const std::string cleared = Cleared(GrantedTo({"belmont"}));
  v1::ImportRecordsRequest request;
  for (const char* seller : {"shop-1", "shop-2", "shop-1"}) {
    *request.add_items()->mutable_record() = Report("bazaar.example", seller);
    GrantMember(*request.mutable_items()->rbegin()->mutable_record(), "belmont");
  }
  const auto imported = world_.Import(world_.As("corsa"), request);
  ASSERT_TRUE(imported.ok()) << imported.status();
  EXPECT_THAT(Told("belmont", imported->results(0).name()), ElementsAre(cleared));
  EXPECT_THAT(Told("belmont", imported->results(1).name()), IsEmpty());
  EXPECT_THAT(Told("belmont", imported->results(2).name()), ElementsAre(cleared));
  EXPECT_THAT(Told("corsa", imported->results(0).name()), IsEmpty());
}

TEST_F(ClearedBeforeTest, IsOfReportsAboutTheSameSellerAlone) {
  Cleared(GrantedTo({"bazaar"}));
  for (const v1::Record& other : {Report("bazaar.example", "shop-10"), Report("souk.example", "shop-1"),
                                  Notice("bazaar.example", "shop-1")}) {
    EXPECT_THAT(ClearedBefore(world_.Created("aurore", other)), IsEmpty()) << other.DebugString();
  }
  EXPECT_THAT(ClearedBefore(world_.Created("bazaar", Outcome("bazaar.example", "shop-1"))), IsEmpty());
  v1::WithdrawRecordRequest withdraw;
  withdraw.set_name(world_.Created("aurore", Report("bazaar.example", "shop-2")).name());
  ASSERT_TRUE(world_.Withdraw(world_.As("aurore"), withdraw).ok());
  EXPECT_THAT(ClearedBefore(world_.Created("aurore", Report("bazaar.example", "shop-2"))), IsEmpty())
      << "taken back, and not because it was wrong";
}

TEST_F(ClearedBeforeTest, IsOfTheNewestEight) {
  std::vector<std::string> newest_first;
  for (int i = 0; i < 10; ++i) newest_first.insert(newest_first.begin(), Cleared(GrantedTo({})));
  newest_first.resize(8);
  EXPECT_THAT(ClearedBefore(world_.Created("aurore", GrantedTo({}))), ElementsAreArray(newest_first));
}

// When it was cleared counts, not when it was made.
TEST_F(ClearedBeforeTest, TheLastClearedComesFirst) {
  std::vector<std::string> names;
  for (int i = 0; i < 3; ++i) names.push_back(world_.Created("aurore", GrantedTo({})).name());
  for (const int i : {1, 2, 0}) ClearIt(world_, "aurore", names[i]);
  EXPECT_THAT(ClearedBefore(world_.Created("aurore", GrantedTo({}))),
              ElementsAre(names[0], names[2], names[1]));
}

// Then the filter is made of what the store has, and of the seller that is the clearance alone.
TEST_F(ClearedBeforeTest, IsFoundAlsoWhenTheHashKeyWasLost) {
  const std::string cleared = Cleared(GrantedTo({}));
  ASSERT_THAT(KeysOf(world_, "r"), IsEmpty());
  world_.RestartWith(std::string(32, 'z'));
  EXPECT_THAT(ClearedBefore(world_.Created("aurore", GrantedTo({}))), ElementsAre(cleared));
}

// Whoever has reports looks at those that were cleared as at others: the call can be ended there.
class EndAt final : public ReadWatch {
 public:
  explicit EndAt(int n) : n_(n) {}
  absl::Status Look() override { return ++looked == n_ ? absl::CancelledError("enough") : absl::OkStatus(); }
  int looked = 0;

 private:
  const int n_;
};

TEST_F(ClearedBeforeTest, AReadIsWatched) {
  const std::string bare = world_.Created("aurore", GrantedTo({})).name();
  for (int i = 0; i < 3; ++i) Cleared(GrantedTo({}));
  const std::string name = world_.Created("aurore", GrantedTo({})).name();
  CallContext context = world_.As("aurore");
  EndAt never(0), second(2);
  context.watch = &never;
  ASSERT_TRUE(world_.Get(context, bare).ok());
  EXPECT_EQ(never.looked, 0) << "a report without costs nothing more";
  ASSERT_TRUE(world_.Get(context, name).ok());
  EXPECT_EQ(never.looked, 3);
  context.watch = &second;
  EXPECT_EQ(world_.Get(context, name).status(), absl::CancelledError("enough"));
}

}  // namespace
}  // namespace coalition::exchange
