// What the difference between two policies says of how long records live, and of who is named.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/unit/policy/diff_support.h"

namespace coalition::policy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class DiffLimitsTest : public DiffTest {
 protected:
  std::vector<std::string> Told() const { return Sentences(Diff().other_changes); }
  v1::PolicyLimits* after() { return after_.mutable_limits(); }
};

std::string OfRedOpinions(const char* more) {
  std::string text("record_classes: RECORD_CLASS_OPINION labels: LABEL_RED ");
  text += more;  // not a sum: GCC 12 sees an overflow there
  return text;
}

TEST_F(DiffLimitsTest, DefaultLifetimes) {
  for (auto* limits : {before_.mutable_limits(), after_.mutable_limits()})
    *limits->add_lifetimes() = FromText<v1::LifetimeLimit>(OfRedOpinions("days_default: 100"));
  after()->mutable_lifetimes(1)->set_days_default(30);
  EXPECT_THAT(Told(), ElementsAre("NARROWS: new records of class OPINION labelled RED that do not say how "
                                  "long would live 30 days, not 100 days"));
  const PolicyDiff diff = Diff();
  EXPECT_EQ(diff.other_changes[0].path(), "limits.lifetimes OPINION RED default");
  EXPECT_EQ(diff.other_changes[0].before(), "100");
  EXPECT_EQ(diff.other_changes[0].after(), "30");
  EXPECT_FALSE(diff.widens);
  std::swap(before_, after_);
  EXPECT_THAT(Told(), ElementsAre("WIDENS: new records of class OPINION labelled RED that do not say how "
                                  "long would live 100 days, not 30 days"));
}

// It can be shorter or longer: somebody who has to approve is asked.
TEST_F(DiffLimitsTest, TheServersDefaultIsNotKnown) {
  *after()->add_lifetimes() = FromText<v1::LifetimeLimit>(OfRedOpinions("days_default: 30"));
  EXPECT_THAT(Told(), ElementsAre("WIDENS: new records of class OPINION labelled RED that do not say how "
                                  "long would live 30 days, not as long as the server says"));
  std::swap(before_, after_);
  EXPECT_THAT(Told(), ElementsAre("WIDENS: new records of class OPINION labelled RED that do not say how "
                                  "long would live as long as the server says, not 30 days"));
}

TEST_F(DiffLimitsTest, ADefaultIsNoMaximum) {
  before_.mutable_limits()->clear_lifetimes();
  after_ = before_;
  *after()->add_lifetimes() = FromText<v1::LifetimeLimit>(OfRedOpinions("days_max: 30"));
  EXPECT_THAT(Told(), ElementsAre("NARROWS: new records of class OPINION labelled RED could live 30 days, "
                                  "not as long as the server lets them"));
}

TEST_F(DiffLimitsTest, HowLongAReportStandsContested) {
  after()->set_contest_days(31);
  EXPECT_THAT(Told(), ElementsAre("WIDENS: a contested report that nobody confirms would lapse after 31 "
                                  "days, not after 30 days"));
  after()->set_contest_days(29);
  EXPECT_THAT(Told(), ElementsAre("NARROWS: a contested report that nobody confirms would lapse after 29 "
                                  "days, not after 30 days"));
  EXPECT_TRUE(Diff().narrows);
  after()->set_contest_days(30);
  EXPECT_THAT(Told(), ElementsAre("NEITHER: a contested report that nobody confirms would lapse after 30 "
                                  "days as before"));
  before_ = after_;
  EXPECT_THAT(Told(), IsEmpty());
}

TEST_F(DiffLimitsTest, WhoIsNamedToContributors) {
  after()->add_shown_to_by_kind(v1::MEMBER_KIND_PAYMENT);
  EXPECT_THAT(Told(),
              ElementsAre("NARROWS: who asks whom its record was shown to would be told of members of "
                          "kind PAYMENT by their kind alone, whenever it was shown to them"));
  EXPECT_EQ(Diff().other_changes[0].path(), "limits.shown_to_by_kind PAYMENT");
  std::swap(before_, after_);
  EXPECT_THAT(Told(), ElementsAre("WIDENS: who asks whom its record was shown to would be told of members of "
                                  "kind PAYMENT by their names, whenever it was shown to them"));
  EXPECT_TRUE(Diff().widens);
}

TEST_F(DiffLimitsTest, WhatAuditorsMayOpen) {
  after()->set_auditors_open_disclosures(true);
  EXPECT_THAT(Told(), ElementsAre("WIDENS: auditors could open what the ledger has of disclosures: who was "
                                  "shown what, by which call, whenever that was"));
  const PolicyDiff diff = Diff();
  EXPECT_EQ(diff.other_changes[0].path(), "limits.auditors_open_disclosures");
  EXPECT_EQ(diff.other_changes[0].before(), "closed");
  EXPECT_EQ(diff.other_changes[0].after(), "open");
  EXPECT_TRUE(diff.widens);
  std::swap(before_, after_);
  EXPECT_THAT(Told(), ElementsAre("NARROWS: auditors could no more open what the ledger has of disclosures: "
                                  "who was shown what, by which call, whenever that was"));
  EXPECT_FALSE(Diff().widens);
  EXPECT_THAT(Diff().reached, IsEmpty());
}

// Whose auditors would open more does not agree to it.
TEST_F(DiffLimitsTest, MembersThatHaveAuditorsGainByWhatThoseMayOpen) {
  after()->set_auditors_open_disclosures(true);
  const State state = CoalitionState();
  const PolicyDiff diff = Diff();
  std::vector<std::string> gain;
  for (const MemberState& member : state.members()) {
    if (Gains(state, diff, member.number)) gain.push_back(member.id);
  }
  EXPECT_THAT(gain, ElementsAre("watch", "office"));
}

TEST_F(DiffLimitsTest, WhenContributorsAreToldOfAuthorities) {
  after()->set_authority_reads_sealed_days(90);
  EXPECT_THAT(Told(),
              ElementsAre("NARROWS: contributors would be told that a member of kind AUTHORITY was "
                          "shown a record of theirs after 90 days, not at once, whenever it was shown "
                          "to it"));
  const PolicyDiff diff = Diff();
  EXPECT_EQ(diff.other_changes[0].path(), "limits.authority_reads_sealed_days");
  EXPECT_EQ(diff.other_changes[0].before(), "0");
  EXPECT_EQ(diff.other_changes[0].after(), "90");
  EXPECT_FALSE(diff.widens);
  before_.mutable_limits()->set_authority_reads_sealed_days(91);
  EXPECT_THAT(Told(),
              ElementsAre("WIDENS: contributors would be told that a member of kind AUTHORITY was "
                          "shown a record of theirs after 90 days, not after 91 days, whenever it was "
                          "shown to it"));
  EXPECT_TRUE(Diff().widens);
  EXPECT_THAT(Diff().reached, IsEmpty()) << "all contributors gain alike";
  before_ = after_;
  EXPECT_THAT(Told(), IsEmpty());
}

}  // namespace
}  // namespace coalition::policy
