// What lets somebody see more is proposed, previewed, agreed to by others and made in one commit. Scene 2.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/errors.h"
#include "common/policy/default_policy.h"
#include "tests/integration/records.h"
#include "tests/support/test_server.h"

namespace coalition::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Stub = v1::ProposalService::Stub;
using ExchangeStub = v1::ExchangeService::Stub;

// The cast without souk, and with a quorum of two brands or payment firms of different control groups.
TestServer::Options Coalition(const Clock* clock = nullptr, int notice_days = 0) {
  TestServer::Options options;
  options.clock = clock;
  options.edit_bootstrap = [notice_days](config::v1::Bootstrap* bootstrap) {
    for (int i = 0; i < bootstrap->members_size(); ++i) {
      if (bootstrap->members(i).id() == "souk") bootstrap->mutable_members()->DeleteSubrange(i--, 1);
    }
    bootstrap->mutable_platforms(1)->clear_holder();
    bootstrap->mutable_members(0)->set_control_group("luxe");  // aurore
    bootstrap->mutable_members(1)->set_control_group("luxe");  // belmont
    *bootstrap->mutable_policy() = policy::DefaultPolicy();
    bootstrap->mutable_policy()->clear_policy_test();
    v1::Quorum* quorum = bootstrap->mutable_policy()->mutable_limits()->mutable_widening();
    quorum->Clear();
    quorum->set_approvals(2);
    quorum->add_electorate(v1::MEMBER_KIND_BRAND);
    quorum->add_electorate(v1::MEMBER_KIND_PAYMENT);
    quorum->add_electorate(v1::MEMBER_KIND_SECRETARIAT);
    quorum->set_notice_days(notice_days);
  };
  return options;
}

v1::ProposedChange AdmissionOf(const std::string& id) {
  v1::ProposedChange change;
  change.mutable_admission()->set_member_id(id);
  change.mutable_admission()->set_kind(v1::MEMBER_KIND_MARKETPLACE);
  return change;
}

class Coalitions {
 public:
  explicit Coalitions(const TestServer& server) : server_(server) {}

  template <class Request, class Response>
  absl::StatusOr<Response> As(const std::string& member,
                              grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                              const Request& request) {
    return Call(server_.Proposals(member), method, request);
  }
  absl::StatusOr<v1::Proposal> Propose(const v1::ProposedChange& change, const std::string& by = "office") {
    v1::CreateProposalRequest request;
    *request.mutable_change() = change;
    request.set_reason("it asked");
    const auto answer = As(by, &Stub::CreateProposal, request);
    if (!answer.ok()) return answer.status();
    return answer->proposal();
  }
  absl::Status Approve(const std::string& by, const v1::Proposal& proposal) {
    v1::ApproveProposalRequest request;
    request.set_name(proposal.name());
    request.set_digest(proposal.digest());
    return As(by, &Stub::ApproveProposal, request).status();
  }
  absl::Status Object(const std::string& by, const v1::Proposal& proposal) {
    v1::ObjectToProposalRequest request;
    request.set_name(proposal.name());
    return As(by, &Stub::ObjectToProposal, request).status();
  }
  absl::Status Apply(const v1::Proposal& proposal, const std::string& by = "office") {
    v1::ApplyProposalRequest request;
    request.set_name(proposal.name());
    request.set_digest(proposal.digest());
    return As(by, &Stub::ApplyProposal, request).status();
  }
  v1::ProposalImpact Preview(const std::string& member, const v1::Proposal& proposal) {
    v1::PreviewProposalRequest request;
    request.set_name(proposal.name());
    const auto answer = As(member, &Stub::PreviewProposal, request);
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() ? answer->impact() : v1::ProposalImpact();
  }

 private:
  const TestServer& server_;
};

v1::ErrorReason ReasonOf(const absl::Status& status) { return GetErrorReason(status); }

std::string Contribute(const TestServer& server, const std::string& member, const std::string& seller) {
  v1::Record record = Report(seller);
  GrantKind(&record, v1::MEMBER_KIND_MARKETPLACE, "notice");
  v1::CreateRecordRequest request;
  *request.mutable_record() = record;
  const auto created = Call(server.Exchange(member), &ExchangeStub::CreateRecord, request);
  EXPECT_TRUE(created.ok()) << created.status();
  return created.ok() ? created->record().name() : "";
}

