#include "client/cli/flatten.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace coalition::cli {
namespace {

using ::testing::HasSubstr;

v1::Record Report() {
  v1::Record record;
  record.set_name("records/aaaaaaaaaaaaaaaaaaaaaaaaaa");
  record.set_record_class(v1::RECORD_CLASS_OFFENDER_REPORT);
  record.set_label(v1::LABEL_AMBER);
  record.set_state(v1::RECORD_STATE_ACTIVE);
  record.mutable_seller()->set_platform("bazaar.example");
  record.mutable_seller()->set_seller_id("shop-4711");
  record.mutable_create_time()->set_seconds(1'767'225'600);
  record.mutable_audience()->add_grants()->mutable_subject()->set_kind(v1::MEMBER_KIND_BRAND);
  record.mutable_audience()->mutable_grants(0)->set_view("full");
  record.mutable_audience()->add_exclusions()->set_member("members/corsa");
  v1::OffenderReport& report = *record.mutable_offender_report();
  report.add_infringement_types("KEYWORD_A");
  report.add_infringement_types("KEYWORD_B");
  v1::Right& right = *report.add_rights();
  right.set_office("EUIPO");
  right.set_registration_number("1");
  report.mutable_first_observed_time()->set_seconds(1'767'225'600);
  report.set_human_reviewed(true);
  return record;
}

TEST(FlattenTest, CellsFitTheColumns) {
  const auto cells = RecordCells(Report());
  ASSERT_EQ(cells.size(), RecordColumns().size());
  EXPECT_EQ(cells[1], "offender-report");
  EXPECT_EQ(cells[2], "bazaar.example/shop-4711");
  EXPECT_EQ(cells[6], "2026-01-01T00:00:00Z");
  EXPECT_EQ(cells[8], "KEYWORD_A; KEYWORD_B (EUIPO:1)");
  EXPECT_EQ(RecordCells(v1::Record()).size(), RecordColumns().size());
}

TEST(FlattenTest, FactsHoldEverythingByPath) {
  std::map<std::string, std::string> facts;
  for (const auto& [name, value] : RecordFacts(Report()))
    EXPECT_TRUE(facts.emplace(name, value).second) << name;
  EXPECT_EQ(facts["grants"], "kind:brand=full");
  EXPECT_EQ(facts["exclusions"], "member:corsa");
  EXPECT_EQ(facts["offender_report.infringement_types"], "KEYWORD_A; KEYWORD_B");
  EXPECT_EQ(facts["offender_report.human_reviewed"], "true");
  EXPECT_EQ(facts["offender_report.first_observed_time"], "2026-01-01T00:00:00Z");
  EXPECT_THAT(facts["offender_report.rights"], HasSubstr("\"office\":\"EUIPO\""));
}

TEST(FlattenTest, AContestIsToldWithItsEnd) {
  v1::Record record = Report();
  const auto facts_of = [&] {
    const Facts facts = RecordFacts(record);
    return std::map<std::string, std::string>(facts.begin(), facts.end());
  };
  const std::map<std::string, std::string> before = facts_of();
  for (const char* name : {"contested", "lapses", "confirmed", "confirm_grounds", "cleared_before"})
    EXPECT_EQ(before.at(name), "") << name;
  record.set_state(v1::RECORD_STATE_CONTESTED);
  record.mutable_contest()->mutable_contest_time()->set_seconds(1'767'225'600);
  record.mutable_contest()->mutable_lapse_time()->set_seconds(1'767'225'600 + 30 * 86'400);
  record.add_cleared_before("records/a");
  record.add_cleared_before("records/b");
  std::map<std::string, std::string> facts = facts_of();
  EXPECT_EQ(facts["state"], "contested");
  EXPECT_EQ(facts["contested"], "2026-01-01T00:00:00Z");
  EXPECT_EQ(facts["lapses"], "2026-01-31T00:00:00Z");
  EXPECT_EQ(facts["cleared_before"], "records/a; records/b");
  record.mutable_contest()->mutable_confirm_time()->set_seconds(1'767'225'600 + 86'400);
  record.mutable_contest()->set_confirm_grounds("bought again");
  facts = facts_of();
  EXPECT_EQ(facts["confirmed"], "2026-01-02T00:00:00Z");
  EXPECT_EQ(facts["confirm_grounds"], "bought again");
  EXPECT_EQ(facts["lapses"], "");  // it does not any more
}

TEST(FlattenTest, EveryClassHasASummary) {
  v1::Record record;
  record.mutable_takedown_notice()->set_requested_action("SUSPEND_ACCOUNT");
  record.mutable_takedown_notice()->set_whole_account(true);
  EXPECT_EQ(RecordCells(record).back(), "SUSPEND_ACCOUNT, whole account");
  record.mutable_takedown_outcome()->set_action_taken(v1::ACTION_TAKEN_PARTIAL);
  record.mutable_takedown_outcome()->add_decision_visibility("DECISION_VISIBILITY_CONTENT_DEMOTED");
  record.mutable_takedown_outcome()->set_reinstated(true);
  EXPECT_EQ(RecordCells(record).back(), "action partial, DECISION_VISIBILITY_CONTENT_DEMOTED, reinstated");
  record.mutable_opinion()->set_verdict(v1::OPINION_VERDICT_SEEN_HERE);
  record.mutable_opinion()->set_subject("records/x");
  EXPECT_EQ(RecordCells(record).back(), "seen-here records/x");
}

}  // namespace
}  // namespace coalition::cli
