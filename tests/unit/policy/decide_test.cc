#include "common/policy/decide.h"

#include <gtest/gtest.h>

#include "common/policy/fields.h"
#include "tests/unit/policy/support.h"

namespace coalition::policy {
namespace {

View ViewOf(ViewId id) { return DefaultView(v1::RECORD_CLASS_OFFENDER_REPORT, id); }

TEST(Decide, BrandsShareAndTheHostSeesANotice) {
  // Scene 1: to all brands but corsa; the host only gets a notice.
  const State state = MakeState();
  Header report = Report();
  report.grants = {ToKind(v1::MEMBER_KIND_BRAND)};
  report.exclusions = {{SubjectKind::kMember, kCorsa}};
  Header notice = Report();
  notice.record_class = v1::RECORD_CLASS_TAKEDOWN_NOTICE;
  notice.grants = {ToMember(kBazaar)};

  EXPECT_TRUE(DecideOn(state, kAurore, report).owner);
  EXPECT_EQ(DecideOn(state, kAurore, report).view, FullView(v1::RECORD_CLASS_OFFENDER_REPORT));
  EXPECT_EQ(DecideOn(state, kAurore, report).view_ids, 0U);
  EXPECT_EQ(DecideOn(state, kBelmont, report).view, ViewOf(kViewFull));
  EXPECT_EQ(DecideOn(state, kBelmont, report).view_ids, SetOf(kViewFull));
  EXPECT_FALSE(DecideOn(state, kCorsa, report).visible());
  EXPECT_FALSE(DecideOn(state, kBazaar, report).visible());
  EXPECT_EQ(DecideOn(state, kBazaar, notice).view, DefaultView(v1::RECORD_CLASS_TAKEDOWN_NOTICE, kViewFull));
  EXPECT_FALSE(DecideOn(state, kBelmont, notice).visible());
}

TEST(Decide, NothingIsVisibleByDefault) {
  const State state = MakeState();
  for (uint32_t member = 2; member <= kOffice + 2; ++member) {
    EXPECT_FALSE(DecideOn(state, member, Report()).visible()) << member;
  }
}

TEST(Decide, TheHostIsBoundByItsCeiling) {
  const State state = MakeState();
  Header report = Report();
  report.grants = {ToEveryone()};
  EXPECT_EQ(DecideOn(state, kBazaar, report).view, ViewOf(kViewNotice));
  EXPECT_EQ(DecideOn(state, kSouk, report).view, ViewOf(kViewFull));
  EXPECT_EQ(DecideOn(state, kWatch, report).view, ViewOf(kViewNotice));
  EXPECT_FALSE(DecideOn(state, kOffice, report).visible());
  EXPECT_EQ(DecideOn(state, kOffice, report).view_ids, 0U);
}

TEST(Decide, GrantsAddUpAndExclusionsWin) {
  const State state = MakeState();
  Header report = Report();
  report.grants = {ToMember(kBelmont, kViewNotice), ToGroup(kInner, kViewFull)};
  EXPECT_EQ(DecideOn(state, kBelmont, report).view, Join(ViewOf(kViewNotice), ViewOf(kViewFull)));
  EXPECT_EQ(DecideOn(state, kBelmont, report).view_ids, SetOf(kViewFull) | SetOf(kViewNotice));
  report.exclusions = {{SubjectKind::kGroup, kWide}};
  EXPECT_FALSE(DecideOn(state, kBelmont, report).visible());
  EXPECT_TRUE(DecideOn(state, kAurore, report).owner) << "an owner is never excluded from its own";
}

TEST(Decide, ABootstrappedMemberMatchesAGrantOfTheNextRevision) {
  std::vector<MemberState> members = Members();
  for (MemberState& member : members) member.kind_held = {{kMade - 1, kStill}};
  Header report = Report();
  report.grants = {ToEveryone()};
  EXPECT_TRUE(DecideOn(MakeState(members), kBelmont, report).visible());
  // At the very revision still; one later no more.
  members[kBelmont - 1].kind_held = {{kMade, kStill}};
  EXPECT_TRUE(DecideOn(MakeState(members), kBelmont, report).visible());
  members[kBelmont - 1].kind_held = {{kMade + 1, kStill}};
  EXPECT_FALSE(DecideOn(MakeState(members), kBelmont, report).visible());
}

TEST(Decide, AnExclusionReachesWhoHeldItAtTheMakingOrSince) {
  std::vector<MemberState> members = Members();
  Header report = Report();
  report.grants = {ToMember(kBelmont)};
  report.exclusions = {{SubjectKind::kGroup, kWide}};
  const auto visible_after = [&](Interval in_group) {
    members[kBelmont - 1].groups = {{kWide, {in_group}}};
    return DecideOn(MakeState(members), kBelmont, report).visible();
  };
  EXPECT_TRUE(visible_after({1, kMade})) << "left before the record was made";
  EXPECT_FALSE(visible_after({1, kMade + 1})) << "left just after";
  EXPECT_FALSE(visible_after({kMade + 5, kMade + 6})) << "was in it since";
}

TEST(Decide, StandingDecidesFirst) {
  for (const auto standing : {v1::STANDING_UNSPECIFIED, v1::STANDING_APPLICANT, v1::STANDING_LIMITED,
                              v1::STANDING_SUSPENDED, v1::STANDING_EXITED, static_cast<v1::Standing>(99)}) {
    std::vector<MemberState> members = Members();
    members[kAurore - 1].standing = members[kBelmont - 1].standing = standing;
    const State state = MakeState(members);
    Header report = Report();
    report.grants = {ToMember(kBelmont)};
    EXPECT_FALSE(DecideOn(state, kBelmont, report).visible()) << standing;
    EXPECT_EQ(DecideOn(state, kAurore, report).visible(), standing == v1::STANDING_LIMITED) << standing;
  }
}

TEST(Decide, RecordsOfASuspendedContributorHideAsTheNewestPolicySays) {
  std::vector<MemberState> members = Members();
  Header report = Report();
  report.grants = {ToMember(kBelmont)};
  const auto seen = [&](v1::Standing standing, bool at_first, bool later) {
    members[kAurore - 1].standing = standing;
    Rules rules = DefaultRules();
    v1::CoalitionPolicy policy = rules.policies[0].policy->source();
    policy.mutable_limits()->set_hides_records_of_suspended(at_first);
    rules.policies[0].policy = std::make_shared<const CompiledPolicy>(policy, &rules.view_names);
    policy.mutable_limits()->set_hides_records_of_suspended(later);
    rules.policies.push_back(
        {2, 2, kMade + 1, std::make_shared<const CompiledPolicy>(policy, &rules.view_names)});
    const State state = MakeState(members, {}, std::move(rules));
    const bool visible = DecideOn(state, kBelmont, report).visible();
    int listed = 0;
    const std::string bytes = EncodeHeader(report);
    WhoCanSee(state, *HeaderView::Parse(bytes), kNow, [&](uint32_t, const Decision&) { ++listed; });
    EXPECT_EQ(listed, visible ? 1 : 0);
    return visible;
  };
  for (const auto standing : {v1::STANDING_ACTIVE, v1::STANDING_LIMITED, v1::STANDING_EXITED}) {
    EXPECT_TRUE(seen(standing, true, true)) << standing;
  }
  EXPECT_TRUE(seen(v1::STANDING_SUSPENDED, false, false));
  EXPECT_FALSE(seen(v1::STANDING_SUSPENDED, true, true));
  EXPECT_FALSE(seen(v1::STANDING_SUSPENDED, false, true)) << "also what was made before";
  EXPECT_TRUE(seen(v1::STANDING_SUSPENDED, true, false)) << "a policy that hides it no more";
  members[kAurore - 1].withdraws_records = true;
  EXPECT_FALSE(seen(v1::STANDING_EXITED, true, true)) << "while they are withdrawn, one after the other";
}

TEST(Decide, ARecordEndsAtItsExpiry) {
  const State state = MakeState();
  Header report = Report();
  report.grants = {ToMember(kBelmont)};
  EXPECT_TRUE(DecideOn(state, kBelmont, report, report.expire_time_s - 1).visible());
  EXPECT_FALSE(DecideOn(state, kBelmont, report, report.expire_time_s).visible());
  EXPECT_FALSE(DecideOn(state, kAurore, report, report.expire_time_s).visible());
  report.state = Lifecycle::kContested;
  EXPECT_TRUE(DecideOn(state, kBelmont, report).visible());
  report.state = Lifecycle::kWithdrawn;
  EXPECT_FALSE(DecideOn(state, kBelmont, report).visible());
  report.state = Lifecycle::kErased;
  EXPECT_FALSE(DecideOn(state, kAurore, report).visible());
}

TEST(Decide, WhatCannotBeResolvedHides) {
  const State state = MakeState();
  Header report = Report();
  report.grants = {ToMember(kBelmont)};
  Header unknown_contributor = report, unknown_member = report, unknown_group = report;
  unknown_contributor.contributor = 99;
  unknown_member.exclusions = {{SubjectKind::kMember, 99}};
  unknown_group.exclusions = {{SubjectKind::kGroup, 99}};
  EXPECT_FALSE(DecideOn(state, kBelmont, unknown_contributor).visible());
  EXPECT_FALSE(DecideOn(state, kBelmont, unknown_member).visible());
  EXPECT_FALSE(DecideOn(state, kBelmont, unknown_group).visible());
  EXPECT_FALSE(DecideOn(state, 0, report).visible());
  EXPECT_FALSE(DecideOn(state, 99, report).visible());
}

TEST(RelationOf, FollowsThePlatform) {
  const auto relation = [](std::vector<PlatformHolder> holders, uint32_t member,
                           uint32_t platform = kBazaarExample) {
    const State state = MakeState(Members(), std::move(holders));
    Header header = Report();
    header.platform = platform;
    const std::string bytes = EncodeHeader(header);
    return RelationOf(state, *state.member(member), *HeaderView::Parse(bytes));
  };
  EXPECT_EQ(relation({{kBazaar, {1, kStill}}}, kBazaar), Relation::kHost);
  EXPECT_EQ(relation({{kBazaar, {kMade, kStill}}}, kBazaar), Relation::kHost);
  EXPECT_EQ(relation({{kBazaar, {1, kStill}}}, kSouk), Relation::kOther);
  EXPECT_EQ(relation({{kBazaar, {1, kStill}}}, kBelmont), Relation::kOther);
  // Later holder, former holder, holder again.
  EXPECT_EQ(relation({{kBazaar, {kMade + 1, kStill}}}, kBazaar), Relation::kFormerOrUnassigned);
  EXPECT_EQ(relation({{kBazaar, {1, 200}}, {kSouk, {200, kStill}}}, kBazaar), Relation::kFormerOrUnassigned);
  EXPECT_EQ(relation({{kBazaar, {1, 200}}, {kSouk, {200, kStill}}}, kSouk), Relation::kFormerOrUnassigned);
  EXPECT_EQ(relation({{kBazaar, {1, 150}}, {kBazaar, {160, kStill}}}, kBazaar),
            Relation::kFormerOrUnassigned);
  // Nobody's.
  EXPECT_EQ(relation({{kBazaar, {1, 200}}}, kSouk), Relation::kFormerOrUnassigned);
  EXPECT_EQ(relation({}, kSouk, 0), Relation::kFormerOrUnassigned);
  EXPECT_EQ(relation({}, kSouk, kNobodysExample), Relation::kFormerOrUnassigned);
  EXPECT_EQ(relation({}, kSouk, 99), Relation::kFormerOrUnassigned);
  EXPECT_EQ(relation({}, kBelmont, 0), Relation::kOther);
}

TEST(MeetWithSubject, AnOpinionShowsNoMoreThanItsSubject) {
  const auto opinion_view = DefaultView(v1::RECORD_CLASS_OPINION, kViewFull);
  const Decision opinion{opinion_view, false, SetOf(kViewFull)};
  EXPECT_FALSE(MeetWithSubject(opinion, Decision{}).visible());
  EXPECT_EQ(MeetWithSubject(opinion, {FullView(v1::RECORD_CLASS_OFFENDER_REPORT), true, 0}).view,
            opinion_view);

  const Decision noticed{DefaultView(v1::RECORD_CLASS_OFFENDER_REPORT, kViewNotice), false,
                         SetOf(kViewNotice)};
  const Decision met = MeetWithSubject(opinion, noticed);
  const auto level = [&](const char* path) {
    return met.view.level(*FieldIndex(v1::RECORD_CLASS_OPINION, path));
  };
  EXPECT_EQ(level("contributor"), Level::kPartial);
  EXPECT_EQ(level("create_time"), Level::kPartial);
  EXPECT_EQ(level("update_time"), Level::kOmit);
  EXPECT_EQ(level("seller.seller_id"), Level::kFull);
  EXPECT_EQ(level("verdict"), Level::kFull);
  EXPECT_EQ(met.view_ids, opinion.view_ids);
}

TEST(MeetWithSubject, TheOwnerKeepsItsWordsButNotTheSeller) {
  const View all = FullView(v1::RECORD_CLASS_OPINION);
  const Decision own{all, true, 0};
  const Decision met = MeetWithSubject(own, Decision{});
  EXPECT_TRUE(met.owner);
  for (const Field& field : FieldsOf(v1::RECORD_CLASS_OPINION)) {
    const bool of_the_seller = field.path.starts_with("seller.");
    EXPECT_EQ(met.view.level(*FieldIndex(v1::RECORD_CLASS_OPINION, field.path)),
              of_the_seller ? Level::kOmit : Level::kFull)
        << field.path;
  }
  EXPECT_EQ(MeetWithSubject(own, {FullView(v1::RECORD_CLASS_OFFENDER_REPORT), true, 0}).view, all);
}

}  // namespace
}  // namespace coalition::policy
