// Told before, and asked after: who would see a draft, who can see a record, and why.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "common/errors.h"
#include "tests/integration/records.h"
#include "tests/support/test_server.h"

namespace coalition::testing {
namespace {

using Stub = v1::ExchangeService::Stub;
using Policy = v1::PolicyService::Stub;
using Layer = v1::AccessCause;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Accesses = google::protobuf::RepeatedPtrField<v1::MemberAccess>;

std::map<std::string, v1::MemberAccess> ByMember(const Accesses& members) {
  std::map<std::string, v1::MemberAccess> by;
  for (const v1::MemberAccess& member : members) by[member.member()] = member;
  return by;
}

// What is claimed, without the words.
std::string Claims(const Accesses& members) {
  std::string text;
  for (const v1::MemberAccess& member : members) {
    text += member.member() + (member.visible() ? " sees " : " does not see ") +
            member.fields().ShortDebugString() + "\n";
  }
  return text;
}

// Scene 1: aurore reports to all brands but corsa.
class ExplainRpcTest : public ::testing::Test {
 protected:
  void SetUp() override {
    draft_ = Report("shop-4711");
    GrantKind(&draft_, v1::MEMBER_KIND_BRAND, "full");
    GrantMember(&draft_, "bazaar", "full");
    Exclude(&draft_, "corsa");
    const auto created = Call(server_.Exchange("aurore"), &Stub::CreateRecord, CreateOf(draft_));
    ASSERT_TRUE(created.ok()) << created.status();
    name_ = created->record().name();
  }

  absl::StatusOr<v1::ExplainAccessResponse> Explain(const std::string& as, const std::string& name,
                                                    const std::string& about = "",
                                                    const std::string& credential = "backend") {
    v1::ExplainAccessRequest request;
    request.set_name(name);
    if (!about.empty()) request.set_member("members/" + about);
    return Call(server_.Exchange(as, credential), &Stub::ExplainAccess, request);
  }

