// Each call of ExchangeService does over real mutual TLS what it says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/errors.h"
#include "tests/integration/records.h"
#include "tests/support/test_server.h"

namespace coalition::testing {
namespace {

using Stub = v1::ExchangeService::Stub;

class ExchangeRpcTest : public ::testing::Test {
 protected:
  v1::Record MustCreate(const std::string& member, const v1::Record& record) {
    const auto created = Call(server_.Exchange(member), &Stub::CreateRecord, CreateOf(record));
    EXPECT_TRUE(created.ok()) << created.status();
    return created.ok() ? created->record() : v1::Record();
  }

  TestServer server_;
};

TEST_F(ExchangeRpcTest, CreateThenGetShowsTheOwnerEverything) {
  v1::Record report = Report("shop-1");
  GrantMember(&report, "belmont");
  const v1::Record created = MustCreate("aurore", report);
  EXPECT_EQ(created.contributor(), "members/aurore");
  EXPECT_EQ(created.record_class(), v1::RECORD_CLASS_OFFENDER_REPORT);
  const auto got = Call(server_.Exchange("aurore"), &Stub::GetRecord, GetOf(created.name()));
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->record().SerializeAsString(), created.SerializeAsString());
  EXPECT_EQ(got->record().view(), "owner");
  const auto shown = Call(server_.Exchange("belmont"), &Stub::GetRecord, GetOf(created.name()));
  ASSERT_TRUE(shown.ok()) << shown.status();
  EXPECT_EQ(shown->record().view(), "full");
  EXPECT_EQ(shown->record().offender_report().comment(), "Seen twice.");
}

TEST_F(ExchangeRpcTest, WhatNobodyWasGrantedNobodySees) {
  const v1::Record created = MustCreate("aurore", Report("shop-1"));
  const auto hidden = Call(server_.Exchange("belmont"), &Stub::GetRecord, GetOf(created.name()));
  const auto absent =
      Call(server_.Exchange("belmont"), &Stub::GetRecord, GetOf("records/aaaaaaaaaaaaaaaaaaaaaaaaaa"));
  EXPECT_EQ(hidden.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(hidden.status(), absent.status());
}

TEST_F(ExchangeRpcTest, CreateIsIdempotentByRequestIdAcrossARestart) {
  v1::CreateRecordRequest request = CreateOf(Report("shop-1"));
  request.set_request_id("2f6b1b5e-3a56-4d7c-9a0e-5b1f4c1d2e3f");
  const auto first = Call(server_.Exchange("aurore"), &Stub::CreateRecord, request);
  ASSERT_TRUE(first.ok()) << first.status();
  server_.Restart();
  const auto again = Call(server_.Exchange("aurore"), &Stub::CreateRecord, request);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->record().name(), first->record().name());
  EXPECT_TRUE(again->existed());
  request.mutable_record()->mutable_offender_report()->set_comment("other");
  const auto reused = Call(server_.Exchange("aurore"), &Stub::CreateRecord, request);
  EXPECT_EQ(GetErrorReason(reused.status()), v1::ERROR_REASON_REQUEST_ID_REUSED) << reused.status();
}

TEST_F(ExchangeRpcTest, ABadFieldIsNamed) {
  v1::Record report = Report("");
  const auto refused = Call(server_.Exchange("aurore"), &Stub::CreateRecord, CreateOf(report));
  EXPECT_EQ(GetErrorReason(refused.status()), v1::ERROR_REASON_INVALID_FIELD) << refused.status();
  const auto bad = GetBadRequest(refused.status());
  ASSERT_TRUE(bad.has_value());
  EXPECT_THAT(bad->field_violations(0).field(), ::testing::HasSubstr("seller"));
}

TEST_F(ExchangeRpcTest, ReviseChangesWhatTheMaskNames) {
  const v1::Record created = MustCreate("aurore", Report("shop-1"));
  v1::ReviseRecordRequest request;
  *request.mutable_record() = created;
  request.mutable_record()->mutable_offender_report()->set_comment("Seen three times.");
  request.mutable_update_mask()->add_paths("offender_report.comment");
  const auto revised = Call(server_.Exchange("aurore"), &Stub::ReviseRecord, request);
  ASSERT_TRUE(revised.ok()) << revised.status();
  EXPECT_EQ(revised->record().offender_report().comment(), "Seen three times.");
  EXPECT_NE(revised->record().etag(), created.etag());
  const auto stale = Call(server_.Exchange("aurore"), &Stub::ReviseRecord, request);
  EXPECT_EQ(GetErrorReason(stale.status()), v1::ERROR_REASON_ETAG_MISMATCH) << stale.status();
  const auto stranger = Call(server_.Exchange("belmont"), &Stub::ReviseRecord, request);
  EXPECT_EQ(stranger.status().code(), absl::StatusCode::kNotFound);
}

TEST_F(ExchangeRpcTest, WithdrawnIsGoneForEverybody) {
  v1::Record report = Report("shop-1");
  GrantMember(&report, "belmont");
  const v1::Record created = MustCreate("aurore", report);
  v1::WithdrawRecordRequest request;
  request.set_name(created.name());
  const auto withdrawn = Call(server_.Exchange("aurore"), &Stub::WithdrawRecord, request);
  ASSERT_TRUE(withdrawn.ok()) << withdrawn.status();
  for (const char* member : {"aurore", "belmont"}) {
    const auto gone = Call(server_.Exchange(member), &Stub::GetRecord, GetOf(created.name()));
    EXPECT_EQ(gone.status().code(), absl::StatusCode::kNotFound) << member;
  }
  const auto screened = Call(server_.Exchange("belmont"), &Stub::ScreenSellers, ScreenOf("shop-1"));
  ASSERT_TRUE(screened.ok()) << screened.status();
  EXPECT_EQ(screened->results(0).verdict(), v1::VERDICT_NOT_LISTED);
}

TEST_F(ExchangeRpcTest, ManyAreWithdrawnAtOnceEachByItself) {
  v1::BatchWithdrawRecordsRequest request;
  for (const char* seller : {"shop-1", "shop-2"}) {
    v1::Record report = Report(seller);
    GrantMember(&report, "belmont");
    request.add_names(MustCreate("aurore", report).name());
  }
  const std::string others = MustCreate("belmont", Report("shop-1")).name();
  for (const std::string& name : {others, std::string("records/x"), request.names(0)})
    request.add_names(name);
  request.set_validate_only(true);
  const auto valid = Call(server_.Exchange("aurore"), &Stub::BatchWithdrawRecords, request);
  ASSERT_TRUE(valid.ok()) << valid.status();
  request.clear_validate_only();
  const auto withdrawn = Call(server_.Exchange("aurore"), &Stub::BatchWithdrawRecords, request);
  ASSERT_TRUE(withdrawn.ok()) << withdrawn.status();
  ASSERT_EQ(valid->results_size(), 5);
  ASSERT_EQ(withdrawn->results_size(), 5);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(valid->results(i).status(), i < 2 ? v1::TAKE_BACK_STATUS_VALID : v1::TAKE_BACK_STATUS_REJECTED);
    EXPECT_EQ(withdrawn->results(i).status(),
              i < 2 ? v1::TAKE_BACK_STATUS_DONE : v1::TAKE_BACK_STATUS_REJECTED);
    EXPECT_EQ(withdrawn->results(i).name(), request.names(i));
  }
  EXPECT_EQ(withdrawn->results(2).error().reason(), "NOT_FOUND");
  EXPECT_EQ(withdrawn->results(3).error().field(), "names[3]");
  EXPECT_EQ(withdrawn->results(4).error().field(), "names[4]");
  server_.Restart();
  for (int i = 0; i < 2; ++i) {
    const auto gone = Call(server_.Exchange("belmont"), &Stub::GetRecord, GetOf(request.names(i)));
    EXPECT_EQ(gone.status().code(), absl::StatusCode::kNotFound) << i;
  }
  EXPECT_TRUE(Call(server_.Exchange("belmont"), &Stub::GetRecord, GetOf(others)).ok());
  const auto again = Call(server_.Exchange("aurore"), &Stub::BatchWithdrawRecords, request);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->results(0).status(), v1::TAKE_BACK_STATUS_DONE_BEFORE);
}

