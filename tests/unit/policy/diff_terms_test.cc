// What the difference between two policies says beside what readers see, and its digest.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/hash.h"
#include "common/policy/diff.h"
#include "tests/unit/policy/diff_support.h"

namespace coalition::policy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class DiffTermsTest : public DiffTest {
 protected:
  std::vector<std::string> Told() const { return Sentences(Diff().other_changes); }
  // The one change.
  v1::OtherChange One() const {
    const auto changes = Diff().other_changes;
    EXPECT_EQ(changes.size(), 1U);
    return changes.empty() ? v1::OtherChange() : changes[0];
  }
};

TEST_F(DiffTermsTest, Texts) {
  after_.set_title("Brands alone");
  after_.mutable_views(1)->set_description("To act on");
  after_.mutable_audiences(0)->clear_description();
  EXPECT_THAT(Told(),
              ElementsAre("NEITHER: title would read \"Brands alone\"",
                          "NEITHER: views notice OFFENDER_REPORT description would read \"To act on\"",
                          "NEITHER: audiences peers description would read \"\""));
  const PolicyDiff diff = Diff();
  EXPECT_EQ(diff.other_changes[0].path(), "title");
  EXPECT_EQ(diff.other_changes[0].before(), "Brands");
  EXPECT_EQ(diff.other_changes[0].after(), "Brands alone");
  EXPECT_FALSE(diff.widens);
  EXPECT_FALSE(diff.narrows);
}

TEST_F(DiffTermsTest, AViewThatIsGoneIsGoneForGood) {
  after_.mutable_views(1)->set_name("brief");
  EXPECT_THAT(Told(),
              ElementsAre("NEITHER: views brief OFFENDER_REPORT description would read \"Enough to act\"",
                          "NARROWS: the view \"notice\" of OFFENDER_REPORT would be gone: what records grant "
                          "by that name shows nothing any more, also if the view has another name now, and "
                          "also when the name comes back, unless a contributor accepts that version"));
  EXPECT_TRUE(Diff().narrows);
}

TEST_F(DiffTermsTest, WhatExplanationsCiteOfADenial) {
  const auto deny = FromText<v1::Deny>("id: 'ring' subject { group: 'groups/inner' } reason: 'For now'");
  *after_.add_denies() = deny;
  EXPECT_THAT(Told(), ElementsAre("NEITHER: the denial \"ring\" would read \"groups/inner: For now\""));
  *before_.add_denies() = deny;
  after_.mutable_denies(0)->set_reason("For ever");
  EXPECT_THAT(Told(), ElementsAre("NEITHER: the denial \"ring\" would read \"groups/inner: For ever\""));
  EXPECT_THAT(Sentences(Diff().access_changes), IsEmpty());
  after_.mutable_denies(0)->clear_reason();
  after_.mutable_denies(0)->set_id("rung");
  EXPECT_THAT(Told(), ElementsAre("NEITHER: the denial \"ring\" would be gone",
                                  "NEITHER: the denial \"rung\" would read \"groups/inner\""));
}

// It hides nothing from anybody yet, and would from who joins.
TEST_F(DiffTermsTest, ADenialOfAGroupThatIsEmpty) {
  for (MemberState& member : members_) member.groups.clear();
  *before_.add_denies() = FromText<v1::Deny>("id: 'ring' subject { group: 'groups/inner' }");
  EXPECT_THAT(Sentences(Diff().access_changes), IsEmpty());
  EXPECT_THAT(Told(), ElementsAre("NEITHER: the denial \"ring\" would be gone",
                                  "WIDENS: who joins groups/inner later would be denied no more by \"ring\", "
                                  "whatever else hides it today"));
  EXPECT_TRUE(Diff().widens);
  // Nothing widens while another denial covers as much.
  *after_.add_denies() = FromText<v1::Deny>("id: 'other' subject { group: 'groups/inner' }");
  EXPECT_FALSE(Diff().widens);
  after_.mutable_denies(0)->add_labels(v1::LABEL_RED);
  EXPECT_TRUE(Diff().widens);
  before_.mutable_denies(0)->add_labels(v1::LABEL_RED);
  EXPECT_FALSE(Diff().widens);
}

