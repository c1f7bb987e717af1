// What is wrong with a policy in this coalition, and with a member's own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "common/policy/check_policy.h"
#include "common/policy/default_policy.h"
#include "tests/unit/policy/check_policy_support.h"
#include "tests/unit/policy/support.h"

namespace coalition::policy {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

TEST(CheckPolicyNames, TakesTheCoalitionsMembersAndGroups) {
  const auto policy = FromText<v1::CoalitionPolicy>(R"(
    denies { id: "a" subject { member: "members/belmont" } }
    denies { id: "b" subject { group: "groups/inner" } }
    denies { id: "c" subject { kind: MEMBER_KIND_AGENCY } }
    audiences {
      audience {
        grants { subject { everyone: true } } grants { subject { group: "groups/wide" } }
        exclusions { member: "members/corsa" }
      }
    })");
  EXPECT_THAT(Said(CheckPolicyNames(policy, MakeState())), IsEmpty());
}

TEST(CheckPolicyNames, NamesWhoIsNotThere) {
  const auto policy = FromText<v1::CoalitionPolicy>(R"(
    denies { id: "a" subject { member: "members/belmont" } }
    denies { id: "b" subject { member: "members/ghost" } }
    audiences { audience { grants { subject { everyone: true } } } }
    audiences {
      audience {
        grants { subject { everyone: true } } grants { subject { group: "groups/ghosts" } }
        exclusions { kind: MEMBER_KIND_BRAND } exclusions { member: "members/ghoul" }
      }
    })");
  EXPECT_THAT(
      Said(CheckPolicyNames(policy, MakeState())),
      ElementsAre(Pair("denies[1].subject.member", "no member \"members/ghost\"; say members/{member}"),
                  Pair("audiences[1].audience.grants[1].subject.group",
                       "no group \"groups/ghosts\"; say groups/{group}"),
                  Pair("audiences[1].audience.exclusions[1].member",
                       "no member \"members/ghoul\"; say members/{member}")));
}

TEST(CheckPolicyNames, NamesAHundredProblemsAtMost) {
  v1::CoalitionPolicy policy;
  for (int i = 0; i < 150; ++i) policy.add_denies()->mutable_subject()->set_member("members/ghost");
  EXPECT_THAT(CheckPolicyNames(policy, MakeState()), SizeIs(100));
}

// A coalition has 64 names of views for ever.
TEST(CheckPolicyNames, KnowsWhenTheNamesOfViewsAreUsedUp) {
  Rules rules = DefaultRules();
  while (rules.view_names.names().size() < kViewNamesMax - 1U) {
    rules.view_names.Add("old-" + std::to_string(rules.view_names.names().size()));
  }
  const State state = MakeState(Members(), {}, std::move(rules));
  auto policy = FromText<v1::CoalitionPolicy>(R"(
    views { name: "full" record_class: RECORD_CLASS_OPINION }
    views { name: "old-7" record_class: RECORD_CLASS_OPINION }
    views { name: "new" record_class: RECORD_CLASS_OPINION }
    views { name: "new" record_class: RECORD_CLASS_OFFENDER_REPORT })");
  EXPECT_THAT(Said(CheckPolicyNames(policy, state)), IsEmpty());
  policy.add_views()->set_name("newer");
  EXPECT_THAT(
      Said(CheckPolicyNames(policy, state)),
      ElementsAre(
          Pair("views[4].name",
               "the coalition has used 64 names of views, which is all there are; take one of those again")));
}

// What every member's own policy may look like.
constexpr char kOwn[] = R"(
    ceilings {
      kinds: MEMBER_KIND_BRAND relations: RELATION_OTHER
      record_classes: [RECORD_CLASS_OFFENDER_REPORT, RECORD_CLASS_OPINION] labels: LABEL_AMBER view: "notice"
    }
    exclusions { member: "members/corsa" }
    exclusions { group: "groups/wide" }
    exclusions { kind: MEMBER_KIND_OBSERVER }
    accepts_policy_version: 1)";

v1::MemberPolicy OwnWith(const std::string& more) {
  auto policy = FromText<v1::MemberPolicy>(kOwn);
  google::protobuf::TextFormat::Parser parser;
  EXPECT_TRUE(parser.MergeFromString(more, &policy)) << more;
  return policy;
}

TEST(CheckMemberPolicy, FindsNothingWrongWithASoundOne) {
  EXPECT_THAT(Said(CheckMemberPolicy(OwnWith(""), MakeState())), IsEmpty());
  EXPECT_THAT(Said(CheckMemberPolicy(FromText<v1::MemberPolicy>("unbounded: true"), MakeState())), IsEmpty());
}

