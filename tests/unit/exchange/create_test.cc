#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "common/errors.h"
#include "common/ids.h"
#include "tests/support/exchange_world.h"

namespace coalition::exchange {
namespace {

using namespace coalition::testing;  // NOLINT: the room's own fixtures
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kRequestId[] = "7c9e6679-7425-40de-944b-e07fc1f90ae7";

v1::Record WithExternalId(v1::Record record, const std::string& external_id) {
  record.set_external_id(external_id);
  return record;
}

TEST(CreateTest, AnswersTheRecordWhole) {
  World world;
  v1::Record report = Report(" Bazaar.Example ", "\tshop-1 ");
  report.set_external_id("case-17");
  GrantKind(report, v1::MEMBER_KIND_BRAND);
  const auto created = world.Create(world.As("aurore"), CreateRequest(report));
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_FALSE(created->existed());
  const v1::Record& record = created->record();
  EXPECT_TRUE(ParseRecordName(record.name()).ok());
  EXPECT_EQ(record.contributor(), "members/aurore");
  EXPECT_EQ(record.record_class(), v1::RECORD_CLASS_OFFENDER_REPORT);
  EXPECT_EQ(record.label(), v1::LABEL_AMBER);
  EXPECT_EQ(record.permitted_action(), v1::PERMITTED_ACTION_CONTACT_FOR_INSTRUCTION);
  EXPECT_EQ(record.state(), v1::RECORD_STATE_ACTIVE);
  EXPECT_EQ(record.seller().platform(), "bazaar.example") << "normalised";
  EXPECT_EQ(record.seller().seller_id(), "shop-1");
  EXPECT_EQ(record.external_id(), "case-17");
  EXPECT_EQ(record.audience().grants_size(), 1);
  EXPECT_EQ(record.create_time().seconds(), world.clock.NowS());
  EXPECT_EQ(record.expire_time().seconds(), world.clock.NowS() + int64_t{1825} * 86400);
  EXPECT_EQ(record.view(), "owner");
  EXPECT_THAT(record.etag(), SizeIs(26));
  const auto read = world.Get(world.As("aurore"), record.name());
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->SerializeAsString(), record.SerializeAsString());
}

TEST(CreateTest, WhatTheServerSetsIsNotTakenFromTheCaller) {
  World world;
  v1::Record report = Report("bazaar.example", "shop-1");
  report.set_name("records/aaaaaaaaaaaaaaaaaaaaaaaaaa");
  report.set_contributor("members/belmont");
  report.set_record_class(v1::RECORD_CLASS_OPINION);
  report.set_state(v1::RECORD_STATE_CONTESTED);
  report.mutable_create_time()->set_seconds(1);
  report.set_etag("x");
  report.set_view("full");
  report.set_disputed(true);
  const v1::Record created = world.Created("aurore", report);
  EXPECT_NE(created.name(), report.name());
  EXPECT_EQ(created.contributor(), "members/aurore");
  EXPECT_EQ(created.record_class(), v1::RECORD_CLASS_OFFENDER_REPORT);
  EXPECT_EQ(created.state(), v1::RECORD_STATE_ACTIVE);
  EXPECT_EQ(created.create_time().seconds(), world.clock.NowS());
  EXPECT_FALSE(created.disputed());
}

TEST(CreateTest, StandingAndRoleAreChecked) {
  World world;
  const auto request = CreateRequest(Report("bazaar.example", "shop-1"));
  for (const char* member : {"limbo", "banned", "left", "newcomer"}) {
    const auto refused = world.Create(world.As(member), request);
    EXPECT_EQ(refused.status().code(), absl::StatusCode::kPermissionDenied) << member;
    const auto info = GetErrorInfo(refused.status());
    ASSERT_TRUE(info.has_value()) << member;
    EXPECT_EQ(info->reason(), "MEMBER_NOT_ACTIVE");
    EXPECT_EQ(info->metadata().at("contact"), "members/office");
  }
  const auto refused = world.Create(world.As("aurore", {v1::ROLE_READER}), request);
  EXPECT_EQ(GetErrorReason(refused.status()), v1::ERROR_REASON_ROLE_MISSING);
  EXPECT_TRUE(world.Create(world.As("aurore", {v1::ROLE_CONTRIBUTOR}), request).ok());
}

struct BadField {
  const char* name;
  void (*spoil)(v1::Record&);
  const char* path;
};

class BadFieldTest : public ::testing::TestWithParam<BadField> {};

TEST_P(BadFieldTest, IsNamedByItsPath) {
  World world;
  v1::Record record = Report("bazaar.example", "shop-1");
  GetParam().spoil(record);
  const auto refused = world.Create(world.As("aurore"), CreateRequest(record));
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(GetErrorReason(refused.status()), v1::ERROR_REASON_INVALID_FIELD) << refused.status();
  EXPECT_EQ(FieldsAtFault(refused.status()), GetParam().path);
  EXPECT_THAT(world.ListAll(world.As("aurore"), {}), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Each, BadFieldTest,
    ::testing::Values(
        BadField{"NoPayload", [](v1::Record& r) { r.clear_offender_report(); }, "record"},
        BadField{"NoSeller", [](v1::Record& r) { r.clear_seller(); }, "record.seller.platform"},
        BadField{"Platform", [](v1::Record& r) { r.mutable_seller()->set_platform("no host"); },
                 "record.seller.platform"},
        BadField{"SellerId", [](v1::Record& r) { r.mutable_seller()->set_seller_id("a\x01z"); },
                 "record.seller.seller_id"},
        BadField{"SellerIdSize", [](v1::Record& r) { r.mutable_seller()->set_seller_id(std::string(257, 'x')); },
                 "record.seller.seller_id"},
        BadField{"Label", [](v1::Record& r) { r.set_label(v1::Label(99)); }, "record.label"},
        BadField{"Action", [](v1::Record& r) { r.set_permitted_action(v1::PermittedAction(99)); },
                 "record.permitted_action"},
        BadField{"ExternalId", [](v1::Record& r) { r.set_external_id("\xc3\xa9"); }, "record.external_id"},
        BadField{"ExternalIdSize", [](v1::Record& r) { r.set_external_id(std::string(129, 'x')); },
                 "record.external_id"},
        BadField{"ExpiresInThePast", [](v1::Record& r) { r.mutable_expire_time()->set_seconds(5); },
                 "record.expire_time"},
        BadField{"ExpiresTooLate", [](v1::Record& r) { r.mutable_expire_time()->set_seconds(4'000'000'000); },
                 "record.expire_time"},
        BadField{"NoInfringement", [](v1::Record& r) { r.mutable_offender_report()->clear_infringement_types(); },
                 "record.offender_report.infringement_types"},
        BadField{"Control", [](v1::Record& r) { r.mutable_offender_report()->set_comment("a\x07"); },
                 "record.offender_report.comment"},
        BadField{"TooLong", [](v1::Record& r) { r.mutable_offender_report()->set_comment(std::string(5001, 'x')); },
                 "record.offender_report.comment"},
        BadField{"NotUtf8", [](v1::Record& r) { r.mutable_offender_report()->set_comment("\xff\xfe"); },
                 "record.offender_report.comment"},
        BadField{"Hash", [](v1::Record& r) { r.mutable_offender_report()->add_evidence()->set_hash("md5:1"); },
                 "record.offender_report.evidence[0].hash"},
        BadField{"Listing", [](v1::Record& r) { r.mutable_offender_report()->add_listings(); },
                 "record.offender_report.listings[0]"},
        BadField{"Time",
                 [](v1::Record& r) {
                   r.mutable_offender_report()->mutable_first_observed_time()->set_nanos(-1);
                 },
                 "record.offender_report.first_observed_time"},
        BadField{"UnknownField",
                 [](v1::Record& r) {
                   r.GetReflection()->MutableUnknownFields(&r)->AddVarint(999, 1);
                 },
                 "record"},
        BadField{"NoSuchMember", [](v1::Record& r) { GrantMember(r, "nobody"); },
                 "record.audience.grants[0].subject.member"},
        BadField{"NoSuchView", [](v1::Record& r) { GrantMember(r, "belmont", "everything"); },
                 "record.audience.grants[0].view"},
        BadField{"NoticeWithoutListing",
                 [](v1::Record& r) { r.mutable_takedown_notice()->set_comment("x"); },
                 "record.takedown_notice.listings"},
        BadField{"OpinionWithoutVerdict",
                 [](v1::Record& r) {
                   r.clear_seller();
                   r.mutable_opinion()->set_subject("records/aaaaaaaaaaaaaaaaaaaaaaaaaa");
                 },
                 "record.opinion.verdict"},
        BadField{"OpinionWithSeller",
                 [](v1::Record& r) {
                   r.mutable_opinion()->set_subject("records/aaaaaaaaaaaaaaaaaaaaaaaaaa");
                   r.mutable_opinion()->set_verdict(v1::OPINION_VERDICT_CONFIRMED);
                 },
                 "record.seller"},
        BadField{"OpinionSubject",
                 [](v1::Record& r) {
                   r.clear_seller();
                   r.mutable_opinion()->set_subject("records/../x");
                   r.mutable_opinion()->set_verdict(v1::OPINION_VERDICT_CONFIRMED);
                 },
                 "record.opinion.subject"}),
    [](const auto& tested) { return tested.param.name; });

TEST(CreateTest, EveryFieldAtFaultIsNamed) {
  World world;
  v1::Record record = Report("bazaar.example", "shop-1");
  record.set_label(v1::Label(99));
  record.mutable_offender_report()->clear_infringement_types();
  const auto refused = world.Create(world.As("aurore"), CreateRequest(record));
  EXPECT_EQ(FieldsAtFault(refused.status()), "record.label, record.offender_report.infringement_types");
}

TEST(CreateTest, LimitsAreNamed) {
  World world;
  const auto limit_of = [&](const v1::Record& record) {
    const auto refused = world.Create(world.As("aurore"), CreateRequest(record));
    const auto info = GetErrorInfo(refused.status());
    return info && info->reason() == "LIMIT_EXCEEDED" ? info->metadata().at("limit") : "none";
  };
  v1::Record large = Report("bazaar.example", "shop-1");
  for (int i = 0; i < 99; ++i)
    large.mutable_offender_report()->add_listings()->set_url(std::string(1000, 'u'));
  EXPECT_EQ(limit_of(large), "record_bytes");
  v1::Record many = Report("bazaar.example", "shop-1");
  for (int i = 0; i < 101; ++i) many.mutable_offender_report()->add_listings()->set_url("u");
  EXPECT_EQ(limit_of(many), "repeated_values");
  v1::Record wide = Report("bazaar.example", "shop-1");
  for (int i = 0; i < 65; ++i) GrantMember(wide, "belmont");
  EXPECT_EQ(limit_of(wide), "audience_entries");
}

TEST(CreateTest, LabelForbidsAnAudience) {
  World world;
  v1::Record record = Report("bazaar.example", "shop-1");
  GrantEveryone(record);
  record.set_label(v1::LABEL_RED);
  const auto refused = world.Create(world.As("aurore"), CreateRequest(record));
  const auto info = GetErrorInfo(refused.status());
  ASSERT_TRUE(info.has_value());
  EXPECT_EQ(info->reason(), "LABEL_FORBIDS_AUDIENCE");
  EXPECT_EQ(info->metadata().at("label"), "RED");
  EXPECT_EQ(info->metadata().at("subject"), "everyone");
}

TEST(CreateTest, OutcomesAreTheHoldersAlone) {
  World world;
  for (const char* member : {"aurore", "souk"}) {
    const auto refused = world.Create(world.As(member), CreateRequest(Outcome("bazaar.example", "shop-1")));
    EXPECT_EQ(GetErrorReason(refused.status()), v1::ERROR_REASON_PLATFORM_NOT_HELD) << member;
  }
  const auto unheld = world.Create(world.As("bazaar"), CreateRequest(Outcome("free.example", "shop-1")));
  EXPECT_EQ(GetErrorReason(unheld.status()), v1::ERROR_REASON_PLATFORM_NOT_HELD);
  EXPECT_TRUE(world.Create(world.As("bazaar"), CreateRequest(Outcome("bazaar.example", "shop-1"))).ok());
  EXPECT_TRUE(world.Create(world.As("bazaar"), CreateRequest(Outcome("bazaar.example", ""))).ok());
}

TEST(CreateTest, ValidateOnlyWritesNothing) {
  World world;
  auto request = CreateRequest(Report("bazaar.example", "shop-1"), kRequestId);
  request.set_validate_only(true);
  const auto checked = world.Create(world.As("aurore"), request);
  ASSERT_TRUE(checked.ok()) << checked.status();
  EXPECT_EQ(checked->record().name(), "");
  EXPECT_EQ(checked->record().contributor(), "members/aurore");
  EXPECT_THAT(world.ListAll(world.As("aurore"), {}), IsEmpty());
}

TEST(CreateTest, ReferencesToWhatIsHiddenAnswerAsIfItWereAbsent) {
  World world;
  const std::string hidden = world.Created("aurore", Report("bazaar.example", "shop-1")).name();
  const std::string absent = "records/aaaaaaaaaaaaaaaaaaaaaaaaaa";
  const auto refuse = [&](v1::Record record, const char* member) {
    const auto refused = world.Create(world.As(member), CreateRequest(record));
    EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
    return ToRpcStatus(refused.status()).SerializeAsString();
  };
  EXPECT_EQ(refuse(Opinion(hidden, v1::OPINION_VERDICT_CONFIRMED), "belmont"),
            refuse(Opinion(absent, v1::OPINION_VERDICT_CONFIRMED), "belmont"));
  const auto notice = [](const std::string& report) {
    v1::Record record = Notice("bazaar.example", "shop-1");
    record.mutable_takedown_notice()->set_report(report);
    return record;
  };
  EXPECT_EQ(refuse(notice(hidden), "belmont"), refuse(notice(absent), "belmont"));
  const auto outcome = [](const std::string& report) {
    v1::Record record = Outcome("bazaar.example", "shop-1");
    record.mutable_takedown_outcome()->set_notice(report);
    return record;
  };
  // Nor does the class of what is hidden show.
  EXPECT_EQ(refuse(outcome(hidden), "bazaar"), refuse(outcome(absent), "bazaar"));
  // A control: its owner may refer to it.
  EXPECT_TRUE(world.Create(world.As("aurore"), CreateRequest(notice(hidden))).ok());
}

TEST(CreateTest, ReferencesNameRecordsOfTheRightClass) {
  World world;
  const std::string report = world.Created("aurore", Report("bazaar.example", "shop-1")).name();
  const std::string opinion = world.Created("aurore", Opinion(report, v1::OPINION_VERDICT_CONFIRMED)).name();
  const auto second =
      world.Create(world.As("aurore"), CreateRequest(Opinion(opinion, v1::OPINION_VERDICT_DISPUTED)));
  EXPECT_EQ(FieldsAtFault(second.status()), "record.opinion.subject");
  v1::Record notice = Notice("bazaar.example", "shop-1");
  notice.mutable_takedown_notice()->set_report(opinion);
  const auto wrong = world.Create(world.As("aurore"), CreateRequest(notice));
  EXPECT_EQ(FieldsAtFault(wrong.status()), "record.takedown_notice.report");
}

TEST(CreateTest, RequestIdsMakeCreationIdempotentAlsoAcrossARestart) {
  World world;
  const auto request = CreateRequest(Report("bazaar.example", "shop-1"), kRequestId);
  const auto first = world.Create(world.As("aurore"), request);
  ASSERT_TRUE(first.ok()) << first.status();
  world.Restart();
  const auto second = world.Create(world.As("aurore"), request);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_TRUE(second->existed());
  EXPECT_EQ(second->record().SerializeAsString(), first->record().SerializeAsString());
  EXPECT_THAT(world.ListAll(world.As("aurore"), {}), SizeIs(1));

  auto other = request;
  other.mutable_record()->mutable_offender_report()->set_comment("other");
  const auto reused = world.Create(world.As("aurore"), other);
  EXPECT_EQ(reused.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(GetErrorReason(reused.status()), v1::ERROR_REASON_REQUEST_ID_REUSED);
  // Another member's ids are its own.
  EXPECT_TRUE(world.Create(world.As("belmont"), other).ok());
}

TEST(CreateTest, RequestIdsAreForgottenByTheirOwnExpiry) {
  World world;
  const auto request = CreateRequest(Report("bazaar.example", "shop-1"), kRequestId);
  ASSERT_TRUE(world.Create(world.As("aurore"), request).ok());
  world.clock.now_ns += int64_t{24} * 3600 * 1'000'000'000;
  const auto second = world.Create(world.As("aurore"), request);
  ASSERT_TRUE(second.ok());
  EXPECT_FALSE(second->existed());
}

TEST(CreateTest, AReplayOfWhatIsWithdrawnIsNotFound) {
  World world;
  const auto request = CreateRequest(Report("bazaar.example", "shop-1"), kRequestId);
  const auto first = world.Create(world.As("aurore"), request);
  v1::WithdrawRecordRequest withdraw;
  withdraw.set_name(first->record().name());
  ASSERT_TRUE(world.Withdraw(world.As("aurore"), withdraw).ok());
  const auto replay = world.Create(world.As("aurore"), request);
  EXPECT_EQ(replay.status(), NotFound());
}

TEST(CreateTest, RequestIdsAreUuids) {
  World world;
  const auto refused = world.Create(world.As("aurore"), CreateRequest(Report("bazaar.example", "s"), "17"));
  EXPECT_EQ(FieldsAtFault(refused.status()), "request_id");
}

TEST(CreateTest, ExternalIdsMakeCreationIdempotent) {
  World world;
  const v1::Record report = WithExternalId(Report("bazaar.example", "shop-1"), "case-17");
  const v1::Record first = world.Created("aurore", report);
  world.Restart();
  v1::Record same = report;  // defaults spelled out are the same contents
  same.set_label(v1::LABEL_AMBER);
  same.mutable_seller()->set_platform("BAZAAR.example");
  const auto second = world.Create(world.As("aurore"), CreateRequest(same));
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_TRUE(second->existed());
  EXPECT_EQ(second->record().name(), first.name());

  v1::Record other = report;
  other.mutable_offender_report()->set_comment("other");
  const auto taken = world.Create(world.As("aurore"), CreateRequest(other));
  EXPECT_EQ(taken.status().code(), absl::StatusCode::kAlreadyExists);
  const auto info = GetErrorInfo(taken.status());
  EXPECT_EQ(info->reason(), "EXTERNAL_ID_TAKEN");
  EXPECT_EQ(info->metadata().at("external_id"), "case-17");
  // Another member's external ids are its own, and tell nothing.
  const auto theirs = world.Create(world.As("belmont"), CreateRequest(other));
  ASSERT_TRUE(theirs.ok());
  EXPECT_FALSE(theirs->existed());
}

TEST(CreateTest, AWithdrawnExternalIdStaysReserved) {
  World world;
  const v1::Record report = WithExternalId(Report("bazaar.example", "shop-1"), "case-17");
  v1::WithdrawRecordRequest withdraw;
  withdraw.set_name(world.Created("aurore", report).name());
  ASSERT_TRUE(world.Withdraw(world.As("aurore"), withdraw).ok());
  const auto again = world.Create(world.As("aurore"), CreateRequest(report));
  EXPECT_EQ(GetErrorReason(again.status()), v1::ERROR_REASON_EXTERNAL_ID_TAKEN);
}

TEST(CreateTest, OfTwoAtOnceOneWins) {
  World world;
  const auto by_external_id = CreateRequest(WithExternalId(Report("bazaar.example", "shop-1"), "case-17"));
  const auto by_request_id = CreateRequest(Report("bazaar.example", "shop-2"), kRequestId);
  for (const auto& request : {by_external_id, by_request_id}) {
    constexpr int kCalls = 16;
    std::vector<std::promise<absl::StatusOr<v1::CreateRecordResponse>>> answers(kCalls);
    for (auto& answer : answers) {
      world.exchange().Create(world.As("aurore"), request, [&answer](auto response, const auto&) {
        answer.set_value(std::move(response));
      });
    }
    int created = 0;
    std::set<std::string> names;
    for (auto& answer : answers) {
      const auto response = answer.get_future().get();
      ASSERT_TRUE(response.ok()) << response.status();
      created += response->existed() ? 0 : 1;
      names.insert(response->record().name());
    }
    EXPECT_EQ(created, 1);
    EXPECT_THAT(names, SizeIs(1));
  }
}

TEST(CreateTest, ARepetitionIsAnsweredAlsoWhenItsReferenceIsGone) {
  World world;
  v1::Record report = Report("bazaar.example", "shop-1");
  GrantMember(report, "belmont");
  const std::string subject = world.Created("aurore", report).name();
  const v1::Record opinion = WithExternalId(Opinion(subject, v1::OPINION_VERDICT_CONFIRMED), "o-1");
  ASSERT_TRUE(world.Create(world.As("belmont"), CreateRequest(opinion)).ok());
  v1::WithdrawRecordRequest withdraw;
  withdraw.set_name(subject);
  ASSERT_TRUE(world.Withdraw(world.As("aurore"), withdraw).ok());
  const auto again = world.Create(world.As("belmont"), CreateRequest(opinion));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->existed());
  EXPECT_FALSE(again->record().has_seller()) << "the seller is the subject's, which is gone";
}

}  // namespace
}  // namespace coalition::exchange
