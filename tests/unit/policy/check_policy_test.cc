// Every rule of CheckPolicy by a policy that breaks it alone, with what is said then.
#include "common/policy/check_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "google/protobuf/message.h"
#include "tests/unit/policy/check_policy_support.h"
#include "tests/unit/policy/support.h"

namespace coalition::policy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(CheckPolicy, FindsNothingWrongWithASoundPolicy) {
  EXPECT_THAT(Said(CheckPolicy(SoundWith(""))), IsEmpty());
}

class CheckPolicyMistakes : public ::testing::TestWithParam<Mistake> {};

TEST_P(CheckPolicyMistakes, AreNamed) {
  EXPECT_THAT(Said(CheckPolicy(SoundWith(GetParam().add))),
              ElementsAre(Pair(GetParam().path, GetParam().message)))
      << GetParam().add;
}

INSTANTIATE_TEST_SUITE_P(Titles, CheckPolicyMistakes,
                         ::testing::Values(Mistake{"title: '" + Long() + "'", "title", "is over 1000 bytes"},
                                           Mistake{R"(title: 'caf\xe9')", "title", "is not UTF-8"}));

Mistake InView(const std::string& view, const std::string& path, const std::string& message) {
  return {"views { " + view + " }", "views[3]" + path, message};
}
Mistake InReport(const std::string& fields, const std::string& path, const std::string& message) {
  return InView("name: 'x' record_class: RECORD_CLASS_OFFENDER_REPORT " + fields, path, message);
}

INSTANTIATE_TEST_SUITE_P(
    Views, CheckPolicyMistakes,
    ::testing::Values(
        InView("record_class: RECORD_CLASS_OPINION full: 'verdict'", ".name", IsNoId("view name is empty")),
        InView("name: 'X' record_class: RECORD_CLASS_OPINION full: 'verdict'", ".name",
               IsNoId("view name \"X\" is not an id")),
        InView("name: 'none' record_class: RECORD_CLASS_OPINION full: 'verdict'", ".name",
               "\"none\" shows nothing and can't be defined"),
        InView("name: 'x' full: 'verdict'", ".record_class", "is missing: record class"),
        InView("name: 'x' record_class: 77 full: 'verdict'", ".record_class", "no such record class"),
        InView("name: 'peer' record_class: RECORD_CLASS_OPINION full: 'verdict'", "",
               "view \"peer\" is defined twice for OPINION"),
        InReport("full: 'comment' description: '" + Long() + "'", ".description", "is over 1000 bytes"),
        InReport("full: ['comment', 'coment']", ".full[1]",
                 "OFFENDER_REPORT has no field \"coment\"; did you mean \"comment\"?"),
        InReport("token: 'contributer'", ".token[0]",
                 "OFFENDER_REPORT has no field \"contributer\"; did you mean \"contributor\"?"),
        InReport("coarse: 'create_tim'", ".coarse[0]",
                 "OFFENDER_REPORT has no field \"create_tim\"; did you mean \"create_time\"?"),
        InReport("full: 'rights'", ".full[0]",
                 "OFFENDER_REPORT has no field \"rights\"; did you mean \"rights.type\"?"),
        InReport("full: 'zzzzzzzzzzzz'", ".full[0]", "OFFENDER_REPORT has no field \"zzzzzzzzzzzz\""),
        InReport("full: ''", ".full[0]", "OFFENDER_REPORT has no field \"\""),
        InReport("token: 'comment'", ".token[0]", "\"comment\" has no level TOKEN: its chain is OMIT < FULL"),
        InReport("token: 'create_time'", ".token[0]",
                 "\"create_time\" has no level TOKEN: its chain is OMIT < COARSE < FULL"),
        InReport("coarse: 'contributor'", ".coarse[0]",
                 "\"contributor\" has no level COARSE: its chain is OMIT < TOKEN < FULL"),
        InReport("full: ['comment', 'comment']", ".full[1]", "\"comment\" is listed twice"),
        InReport("full: 'contributor' token: 'contributor'", ".token[0]", "\"contributor\" is listed twice"),
        InReport("full: 'create_time' coarse: 'create_time'", ".coarse[0]",
                 "\"create_time\" is listed twice"),
        InReport("", "", "shows nothing; ceilings say \"none\" for that")));

Mistake InCeiling(const std::string& ceiling, const std::string& path, const std::string& message) {
  return {"ceilings { " + ceiling + " }", "ceilings[2]" + path, message};
}

constexpr char kOfKind[] = "kinds: MEMBER_KIND_BRAND ";
constexpr char kOfRelation[] = "relations: RELATION_OTHER ";
constexpr char kOfClass[] = "record_classes: RECORD_CLASS_OFFENDER_REPORT ";
constexpr char kOfLabel[] = "labels: LABEL_AMBER ";
constexpr char kThroughView[] = "view: 'notice'";

Mistake WithoutOne(const std::string& without, const std::string& path, const std::string& message) {
  std::string ceiling;
  for (const char* list : {kOfKind, kOfRelation, kOfClass, kOfLabel, kThroughView}) {
    if (list != without) ceiling += list;
  }
  return InCeiling(ceiling, path, message);
}

Mistake WithAlso(const std::string& more, const std::string& path, const std::string& message) {
  return InCeiling(std::string(kOfKind) + kOfRelation + kOfClass + kOfLabel + kThroughView + " " + more, path,
                   message);
}