TEST_F(DiffTermsTest, LabelsThatRecordsMayCarry) {
  after_.mutable_limits()->set_labels(0, v1::LABEL_GREEN);
  EXPECT_THAT(Told(), ElementsAre("NARROWS: new records could no more carry the label RED",
                                  "WIDENS: new records could carry the label GREEN"));
  after_ = before_;
  after_.mutable_limits()->clear_labels();
  EXPECT_THAT(Told(), ElementsAre("WIDENS: new records could carry the label AMBER_STRICT",
                                  "WIDENS: new records could carry the label GREEN",
                                  "WIDENS: new records could carry the label CLEAR"));
}

TEST_F(DiffTermsTest, Lifetimes) {
  const auto red =
      FromText<v1::LifetimeLimit>("record_classes: RECORD_CLASS_OPINION labels: LABEL_RED days_max: 30");
  *after_.mutable_limits()->add_lifetimes() = red;
  EXPECT_THAT(Told(),
              ElementsAre("NARROWS: new records of class OPINION labelled RED could live 30 days, not "
                          "1000 days"));
  EXPECT_EQ(One().path(), "limits.lifetimes OPINION RED");
  EXPECT_EQ(One().before(), "1000");
  EXPECT_EQ(One().after(), "30");
  std::swap(before_, after_);
  EXPECT_THAT(Told(),
              ElementsAre("WIDENS: new records of class OPINION labelled RED could live 1000 days, not "
                          "30 days"));
  before_ = after_ = Base();
  before_.mutable_limits()->clear_lifetimes();
  after_.mutable_limits()->clear_lifetimes();
  *after_.mutable_limits()->add_lifetimes() = red;
  EXPECT_THAT(Told(),
              ElementsAre("NARROWS: new records of class OPINION labelled RED could live 30 days, not "
                          "as long as the server lets them"));
  std::swap(before_, after_);
  EXPECT_THAT(Told(),
              ElementsAre("WIDENS: new records of class OPINION labelled RED could live as long as the "
                          "server lets them, not 30 days"));
}

TEST_F(DiffTermsTest, HowManyApprove) {
  after_.mutable_limits()->mutable_widening()->set_approvals(1);
  EXPECT_THAT(Told(), ElementsAre("WIDENS: what widens would need the approval of 1 members, not of 2"));
  EXPECT_TRUE(Diff().widens);
  std::swap(before_, after_);
  EXPECT_THAT(Told(), ElementsAre("WIDENS: what widens would need the approval of 2 members, not of 1"));
}

// Who may agree decides what others see: both ways round that is for the others to agree to.
TEST_F(DiffTermsTest, WhoApproves) {
  after_.mutable_limits()->mutable_widening()->set_electorate(1, v1::MEMBER_KIND_AGENCY);
  EXPECT_THAT(Told(), ElementsAre("WIDENS: members of kind PAYMENT could no more approve what widens",
                                  "WIDENS: members of kind AGENCY could approve what widens"));
}

TEST_F(DiffTermsTest, RecordsOfSuspendedMembers) {
  after_.mutable_limits()->set_hides_records_of_suspended(true);
  EXPECT_THAT(Told(), ElementsAre("NARROWS: while a member is suspended, others would not see its records, "
                                  "whenever they were made"));
  EXPECT_EQ(One().path(), "limits.hides_records_of_suspended");
  EXPECT_EQ(One().after(), "hidden");
  EXPECT_TRUE(Diff().narrows);
  EXPECT_FALSE(Diff().widens);
  std::swap(before_, after_);
  EXPECT_THAT(Told(),
              ElementsAre("WIDENS: while a member is suspended, others would go on seeing its records, "
                          "also those that are hidden today"));
  EXPECT_TRUE(Diff().widens);
}

TEST_F(DiffTermsTest, HowLongAProposalIsOpen) {
  const auto after = [this] { return after_.mutable_limits()->mutable_widening(); };
  after()->set_notice_days(7);
  EXPECT_THAT(Told(),
              ElementsAre("NARROWS: a change of the coalition's members could be applied after 7 days, "
                          "not at once"));
  std::swap(before_, after_);
  EXPECT_THAT(Told(), ElementsAre("WIDENS: a change of the coalition's members could be applied at once, not "
                                  "after 7 days"));
  before_ = after_ = Base();
  after()->set_open_days(31);
  EXPECT_THAT(Told(),
              ElementsAre("WIDENS: a proposal to change the coalition's members would expire after 31 "
                          "days, not after 30 days"));
  after()->set_open_days(29);
  EXPECT_THAT(Told(),
              ElementsAre("NARROWS: a proposal to change the coalition's members would expire after 29 "
                          "days, not after 30 days"));
  // Nothing is different by it but the terms that open proposals were made under.
  after()->set_open_days(30);
  EXPECT_THAT(Told(),
              ElementsAre("NEITHER: a proposal to change the coalition's members would expire after 30 "
                          "days as before"));
}

