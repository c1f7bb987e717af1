// The policy of a live coalition: read, compared, agreed to, changed, and what that does to records.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "common/errors.h"
#include "common/policy/default_policy.h"
#include "tests/integration/records.h"
#include "tests/support/test_server.h"

namespace coalition::testing {
namespace {

using Exchange = v1::ExchangeService::Stub;
using Policy = v1::PolicyService::Stub;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

v1::ErrorReason ReasonOf(const absl::Status& status) { return GetErrorReason(status); }

class PolicyRpcTest : public ::testing::Test {
 protected:
  v1::CoalitionPolicy InForce() {
    const auto got = Call(server_.Policy("aurore"), &Policy::GetPolicy, v1::GetPolicyRequest());
    EXPECT_TRUE(got.ok()) << got.status();
    return got.ok() ? got->policy().policy() : v1::CoalitionPolicy();
  }
  v1::PolicyDiff Diff(const v1::CoalitionPolicy& policy, const std::string& member = "office") {
    v1::DiffPolicyRequest request;
    *request.mutable_policy() = policy;
    const auto diff = Call(server_.Policy(member), &Policy::DiffPolicy, request);
    EXPECT_TRUE(diff.ok()) << diff.status();
    return diff.ok() ? diff->diff() : v1::PolicyDiff();
  }
  absl::StatusOr<v1::ApplyPolicyResponse> Apply(const v1::CoalitionPolicy& policy, const v1::PolicyDiff& diff,
                                                const std::string& member = "office") {
    v1::ApplyPolicyRequest request;
    *request.mutable_policy() = policy;
    request.set_expected_epoch(diff.epoch());
    request.set_diff_digest(diff.digest());
    return Call(server_.Policy(member, "admin"), &Policy::ApplyPolicy, request);
  }
  absl::StatusOr<v1::ApprovePolicyResponse> Approve(const std::string& member,
                                                    const v1::CoalitionPolicy& policy,
                                                    const v1::PolicyDiff& diff) {
    v1::ApprovePolicyRequest request;
    *request.mutable_policy() = policy;
    request.set_expected_epoch(diff.epoch());
    request.set_diff_digest(diff.digest());
    return Call(server_.Policy(member, "admin"), &Policy::ApprovePolicy, request);
  }
  absl::StatusOr<v1::SetMemberPolicyResponse> SetOwn(const std::string& member,
                                                     const v1::MemberPolicy& policy,
                                                     bool validate_only = false) {
    v1::SetMemberPolicyRequest request;
    *request.mutable_policy() = policy;
    request.set_validate_only(validate_only);
    return Call(server_.Policy(member, "admin"), &Policy::SetMemberPolicy, request);
  }
  std::string Report(const std::string& seller, const std::function<void(v1::Record*)>& grant) {
    v1::Record record = testing::Report(seller);
    grant(&record);
    const auto created = Call(server_.Exchange("aurore"), &Exchange::CreateRecord, CreateOf(record));
    EXPECT_TRUE(created.ok()) << created.status();
    return created.ok() ? created->record().name() : "";
  }
  absl::StatusOr<v1::Record> Get(const std::string& member, const std::string& name) {
    const auto got = Call(server_.Exchange(member), &Exchange::GetRecord, GetOf(name));
    if (!got.ok()) return got.status();
    return got->record();
  }