INSTANTIATE_TEST_SUITE_P(
    Ceilings, CheckPolicyMistakes,
    ::testing::Values(
        WithoutOne(kOfKind, ".kinds", NameEach("kind of member")),
        WithoutOne(kOfRelation, ".relations", NameEach("relation")),
        WithoutOne(kOfClass, ".record_classes", NameEach("record class")),
        WithoutOne(kOfLabel, ".labels", NameEach("label")),
        WithoutOne(kThroughView, ".view", "is missing: the name of a view"),
        WithAlso("kinds: MEMBER_KIND_BRAND", ".kinds[1]", "kind of member named twice"),
        WithAlso("kinds: MEMBER_KIND_UNSPECIFIED", ".kinds[1]", "is missing: kind of member"),
        WithAlso("kinds: 9", ".kinds[1]", "no such kind of member"),
        WithAlso("kinds: -1", ".kinds[1]", "no such kind of member"),
        WithAlso("relations: RELATION_OTHER", ".relations[1]", "relation named twice"),
        WithAlso("relations: 77", ".relations[1]", "no such relation"),
        WithAlso("relations: RELATION_OWNER", ".relations[1]", kNotForCeilings),
        WithAlso("relations: RELATION_FORMER_OR_UNASSIGNED", ".relations[1]", kNotForCeilings),
        WithAlso("record_classes: 77", ".record_classes[1]", "no such record class"),
        WithAlso("record_classes: RECORD_CLASS_UNSPECIFIED", ".record_classes[1]",
                 "is missing: record class"),
        WithAlso("labels: 77", ".labels[1]", "no such label"),
        WithAlso("labels: LABEL_AMBER", ".labels[1]", "label named twice"),
        WithAlso("view: 'per'", ".view",
                 "no view \"per\" is defined for OFFENDER_REPORT; there are: notice, peer; did you mean "
                 "\"peer\"?"),
        WithAlso("view: 'everything'", ".view",
                 "no view \"everything\" is defined for OFFENDER_REPORT; there are: notice, peer"),
        WithAlso("record_classes: RECORD_CLASS_OPINION", ".view",
                 "no view \"notice\" is defined for OPINION; there are: peer"),
        WithAlso("record_classes: RECORD_CLASS_TAKEDOWN_OUTCOME", ".view",
                 "no view \"notice\" is defined for TAKEDOWN_OUTCOME; there is none")));

Mistake InDeny(const std::string& deny, const std::string& path, const std::string& message) {
  return {"denies { " + deny + " }", "denies[1]" + path, message};
}

INSTANTIATE_TEST_SUITE_P(
    Denies, CheckPolicyMistakes,
    ::testing::Values(
        InDeny("subject { everyone: true }", ".id", IsNoId("id of a denial is empty")),
        InDeny("id: 'a b' subject { everyone: true }", ".id", IsNoId("id of a denial \"a b\" is not an id")),
        InDeny("id: 'ring' subject { everyone: true }", ".id", "\"ring\" is there already"),
        InDeny("id: 'x'", ".subject", kNamesNobody), InDeny("id: 'x' subject { }", ".subject", kNamesNobody),
        InDeny("id: 'x' subject { member: 'belmont' }", ".subject",
               "\"belmont\" is not a name: expected members/{member}"),
        InDeny("id: 'x' subject { group: 'groups/' }", ".subject",
               "\"groups/\" is not a name: expected groups/{group}"),
        InDeny("id: 'x' subject { kind: 77 }", ".subject", "no such kind of member"),
        InDeny("id: 'x' subject { kind: MEMBER_KIND_UNSPECIFIED }", ".subject", "no such kind of member"),
        InDeny("id: 'x' subject { everyone: false }", ".subject", "everyone can only be true"),
        InDeny("id: 'x' subject { everyone: true } reason: '" + Long() + "'", ".reason",
               "is over 1000 bytes"),
        InDeny("id: 'x' subject { everyone: true } contributor_kinds: 77", ".contributor_kinds[0]",
               "no such kind of member"),
        InDeny("id: 'x' subject { everyone: true } record_classes: 77", ".record_classes[0]",
               "no such record class"),
        InDeny("id: 'x' subject { everyone: true } labels: [LABEL_RED, LABEL_RED]", ".labels[1]",
               "label named twice")));

// Without what nothing could be said of it.
TEST(CheckPolicy, WantsAView) {
  v1::CoalitionPolicy policy;
  EXPECT_THAT(Said(CheckPolicy(policy)),
              ElementsAre(Pair("views", "there is none: nobody could be granted anything")));
}

TEST(CheckPolicy, RefusesFieldsThatItDoesNotKnow) {
  for (const char* path : {"", "limits", "limits.widening", "views[1]", "audiences[0].audience.grants[0]"}) {
    auto policy = SoundWith("");
    google::protobuf::Message* message = &policy;
    if (path == std::string("limits")) message = policy.mutable_limits();
    if (path == std::string("limits.widening")) message = policy.mutable_limits()->mutable_widening();
    if (path == std::string("views[1]")) message = policy.mutable_views(1);
    if (path == std::string("audiences[0].audience.grants[0]")) {
      message = policy.mutable_audiences(0)->mutable_audience()->mutable_grants(0);
    }
    message->GetReflection()->MutableUnknownFields(message)->AddVarint(9999, 1);
    EXPECT_THAT(Said(CheckPolicy(policy)),
                ElementsAre(Pair(path, "has fields that this version does not know")));
  }
}

}  // namespace
}  // namespace coalition::policy
