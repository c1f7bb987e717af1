// What CheckPolicy says of limits, audiences and tests, and how much of a policy it takes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/policy/check_policy.h"
#include "tests/unit/policy/check_policy_support.h"

namespace coalition::policy {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

class CheckPolicyTerms : public ::testing::TestWithParam<Mistake> {};

TEST_P(CheckPolicyTerms, MistakesAreNamed) {
  EXPECT_THAT(Said(CheckPolicy(SoundWith(GetParam().add))),
              ElementsAre(Pair(GetParam().path, GetParam().message)))
      << GetParam().add;
}

Mistake InLimits(const std::string& limits, const std::string& path, const std::string& message) {
  return {"limits { " + limits + " }", "limits." + path, message};
}

INSTANTIATE_TEST_SUITE_P(
    Limits, CheckPolicyTerms,
    ::testing::Values(
        InLimits("lifetimes { }", "lifetimes[1]", "says nothing: set days_max, days_default or both"),
        InLimits("lifetimes { days_max: -1 }", "lifetimes[1].days_max", "must be from 0 to 36500"),
        InLimits("lifetimes { days_max: 36501 }", "lifetimes[1].days_max", "must be from 0 to 36500"),
        InLimits("lifetimes { days_default: -1 }", "lifetimes[1].days_default", "must be from 0 to 36500"),
        InLimits("lifetimes { days_default: 36501 }", "lifetimes[1].days_default", "must be from 0 to 36500"),
        InLimits("lifetimes { days_max: 7 days_default: 8 }", "lifetimes[1].days_default",
                 "is over days_max"),
        InLimits("contest_days: -1", "contest_days", "must be from 0 to 3650"),
        InLimits("contest_days: 3651", "contest_days", "must be from 0 to 3650"),
        InLimits("shown_to_by_kind: [MEMBER_KIND_PAYMENT, MEMBER_KIND_PAYMENT]", "shown_to_by_kind[1]",
                 "kind of member named twice"),
        InLimits("shown_to_by_kind: 77", "shown_to_by_kind[0]", "no such kind of member"),
        InLimits("authority_reads_sealed_days: -1", "authority_reads_sealed_days", "must be from 0 to 3650"),
        InLimits("authority_reads_sealed_days: 3651", "authority_reads_sealed_days",
                 "must be from 0 to 3650"),
        InLimits("lifetimes { days_max: 1 record_classes: 77 }", "lifetimes[1].record_classes[0]",
                 "no such record class"),
        InLimits("lifetimes { days_max: 1 labels: [LABEL_RED, LABEL_UNSPECIFIED] }", "lifetimes[1].labels[1]",
                 "is missing: label"),
        InLimits("labels: LABEL_RED", "labels[2]", "label named twice"),
        InLimits("labels: 77", "labels[2]", "no such label"),
        InLimits("widening { approvals: -1 }", "widening.approvals", "must be from 0 to 1000"),
        InLimits("widening { approvals: 1001 }", "widening.approvals", "must be from 0 to 1000"),
        InLimits("widening { notice_days: -1 }", "widening.notice_days", "must be from 0 to 365"),
        InLimits("widening { notice_days: 366 }", "widening.notice_days", "must be from 0 to 365"),
        InLimits("widening { open_days: -1 }", "widening.open_days", "must be from 0 to 365"),
        InLimits("widening { open_days: 366 }", "widening.open_days", "must be from 0 to 365"),
        InLimits("widening { notice_days: 7 open_days: 7 }", "widening.open_days",
                 "must be more than notice_days, or no proposal could be applied: 7 is not more than 7"),
        InLimits(
            "widening { notice_days: 30 }", "widening.open_days",
            "must be more than notice_days, or no proposal could be applied: 30 (what 0 means) is not more "
            "than 30"),
        InLimits("widening { electorate: MEMBER_KIND_BRAND }", "widening.electorate[1]",
                 "kind of member named twice"),
        InLimits("widening { electorate: 77 }", "widening.electorate[1]", "no such kind of member")));

Mistake InAudience(const std::string& audience, const std::string& path, const std::string& message) {
  return {"audiences { " + audience + " }", "audiences[1]" + path, message};
}

// Beside a grant that is right.
Mistake InX(const std::string& audience, const std::string& path, const std::string& message) {
  return InAudience(
      "id: 'x' audience { grants { subject { everyone: true } view: 'notice' } " + audience + " }",
      ".audience" + path, message);
}

INSTANTIATE_TEST_SUITE_P(
    Audiences, CheckPolicyTerms,
    ::testing::Values(
        InAudience("audience { grants { subject { everyone: true } view: 'peer' } }", ".id",
                   IsNoId("id of an audience is empty")),
        InAudience("id: 'X' audience { grants { subject { everyone: true } view: 'peer' } }", ".id",
                   IsNoId("id of an audience \"X\" is not an id")),
        InAudience("id: 'peers' audience { grants { subject { everyone: true } view: 'peer' } }", ".id",
                   "\"peers\" is there already"),
        InAudience("id: 'x' audience { grants { subject { everyone: true } view: 'peer' } } description: '" +
                       Long() + "'",
                   ".description", "is over 1000 bytes"),
        InAudience("id: 'x'", ".audience.grants", "there is none"),
        InX("include: 'audiences/peers'", ".include", "a named audience can't include others"),
        InX("grants { view: 'peer' }", ".grants[1].subject", kNamesNobody),
        InX("grants { subject { member: 'x' } view: 'peer' }", ".grants[1].subject",
            "\"x\" is not a name: expected members/{member}"),
        InX("grants { subject { everyone: true } view: 'notic' }", ".grants[1].view",
            "no view \"notic\" is defined; did you mean \"notice\"?"),
        InX("grants { subject { everyone: true } view: 'none' }", ".grants[1].view",
            "no view \"none\" is defined"),
        InX("grants { subject { everyone: true } }", ".grants[1].view", "no view \"\" is defined"),
        InX("exclusions { everyone: true }", ".exclusions[0]",
            "an exclusion can't name everyone; without grants nobody sees a record"),
        InX("exclusions { everyone: false }", ".exclusions[0]",
            "an exclusion can't name everyone; without grants nobody sees a record"),
        InX("exclusions { kind: 77 }", ".exclusions[0]", "no such kind of member")));

Mistake InTest(const std::string& test, const std::string& path, const std::string& message) {
  return {"policy_test { " + test + " }", "policy_test[2]" + path, message};
}

constexpr char kName[] = "name: 'x' ";
constexpr char kAs[] = "as { kind: MEMBER_KIND_BRAND } ";
constexpr char kRead[] = "read { record_class: RECORD_CLASS_OPINION } ";
constexpr char kExpect[] = "expect { hidden: true } ";

Mistake As(const std::string& as, const std::string& path, const std::string& message) {
  return InTest(std::string(kName) + "as { " + as + " } " + kRead + kExpect, ".as." + path, message);
}
Mistake Read(const std::string& read, const std::string& path, const std::string& message) {
  return InTest(std::string(kName) + kAs + "read { " + read + " } " + kExpect, ".read." + path, message);
}
Mistake ReadAnOpinion(const std::string& read, const std::string& path, const std::string& message) {
  return Read("record_class: RECORD_CLASS_OPINION " + read, path, message);
}
Mistake Expect(const std::string& expect, const std::string& path, const std::string& message) {
  return InTest(std::string(kName) + kAs + kRead + "expect { " + expect + " }", ".expect" + path, message);
}

INSTANTIATE_TEST_SUITE_P(
    TestsOfReaders, CheckPolicyTerms,
    ::testing::Values(
        InTest(std::string(kAs) + kRead + kExpect, ".name", "is missing: what the test shows"),
        InTest("name: '" + Long() + "' " + kAs + kRead + kExpect, ".name", "is over 1000 bytes"),
        As("", "kind", "is missing: kind of member"), As("kind: 77", "kind", "no such kind of member"),
        As("kind: MEMBER_KIND_BRAND relation: RELATION_OWNER", "relation", "must be HOST or OTHER"),
        As("kind: MEMBER_KIND_BRAND relation: RELATION_FORMER_OR_UNASSIGNED", "relation",
           "must be HOST or OTHER"),
        As("kind: MEMBER_KIND_BRAND member: 'x'", "member", "\"x\" is not a name: expected members/{member}"),
        As("kind: MEMBER_KIND_BRAND groups: ['groups/x', '']", "groups[1]",
           "is empty: expected groups/{group}")));

INSTANTIATE_TEST_SUITE_P(
    TestsOfRecords, CheckPolicyTerms,
    ::testing::Values(
        Read("", "record_class", "is missing: record class"),
        Read("record_class: 77", "record_class", "no such record class"),
        ReadAnOpinion("label: 77", "label", "no such label"),
        ReadAnOpinion("contributor_kind: 77", "contributor_kind", "no such kind of member"),
        ReadAnOpinion("audience { grants { subject { } view: 'peer' } }", "audience.grants[0].subject",
                      kNamesNobody),
        ReadAnOpinion("audience { grants { subject { everyone: true } view: 'notice' } }",
                      "audience.grants[0].view",
                      "no view \"notice\" is defined for OPINION; there are: peer"),
        ReadAnOpinion("audience { grants { subject { everyone: true } view: 'none' } }",
                      "audience.grants[0].view", "no view \"none\" is defined for OPINION; there are: peer"),
        ReadAnOpinion("audience { exclusions { everyone: true } }", "audience.exclusions[0]",
                      "an exclusion can't name everyone; without grants nobody sees a record"),
        ReadAnOpinion("audience { include: ['audiences/peers', 'audiences/peer'] }", "audience.include[1]",
                      "no audience \"audiences/peer\" is defined; say audiences/{id}; did you mean "
                      "\"peers\"?"),
        ReadAnOpinion("audience { include: 'peers' }", "audience.include[0]",
                      "no audience \"peers\" is defined; say audiences/{id}")));

INSTANTIATE_TEST_SUITE_P(
    TestsOfExpectations, CheckPolicyTerms,
    ::testing::Values(
        Expect("", "", "expects nothing: say hidden, view, full, token, coarse or omitted"),
        Expect("hidden: true view: 'peer'", "", "what is hidden shows no view and no fields"),
        Expect("hidden: true omitted: 'comment'", "", "what is hidden shows no view and no fields"),
        Expect("view: 'none'", ".view", "no view \"none\" is defined for OPINION; there are: peer"),
        Expect("full: 'verdikt'", ".full[0]", "OPINION has no field \"verdikt\"; did you mean \"verdict\"?"),
        Expect("omitted: 'seller'", ".omitted[0]",
               "OPINION has no field \"seller\"; did you mean \"seller.platform\"?"),
        Expect("token: 'verdict'", ".token[0]", "\"verdict\" has no level TOKEN: its chain is OMIT < FULL"),
        Expect("coarse: 'verdict'", ".coarse[0]",
               "\"verdict\" has no level COARSE: its chain is OMIT < FULL"),
        Expect("full: 'verdict' omitted: 'verdict'", ".omitted[0]", "\"verdict\" is listed twice")));

TEST(CheckPolicy, LimitsThatSayLittleAreSound) {
  const auto policy = SoundWith(R"(limits {
    lifetimes { days_default: 36500 }
    lifetimes { days_max: 7 days_default: 7 }
    contest_days: 3650
    shown_to_by_kind: [MEMBER_KIND_PAYMENT, MEMBER_KIND_AUTHORITY]
    auditors_open_disclosures: true
    authority_reads_sealed_days: 3650
  })");
  EXPECT_THAT(Said(CheckPolicy(policy)), IsEmpty());
}