  TestServer server_;
};

// Takes a field away from every view of reports.
v1::CoalitionPolicy Without(v1::CoalitionPolicy policy, const std::string& field) {
  for (auto& view : *policy.mutable_views()) {
    if (view.record_class() != v1::RECORD_CLASS_OFFENDER_REPORT) continue;
    auto* full = view.mutable_full();
    full->erase(std::remove(full->begin(), full->end(), field), full->end());
  }
  return policy;
}

// The host may see of reports what others see.
v1::CoalitionPolicy HostSeesAll(v1::CoalitionPolicy policy) {
  for (auto& ceiling : *policy.mutable_ceilings()) {
    if (ceiling.view() == "notice" && ceiling.kinds(0) == v1::MEMBER_KIND_MARKETPLACE)
      ceiling.set_view("full");
  }
  // What the policy promised is not kept any more.
  policy.clear_policy_test();
  return policy;
}

TEST_F(PolicyRpcTest, EverybodyReadsTheFirstOne) {
  EXPECT_EQ(InForce().SerializeAsString(), policy::DefaultPolicy().SerializeAsString());
  const auto versions =
      Call(server_.Policy("bazaar"), &Policy::ListPolicyVersions, v1::ListPolicyVersionsRequest());
  ASSERT_TRUE(versions.ok()) << versions.status();
  ASSERT_EQ(versions->versions_size(), 1);
  EXPECT_EQ(versions->versions(0).name(), "policies/1");
  EXPECT_FALSE(versions->versions(0).has_policy());
}

TEST_F(PolicyRpcTest, WhatIsTakenAwayIsGoneFromAllRecordsAtOnce) {
  const std::string name = Report("shop-1", [](v1::Record* r) { GrantMember(r, "belmont"); });
  EXPECT_EQ(Get("belmont", name)->offender_report().comment(), "Seen twice.");
  const v1::CoalitionPolicy after = Without(InForce(), "comment");
  const v1::PolicyDiff diff = Diff(after, "aurore");
  EXPECT_TRUE(diff.narrows());
  EXPECT_FALSE(diff.widens());
  EXPECT_EQ(diff.own_records().narrowed(), 1);
  EXPECT_EQ(diff.own_records().looked_at(), 1);
  const auto applied = Apply(after, diff);
  ASSERT_TRUE(applied.ok()) << applied.status();
  EXPECT_EQ(applied->policy().version(), 2);
  EXPECT_EQ(Get("belmont", name)->offender_report().comment(), "");
  EXPECT_EQ(Get("aurore", name)->offender_report().comment(), "Seen twice.");
  // And after a restart.
  server_.Restart();
  EXPECT_EQ(Get("belmont", name)->offender_report().comment(), "");
}

TEST_F(PolicyRpcTest, AWideningTakesApprovalsAndReachesLaterRecordsOnly) {
  const std::string before = Report("shop-1", [](v1::Record* r) { GrantMember(r, "bazaar"); });
  const v1::CoalitionPolicy after = HostSeesAll(InForce());
  const v1::PolicyDiff diff = Diff(after, "aurore");
  EXPECT_TRUE(diff.widens());
  EXPECT_EQ(diff.approvals_needed(), 2);
  EXPECT_EQ(diff.own_records().narrowed(), 0);
  EXPECT_EQ(diff.own_records().widened_if_accepted(), 1);
  EXPECT_EQ(ReasonOf(Apply(after, diff).status()), v1::ERROR_REASON_APPROVALS_MISSING);

  // Who would see more does not agree for the others.
  EXPECT_EQ(ReasonOf(Approve("bazaar", after, diff).status()), v1::ERROR_REASON_APPROVAL_NOT_COUNTED);
  ASSERT_TRUE(Approve("aurore", after, diff).ok());
  ASSERT_TRUE(Approve("aurore", after, diff).ok());  // once more is no second one
  EXPECT_EQ(ReasonOf(Apply(after, diff).status()), v1::ERROR_REASON_APPROVALS_MISSING);
  const auto second = Approve("belmont", after, diff);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_THAT(second->approved_by(), UnorderedElementsAre("members/aurore", "members/belmont"));
  const auto applied = Apply(after, diff);
  ASSERT_TRUE(applied.ok()) << applied.status();
  EXPECT_THAT(applied->policy().approved_by(), UnorderedElementsAre("members/aurore", "members/belmont"));

  EXPECT_EQ(Get("bazaar", before)->offender_report().comment(), "");
  const std::string later = Report("shop-2", [](v1::Record* r) { GrantMember(r, "bazaar"); });
  EXPECT_EQ(Get("bazaar", later)->offender_report().comment(), "Seen twice.");
  // Until the contributor opts in.
  v1::MemberPolicy accepts;
  accepts.set_unbounded(true);
  accepts.set_accepts_policy_version(2);
  ASSERT_TRUE(SetOwn("aurore", accepts).ok());
  EXPECT_EQ(Get("bazaar", before)->offender_report().comment(), "Seen twice.");
}

// All but one of those who may approve would see more: then they agree among themselves.
TEST_F(PolicyRpcTest, AWideningForMostIsAgreedByMost) {
  v1::CoalitionPolicy first = InForce();
  first.mutable_limits()->mutable_widening()->clear_electorate();
  first.mutable_limits()->mutable_widening()->add_electorate(v1::MEMBER_KIND_MARKETPLACE);
  first.mutable_limits()->mutable_widening()->add_electorate(v1::MEMBER_KIND_PAYMENT);
  const v1::PolicyDiff to_first = Diff(first);
  ASSERT_TRUE(Approve("aurore", first, to_first).ok());
  ASSERT_TRUE(Approve("belmont", first, to_first).ok());
  ASSERT_TRUE(Apply(first, to_first).ok());
  const v1::CoalitionPolicy after = HostSeesAll(InForce());
  const v1::PolicyDiff diff = Diff(after);
  ASSERT_TRUE(Approve("bazaar", after, diff).ok());
  ASSERT_TRUE(Approve("paylink", after, diff).ok());
  EXPECT_EQ(ReasonOf(Approve("aurore", after, diff).status()), v1::ERROR_REASON_APPROVAL_NOT_COUNTED);
  EXPECT_TRUE(Apply(after, diff).ok());
}

TEST_F(PolicyRpcTest, WhatWasNotReviewedIsRefused) {
  const v1::CoalitionPolicy narrower = Without(InForce(), "comment");
  const v1::CoalitionPolicy other = Without(InForce(), "legal_basis");
  const v1::PolicyDiff reviewed = Diff(narrower);
  EXPECT_EQ(ReasonOf(Apply(other, reviewed).status()), v1::ERROR_REASON_DIFF_NOT_REVIEWED);
  // Nobody applies but the coalition's administrator.
  EXPECT_EQ(ReasonOf(Apply(narrower, reviewed, "aurore").status()), v1::ERROR_REASON_ROLE_MISSING);
  ASSERT_TRUE(Apply(other, Diff(other)).ok());
  EXPECT_EQ(ReasonOf(Apply(narrower, reviewed).status()), v1::ERROR_REASON_EPOCH_STALE);
  // A repetition of what is in force answers as it did.
  const auto again = Apply(other, reviewed);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->policy().version(), 2);
}

TEST_F(PolicyRpcTest, ARaiseWithoutADigestIsRefusedAndANarrowingIsNot) {
  v1::PolicyDiff unnamed = Diff(HostSeesAll(InForce()));
  unnamed.clear_digest();
  EXPECT_EQ(ReasonOf(Apply(HostSeesAll(InForce()), unnamed).status()), v1::ERROR_REASON_DIFF_NOT_REVIEWED);
  EXPECT_TRUE(Apply(Without(InForce(), "comment"), unnamed).ok());
}

TEST_F(PolicyRpcTest, WhatIsWrongIsNamed) {
  v1::CoalitionPolicy policy = InForce();
  *policy.mutable_views(0)->mutable_full(0) = "contributer";
  policy.mutable_ceilings(0)->set_view("ful");
  v1::ValidatePolicyRequest request;
  *request.mutable_policy() = policy;
  const auto checked = Call(server_.Policy("aurore"), &Policy::ValidatePolicy, request);
  ASSERT_TRUE(checked.ok()) << checked.status();
  ASSERT_GE(checked->problems_size(), 2);
  EXPECT_EQ(checked->problems(0).path(), "views[0].full[0]");
  EXPECT_THAT(checked->problems(0).message(), HasSubstr("did you mean \"contributor\""));
  EXPECT_EQ(ReasonOf(Apply(policy, v1::PolicyDiff()).status()), v1::ERROR_REASON_INVALID_FIELD);
  policy = InForce();
  policy.mutable_policy_test(0)->mutable_expect()->Clear();
  policy.mutable_policy_test(0)->mutable_expect()->set_view("full");
  EXPECT_EQ(ReasonOf(Apply(policy, v1::PolicyDiff()).status()), v1::ERROR_REASON_POLICY_TEST_FAILED);
}

TEST_F(PolicyRpcTest, OthersOwnPoliciesDoNotMakeAReviewStale) {
  const v1::CoalitionPolicy after = Without(InForce(), "comment");
  const v1::PolicyDiff diff = Diff(after);
  v1::MemberPolicy own;
  own.set_unbounded(true);
  own.add_exclusions()->set_member("members/souk");
  ASSERT_TRUE(SetOwn("corsa", own).ok());
  EXPECT_TRUE(Apply(after, diff).ok());
}

TEST_F(PolicyRpcTest, AMemberNarrowsAloneAndWidensForward) {
  const std::string first = Report("shop-1", [](v1::Record* r) { GrantMember(r, "belmont"); });
  v1::MemberPolicy own;
  own.set_unbounded(true);
  own.add_exclusions()->set_member("members/belmont");
  const auto preview = SetOwn("aurore", own, true);
  ASSERT_TRUE(preview.ok()) << preview.status();
  EXPECT_EQ(preview->own_records().narrowed(), 1);
  ASSERT_GT(preview->access_changes_size(), 0);
  EXPECT_THAT(preview->access_changes(0).members(), ElementsAre("members/belmont"));
  EXPECT_TRUE(Get("belmont", first).ok());
  ASSERT_TRUE(SetOwn("aurore", own).ok());
  EXPECT_EQ(Get("belmont", first).status(), Get("belmont", "records/aaaaaaaaaaaaaaaaaaaaaaaaaa").status());
  own.clear_exclusions();
  const auto lifted = SetOwn("aurore", own);
  ASSERT_TRUE(lifted.ok()) << lifted.status();
  EXPECT_EQ(lifted->policy().version(), 2);
  EXPECT_FALSE(Get("belmont", first).ok());
  EXPECT_TRUE(Get("belmont", Report("shop-2", [](v1::Record* r) { GrantMember(r, "belmont"); })).ok());
  // Nobody but the member's administrator, and each its own alone.
  v1::SetMemberPolicyRequest request;
  *request.mutable_policy() = own;
  const auto refused = Call(server_.Policy("aurore"), &Policy::SetMemberPolicy, request);
  EXPECT_EQ(ReasonOf(refused.status()), v1::ERROR_REASON_ROLE_MISSING);
  const auto others = Call(server_.Policy("belmont"), &Policy::GetMemberPolicy, v1::GetMemberPolicyRequest());
  ASSERT_TRUE(others.ok()) << others.status();
  EXPECT_EQ(others->policy().name(), "members/belmont/policy");
  EXPECT_EQ(others->policy().version(), 0);
}

TEST_F(PolicyRpcTest, ASavedAudienceIsIncludedByNameAndItsVersionStays) {
  v1::SaveAudienceRequest save;
  save.set_audience_id("friends");
  v1::Record holder;
  GrantMember(&holder, "belmont");
  *save.mutable_audience() = holder.audience();
  ASSERT_TRUE(Call(server_.Policy("aurore"), &Policy::SaveAudience, save).ok());
  const auto include = [](v1::Record* r) {
    r->mutable_audience()->add_include("members/aurore/audiences/friends");
  };
  const std::string name = Report("shop-1", include);
  EXPECT_TRUE(Get("belmont", name).ok());
  EXPECT_THAT(Get("aurore", name)->audience().include(), ElementsAre("members/aurore/audiences/friends@1"));
  save.mutable_audience()->mutable_grants(0)->mutable_subject()->set_member("members/corsa");
  const auto second = Call(server_.Policy("aurore"), &Policy::SaveAudience, save);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->audience().version(), 2);
  EXPECT_FALSE(Get("corsa", name).ok());
  EXPECT_TRUE(Get("corsa", Report("shop-2", include)).ok());
  const auto listed = Call(server_.Policy("belmont"), &Policy::ListAudiences, v1::ListAudiencesRequest());
  ASSERT_TRUE(listed.ok()) << listed.status();
  EXPECT_EQ(listed->audiences_size(), 0);
}

