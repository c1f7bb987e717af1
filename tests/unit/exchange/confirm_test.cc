// What becomes of a contested report: it lapses, is revised, or is confirmed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/errors.h"
#include "tests/unit/exchange/contest_support.h"
#include "tests/unit/exchange/departure_support.h"

namespace coalition::exchange {
namespace {

using namespace coalition::testing;  // NOLINT: the room's own fixtures

constexpr auto kActive = v1::RECORD_STATE_ACTIVE;
constexpr auto kContested = v1::RECORD_STATE_CONTESTED;
constexpr char kRequestId[] = "7c9e6679-7425-40de-944b-e07fc1f90ae7";

class ConfirmTest : public ContestWorld {
 protected:
  absl::Status Refusal(const v1::ConfirmRecordRequest& request, const char* member = "aurore") {
    return world_.Confirm(world_.As(member), request).status();
  }
  v1::Record Change() const {
    v1::Record change;
    change.set_name(report_.name());
    return change;
  }
  v1::ConfirmRecordRequest Request() const { return ConfirmRequest(report_.name()); }
  bool IsThere(const char* member = "aurore") { return world_.Get(world_.As(member), report_.name()).ok(); }
};

TEST_F(ConfirmTest, ItEndsWhenNobodyConfirmsIt) {
  ContestIt();
  const int64_t lapses_s = world_.clock.NowS() + 30 * kDayS;
  rounds_.Resume(world_);
  Pass(world_, 30 * kDayS - 1);
  ASSERT_TRUE(rounds_.Run());
  EXPECT_TRUE(IsThere("belmont"));
  EXPECT_EQ(world_.exchange().expiry().removed(), 0U);
  Pass(world_, 1);
  EXPECT_FALSE(IsThere("belmont"));
  EXPECT_FALSE(IsThere());
  EXPECT_EQ(Refusal(Request()), NotFound()) << "too late";
  ASSERT_TRUE(rounds_.Run());
  EXPECT_EQ(world_.exchange().expiry().removed(), 1U);
  const auto kept = TakenBackOf(world_, report_.name());
  ASSERT_TRUE(kept.has_value());
  EXPECT_EQ(kept->kind(), v1::RETRACTION_KIND_GONE);
  EXPECT_EQ(kept->time_s(), lapses_s);
  ExpectIndexed(world_);
}

TEST_F(ConfirmTest, WhatWasConfirmedStays) {
  ContestIt();
  ASSERT_TRUE(world_.Confirm(world_.As("aurore"), Request()).ok());
  rounds_.Resume(world_);
  Pass(world_, 31 * kDayS);
  ASSERT_TRUE(rounds_.Run());
  EXPECT_TRUE(IsThere("belmont"));
}

TEST_F(ConfirmTest, ItIsActiveAgainAndEndsWhenItWasTo) {
  ContestIt();
  const v1::Record contested = Get("aurore", report_.name());
  Pass(world_, 7);
  const auto confirmed = world_.Confirm(world_.As("aurore"), Request());
  ASSERT_TRUE(confirmed.ok()) << confirmed.status();
  const v1::Record& record = confirmed->record();
  EXPECT_EQ(record.state(), kActive);
  EXPECT_EQ(record.expire_time().seconds(), report_.expire_time().seconds());
  EXPECT_EQ(record.update_time().seconds(), world_.clock.NowS());
  EXPECT_EQ(record.contest().contest_time().seconds(), contested.contest().contest_time().seconds());
  EXPECT_EQ(record.contest().confirm_time().seconds(), world_.clock.NowS());
  EXPECT_EQ(record.contest().confirm_grounds(), Request().grounds());
  EXPECT_NE(record.etag(), contested.etag());
  EXPECT_EQ(Get("aurore", report_.name()).SerializeAsString(), record.SerializeAsString());
  EXPECT_FALSE(Get("belmont", report_.name()).has_contest());
  EXPECT_EQ(world_.ScreenOne("souk", "bazaar.example", "shop-1").verdict(), v1::VERDICT_LISTED);
  ExpectIndexed(world_);
}

TEST_F(ConfirmTest, AnotherAppealContestsItAnew) {
  ContestIt();
  ASSERT_TRUE(world_.Confirm(world_.As("aurore"), Request()).ok());
  Pass(world_, kDayS);
  ContestIt();
  const v1::Contest contest = Get("aurore", report_.name()).contest();
  EXPECT_EQ(contest.contest_time().seconds(), world_.clock.NowS());
  EXPECT_FALSE(contest.has_confirm_time());
  EXPECT_EQ(contest.confirm_grounds(), "");
}

TEST_F(ConfirmTest, WhatIsNotContestedIsNotConfirmed) {
  const auto expect_refused = [this] {
    const absl::Status refused = Refusal(Request());
    EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
    const auto info = GetErrorInfo(refused);
    ASSERT_TRUE(info.has_value());
    EXPECT_EQ(info->reason(), "STATE_CONFLICT");
    EXPECT_EQ(info->metadata().at("state"), "ACTIVE");
  };
  expect_refused();
  ContestIt();
  ASSERT_TRUE(world_.Confirm(world_.As("aurore"), Request()).ok());
  expect_refused();
}

TEST_F(ConfirmTest, ItsContributorAloneConfirmsIt) {
  ContestIt();
  for (const char* member : {"belmont", "bazaar", "corsa"})
    EXPECT_EQ(Refusal(Request(), member), NotFound()) << member;
  const auto reader = world_.Confirm(world_.As("aurore", {v1::ROLE_READER}), Request());
  EXPECT_EQ(GetErrorReason(reader.status()), v1::ERROR_REASON_ROLE_MISSING);
  EXPECT_EQ(State(report_.name()), kContested);
}

TEST_F(ConfirmTest, SaysWhatIsWrongWithTheRequest) {
  ContestIt();
  v1::ConfirmRecordRequest request = Request();
  request.clear_grounds();
  EXPECT_EQ(FieldsAtFault(Refusal(request)), "grounds");
  request.set_grounds(std::string(1'001, 'x'));
  request.set_name("records/x");
  EXPECT_EQ(FieldsAtFault(Refusal(request)), "grounds, name");
  request = Request();
  request.set_etag(report_.etag());
  EXPECT_EQ(GetErrorReason(Refusal(request)), v1::ERROR_REASON_ETAG_MISMATCH) << "of before the contest";
  request.set_etag(Get("aurore", report_.name()).etag());
  request.set_grounds(std::string(1'000, 'x'));
  EXPECT_TRUE(world_.Confirm(world_.As("aurore"), request).ok());
}

TEST_F(ConfirmTest, ValidateOnlyChangesNothingAndARepetitionFindsWhatWasDone) {
  ContestIt();
  v1::ConfirmRecordRequest request = Request();
  request.set_validate_only(true);
  EXPECT_EQ(world_.Confirm(world_.As("aurore"), request)->record().state(), kActive);
  EXPECT_EQ(State(report_.name()), kContested);
  request.clear_validate_only();
  request.set_request_id(kRequestId);
  const auto first = world_.Confirm(world_.As("aurore"), request);
  ASSERT_TRUE(first.ok()) << first.status();
  world_.Restart();
  const auto again = world_.Confirm(world_.As("aurore"), request);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->record().SerializeAsString(), first->record().SerializeAsString());
  request.set_grounds("others");
  EXPECT_EQ(GetErrorReason(Refusal(request)), v1::ERROR_REASON_REQUEST_ID_REUSED);
}

TEST_F(ConfirmTest, ARevisionKeepsTheContestAndItsEnd) {
  ContestIt();
  const v1::Contest contest = Get("aurore", report_.name()).contest();
  Pass(world_, kDayS);
  v1::Record change = Change();
  change.mutable_offender_report()->set_comment("second");
  const int64_t later_s = report_.create_time().seconds() + 3'650 * kDayS;
  change.mutable_expire_time()->set_seconds(later_s);
  const auto revised = Revise("aurore", change, {"offender_report.comment", "expire_time"});
  ASSERT_TRUE(revised.ok()) << revised.status();
  EXPECT_EQ(revised->record().state(), kContested);
  EXPECT_EQ(revised->record().contest().SerializeAsString(), contest.SerializeAsString());
  EXPECT_EQ(revised->record().expire_time().seconds(), later_s);
  ExpectIndexed(world_);
  EXPECT_EQ(KeysOf(world_, ExpiryPrefix(contest.lapse_time().seconds())).size(), 1U);
  Pass(world_, 29 * kDayS);
  EXPECT_FALSE(IsThere());
}

TEST_F(ConfirmTest, ARevisionCanEndItSoonerAndAConfirmationGoesByIt) {
  ContestIt();
  v1::Record change = Change();
  change.mutable_expire_time()->set_seconds(world_.clock.NowS() + kDayS);
  ASSERT_TRUE(Revise("aurore", change, {"expire_time"}).ok());
  EXPECT_EQ(KeysOf(world_, ExpiryPrefix(world_.clock.NowS() + kDayS)).size(), 1U);
  change.mutable_expire_time()->set_seconds(world_.clock.NowS() + 100 * kDayS);
  ASSERT_TRUE(Revise("aurore", change, {"expire_time"}).ok());
  EXPECT_EQ(KeysOf(world_, ExpiryPrefix(world_.clock.NowS() + 30 * kDayS)).size(), 1U) << "at the latest";
  ASSERT_TRUE(world_.Confirm(world_.As("aurore"), Request()).ok());
  EXPECT_EQ(KeysOf(world_, ExpiryPrefix(world_.clock.NowS() + 100 * kDayS)).size(), 1U);
  ExpectIndexed(world_);
}

// New evidence gave it a longer life than its creation does: a contest does not take that away.
TEST_F(ConfirmTest, TheLifeThatNewEvidenceGaveStays) {
  Pass(world_, 1'000 * kDayS);
  v1::Record change = Change();
  const int64_t later_s = world_.clock.NowS() + 3'650 * kDayS;
  change.mutable_expire_time()->set_seconds(later_s);
  change.mutable_offender_report()->add_evidence()->set_hash("sha256:" + std::string(64, 'a'));
  ASSERT_TRUE(Revise("aurore", change, {"offender_report.evidence", "expire_time"}).ok());
  ContestIt();
  change.mutable_offender_report()->set_comment("second");
  const auto revised = Revise("aurore", change, {"offender_report.comment"});
  ASSERT_TRUE(revised.ok()) << revised.status();
  EXPECT_EQ(revised->record().state(), kContested);
  const auto confirmed = world_.Confirm(world_.As("aurore"), Request());
  ASSERT_TRUE(confirmed.ok()) << confirmed.status();
  EXPECT_EQ(confirmed->record().expire_time().seconds(), later_s);
  ExpectIndexed(world_);
}

TEST_F(ConfirmTest, ASuccessorConfirmsWhatItTookOver) {
  ContestIt();
  Departing departing;
  Leave(world_, "aurore", "corsa");
  departing.Resume(world_);
  ASSERT_TRUE(departing.WaitEnded(NumberOf(world_, "aurore")));
  const v1::Record taken = Get("corsa", report_.name());
  EXPECT_EQ(taken.state(), kContested);
  EXPECT_TRUE(taken.has_contest());
  ExpectIndexed(world_);
  const auto confirmed = world_.Confirm(world_.As("corsa"), Request());
  ASSERT_TRUE(confirmed.ok()) << confirmed.status();
  EXPECT_EQ(confirmed->record().state(), kActive);
  ExpectIndexed(world_);
}

}  // namespace
}  // namespace coalition::exchange