  TestServer server_;
  v1::Record draft_;
  std::string name_;
};

TEST_F(ExplainRpcTest, ThePreviewToldWhatTheExplanationTells) {
  v1::PreviewAudienceRequest request;
  *request.mutable_record() = draft_;
  const auto before = Call(server_.Exchange("aurore"), &Stub::PreviewAudience, request);
  ASSERT_TRUE(before.ok()) << before.status();
  EXPECT_EQ(before->problems_size(), 0);
  const auto after = Explain("aurore", name_);
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(Claims(before->members()), Claims(after->members()));
}

TEST_F(ExplainRpcTest, EachAnswerNamesTheClauseThatDecided) {
  const auto told = Explain("aurore", name_);
  ASSERT_TRUE(told.ok()) << told.status();
  auto members = ByMember(told->members());
  EXPECT_EQ(members.size(), 7U);  // all but aurore
  EXPECT_TRUE(members["members/belmont"].visible());
  EXPECT_THAT(members["members/belmont"].views(), ElementsAre("full"));
  EXPECT_EQ(members["members/belmont"].causes(0).clause(), "audience grants every BRAND \"full\"");
  EXPECT_FALSE(members["members/belmont"].causes(0).visible_without());

  const v1::AccessCause& excluded = members["members/corsa"].causes(0);
  EXPECT_FALSE(members["members/corsa"].visible());
  EXPECT_EQ(excluded.layer(), Layer::LAYER_EXCLUSION);
  EXPECT_EQ(excluded.clause(), "audience excludes members/corsa");
  EXPECT_TRUE(excluded.visible_without());

  const v1::MemberAccess& host = members["members/bazaar"];
  EXPECT_EQ(host.relation(), v1::RELATION_HOST);
  EXPECT_TRUE(host.visible());
  EXPECT_EQ(host.causes(0).layer(), Layer::LAYER_CEILING);
  EXPECT_THAT(host.causes(0).clause(),
              HasSubstr("policies/1 ceilings MARKETPLACE HOST OFFENDER_REPORT AMBER"));
  EXPECT_THAT(host.causes(0).fields_without().full(), ::testing::Contains("comment"));
  EXPECT_EQ(members["members/customs"].causes(0).layer(), Layer::LAYER_NO_GRANT);
}

TEST_F(ExplainRpcTest, WhatIsClaimedIsWhatIsSeen) {
  const auto told = Explain("aurore", name_);
  ASSERT_TRUE(told.ok()) << told.status();
  for (const v1::MemberAccess& member : told->members()) {
    const std::string id = member.member().substr(8);
    const auto got = Call(server_.Exchange(id), &Stub::GetRecord, GetOf(name_));
    EXPECT_EQ(got.ok(), member.visible()) << id;
  }
}

TEST_F(ExplainRpcTest, OthersLearnOfThemselvesAlone) {
  const auto own = Explain("belmont", name_);
  ASSERT_TRUE(own.ok()) << own.status();
  ASSERT_EQ(own->members_size(), 1);
  EXPECT_EQ(own->members(0).member(), "members/belmont");
  ASSERT_EQ(own->members(0).causes_size(), 1);
  EXPECT_EQ(own->members(0).causes(0).layer(), Layer::LAYER_GRANT);
  EXPECT_EQ(GetErrorReason(Explain("belmont", name_, "bazaar").status()), v1::ERROR_REASON_ROLE_MISSING);
  // Hidden is absent.
  for (const char* about : {"", "corsa", "belmont", "nobody"}) {
    const auto hidden = Explain("corsa", name_, about);
    const auto never = Explain("corsa", "records/aaaaaaaaaaaaaaaaaaaaaaaaaa", about);
    EXPECT_EQ(hidden.status(), never.status()) << about;
    EXPECT_TRUE(absl::IsNotFound(hidden.status()));
  }
}

TEST_F(ExplainRpcTest, AnAuditorAsksAboutAnyone) {
  const auto told = Explain("office", name_, "", "audit");
  ASSERT_TRUE(told.ok()) << told.status();
  EXPECT_EQ(told->members_size(), 7);
  // The secretariat's other credentials do not.
  EXPECT_TRUE(absl::IsNotFound(Explain("office", name_).status()));
}

TEST_F(ExplainRpcTest, WhoHasAnOpinionDoesNotLearnWhoSeesItsSubject) {
  v1::Record opinion;
  opinion.mutable_opinion()->set_subject(name_);
  opinion.mutable_opinion()->set_verdict(v1::OPINION_VERDICT_CONFIRMED);
  opinion.set_label(v1::LABEL_GREEN);
  v1::Grant* grant = opinion.mutable_audience()->add_grants();
  grant->mutable_subject()->set_everyone(true);
  grant->set_view("full");
  const auto created = Call(server_.Exchange("belmont"), &Stub::CreateRecord, CreateOf(opinion));
  ASSERT_TRUE(created.ok()) << created.status();
  const auto told = Explain("belmont", created->record().name());
  ASSERT_TRUE(told.ok()) << told.status();
  const auto members = ByMember(told->members());
  // corsa does not see the subject, customs was never granted it: no difference but their kind's.
  EXPECT_EQ(members.at("members/corsa").fields().SerializeAsString(),
            members.at("members/customs").fields().SerializeAsString());
  EXPECT_TRUE(members.at("members/corsa").visible());
  EXPECT_EQ(members.at("members/corsa").causes_size(), members.at("members/customs").causes_size());
  // An auditor is told what is so.
  const auto audited = Explain("office", created->record().name(), "", "audit");
  ASSERT_TRUE(audited.ok()) << audited.status();
  EXPECT_FALSE(ByMember(audited->members()).at("members/corsa").visible());
}

TEST_F(ExplainRpcTest, APreviewSaysWhatTheLabelForbids) {
  v1::PreviewAudienceRequest request;
  *request.mutable_record() = draft_;
  request.mutable_record()->set_label(v1::LABEL_RED);
  const auto preview = Call(server_.Exchange("aurore"), &Stub::PreviewAudience, request);
  ASSERT_TRUE(preview.ok()) << preview.status();
  ASSERT_EQ(preview->problems_size(), 1);
  EXPECT_TRUE(preview->problems(0).label_forbids());
  EXPECT_EQ(preview->problems(0).path(), "record.audience.grants[0].subject.kind");
  EXPECT_EQ(preview->members_size(), 0);
}

TEST_F(ExplainRpcTest, APreviewSaysWhatThePolicyAllowsNoRecordsOf) {
  const auto first = Call(server_.Policy("office"), &Policy::GetPolicy, v1::GetPolicyRequest());
  ASSERT_TRUE(first.ok()) << first.status();
  v1::ApplyPolicyRequest apply;
  *apply.mutable_policy() = first->policy().policy();
  apply.mutable_policy()->mutable_limits()->add_labels(v1::LABEL_RED);
  apply.set_expected_epoch(first->epoch());
  const auto applied = Call(server_.Policy("office", "admin"), &Policy::ApplyPolicy, apply);
  ASSERT_TRUE(applied.ok()) << applied.status();
  v1::PreviewAudienceRequest request;
  *request.mutable_record() = draft_;
  const auto preview = Call(server_.Exchange("aurore"), &Stub::PreviewAudience, request);
  ASSERT_TRUE(preview.ok()) << preview.status();
  ASSERT_EQ(preview->problems_size(), 1);
  EXPECT_EQ(preview->problems(0).path(), "record.label");
  EXPECT_EQ(GetErrorReason(Call(server_.Exchange("aurore"), &Stub::CreateRecord, CreateOf(draft_)).status()),
            v1::ERROR_REASON_INVALID_FIELD);
}

TEST_F(ExplainRpcTest, AnEarlierEpochIsJudgedAsItWas) {
  // The coalition hides reports from brands.
  const auto first = Call(server_.Policy("office"), &Policy::GetPolicy, v1::GetPolicyRequest());
  ASSERT_TRUE(first.ok()) << first.status();
  v1::ApplyPolicyRequest apply;
  *apply.mutable_policy() = first->policy().policy();
  apply.mutable_policy()->clear_policy_test();
  v1::Deny* deny = apply.mutable_policy()->add_denies();
  deny->set_id("no-brands");
  deny->mutable_subject()->set_kind(v1::MEMBER_KIND_BRAND);
  apply.set_expected_epoch(first->epoch());
  const auto applied = Call(server_.Policy("office", "admin"), &Policy::ApplyPolicy, apply);
  ASSERT_TRUE(applied.ok()) << applied.status();

  v1::ExplainAccessRequest request;
  request.set_name(name_);
  request.set_member("members/belmont");
  const auto now = Call(server_.Exchange("aurore"), &Stub::ExplainAccess, request);
  ASSERT_TRUE(now.ok()) << now.status();
  EXPECT_EQ(now->epoch(), 2);
  const v1::AccessCause& cause = now->members(0).causes(0);
  EXPECT_EQ(cause.clause(), "policies/2 denies no-brands");
  EXPECT_EQ(cause.deny_id(), "no-brands");
  EXPECT_EQ(cause.subject().kind(), v1::MEMBER_KIND_BRAND);
  EXPECT_THAT(cause.versions(), ElementsAre(2));
  request.set_epoch(1);
  const auto then = Call(server_.Exchange("aurore"), &Stub::ExplainAccess, request);
  ASSERT_TRUE(then.ok()) << then.status();
  EXPECT_EQ(then->epoch(), 1);
  EXPECT_TRUE(then->members(0).visible());
  request.set_epoch(3);
  EXPECT_TRUE(
      absl::IsInvalidArgument(Call(server_.Exchange("aurore"), &Stub::ExplainAccess, request).status()));
}

// How it was tells of the contributor's own policy, also of one that ended before the record was made.
TEST_F(ExplainRpcTest, OthersDoNotAskAboutEarlierEpochs) {
  const auto first = Call(server_.Policy("office"), &Policy::GetPolicy, v1::GetPolicyRequest());
  ASSERT_TRUE(first.ok()) << first.status();
  v1::ApplyPolicyRequest apply;
  *apply.mutable_policy() = first->policy().policy();
  apply.mutable_policy()->set_title("The second one");
  apply.set_expected_epoch(first->epoch());
  ASSERT_TRUE(Call(server_.Policy("office", "admin"), &Policy::ApplyPolicy, apply).ok());
  v1::ExplainAccessRequest request;
  request.set_name(name_);
  request.set_epoch(2);
  EXPECT_TRUE(Call(server_.Exchange("belmont"), &Stub::ExplainAccess, request).ok()) << "the present one";
  request.set_epoch(1);
  EXPECT_EQ(GetErrorReason(Call(server_.Exchange("belmont"), &Stub::ExplainAccess, request).status()),
            v1::ERROR_REASON_ROLE_MISSING);
  EXPECT_TRUE(Call(server_.Exchange("aurore"), &Stub::ExplainAccess, request).ok());
  // Hidden is absent, whatever is asked.
  const auto hidden = Call(server_.Exchange("corsa"), &Stub::ExplainAccess, request);
  request.set_name("records/aaaaaaaaaaaaaaaaaaaaaaaaaa");
  EXPECT_EQ(hidden.status(), Call(server_.Exchange("corsa"), &Stub::ExplainAccess, request).status());
}

// Who hosts the seller is told by relations: not to whom the seller's platform is not shown.
TEST_F(ExplainRpcTest, AnOpinionTellsNothingOfAPlatformThatIsHidden) {
  const auto first = Call(server_.Policy("office"), &Policy::GetPolicy, v1::GetPolicyRequest());
  ASSERT_TRUE(first.ok()) << first.status();
  v1::ApplyPolicyRequest apply;
  *apply.mutable_policy() = first->policy().policy();
  apply.mutable_policy()->clear_policy_test();
  for (auto& view : *apply.mutable_policy()->mutable_views()) {
    if (view.name() != "notice") continue;
    auto* full = view.mutable_full();
    full->erase(std::remove_if(full->begin(), full->end(),
                               [](const std::string& path) { return path.starts_with("seller."); }),
                full->end());
  }
  apply.set_expected_epoch(first->epoch());
  const auto applied = Call(server_.Policy("office", "admin"), &Policy::ApplyPolicy, apply);
  ASSERT_TRUE(applied.ok()) << applied.status();
  std::string told[2];
  int at = 0;
  for (const char* platform : {"bazaar.example", "souk.example"}) {
    v1::Record report = Report("shop-4711", platform);
    GrantMember(&report, "belmont", "notice");
    const auto created = Call(server_.Exchange("aurore"), &Stub::CreateRecord, CreateOf(report));
    ASSERT_TRUE(created.ok()) << created.status();
    v1::PreviewAudienceRequest preview;
    preview.mutable_record()->mutable_opinion()->set_subject(created->record().name());
    preview.mutable_record()->mutable_opinion()->set_verdict(v1::OPINION_VERDICT_CONFIRMED);
    GrantKind(preview.mutable_record(), v1::MEMBER_KIND_MARKETPLACE, "full");
    const auto before = Call(server_.Exchange("belmont"), &Stub::PreviewAudience, preview);
    ASSERT_TRUE(before.ok()) << before.status();
    const auto opinion = Call(server_.Exchange("belmont"), &Stub::CreateRecord, CreateOf(preview.record()));
    ASSERT_TRUE(opinion.ok()) << opinion.status();
    const auto after = Explain("belmont", opinion->record().name());
    ASSERT_TRUE(after.ok()) << after.status();
    told[at++] = before->SerializeAsString() + after->SerializeAsString();
  }
  EXPECT_EQ(told[0], told[1]);
}

// What a member keeps from others is its own affair: no number that others see moves.
TEST_F(ExplainRpcTest, AMembersOwnPolicyBeginsNoEpoch) {
  v1::SetMemberPolicyRequest own;
  own.mutable_policy()->set_unbounded(true);
  own.mutable_policy()->add_exclusions()->set_member("members/belmont");
  const auto before = server_.WhoAmI(server_.IdentityOf("corsa"));
  ASSERT_TRUE(Call(server_.Policy("aurore", "admin"), &Policy::SetMemberPolicy, own).ok());
  const auto after = server_.WhoAmI(server_.IdentityOf("corsa"));
  ASSERT_TRUE(before.ok() && after.ok());
  EXPECT_EQ(before->SerializeAsString(), after->SerializeAsString());
  // It is in force all the same.
  const auto now = Explain("aurore", name_, "belmont");
  ASSERT_TRUE(now.ok()) << now.status();
  EXPECT_EQ(now->members(0).causes(0).clause(), "members/aurore/policy@1 excludes members/belmont");
  EXPECT_TRUE(absl::IsNotFound(Call(server_.Exchange("belmont"), &Stub::GetRecord, GetOf(name_)).status()));
}

}  // namespace
}  // namespace coalition::testing