TEST_F(ExchangeRpcTest, ManyAreClearedAtOnceWithGrounds) {
  v1::BatchClearRecordsRequest request;
  for (int i = 0; i < 2; ++i) request.add_names(MustCreate("aurore", Report("shop-1")).name());
  const auto without = Call(server_.Exchange("aurore"), &Stub::BatchClearRecords, request);
  EXPECT_EQ(GetErrorReason(without.status()), v1::ERROR_REASON_INVALID_FIELD) << without.status();
  request.set_grounds(v1::CLEARANCE_GROUNDS_GENUINE_GOODS);
  const auto cleared = Call(server_.Exchange("aurore"), &Stub::BatchClearRecords, request);
  ASSERT_TRUE(cleared.ok()) << cleared.status();
  ASSERT_EQ(cleared->results_size(), 2);
  for (const auto& result : cleared->results()) EXPECT_EQ(result.status(), v1::TAKE_BACK_STATUS_DONE);
  const v1::Record again = MustCreate("aurore", Report("shop-1"));
  EXPECT_THAT(again.cleared_before(), ::testing::UnorderedElementsAre(request.names(0), request.names(1)));
  for (int i = 0; i < 250; ++i) request.add_names("records/x");
  const auto too_many = Call(server_.Exchange("aurore"), &Stub::BatchClearRecords, request);
  EXPECT_EQ(GetErrorReason(too_many.status()), v1::ERROR_REASON_LIMIT_EXCEEDED) << too_many.status();
}