TEST_F(DiffTermsTest, AudiencesThatReachMoreOrFewer) {
  const auto grant = FromText<v1::Grant>("subject { everyone: true } view: 'notice'");
  *after_.mutable_audiences(0)->mutable_audience()->add_grants() = grant;
  EXPECT_THAT(Told(), ElementsAre("WIDENS: who names the audience \"peers\" would reach every BRAND full, "
                                  "everyone notice, members/paylink notice, not members/corsa"));
  EXPECT_EQ(One().before(), "every BRAND full, members/paylink notice, not members/corsa");
  std::swap(before_, after_);
  EXPECT_THAT(Told(), ElementsAre("NARROWS: who names the audience \"peers\" would reach every BRAND full, "
                                  "members/paylink notice, not members/corsa"));
  after_ = before_ = Base();
  after_.mutable_audiences(0)->mutable_audience()->clear_exclusions();
  EXPECT_THAT(Told(), ElementsAre("WIDENS: who names the audience \"peers\" would reach every BRAND full, "
                                  "members/paylink notice"));
  after_ = before_;
  *after_.mutable_audiences(0)->mutable_audience()->add_exclusions() =
      FromText<v1::Subject>("group: 'groups/inner'");
  EXPECT_THAT(Told(), ElementsAre("NARROWS: who names the audience \"peers\" would reach every BRAND full, "
                                  "members/paylink notice, not groups/inner, members/corsa"));
}

TEST_F(DiffTermsTest, AudiencesThatComeAndGo) {
  after_.mutable_audiences(0)->set_id("friends");
  EXPECT_THAT(Told(),
              ElementsAre("NEITHER: who names the audience \"friends\" would reach every BRAND full, "
                          "members/paylink notice, not members/corsa",
                          "NEITHER: audiences friends description would read \"Every brand\"",
                          "NARROWS: who names the audience \"peers\" would reach nobody: it would be gone"));
}

TEST_F(DiffTermsTest, Tests) {
  after_.mutable_policy_test(0)->mutable_expect()->add_token("contributor");
  EXPECT_THAT(Told(),
              ElementsAre("NEITHER: the test \"a brand sees the seller\" would be checked otherwise"));
  EXPECT_EQ(One().path(), "policy_test a brand sees the seller");
  EXPECT_THAT(One().before(), StartsWith("checked, SHA-256 "));
  after_.mutable_policy_test(0)->set_name("a brand sees the reporter");
  EXPECT_THAT(Told(), ElementsAre("NEITHER: the test \"a brand sees the seller\" would be checked no more",
                                  "NEITHER: the test \"a brand sees the reporter\" would be checked"));
}

TEST_F(DiffTermsTest, TestsOfOneNameHaveNoOrder) {
  v1::PolicyTest other = before_.policy_test(0);
  other.mutable_expect()->set_view("full");
  *before_.add_policy_test() = other;
  *after_.add_policy_test() = before_.policy_test(0);
  *after_.mutable_policy_test(0) = other;
  EXPECT_THAT(Told(), IsEmpty());
  *after_.add_policy_test() = other;
  EXPECT_THAT(Told(),
              ElementsAre("NEITHER: the test \"a brand sees the seller\" would be checked otherwise"));
}

using Change = std::function<void(v1::CoalitionPolicy*)>;

