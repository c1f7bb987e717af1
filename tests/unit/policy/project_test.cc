#include "common/policy/project.h"

#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "common/policy/fields.h"
#include "tests/support/policy_records.h"
#include "tests/unit/policy/support.h"

namespace coalition::policy {
namespace {

using ::coalition::testing::FakeContext;
using google::protobuf::TextFormat;
using google::protobuf::util::MessageDifferencer;

v1::Record Parse(const std::string& text) {
  v1::Record record;
  EXPECT_TRUE(TextFormat::ParseFromString(text, &record)) << text;
  return record;
}

View Showing(v1::RecordClass record_class, std::initializer_list<std::pair<const char*, Level>> fields) {
  View view;
  for (const auto& [path, level] : fields) {
    const uint64_t bit = uint64_t{1} << FieldIndex(record_class, path).value();
    if (level != Level::kOmit) view.shown |= bit;
    if (level == Level::kFull) view.full |= bit;
  }
  return view;
}

v1::Record Projected(const v1::Record& record, View view, bool all_seen = true) {
  v1::Record out;
  Project(record, view, FakeContext(all_seen), &out);
  return out;
}

void ExpectEqual(const v1::Record& is, const std::string& should) {
  EXPECT_TRUE(MessageDifferencer::Equals(is, Parse(should))) << is.DebugString();
}

constexpr auto kReport = v1::RECORD_CLASS_OFFENDER_REPORT;

TEST(Project, NoticeOfAReport) {
  const v1::Record record = Parse(R"(
    name: "records/1" external_id: "A-1" contributor: "members/aurore" record_class: RECORD_CLASS_OFFENDER_REPORT
    label: LABEL_AMBER seller { platform: "bazaar.example" seller_id: "shop-4711" }
    audience { grants { view: "notice" } } permitted_action: PERMITTED_ACTION_NONE state: RECORD_STATE_ACTIVE
    create_time { seconds: 172801 nanos: 5 } etag: "e" view: "owner" disputed: true
    offender_report { infringement_types: "KEYWORD_TRADEMARK_INFRINGEMENT" product_category: "bags"
      evidence { type: "INVOICE" hash: "sha256:00" } comment: "secret" })");
  ExpectEqual(Projected(record, DefaultView(kReport, kViewNotice)), R"(
    contributor: "members/~token[contributor,members/aurore]" record_class: RECORD_CLASS_OFFENDER_REPORT
    label: LABEL_AMBER seller { platform: "bazaar.example" seller_id: "shop-4711" }
    permitted_action: PERMITTED_ACTION_NONE state: RECORD_STATE_ACTIVE create_time { seconds: 172800 }
    offender_report { infringement_types: "KEYWORD_TRADEMARK_INFRINGEMENT" product_category: "bags" })");
}

TEST(Project, TokensAreMarked) {
  const v1::Record record = Parse(R"(seller { platform: "p" seller_id: "s" } offender_report {})");
  ExpectEqual(Projected(record, Showing(kReport, {{"seller.seller_id", Level::kPartial}})),
              R"(record_class: RECORD_CLASS_OFFENDER_REPORT seller { seller_id: "~token[seller.seller_id,s]" }
                 offender_report {})");
  // Nothing has no token.
  ExpectEqual(Projected(Parse("seller { platform: 'p' } offender_report {}"),
                        Showing(kReport, {{"seller.seller_id", Level::kPartial}})),
              "record_class: RECORD_CLASS_OFFENDER_REPORT offender_report {}");
}

TEST(Project, TheDayIsUtcAndRoundsDown) {
  const auto day_of = [](int64_t seconds) {
    v1::Record record = Parse("offender_report {}");
    record.mutable_create_time()->set_seconds(seconds);
    record.mutable_create_time()->set_nanos(999);
    const v1::Record out = Projected(record, Showing(kReport, {{"create_time", Level::kPartial}}));
    EXPECT_EQ(out.create_time().nanos(), 0);
    return out.create_time().seconds();
  };
  EXPECT_EQ(day_of(0), 0);
  EXPECT_EQ(day_of(86'399), 0);
  EXPECT_EQ(day_of(86'400), 86'400);
  EXPECT_EQ(day_of(-1), -86'400);
  EXPECT_EQ(day_of(-86'400), -86'400);
  EXPECT_EQ(day_of(1'767'312'000 + 3'600), 1'767'312'000);
  EXPECT_EQ(day_of(std::numeric_limits<int64_t>::max()) % 86'400, 0);
  EXPECT_EQ(day_of(std::numeric_limits<int64_t>::min()) % 86'400, 0);
}

TEST(Project, AbsentTimesStayAbsent) {
  const v1::Record record = Parse("offender_report {}");
  for (const auto level : {Level::kPartial, Level::kFull}) {
    EXPECT_FALSE(Projected(record, Showing(kReport, {{"create_time", level}})).has_create_time());
  }
  v1::Record epoch = record;
  epoch.mutable_create_time();
  EXPECT_TRUE(Projected(epoch, Showing(kReport, {{"create_time", Level::kPartial}})).has_create_time());
}

TEST(Project, PartsOfEvidence) {
  const v1::Record record = Parse(R"(offender_report {
    evidence { type: "INVOICE" hash: "h1" reference: "r1" } evidence { hash: "h2" } evidence { type: "SCREENSHOT" } })");
  ExpectEqual(Projected(record, Showing(kReport, {{"evidence.type", Level::kFull}})), R"(
    record_class: RECORD_CLASS_OFFENDER_REPORT
    offender_report { evidence { type: "INVOICE" } evidence { type: "SCREENSHOT" } })");
  EXPECT_EQ(
      Projected(record, Showing(kReport, {{"comment", Level::kFull}})).offender_report().evidence_size(), 0);
  // All of it: also what is empty.
  v1::Record with_empty = record;
  with_empty.mutable_offender_report()->add_evidence();
  EXPECT_EQ(Projected(with_empty, FullView(kReport)).offender_report().evidence_size(), 4);
}

TEST(Project, NoLevelBelowFullForPlainFields) {
  const v1::Record record =
      Parse("offender_report { comment: 'c' human_reviewed: true evidence { type: 't' } }");
  ExpectEqual(Projected(record, Showing(kReport, {{"comment", Level::kPartial},
                                                  {"human_reviewed", Level::kPartial},
                                                  {"evidence.type", Level::kPartial}})),
              "record_class: RECORD_CLASS_OFFENDER_REPORT offender_report {}");
}

TEST(Project, ReferencesNeedASeenTarget) {
  const v1::Record record = Parse("takedown_outcome { notice: 'records/2' report: 'records/3' }");
  const View view = DefaultView(v1::RECORD_CLASS_TAKEDOWN_OUTCOME, kViewFull);
  const v1::Record out = Projected(record, view, /*all_seen=*/false);
  EXPECT_EQ(out.takedown_outcome().notice(), "records/2");
  EXPECT_EQ(out.takedown_outcome().report(), "");
  // To the owner as well.
  EXPECT_EQ(Projected(record, FullView(v1::RECORD_CLASS_TAKEDOWN_OUTCOME), false).takedown_outcome().report(),
            "");
}

TEST(Project, UnknownFieldsAndEnumsAreNotCopied) {
  v1::Record record = Parse(
      R"(contributor: "members/aurore" seller { platform: "p" } audience { grants { view: "v" } }
                               opinion { verdict: OPINION_VERDICT_CONFIRMED comment: "c" })");
  const std::string unknown = std::string("\xfa\x7f\x04", 3) + "leak";
  const auto add_unknown = [&](google::protobuf::Message* message) {
    ASSERT_TRUE(message->MergeFromString(unknown));
  };
  add_unknown(&record);
  add_unknown(record.mutable_seller());
  add_unknown(record.mutable_audience());
  add_unknown(record.mutable_audience()->mutable_grants(0));
  add_unknown(record.mutable_opinion());
  add_unknown(record.mutable_create_time());
  ASSERT_NE(record.SerializeAsString().find("leak"), std::string::npos);
  record.mutable_opinion()->set_verdict(static_cast<v1::OpinionVerdict>(99));
  record.set_label(static_cast<v1::Label>(99));
  record.set_permitted_action(static_cast<v1::PermittedAction>(99));
  record.set_state(static_cast<v1::RecordState>(99));
  const v1::Record out = Projected(record, FullView(v1::RECORD_CLASS_OPINION));
  EXPECT_EQ(out.SerializeAsString().find("leak"), std::string::npos);
  EXPECT_EQ(out.opinion().verdict(), v1::OPINION_VERDICT_UNSPECIFIED);
  EXPECT_EQ(out.label(), v1::LABEL_UNSPECIFIED);
  EXPECT_EQ(out.permitted_action(), v1::PERMITTED_ACTION_UNSPECIFIED);
  EXPECT_EQ(out.state(), v1::RECORD_STATE_UNSPECIFIED);
  EXPECT_EQ(out.opinion().comment(), "c");
  EXPECT_EQ(out.audience().grants(0).view(), "v");
}

TEST(Project, WithoutAPayloadThereIsNothing) {
  ExpectEqual(Projected(Parse("contributor: 'members/aurore' label: LABEL_RED"), FullView(kReport)), "");
}

}  // namespace
}  // namespace coalition::policy
