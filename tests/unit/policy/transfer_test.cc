#include "common/policy/transfer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "common/policy/audience.h"
#include "tests/unit/policy/support.h"

namespace coalition::policy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

v1::MemberPolicy Own(const std::string& text) { return FromText<v1::MemberPolicy>(text); }

class TransferTest : public ::testing::Test {
 protected:
  State Coalition() const { return MakeState(members_, {{kBazaar, {1, kStill}}}, rules_); }
  std::string Wrong(uint32_t to) const { return WrongWithTransfer(Coalition(), kAurore, to); }
  void SetOwn(uint32_t member, uint64_t from, const std::string& text) {
    rules_.member_policies.push_back({member, from, Own(text)});
  }
  // A second version of the coalition's policy, like the first.
  void AddVersion(uint64_t from) { rules_.policies.push_back({2, 2, from, rules_.policies[0].policy}); }

  std::vector<MemberState> members_ = Members();
  Rules rules_ = DefaultRules();
};

TEST_F(TransferTest, ToAnActiveMemberOfTheSameKind) {
  EXPECT_EQ(Wrong(kBelmont), "");
  EXPECT_EQ(Wrong(kAurore), "a member can't be its own successor");
  EXPECT_EQ(Wrong(99), "there is no such member");
  EXPECT_EQ(Wrong(kBazaar),
            "members/bazaar is of kind MARKETPLACE, not BRAND: the policy names contributors by kind");
  for (const auto standing : {v1::STANDING_LIMITED, v1::STANDING_SUSPENDED, v1::STANDING_EXITED,
                              v1::STANDING_APPLICANT, v1::STANDING_UNSPECIFIED}) {
    members_[kBelmont - 1].standing = standing;
    EXPECT_EQ(Wrong(kBelmont), "members/belmont is not ACTIVE") << standing;
  }
}

TEST_F(TransferTest, NotOfRecordsThatTheLeaverBoundsOrBounded) {
  SetOwn(kAurore, 50, "exclusions { member: 'members/corsa' } unbounded: true");
  EXPECT_EQ(Wrong(kBelmont), "");
  SetOwn(kAurore, 60, "");
  EXPECT_THAT(Wrong(kBelmont), HasSubstr("bounds its records by ceilings"));
  // Of its older records it still does.
  SetOwn(kAurore, 70, "unbounded: true");
  EXPECT_THAT(Wrong(kBelmont), HasSubstr("Withdraw the records instead"));
  rules_.member_policies.clear();
  SetOwn(kBelmont, 50, "");
  EXPECT_EQ(Wrong(kBelmont), "") << "what the successor's own policy bounds is its affair";
}

TEST_F(TransferTest, NotToWhomAcceptsLaterVersions) {
  AddVersion(40);
  SetOwn(kBelmont, 50, "unbounded: true accepts_policy_version: 2");
  EXPECT_EQ(
      Wrong(kBelmont),
      "members/belmont accepts a later version of the coalition's policy for its older records than "
      "members/aurore: others would see more of these. Accept that version too, or withdraw the records");
  SetOwn(kAurore, 51, "unbounded: true accepts_policy_version: 2");
  EXPECT_EQ(Wrong(kBelmont), "");
  rules_.member_policies.erase(rules_.member_policies.begin());
  EXPECT_EQ(Wrong(kBelmont), "") << "fewer see it then";
}

TEST_F(TransferTest, ExclusionsThatWereInForceSinceTheMaking) {
  SetOwn(kAurore, 50, "unbounded: true exclusions { member: 'members/corsa' }");
  SetOwn(kAurore, 60,
         "unbounded: true exclusions { group: 'groups/wide' } exclusions { kind: MEMBER_KIND_AGENCY }");
  SetOwn(kAurore, 70, "unbounded: true exclusions { kind: MEMBER_KIND_AGENCY }");
  SetOwn(kBelmont, 50, "unbounded: true exclusions { member: 'members/souk' }");
  const HeaderExclusion corsa{SubjectKind::kMember, kCorsa}, wide{SubjectKind::kGroup, kWide},
      agencies{SubjectKind::kKind, v1::MEMBER_KIND_AGENCY};
  const State state = Coalition();
  EXPECT_THAT(ExclusionsToCarry(state, kAurore, 10).named, UnorderedElementsAre(corsa, wide, agencies));
  EXPECT_THAT(ExclusionsToCarry(state, kAurore, 59).named, UnorderedElementsAre(corsa, wide, agencies));
  EXPECT_THAT(ExclusionsToCarry(state, kAurore, 60).named, UnorderedElementsAre(wide, agencies));
  EXPECT_THAT(ExclusionsToCarry(state, kAurore, 70).named, ElementsAre(agencies));
  EXPECT_THAT(ExclusionsToCarry(state, kCorsa, 10).named, IsEmpty());
}

TEST_F(TransferTest, TheRecordIsAsItWasButForItsContributorAndExclusions) {
  SetOwn(kAurore, 50,
         "unbounded: true exclusions { member: 'members/corsa' } exclusions { member: 'members/souk' }");
  Header report = Report();
  report.grants = {ToGroup(kInner), ToMember(kPaylink, kViewNotice)};
  report.exclusions = {{SubjectKind::kMember, kSouk}};
  Header expected = report;
  expected.contributor = kBelmont;
  expected.exclusions.push_back({SubjectKind::kMember, kCorsa});
  EXPECT_EQ(GivenTo(Coalition(), report, kBelmont), expected);
}

TEST_F(TransferTest, WhereExclusionsDoNotFitNobodyElseSeesIt) {
  Header report = Report();
  report.grants = {ToEveryone()};
  SetOwn(kAurore, 50, "unbounded: true exclusions { member: 'members/nobody' }");
  EXPECT_THAT(GivenTo(Coalition(), report, kBelmont).grants, IsEmpty());
  rules_.member_policies.clear();
  SetOwn(kAurore, 50, "unbounded: true exclusions { member: 'members/corsa' }");
  for (uint32_t id = 1; id <= 255; ++id) report.exclusions.push_back({SubjectKind::kGroup, 1000 + id});
  const Header given = GivenTo(Coalition(), report, kBelmont);
  EXPECT_THAT(given.grants, IsEmpty());
  EXPECT_EQ(given.exclusions, report.exclusions);
}

TEST_F(TransferTest, TheAudienceSaysWhatTheHeaderHas) {
  Header report = Report();
  report.label = v1::LABEL_GREEN;
  report.grants = {ToGroup(kInner), ToMember(kPaylink, kViewNotice), ToKind(v1::MEMBER_KIND_BRAND),
                   ToEveryone(kViewNotice)};
  report.exclusions = {{SubjectKind::kMember, kSouk},
                       {SubjectKind::kGroup, kWide},
                       {SubjectKind::kKind, v1::MEMBER_KIND_AGENCY}};
  const State state = Coalition();
  const CompiledAudience compiled = CompileAudience(state, AudienceOf(state, report), report.record_class,
                                                    report.label, kMade + 50, report.grants);
  EXPECT_THAT(compiled.problems, IsEmpty());
  EXPECT_EQ(compiled.grants, report.grants);
  EXPECT_EQ(compiled.exclusions, report.exclusions);
}

}  // namespace
}  // namespace coalition::policy