TEST(ProposalTest, AMarketplaceApplies) {
  TestServer server{Coalition()};
  Coalitions coalition(server);
  const std::string before = Contribute(server, "aurore", "shop-1");
  Contribute(server, "corsa", "shop-2");
  Contribute(server, "corsa", "shop-3");

  const auto proposal = coalition.Propose(AdmissionOf("souk"));
  ASSERT_TRUE(proposal.ok()) << proposal.status();
  EXPECT_EQ(proposal->state(), v1::PROPOSAL_STATE_OPEN);
  EXPECT_THAT(std::vector<std::string>(proposal->electorate().begin(), proposal->electorate().end()),
              ElementsAre("members/aurore", "members/belmont", "members/corsa", "members/paylink"));

  // Each contributor is told of its own records, and of nobody else's.
  const v1::ProposalImpact own = coalition.Preview("aurore", *proposal);
  ASSERT_EQ(own.gains_size(), 1);
  EXPECT_EQ(own.looked_at(), 1);
  EXPECT_EQ(own.gains(0).member(), "members/souk");
  EXPECT_EQ(own.gains(0).existing().records(), 0);
  EXPECT_EQ(own.gains(0).future().records(), 1);
  EXPECT_EQ(own.gains(0).future().views(0).view(), "notice");
  EXPECT_EQ(coalition.Preview("corsa", *proposal).gains(0).future().records(), 2);
  EXPECT_EQ(coalition.Preview("belmont", *proposal).looked_at(), 0);

  // The office alone can't; nor two of one control group, nor who proposes.
  EXPECT_EQ(ReasonOf(coalition.Apply(*proposal)), v1::ERROR_REASON_APPROVALS_MISSING);
  EXPECT_EQ(ReasonOf(coalition.Approve("office", *proposal)), v1::ERROR_REASON_APPROVAL_NOT_COUNTED);
  EXPECT_TRUE(coalition.Approve("aurore", *proposal).ok());
  EXPECT_TRUE(coalition.Approve("aurore", *proposal).ok());
  EXPECT_TRUE(coalition.Approve("belmont", *proposal).ok());
  EXPECT_EQ(ReasonOf(coalition.Apply(*proposal)), v1::ERROR_REASON_APPROVALS_MISSING);
  EXPECT_TRUE(coalition.Object("corsa", *proposal).ok());
  EXPECT_TRUE(coalition.Approve("paylink", *proposal).ok());
  EXPECT_EQ(coalition.Preview("corsa", *proposal).gains(0).future().records(), 0);
  EXPECT_EQ(ReasonOf(coalition.Apply(*proposal, "aurore")), v1::ERROR_REASON_ROLE_MISSING);

  // Its keys can be registered beforehand; it is nobody yet.
  const Identity souk = server.certificates().Member("souk", "backend");
  const auto membership = server.Membership("office", "admin");
  v1::SetCredentialRequest set;
  set.set_name("members/souk/credentials/backend");
  set.add_roles(v1::ROLE_READER);
  set.set_purpose("onboarding");
  using MembershipStub = v1::MembershipService::Stub;
  ASSERT_TRUE(Call(membership, &MembershipStub::SetCredential, set).ok());
  v1::RegisterKeyRequest key;
  key.set_credential(set.name());
  key.set_public_key_sha256(souk.spki_sha256_hex);
  ASSERT_TRUE(Call(membership, &MembershipStub::RegisterKey, key).ok());
  v1::ConfirmKeyRequest confirm;
  confirm.set_credential(set.name());
  confirm.set_public_key_sha256(souk.spki_sha256_hex);
  EXPECT_EQ(ReasonOf(Call(membership, &MembershipStub::ConfirmKey, confirm).status()),
            v1::ERROR_REASON_STATE_CONFLICT)
      << "one administrator alone makes nobody's identity";
  ASSERT_TRUE(Call(server.Membership("office", "deputy"), &MembershipStub::ConfirmKey, confirm).ok());
  EXPECT_EQ(ReasonOf(server.WhoAmI(souk).status()), v1::ERROR_REASON_MEMBER_NOT_ACTIVE);

  ASSERT_TRUE(coalition.Apply(*proposal).ok());
  EXPECT_TRUE(coalition.Apply(*proposal).ok());
  const auto who = server.WhoAmI(souk);
  ASSERT_TRUE(who.ok()) << who.status();
  EXPECT_EQ(who->member().standing(), v1::STANDING_ACTIVE);

  // Nothing that existed became visible; what is made later is, but for corsa's.
  const auto reads = [&](const std::string& name) {
    v1::GetRecordRequest get;
    get.set_name(name);
    const auto stub = v1::ExchangeService::NewStub(server.ChannelAs(souk));
    return Call(stub, &ExchangeStub::GetRecord, get).status();
  };
  EXPECT_EQ(ReasonOf(reads(before)), v1::ERROR_REASON_NOT_FOUND);
  EXPECT_TRUE(reads(Contribute(server, "aurore", "shop-4")).ok());
  EXPECT_EQ(ReasonOf(reads(Contribute(server, "corsa", "shop-5"))), v1::ERROR_REASON_NOT_FOUND);
  server.Restart();
  EXPECT_TRUE(server.WhoAmI(souk).ok());
  EXPECT_EQ(ReasonOf(coalition.Propose(AdmissionOf("souk")).status()), v1::ERROR_REASON_NAME_TAKEN);
}