TEST(CheckPolicy, WantsToKnowWhoMayApprove) {
  auto policy = SoundWith("");
  policy.mutable_limits()->mutable_widening()->clear_electorate();
  EXPECT_THAT(Said(CheckPolicy(policy)),
              ElementsAre(Pair("limits.widening.electorate", NameEach("kind of member"))));
  policy.mutable_limits()->mutable_widening()->set_approvals(0);
  EXPECT_THAT(Said(CheckPolicy(policy)), IsEmpty());
}

// Fills `list` with copies of its first entry up to `size`, each with a name of its own.
template <class List, class Named>
void Fill(List* list, int size, const Named& name) {
  const auto first = list->Get(0);
  for (int i = list->size(); i < size; ++i) {
    *list->Add() = first;
    name(&(*list)[i], "x" + std::to_string(i));
  }
}

struct Size {
  const char* list;
  int max;
  void (*fill)(v1::CoalitionPolicy* policy, int size);
};

class CheckPolicySizes : public ::testing::TestWithParam<Size> {};

TEST_P(CheckPolicySizes, AreBounded) {
  const Size& of = GetParam();
  auto policy = SoundWith("");
  of.fill(&policy, of.max);
  EXPECT_THAT(Said(CheckPolicy(policy)), IsEmpty());
  of.fill(&policy, of.max + 1);
  EXPECT_THAT(Said(CheckPolicy(policy)),
              ElementsAre(Pair(of.list, "has more than " + std::to_string(of.max) + " entries")));
}