TEST_F(ExchangeRpcTest, ListPagesThroughWhatTheCallerMaySee) {
  for (int i = 0; i < 7; ++i) {
    v1::Record report = Report("shop-" + std::to_string(i));
    if (i % 2 == 0) GrantMember(&report, "belmont");
    MustCreate("aurore", report);
  }
  const auto belmont = server_.Exchange("belmont");
  v1::ListRecordsRequest request;
  request.set_page_size(3);
  const auto first = Call(belmont, &Stub::ListRecords, request);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->records_size(), 3);
  ASSERT_FALSE(first->next_page_token().empty());
  request.set_page_token(first->next_page_token());
  const auto second = Call(belmont, &Stub::ListRecords, request);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->records_size(), 1);
  EXPECT_EQ(second->records(0).seller().seller_id(), "shop-0");
  // Another member's token says nothing.
  const auto stolen = Call(server_.Exchange("corsa"), &Stub::ListRecords, request);
  EXPECT_EQ(GetErrorReason(stolen.status()), v1::ERROR_REASON_PAGE_TOKEN_INVALID) << stolen.status();
}

TEST_F(ExchangeRpcTest, ScreenAnswersEachSellerInOrder) {
  v1::Record report = Report("shop-7");
  GrantKind(&report, v1::MEMBER_KIND_MARKETPLACE, "full");
  const v1::Record created = MustCreate("aurore", report);
  v1::ScreenSellersRequest request;
  for (int i = 0; i < 1000; ++i) {
    v1::Seller* seller = request.add_sellers();
    seller->set_platform(" Bazaar.example ");
    seller->set_seller_id("shop-" + std::to_string(i));
  }
  const auto screened = Call(server_.Exchange("souk"), &Stub::ScreenSellers, request);
  ASSERT_TRUE(screened.ok()) << screened.status();
  ASSERT_EQ(screened->results_size(), 1000);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(screened->results(i).verdict(), i == 7 ? v1::VERDICT_LISTED : v1::VERDICT_NOT_LISTED) << i;
  }
  EXPECT_EQ(screened->results(7).matches(0).record(), created.name());
  EXPECT_FALSE(screened->handling().empty());
  request.add_sellers();
  const auto too_many = Call(server_.Exchange("souk"), &Stub::ScreenSellers, request);
  EXPECT_EQ(GetErrorReason(too_many.status()), v1::ERROR_REASON_LIMIT_EXCEEDED) << too_many.status();
}

TEST_F(ExchangeRpcTest, ProfileTellsTheCourseOfATakedown) {
  const v1::Record report = MustCreate("aurore", Report("shop-1"));
  v1::Record notice = Notice("shop-1", report.name());
  GrantMember(&notice, "bazaar", "notice");
  const v1::Record sent = MustCreate("aurore", notice);
  v1::Record outcome = Outcome("shop-1", sent.name());
  GrantMember(&outcome, "aurore");
  const v1::Record done = MustCreate("bazaar", outcome);
  v1::GetSellerProfileRequest request;
  *request.mutable_seller() = report.seller();
  const auto profile = Call(server_.Exchange("aurore"), &Stub::GetSellerProfile, request);
  ASSERT_TRUE(profile.ok()) << profile.status();
  EXPECT_EQ(profile->profile().records_size(), 3);
  ASSERT_EQ(profile->profile().takedowns_size(), 1);
  EXPECT_EQ(profile->profile().takedowns(0).notice(), sent.name());
  EXPECT_EQ(profile->profile().takedowns(0).outcomes(0), done.name());
}

TEST_F(ExchangeRpcTest, RolesAreNeeded) {
  const auto reader = server_.Exchange("aurore", "reader");
  const auto refused = Call(reader, &Stub::CreateRecord, CreateOf(Report("shop-1")));
  EXPECT_EQ(GetErrorReason(refused.status()), v1::ERROR_REASON_ROLE_MISSING) << refused.status();
  v1::BatchWithdrawRecordsRequest withdraw;
  const auto withdrawn = Call(reader, &Stub::BatchWithdrawRecords, withdraw);
  EXPECT_EQ(GetErrorReason(withdrawn.status()), v1::ERROR_REASON_ROLE_MISSING) << withdrawn.status();
  v1::BatchClearRecordsRequest clear;
  const auto cleared = Call(reader, &Stub::BatchClearRecords, clear);
  EXPECT_EQ(GetErrorReason(cleared.status()), v1::ERROR_REASON_ROLE_MISSING) << cleared.status();
  const auto read = Call(reader, &Stub::ScreenSellers, ScreenOf("shop-1"));
  EXPECT_TRUE(read.ok()) << read.status();
}

}  // namespace
}  // namespace coalition::testing
