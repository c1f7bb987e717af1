// Whom a subject names, and until when somebody was named.
#include "common/policy/subject.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "common/policy/state.h"
#include "tests/unit/policy/support.h"

namespace coalition::policy {
namespace {

v1::Subject Subject(const std::string& text) { return FromText<v1::Subject>(text); }

TEST(ResolveSubject, FindsWhoIsThere) {
  const State state = MakeState();
  const auto is = [&](const std::string& text) { return ResolveSubject(state, Subject(text)).subject; };
  EXPECT_EQ(is("member: 'members/souk'"), (HeaderExclusion{SubjectKind::kMember, kSouk}));
  EXPECT_EQ(is("group: 'groups/wide'"), (HeaderExclusion{SubjectKind::kGroup, kWide}));
  EXPECT_EQ(is("kind: MEMBER_KIND_SECRETARIAT"), (HeaderExclusion{SubjectKind::kKind, 8}));
  EXPECT_EQ(is("everyone: true"), (HeaderExclusion{SubjectKind::kEveryone, 0}));
}

struct Wrong {
  const char* subject;
  const char* path;
  const char* problem;      // in a coalition
  const char* at_all = "";  // whoever is in it
};

class WrongSubjects : public ::testing::TestWithParam<Wrong> {};

TEST_P(WrongSubjects, AreNamed) {
  const Wrong& wrong = GetParam();
  const ResolvedSubject resolved = ResolveSubject(MakeState(), Subject(wrong.subject));
  EXPECT_EQ(resolved.subject, std::nullopt);
  EXPECT_EQ(resolved.path, wrong.path);
  EXPECT_EQ(resolved.problem, wrong.problem);
  EXPECT_EQ(WrongWithSubject(Subject(wrong.subject)), wrong.at_all);
}

constexpr char kNobody[] = "names nobody: set member, group, kind or everyone";

INSTANTIATE_TEST_SUITE_P(
    Each, WrongSubjects,
    ::testing::Values(
        Wrong{"", "", kNobody, kNobody},
        Wrong{"member: 'members/ghost'", ".member", "no member \"members/ghost\"; say members/{member}"},
        Wrong{"member: 'souk'", ".member", "no member \"souk\"; say members/{member}",
              "\"souk\" is not a name: expected members/{member}"},
        Wrong{"member: 'groups/wide'", ".member", "no member \"groups/wide\"; say members/{member}",
              "\"groups/wide\" is not a name: expected members/{member}"},
        Wrong{"member: ''", ".member", "no member \"\"; say members/{member}",
              "is empty: expected members/{member}"},
        Wrong{"group: 'groups/ghosts'", ".group", "no group \"groups/ghosts\"; say groups/{group}"},
        Wrong{"group: 'groups/W'", ".group", "no group \"groups/W\"; say groups/{group}",
              "\"groups/W\" is not a name: expected groups/{group}"},
        Wrong{"kind: MEMBER_KIND_UNSPECIFIED", ".kind", "no such kind of member", "no such kind of member"},
        Wrong{"kind: 9", ".kind", "no such kind of member", "no such kind of member"},
        Wrong{"kind: -1", ".kind", "no such kind of member", "no such kind of member"},
        Wrong{"everyone: false", ".everyone", "everyone can only be true", "everyone can only be true"}));

TEST(WrongWithSubject, FindsNothingWrongWithNames) {
  for (const char* right : {"member: 'members/ghost'", "group: 'groups/wide'", "kind: MEMBER_KIND_BRAND",
                            "kind: MEMBER_KIND_SECRETARIAT", "everyone: true"}) {
    EXPECT_EQ(WrongWithSubject(Subject(right)), "") << right;
  }
}

constexpr HeaderExclusion kInnerGroup{SubjectKind::kGroup, kInner};
constexpr HeaderExclusion kBrands{SubjectKind::kKind, v1::MEMBER_KIND_BRAND};

uint64_t Until(const State& state, uint32_t member, const HeaderExclusion& named) {
  return NamedUntil(state, *state.member(member), named);
}

TEST(NamedUntil, AMemberIsNamedStill) {
  const State state = MakeState();
  EXPECT_EQ(Until(state, kSouk, {SubjectKind::kMember, kSouk}), kStill);
  EXPECT_EQ(Until(state, kSouk, {SubjectKind::kMember, kBazaar}), 0U);
  EXPECT_EQ(Until(state, kSouk, {SubjectKind::kEveryone, 0}), kStill);
}

TEST(NamedUntil, WhoLeftAGroupWasNamedUntilThen) {
  std::vector<MemberState> members = Members();
  members[kCorsa - 1].groups = {{kWide, {{1, kStill}}}, {kInner, {{3, 5}, {7, 20}}}};
  members[kSouk - 1].groups = {{kInner, {{3, 5}, {7, kStill}}}};
  members[kWatch - 1].groups = {{kInner, {}}};
  const State state = MakeState(members);
  EXPECT_EQ(Until(state, kAurore, kInnerGroup), kStill);
  EXPECT_EQ(Until(state, kCorsa, kInnerGroup), 20U);
  EXPECT_EQ(Until(state, kSouk, kInnerGroup), kStill);
  EXPECT_EQ(Until(state, kBazaar, kInnerGroup), 0U);
  EXPECT_EQ(Until(state, kWatch, kInnerGroup), 0U);
}

// Suspended, and so no more in it: nobody but one administrator has agreed to that.
TEST(NamedUntil, WhoLostAGroupWithItsStandingIsNamedStill) {
  std::vector<MemberState> members = Members();
  members[kCorsa - 1].groups = {{kInner, {{3, 20}}, true}};
  members[kCorsa - 1].control_group = members[kSouk - 1].control_group = "holding";
  const State state = MakeState(members);
  EXPECT_EQ(Until(state, kCorsa, kInnerGroup), kStill);
  EXPECT_EQ(ControlledNamedUntil(state, kSouk, kInnerGroup), kStill);
}

TEST(NamedUntil, WhoWasAdmittedAsOfAKindIsOfIt) {
  std::vector<MemberState> members = Members();
  members[kBelmont - 1].kind_held = {{1, 30}};
  members[kCorsa - 1].kind_held = {};
  const State state = MakeState(members);
  EXPECT_EQ(Until(state, kAurore, kBrands), kStill);
  EXPECT_EQ(Until(state, kBelmont, kBrands), kStill);
  EXPECT_EQ(Until(state, kCorsa, kBrands), 0U);
  EXPECT_EQ(Until(state, kBazaar, kBrands), 0U);
}

// What nobody knows any more may have meant anybody.
TEST(NamedUntil, WhatIsUnknownNamesAll) {
  const State state = MakeState();
  for (const uint32_t unknown : {0U, 99U}) {
    EXPECT_EQ(Until(state, kSouk, {SubjectKind::kMember, unknown}), kStill);
    EXPECT_EQ(Until(state, kSouk, {SubjectKind::kGroup, unknown}), kStill);
    EXPECT_EQ(Until(state, kSouk, {static_cast<SubjectKind>(unknown), kBazaar}), kStill);
  }
}

TEST(ControlledNamedUntil, IsTheLatestOfAllUnderCommonControl) {
  std::vector<MemberState> members = Members();
  members[kCorsa - 1].groups = {{kInner, {{3, 20}}}};
  members[kSouk - 1].groups = {{kInner, {{3, 40}}}};
  members[kCorsa - 1].control_group = members[kSouk - 1].control_group = members[kPaylink - 1].control_group =
      "holding";
  const State state = MakeState(members);
  for (const uint32_t member : {kCorsa, kSouk, kPaylink}) {
    EXPECT_EQ(ControlledNamedUntil(state, member, kInnerGroup), 40U);
    EXPECT_EQ(ControlledNamedUntil(state, member, {SubjectKind::kMember, kPaylink}), kStill);
    EXPECT_EQ(ControlledNamedUntil(state, member, {SubjectKind::kMember, kBazaar}), 0U);
    EXPECT_EQ(ControlledNamedUntil(state, member, kBrands), kStill);
  }
  EXPECT_EQ(ControlledNamedUntil(state, kBazaar, kInnerGroup), 0U);
  EXPECT_EQ(ControlledNamedUntil(state, kAurore, kInnerGroup), kStill);
}

TEST(ControlledNamedUntil, NobodyWasNothing) {
  EXPECT_EQ(ControlledNamedUntil(MakeState(), 99, {SubjectKind::kEveryone, 0}), 0U);
}

}  // namespace
}  // namespace coalition::policy