v1::CoalitionPolicy WithAudience(v1::CoalitionPolicy policy, const v1::Record& granted) {
  policy.clear_audiences();
  v1::NamedAudience* named = policy.add_audiences();
  named->set_id("trusted");
  *named->mutable_audience() = granted.audience();
  return policy;
}

// An audience that is taken away and comes back reaches whom it reached.
TEST_F(PolicyRpcTest, AnAudienceThatComesBackIsComparedWithWhatItWas) {
  v1::Record few, many;
  GrantMember(&few, "paylink");
  GrantKind(&many, v1::MEMBER_KIND_BRAND, "full");
  const v1::CoalitionPolicy none = InForce(), first = WithAudience(none, few),
                            wider = WithAudience(none, many);
  ASSERT_TRUE(Apply(first, Diff(first)).ok()) << "a new name is in nobody's records";
  EXPECT_TRUE(Diff(wider).widens());
  ASSERT_TRUE(Apply(none, Diff(none)).ok());
  const v1::PolicyDiff back = Diff(wider);
  EXPECT_TRUE(back.widens());
  EXPECT_EQ(ReasonOf(Apply(wider, back).status()), v1::ERROR_REASON_APPROVALS_MISSING);
  EXPECT_FALSE(Diff(first).widens());
  // Whom it would reach does not agree for the others, if they are enough.
  EXPECT_EQ(ReasonOf(Approve("aurore", wider, back).status()), v1::ERROR_REASON_APPROVAL_NOT_COUNTED);
  EXPECT_TRUE(Approve("bazaar", wider, back).ok());
}