// Each changes another kind of content.
const std::vector<Change>& Changes() {
  static const auto& changes = *new std::vector<Change>{
      [](auto* policy) { policy->set_title("x"); },
      [](auto* policy) { policy->mutable_views(0)->set_description("x"); },
      [](auto* policy) { policy->mutable_views(0)->add_full("case_type"); },
      [](auto* policy) { policy->mutable_views(0)->add_full("grounds_code"); },
      [](auto* policy) { policy->mutable_views(0)->clear_token(); },
      [](auto* policy) { policy->mutable_views()->RemoveLast(); },
      [](auto* policy) { policy->mutable_ceilings(0)->add_kinds(v1::MEMBER_KIND_AGENCY); },
      [](auto* policy) { policy->mutable_ceilings(0)->add_kinds(v1::MEMBER_KIND_AUTHORITY); },
      [](auto* policy) { policy->mutable_ceilings(1)->set_relations(0, v1::RELATION_HOST); },
      [](auto* policy) { policy->mutable_ceilings(1)->mutable_labels()->RemoveLast(); },
      [](auto* policy) { policy->mutable_ceilings()->RemoveLast(); },
      [](auto* policy) { policy->mutable_denies(0)->set_id("x"); },
      [](auto* policy) { policy->mutable_denies(0)->set_reason("x"); },
      [](auto* policy) { policy->mutable_denies(0)->mutable_subject()->set_member("members/belmont"); },
      [](auto* policy) { policy->mutable_denies(0)->add_contributor_kinds(v1::MEMBER_KIND_BRAND); },
      [](auto* policy) { policy->mutable_denies(0)->add_labels(v1::LABEL_RED); },
      [](auto* policy) { policy->mutable_denies()->RemoveLast(); },
      [](auto* policy) { policy->mutable_limits()->mutable_lifetimes(0)->set_days_max(7); },
      [](auto* policy) { policy->mutable_limits()->mutable_lifetimes(0)->set_days_max(8); },
      [](auto* policy) { policy->mutable_limits()->mutable_lifetimes(0)->add_labels(v1::LABEL_RED); },
      [](auto* policy) { policy->mutable_limits()->mutable_lifetimes(0)->set_days_default(7); },
      [](auto* policy) { policy->mutable_limits()->mutable_lifetimes(0)->set_days_default(8); },
      [](auto* policy) { policy->mutable_limits()->add_labels(v1::LABEL_CLEAR); },
      [](auto* policy) { policy->mutable_limits()->mutable_widening()->set_approvals(3); },
      [](auto* policy) { policy->mutable_limits()->mutable_widening()->mutable_electorate()->RemoveLast(); },
      [](auto* policy) { policy->mutable_limits()->mutable_widening()->set_notice_days(1); },
      [](auto* policy) { policy->mutable_limits()->mutable_widening()->set_open_days(2); },
      [](auto* policy) { policy->mutable_limits()->set_hides_records_of_suspended(true); },
      [](auto* policy) { policy->mutable_limits()->set_contest_days(30); },
      [](auto* policy) { policy->mutable_limits()->set_contest_days(31); },
      [](auto* policy) { policy->mutable_limits()->add_shown_to_by_kind(v1::MEMBER_KIND_PAYMENT); },
      [](auto* policy) { policy->mutable_limits()->set_auditors_open_disclosures(true); },
      [](auto* policy) { policy->mutable_limits()->set_authority_reads_sealed_days(90); },
      [](auto* policy) { policy->mutable_limits()->set_authority_reads_sealed_days(91); },
      [](auto* policy) { policy->mutable_audiences(0)->set_id("x"); },
      [](auto* policy) { policy->mutable_audiences(0)->set_description("x"); },
      [](auto* policy) {
        policy->mutable_audiences(0)->mutable_audience()->mutable_grants(0)->set_view("notice");
      },
      [](auto* policy) { policy->mutable_audiences(0)->mutable_audience()->clear_exclusions(); },
      [](auto* policy) { policy->mutable_audiences()->RemoveLast(); },
      [](auto* policy) { policy->mutable_policy_test(0)->set_name("x"); },
      [](auto* policy) { policy->mutable_policy_test(0)->mutable_expect()->add_token("contributor"); },
      [](auto* policy) { policy->mutable_policy_test(0)->mutable_expect()->add_omitted("case_type"); },
      [](auto* policy) { policy->mutable_policy_test()->RemoveLast(); },
  };
  return changes;
}

v1::CoalitionPolicy WithADenial() {
  v1::CoalitionPolicy policy = Base();
  *policy.add_denies() =
      FromText<v1::Deny>("id: 'ring' subject { member: 'members/corsa' } reason: 'For now'");
  return policy;
}