class CheckMemberPolicyMistakes : public ::testing::TestWithParam<Mistake> {};

TEST_P(CheckMemberPolicyMistakes, AreNamed) {
  EXPECT_THAT(Said(CheckMemberPolicy(OwnWith(GetParam().add), MakeState())),
              ElementsAre(Pair(GetParam().path, GetParam().message)))
      << GetParam().add;
}

INSTANTIATE_TEST_SUITE_P(
    All, CheckMemberPolicyMistakes,
    ::testing::Values(
        Mistake{"unbounded: true", "ceilings", "can't be given together with unbounded"},
        Mistake{"ceilings { relations: RELATION_OTHER record_classes: RECORD_CLASS_OPINION labels: LABEL_RED "
                "view: 'full' }",
                "ceilings[1].kinds", NameEach("kind of member")},
        Mistake{"ceilings { kinds: MEMBER_KIND_BRAND relations: RELATION_OTHER labels: LABEL_RED "
                "record_classes: RECORD_CLASS_OPINION view: 'notce' }",
                "ceilings[1].view",
                "no view \"notce\" is defined for OPINION; there are: full, notice; did you mean "
                "\"notice\"?"},
        Mistake{"exclusions { everyone: true }", "exclusions[3]",
                "an exclusion can't name everyone; a ceiling with view \"none\" hides all"},
        Mistake{"exclusions { }", "exclusions[3]", kNamesNobody},
        Mistake{"exclusions { member: 'members/ghost' }", "exclusions[3].member",
                "no member \"members/ghost\"; say members/{member}"},
        Mistake{"exclusions { group: 'inner' }", "exclusions[3].group",
                "no group \"inner\"; say groups/{group}"},
        Mistake{"accepts_policy_version: -1", "accepts_policy_version",
                "there is no such version; the newest is 1"},
        Mistake{"accepts_policy_version: 2", "accepts_policy_version",
                "there is no such version; the newest is 1"}));

TEST(CheckMemberPolicy, MeansNothingByLeavingOut) {
  EXPECT_THAT(Said(CheckMemberPolicy({}, MakeState())),
              ElementsAre(Pair("ceilings",
                               "is missing: say unbounded for no bound of your own, or a ceiling with view "
                               "\"none\" to hide all")));
}

TEST(CheckMemberPolicy, RefusesFieldsThatItDoesNotKnow) {
  auto policy = OwnWith("");
  v1::Ceiling* ceiling = policy.mutable_ceilings(0);
  ceiling->GetReflection()->MutableUnknownFields(ceiling)->AddVarint(9999, 1);
  EXPECT_THAT(Said(CheckMemberPolicy(policy, MakeState())),
              ElementsAre(Pair("ceilings[0]", "has fields that this version does not know")));
}

TEST(CheckMemberPolicy, BoundsItsEntries) {
  auto ceilings = OwnWith("");
  while (ceilings.ceilings_size() < kPolicyEntriesMax) *ceilings.add_ceilings() = ceilings.ceilings(0);
  auto exclusions = OwnWith("");
  while (exclusions.exclusions_size() < kPolicyEntriesMax) {
    *exclusions.add_exclusions() = exclusions.exclusions(0);
  }
  EXPECT_THAT(Said(CheckMemberPolicy(ceilings, MakeState())), IsEmpty());
  EXPECT_THAT(Said(CheckMemberPolicy(exclusions, MakeState())), IsEmpty());
  *ceilings.add_ceilings() = ceilings.ceilings(0);
  *exclusions.add_exclusions() = exclusions.exclusions(0);
  const auto over = ElementsAre(Pair("", "has more than 200 ceilings or exclusions"));
  EXPECT_THAT(Said(CheckMemberPolicy(ceilings, MakeState())), over);
  EXPECT_THAT(Said(CheckMemberPolicy(exclusions, MakeState())), over);
}

TEST(CheckMemberPolicy, NamesAHundredProblemsAtMost) {
  auto policy = OwnWith("");
  for (int i = 0; i < 150; ++i) policy.add_exclusions();
  const auto problems = CheckMemberPolicy(policy, MakeState());
  EXPECT_THAT(problems, SizeIs(100));
  EXPECT_THAT(problems, Each(Field(&PolicyProblem::message, kNamesNobody)));
}

}  // namespace
}  // namespace coalition::policy