TEST(ProposalTest, ASuspendedMemberIsReinstatedByAQuorumAndSeesWhatIsMadeFromThenOn) {
  TestServer server{Coalition()};
  Coalitions coalition(server);
  const std::string seen = Contribute(server, "aurore", "shop-1");
  v1::GetRecordRequest get;
  get.set_name(seen);
  ASSERT_TRUE(Call(server.Exchange("bazaar"), &ExchangeStub::GetRecord, get).ok());
  v1::SetStandingRequest suspend;
  suspend.set_member("members/bazaar");
  suspend.set_standing(v1::STANDING_SUSPENDED);
  suspend.set_reason(v1::STANDING_REASON_INVESTIGATION);
  ASSERT_TRUE(
      Call(server.Membership("office", "admin"), &v1::MembershipService::Stub::SetStanding, suspend).ok());
  const std::string meanwhile = Contribute(server, "aurore", "shop-2");

  v1::ProposedChange change;
  change.mutable_reinstatement()->set_member("members/bazaar");
  const auto proposal = coalition.Propose(change);
  ASSERT_TRUE(proposal.ok()) << proposal.status();
  ASSERT_TRUE(coalition.Approve("aurore", *proposal).ok());
  ASSERT_TRUE(coalition.Approve("corsa", *proposal).ok());
  ASSERT_TRUE(coalition.Apply(*proposal).ok());
  for (const std::string& old : {seen, meanwhile}) {
    get.set_name(old);
    EXPECT_EQ(ReasonOf(Call(server.Exchange("bazaar"), &ExchangeStub::GetRecord, get).status()),
              v1::ERROR_REASON_NOT_FOUND);
  }
  get.set_name(Contribute(server, "aurore", "shop-3"));
  EXPECT_TRUE(Call(server.Exchange("bazaar"), &ExchangeStub::GetRecord, get).ok());
}