TEST(DiffDigest, IsAnotherForEveryChange) {
  const v1::CoalitionPolicy before = WithADenial();
  const State state = MakeState(Members(), {}, RulesOf(before));
  std::set<std::string> digests = {DiffPolicies(state, before, 1, before).digest};
  for (size_t i = 0; i < Changes().size(); ++i) {
    v1::CoalitionPolicy after = before;
    Changes()[i](&after);
    EXPECT_TRUE(digests.insert(DiffPolicies(state, before, 1, after).digest).second) << "change " << i;
  }
}

// What nobody is shown today was reviewed, or was not, all the same.
TEST(DiffDigest, IsAnotherForWhatMakesNoDifferenceYet) {
  const v1::CoalitionPolicy before = Base();
  const State state = MakeState(Members(), {}, RulesOf(before));
  v1::CoalitionPolicy with_view = before;
  v1::ViewDefinition* view = with_view.add_views();
  view->set_name("burn");
  view->set_record_class(v1::RECORD_CLASS_OFFENDER_REPORT);
  view->add_full("audience");
  const PolicyDiff none = DiffPolicies(state, before, 1, before),
                   one = DiffPolicies(state, before, 1, with_view);
  EXPECT_THAT(one.access_changes, IsEmpty());
  EXPECT_NE(none.digest, one.digest);
}

TEST(DiffDigest, IsAnotherForEveryVersionThatIsChanged) {
  const State state = MakeState();
  v1::CoalitionPolicy after = state.policy();
  after.set_title("x");
  EXPECT_NE(DiffPolicies(state, state.policy(), 1, after).digest,
            DiffPolicies(state, state.policy(), 2, after).digest);
}

TEST(DiffDigest, TheOrderOfEntriesDoesNotMatter) {
  v1::CoalitionPolicy before = WithADenial();
  for (const char* name : {"old", "older"}) {
    *before.add_views() = before.views(1);
    before.mutable_views()->rbegin()->set_name(name);
  }
  for (const char* label : {"LABEL_RED", "LABEL_AMBER"}) {
    *before.add_denies() =
        FromText<v1::Deny>("subject { kind: MEMBER_KIND_PAYMENT } labels: " + std::string(label));
    before.mutable_denies()->rbegin()->set_id(label);
  }
  v1::CoalitionPolicy after = before;
  after.mutable_views()->DeleteSubrange(2, 2);
  const State state = MakeState(Members(), {}, RulesOf(before));
  *after.add_denies() = FromText<v1::Deny>("id: 'x' subject { group: 'groups/inner' } labels: [LABEL_RED]");
  *after.add_audiences() = after.audiences(0);
  after.mutable_audiences(1)->set_id("x");
  *after.add_policy_test() = after.policy_test(0);
  after.mutable_policy_test(1)->set_name("x");
  *after.mutable_limits()->add_lifetimes() = FromText<v1::LifetimeLimit>("days_max: 3 labels: LABEL_AMBER");
  for (const auto kind : {v1::MEMBER_KIND_PAYMENT, v1::MEMBER_KIND_AUTHORITY})
    after.mutable_limits()->add_shown_to_by_kind(kind);
  after.mutable_views(0)->add_full("case_type");
  for (const char* name : {"brief", "alert"}) {
    *after.add_views() = before.views(1);
    after.mutable_views()->rbegin()->set_name(name);
  }
  const std::string digest = DiffPolicies(state, before, 1, after).digest;
  for (v1::CoalitionPolicy* policy : {&before, &after}) {
    const auto turn = [](auto* list) { std::reverse(list->begin(), list->end()); };
    turn(policy->mutable_views());
    turn(policy->mutable_ceilings());
    turn(policy->mutable_denies());
    turn(policy->mutable_audiences());
    turn(policy->mutable_policy_test());
    turn(policy->mutable_limits()->mutable_lifetimes());
    turn(policy->mutable_limits()->mutable_labels());
    turn(policy->mutable_limits()->mutable_widening()->mutable_electorate());
    turn(policy->mutable_limits()->mutable_shown_to_by_kind());
    turn(policy->mutable_views(0)->mutable_full());
    turn(policy->mutable_views(1)->mutable_full());
    turn(policy->mutable_ceilings(1)->mutable_kinds());
    turn(policy->mutable_ceilings(1)->mutable_labels());
    turn(policy->mutable_audiences(0)->mutable_audience()->mutable_grants());
    EXPECT_EQ(DiffPolicies(state, before, 1, after).digest, digest);
  }
}

}  // namespace
}  // namespace coalition::policy
