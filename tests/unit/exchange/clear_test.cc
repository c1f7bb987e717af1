// What a clearance does, and what is kept of records that were taken back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/errors.h"
#include "tests/unit/exchange/clearance_support.h"
#include "tests/unit/exchange/departure_support.h"
#include "tests/unit/exchange/expiry_support.h"

namespace coalition::exchange {
namespace {

using namespace coalition::testing;  // NOLINT: the room's own fixtures
using ::testing::IsEmpty;

constexpr char kRequestId[] = "7c9e6679-7425-40de-944b-e07fc1f90ae7";

v1::Record Granted(const std::string& external_id = "") {
  v1::Record report = Report("bazaar.example", "shop-1");
  report.set_external_id(external_id);
  GrantMember(report, "belmont");
  return report;
}

class ClearTest : public ::testing::Test {
 protected:
  absl::Status Refusal(const v1::ClearRecordRequest& request, const char* member = "aurore") {
    return world_.Clear(world_.As(member), request).status();
  }
  bool IsThere(const char* member = "aurore") { return world_.Get(world_.As(member), record_.name()).ok(); }

  World world_;
  const v1::Record record_ = world_.Created("aurore", Granted("case-17"));
};

TEST_F(ClearTest, IsForEverybodyAndForGood) {
  v1::ClearRecordRequest request = ClearRequest(record_.name());
  request.set_etag("stale");
  EXPECT_EQ(GetErrorReason(Refusal(request)), v1::ERROR_REASON_ETAG_MISMATCH);
  request.set_etag(record_.etag());
  request.set_request_id(kRequestId);
  ASSERT_TRUE(world_.Clear(world_.As("aurore"), request).ok());
  world_.Restart();
  for (const char* member : {"aurore", "belmont"}) {
    EXPECT_EQ(world_.Get(world_.As(member), record_.name()).status(), NotFound()) << member;
    EXPECT_THAT(world_.ListAll(world_.As(member), {}), IsEmpty()) << member;
    EXPECT_EQ(world_.ScreenOne(member, "bazaar.example", "shop-1").verdict(), v1::VERDICT_NOT_LISTED);
  }
  for (const char* index : {"r", "a", "o", "b", "e"}) EXPECT_THAT(KeysOf(world_, index), IsEmpty()) << index;
  EXPECT_TRUE(world_.Clear(world_.As("aurore"), request).ok()) << "the same request again";
  request.set_comment("another one");
  EXPECT_EQ(GetErrorReason(Refusal(request)), v1::ERROR_REASON_REQUEST_ID_REUSED);
  request.clear_request_id();
  EXPECT_EQ(Refusal(request), NotFound());
}

TEST_F(ClearTest, IsKeptWithItsGroundsAndWhoCouldSeeTheRecord) {
  v1::ClearRecordRequest request = ClearRequest(record_.name());
  request.set_comment(std::string(1'000, 'x'));
  EXPECT_FALSE(TakenBackOf(world_, record_.name()).has_value());
  Pass(world_, 5);
  ASSERT_TRUE(world_.Clear(world_.As("aurore"), request).ok());
  world_.Restart();
  const auto kept = TakenBackOf(world_, record_.name());
  ASSERT_TRUE(kept.has_value());
  EXPECT_EQ(kept->kind(), v1::RETRACTION_KIND_CLEARED);
  EXPECT_EQ(kept->contributor(), NumberOf(world_, "aurore"));
  EXPECT_EQ(kept->time_s(), world_.clock.NowS());
  EXPECT_EQ(kept->grounds(), v1::CLEARANCE_GROUNDS_MISTAKEN_IDENTITY);
  EXPECT_EQ(world_.keys().contents->Open(IdOf(record_.name()), kept->sealed_comment()), request.comment());
  EXPECT_EQ(kept->cleared_by(), "members/aurore/credentials/backend");
  const auto header = policy::HeaderView::Parse(kept->header());
  ASSERT_TRUE(header.has_value());
  EXPECT_EQ(header->state(), policy::Lifecycle::kActive);
  EXPECT_TRUE(header->LiveAt(world_.clock.NowS() + int64_t{1'000} * 365 * 86'400));
  EXPECT_EQ(header->grants_size(), 1);
  EXPECT_EQ(header->grant(0).id, NumberOf(world_, "belmont"));
}

TEST_F(ClearTest, ForeignAndAbsentAreAnsweredAlike) {
  const v1::ClearRecordRequest request = ClearRequest(record_.name());
  EXPECT_EQ(Refusal(request, "belmont"), NotFound()) << "sees it, does not own it";
  EXPECT_EQ(Refusal(request, "corsa"), NotFound());
  EXPECT_EQ(Refusal(ClearRequest("records/aaaaaaaaaaaaaaaaaaaaaaaaaa")), NotFound());
  EXPECT_TRUE(IsThere());
  EXPECT_FALSE(TakenBackOf(world_, record_.name()).has_value());
  const auto reader = world_.Clear(world_.As("aurore", {v1::ROLE_READER}), request);
  EXPECT_EQ(GetErrorReason(reader.status()), v1::ERROR_REASON_ROLE_MISSING);
  EXPECT_EQ(GetErrorReason(Refusal(request, "limbo")), v1::ERROR_REASON_MEMBER_NOT_ACTIVE);
}

TEST_F(ClearTest, SaysWhatIsWrongWithTheRequest) {
  v1::ClearRecordRequest request = ClearRequest(record_.name());
  for (const int grounds : {0, 99}) {
    request.set_grounds(static_cast<v1::ClearanceGrounds>(grounds));
    EXPECT_EQ(FieldsAtFault(Refusal(request)), "grounds") << grounds;
  }
  request.set_comment(std::string(1'001, 'x'));
  request.set_name("records/x");
  EXPECT_EQ(FieldsAtFault(Refusal(request)), "grounds, comment, name");
  request = ClearRequest(record_.name());
  request.set_comment("a\x01z");
  EXPECT_EQ(FieldsAtFault(Refusal(request)), "comment");
  EXPECT_TRUE(IsThere());
}

TEST_F(ClearTest, ValidateOnlyChangesNothing) {
  v1::ClearRecordRequest request = ClearRequest(record_.name());
  request.set_validate_only(true);
  EXPECT_TRUE(world_.Clear(world_.As("aurore"), request).ok());
  EXPECT_TRUE(IsThere("belmont"));
  EXPECT_FALSE(TakenBackOf(world_, record_.name()).has_value());
  request.clear_validate_only();
  EXPECT_TRUE(world_.Clear(world_.As("aurore"), request).ok());
  EXPECT_FALSE(IsThere("belmont"));
}

TEST_F(ClearTest, TheExternalIdStaysTaken) {
  ClearIt(world_, "aurore", record_.name());
  const auto again = world_.Create(world_.As("aurore"), CreateRequest(Granted("case-17")));
  EXPECT_EQ(GetErrorReason(again.status()), v1::ERROR_REASON_EXTERNAL_ID_TAKEN);
}

TEST_F(ClearTest, AnOpinionClearsNobody) {
  const std::string name =
      world_.Created("belmont", Opinion(record_.name(), v1::OPINION_VERDICT_CONFIRMED)).name();
  v1::ClearRecordRequest request = ClearRequest(name);
  EXPECT_EQ(FieldsAtFault(Refusal(request, "belmont")), "name");
  request.set_validate_only(true);
  EXPECT_EQ(FieldsAtFault(Refusal(request, "belmont")), "name");
  EXPECT_EQ(Refusal(request, "aurore"), NotFound()) << "who does not own it learns nothing of it";
  EXPECT_TRUE(world_.Get(world_.As("belmont"), name).ok());
}

TEST_F(ClearTest, NoticesAndOutcomesAreClearedToo) {
  const std::string notice = world_.Created("aurore", Notice("bazaar.example", "shop-1")).name();
  const std::string outcome = world_.Created("bazaar", Outcome("bazaar.example", "shop-1")).name();
  ClearIt(world_, "aurore", notice);
  ClearIt(world_, "bazaar", outcome);
  EXPECT_EQ(TakenBackOf(world_, notice)->kind(), v1::RETRACTION_KIND_CLEARED);
  EXPECT_EQ(TakenBackOf(world_, outcome)->contributor(), NumberOf(world_, "bazaar"));
  EXPECT_THAT(KeysOf(world_, std::string(kClearancesPrefix)), IsEmpty()) << "of reports alone";
}

class TakenBackTest : public ::testing::Test {
 protected:
  void ExpectGone(const std::string& name, int64_t time_s) {
    const auto kept = TakenBackOf(world_, name);
    ASSERT_TRUE(kept.has_value());
    EXPECT_EQ(kept->kind(), v1::RETRACTION_KIND_GONE);
    EXPECT_EQ(kept->contributor(), NumberOf(world_, "aurore"));
    EXPECT_EQ(kept->time_s(), time_s);
    EXPECT_EQ(kept->header(), "") << "of clearances alone";
  }

  Rounds rounds_;
  Departing departing_;
  World world_;
};

TEST_F(TakenBackTest, ByWithdrawal) {
  const std::string name = world_.Created("aurore", Granted()).name();
  v1::WithdrawRecordRequest request;
  request.set_name(name);
  Pass(world_, 5);
  ASSERT_TRUE(world_.Withdraw(world_.As("aurore"), request).ok());
  ExpectGone(name, world_.clock.NowS());
}

TEST_F(TakenBackTest, ByItsExpiryAndNotWhenThatWasNoticed) {
  const int64_t expires_s = world_.clock.NowS() + kLifeS;
  const std::string name = world_.Created("aurore", ShortLived(world_, "shop-1")).name();
  rounds_.Resume(world_);
  Pass(world_, 2 * kLifeS);
  EXPECT_FALSE(TakenBackOf(world_, name).has_value()) << "its row is still there";
  ASSERT_TRUE(rounds_.Run());
  ExpectGone(name, expires_s);
}

TEST_F(TakenBackTest, ByItsExpiryWhereItsContributorWritesAboutTheSellerAgain) {
  const int64_t expires_s = world_.clock.NowS() + kLifeS;
  const std::string name = world_.Created("aurore", ShortLived(world_, "shop-1")).name();
  Pass(world_, 2 * kLifeS);
  world_.Created("aurore", ShortLived(world_, "shop-1"));
  ExpectGone(name, expires_s);
}

TEST_F(TakenBackTest, ByTheDepartureOfItsContributor) {
  const std::string name = world_.Created("aurore", Granted()).name();
  const int64_t expires_s = world_.clock.NowS() + kLifeS;
  const std::string expired = world_.Created("aurore", ShortLived(world_, "shop-2")).name();
  Pass(world_, 2 * kLifeS);
  Leave(world_, "aurore");
  departing_.Resume(world_);
  ASSERT_TRUE(departing_.WaitEnded(NumberOf(world_, "aurore")));
  ExpectGone(name, world_.clock.NowS());
  ExpectGone(expired, expires_s);
}

TEST_F(TakenBackTest, WhatGoesToASuccessorIsNotTakenBack) {
  const std::string name = world_.Created("aurore", Granted()).name();
  Leave(world_, "aurore", "corsa");
  departing_.Resume(world_);
  ASSERT_TRUE(departing_.WaitEnded(NumberOf(world_, "aurore")));
  EXPECT_FALSE(TakenBackOf(world_, name).has_value());
  ClearIt(world_, "corsa", name);
  EXPECT_EQ(TakenBackOf(world_, name)->contributor(), NumberOf(world_, "corsa"));
}

}  // namespace
}  // namespace coalition::exchange