TEST(ProposalTest, ProposalsExpireAndNoticeRuns) {
  ShiftedClock clock;
  TestServer server{Coalition(&clock, 7)};
  Coalitions coalition(server);
  const auto proposal = coalition.Propose(AdmissionOf("souk"));
  ASSERT_TRUE(proposal.ok()) << proposal.status();
  ASSERT_TRUE(coalition.Approve("aurore", *proposal).ok());
  ASSERT_TRUE(coalition.Approve("corsa", *proposal).ok());
  EXPECT_EQ(ReasonOf(coalition.Apply(*proposal)), v1::ERROR_REASON_STATE_CONFLICT);
  EXPECT_EQ(proposal->expire_time().seconds() - proposal->create_time().seconds(), 30 * 86'400);
}

TEST(ProposalTest, WhatIsWrongIsRefused) {
  TestServer server{Coalition()};
  Coalitions coalition(server);
  EXPECT_EQ(ReasonOf(coalition.Propose(AdmissionOf("aurore")).status()), v1::ERROR_REASON_NAME_TAKEN);
  EXPECT_EQ(ReasonOf(coalition.Propose(AdmissionOf("Souk!")).status()), v1::ERROR_REASON_INVALID_FIELD);
  EXPECT_EQ(ReasonOf(coalition.Propose(v1::ProposedChange()).status()), v1::ERROR_REASON_INVALID_FIELD);
  EXPECT_EQ(ReasonOf(coalition.Propose(AdmissionOf("souk"), "aurore").status()),
            v1::ERROR_REASON_ROLE_MISSING);
  v1::ProposedChange change;
  change.mutable_reinstatement()->set_member("members/aurore");
  EXPECT_EQ(ReasonOf(coalition.Propose(change).status()), v1::ERROR_REASON_STATE_CONFLICT);
  change.mutable_group_addition()->set_group("groups/nobody");
  change.mutable_group_addition()->add_members("members/corsa");
  EXPECT_EQ(ReasonOf(coalition.Propose(change).status()), v1::ERROR_REASON_NOT_FOUND);
  change.mutable_platform_assignment()->set_platform("platforms/souk.example");
  change.mutable_platform_assignment()->set_holder("members/corsa");
  EXPECT_EQ(ReasonOf(coalition.Propose(change).status()), v1::ERROR_REASON_INVALID_FIELD);
  change.mutable_role_grant()->set_credential("members/aurore/credentials/admin");
  change.mutable_role_grant()->add_roles(v1::ROLE_COALITION_ADMIN);
  EXPECT_EQ(ReasonOf(coalition.Propose(change).status()), v1::ERROR_REASON_INVALID_FIELD);
  v1::GetProposalRequest get;
  get.set_name("proposals/7");
  EXPECT_EQ(ReasonOf(coalition.As("aurore", &Stub::GetProposal, get).status()), v1::ERROR_REASON_NOT_FOUND);
}

TEST(ProposalTest, GroupsPlatformsRolesAndControlGroups) {
  TestServer server{Coalition()};
  Coalitions coalition(server);
  const auto make = [&](const v1::ProposedChange& change, const std::string& first,
                        const std::string& second) {
    const auto proposal = coalition.Propose(change);
    ASSERT_TRUE(proposal.ok()) << proposal.status();
    ASSERT_TRUE(coalition.Approve(first, *proposal).ok());
    ASSERT_TRUE(coalition.Approve(second, *proposal).ok());
    const absl::Status applied = coalition.Apply(*proposal);
    ASSERT_TRUE(applied.ok()) << applied;
  };
  v1::ProposedChange change;
  change.mutable_group_addition()->set_group("groups/watchmakers");
  change.mutable_group_addition()->add_members("members/corsa");
  // Who gains does not approve.
  const auto refused = coalition.Propose(change);
  ASSERT_TRUE(refused.ok());
  EXPECT_EQ(ReasonOf(coalition.Approve("corsa", *refused)), v1::ERROR_REASON_APPROVAL_NOT_COUNTED);
  make(change, "aurore", "paylink");
  change.mutable_group_creation()->set_group_id("couriers");
  change.mutable_group_creation()->add_members("members/customs");
  make(change, "aurore", "paylink");
  change.mutable_platform_assignment()->set_platform("platforms/souk.example");
  change.mutable_platform_assignment()->set_holder("members/bazaar");
  make(change, "aurore", "corsa");
  change.mutable_role_grant()->set_credential("members/office/credentials/second");
  change.mutable_role_grant()->add_roles(v1::ROLE_COALITION_ADMIN);
  make(change, "aurore", "corsa");
  change.mutable_control_group_change()->set_member("members/bazaar");
  change.mutable_control_group_change()->set_control_group("platforms");
  make(change, "aurore", "corsa");

  const auto membership = server.Membership("office", "admin");
  using MembershipStub = v1::MembershipService::Stub;
  v1::GetMemberRequest get;
  get.set_name("members/corsa");
  EXPECT_THAT(Call(membership, &MembershipStub::GetMember, get)->member().groups(),
              ElementsAre("groups/watchmakers"));
  get.set_name("members/bazaar");
  EXPECT_EQ(Call(membership, &MembershipStub::GetMember, get)->member().control_group(), "platforms");
  EXPECT_EQ(Call(membership, &MembershipStub::ListGroups, v1::ListGroupsRequest())->groups_size(), 2);
  const auto platforms = Call(membership, &MembershipStub::ListPlatforms, v1::ListPlatformsRequest());
  EXPECT_EQ(platforms->platforms(1).holder(), "members/bazaar");
  // With a second administrator the first can be cut off; the group is left by one administrator's word.
  v1::RemoveFromGroupRequest remove;
  remove.set_group("groups/watchmakers");
  remove.set_member("members/corsa");
  EXPECT_THAT(Call(membership, &MembershipStub::RemoveFromGroup, remove)->member().groups(), IsEmpty());
}

}  // namespace
}  // namespace coalition::testing