INSTANTIATE_TEST_SUITE_P(
    Lists, CheckPolicySizes,
    ::testing::Values(Size{"views", kPolicyViewsMax,
                           [](v1::CoalitionPolicy* policy, int size) {
                             Fill(policy->mutable_views(), size,
                                  [](auto* view, const std::string& name) { view->set_name(name); });
                           }},
                      Size{"ceilings", kPolicyEntriesMax,
                           [](v1::CoalitionPolicy* policy, int size) {
                             Fill(policy->mutable_ceilings(), size, [](auto*, const std::string&) {});
                           }},
                      Size{"denies", kPolicyEntriesMax,
                           [](v1::CoalitionPolicy* policy, int size) {
                             Fill(policy->mutable_denies(), size,
                                  [](auto* deny, const std::string& name) { deny->set_id(name); });
                           }},
                      Size{"audiences", kPolicyEntriesMax,
                           [](v1::CoalitionPolicy* policy, int size) {
                             Fill(policy->mutable_audiences(), size,
                                  [](auto* audience, const std::string& name) { audience->set_id(name); });
                           }},
                      Size{"policy_test", kPolicyEntriesMax, [](v1::CoalitionPolicy* policy, int size) {
                             Fill(policy->mutable_policy_test(), size,
                                  [](auto* test, const std::string& name) { test->set_name(name); });
                           }}));

TEST(CheckPolicy, BoundsTheBytesFirst) {
  auto policy = SoundWith("denies { }");
  policy.set_title(std::string(kPolicyBytesMax / 2, 'x'));
  policy.mutable_title()->append(kPolicyBytesMax - policy.ByteSizeLong(), 'x');
  ASSERT_EQ(policy.ByteSizeLong(), size_t{kPolicyBytesMax});
  EXPECT_THAT(Said(CheckPolicy(policy)), SizeIs(3));  // the title's, and two of the denial
  policy.mutable_title()->push_back('x');
  EXPECT_THAT(Said(CheckPolicy(policy)), ElementsAre(Pair("", "the policy is over 1048576 bytes")));
}

TEST(CheckPolicy, NamesAHundredProblemsAtMost) {
  auto policy = SoundWith("");
  for (int i = 0; i < 150; ++i) policy.add_denies()->set_id("x" + std::to_string(i));
  const auto problems = CheckPolicy(policy);
  EXPECT_THAT(problems, SizeIs(100));
  EXPECT_THAT(problems, Each(Field(&PolicyProblem::message, kNamesNobody)));
  EXPECT_EQ(problems.back().path, "denies[100].subject");
}

}  // namespace
}  // namespace coalition::policy