TEST_F(PolicyRpcTest, WhatIsNotSeenTodayIsReviewedToo) {
  const v1::CoalitionPolicy policy = InForce();
  v1::CoalitionPolicy with_view = policy;
  v1::ViewDefinition* view = with_view.add_views();
  view->set_name("burn");
  view->set_record_class(v1::RECORD_CLASS_OFFENDER_REPORT);
  view->add_full("audience");
  EXPECT_NE(Diff(policy).digest(), Diff(with_view).digest());
}

TEST_F(PolicyRpcTest, AQuorumThatCanNeverBeMetIsRefused) {
  v1::CoalitionPolicy policy = InForce();
  policy.mutable_limits()->mutable_widening()->set_approvals(50);
  EXPECT_EQ(ReasonOf(Apply(policy, v1::PolicyDiff()).status()), v1::ERROR_REASON_INVALID_FIELD);
  policy.mutable_limits()->mutable_widening()->set_approvals(4);
  EXPECT_EQ(ReasonOf(Apply(policy, Diff(policy)).status()), v1::ERROR_REASON_APPROVALS_MISSING);
}

TEST_F(PolicyRpcTest, AnAudienceWithUnknownFieldsIsNotKept) {
  v1::SaveAudienceRequest save;
  save.set_audience_id("friends");
  v1::Record holder;
  GrantMember(&holder, "belmont");
  *save.mutable_audience() = holder.audience();
  save.mutable_audience()
      ->GetReflection()
      ->MutableUnknownFields(save.mutable_audience())
      ->AddLengthDelimited(1000, std::string(100'000, 'x'));
  EXPECT_EQ(ReasonOf(Call(server_.Policy("aurore"), &Policy::SaveAudience, save).status()),
            v1::ERROR_REASON_INVALID_FIELD);
}

// What a member accepts for its older records it is told before: on how many, at once.
TEST_F(PolicyRpcTest, AcceptingIsToldAsWidening) {
  Report("shop-1", [](v1::Record* r) { GrantMember(r, "bazaar"); });
  const v1::CoalitionPolicy after = HostSeesAll(InForce());
  const v1::PolicyDiff diff = Diff(after);
  ASSERT_TRUE(Approve("aurore", after, diff).ok());
  ASSERT_TRUE(Approve("belmont", after, diff).ok());
  ASSERT_TRUE(Apply(after, diff).ok());
  v1::MemberPolicy accepts;
  accepts.set_unbounded(true);
  accepts.set_accepts_policy_version(2);
  const auto preview = SetOwn("aurore", accepts, true);
  ASSERT_TRUE(preview.ok()) << preview.status();
  EXPECT_EQ(preview->own_records().widened(), 1);
  EXPECT_EQ(preview->own_records().widened_if_accepted(), 0);
}

TEST_F(PolicyRpcTest, TwoAtOnceMakeOneVersionEach) {
  const v1::CoalitionPolicy narrower = Without(InForce(), "comment"),
                            other = Without(InForce(), "legal_basis");
  const v1::PolicyDiff of_narrower = Diff(narrower), of_other = Diff(other);
  absl::Status first, second;
  std::thread one([&] { first = Apply(narrower, of_narrower).status(); });
  std::thread two([&] { second = Apply(other, of_other).status(); });
  one.join();
  two.join();
  EXPECT_NE(first.ok(), second.ok());
  EXPECT_EQ(ReasonOf(first.ok() ? second : first), v1::ERROR_REASON_EPOCH_STALE);
}

}  // namespace
}  // namespace coalition::testing
