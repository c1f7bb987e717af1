// Members, credentials and proposals at the command line: what is asked before, sent, and answered after.
#include <gmock/gmock.h>
#include <unistd.h>

#include "nlohmann/json.hpp"
#include "tests/unit/cli/verbs_fixture.h"

namespace coalition::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Notes requests, and answers as the exchange would.
class AdminConnection final : public client::Connection {
 public:
  using Options = client::CallOptions;
  absl::StatusOr<v1::WhoAmIResponse> WhoAmI(const Options&, const v1::WhoAmIRequest&) override {
    v1::WhoAmIResponse response;
    response.mutable_member()->set_name("members/aurore");
    return response;
  }
  absl::StatusOr<v1::ListRecordsResponse> ListRecords(const Options&,
                                                      const v1::ListRecordsRequest& request) override {
    v1::ListRecordsResponse response;
    if (request.filter().contributor() != "members/aurore") return response;
    for (int i = 0; i < 3; ++i) response.add_records();
    return response;
  }
  absl::StatusOr<v1::SetStandingResponse> SetStanding(const Options&,
                                                      const v1::SetStandingRequest& request) override {
    standings.push_back(request);
    v1::SetStandingResponse response;
    response.mutable_member()->set_name(request.member());
    response.mutable_member()->set_standing(request.standing());
    response.mutable_member()->set_standing_reason(request.reason());
    response.mutable_cut_off()->set_calls(3);
    response.mutable_cut_off()->set_streams(200);
    return response;
  }
  absl::StatusOr<v1::SetCertificatesNotBeforeResponse> SetCertificatesNotBefore(
      const Options&, const v1::SetCertificatesNotBeforeRequest& request) override {
    not_before.push_back(request);
    return v1::SetCertificatesNotBeforeResponse();
  }
  absl::StatusOr<v1::LeaveCoalitionResponse> LeaveCoalition(
      const Options&, const v1::LeaveCoalitionRequest& request) override {
    left.push_back(request);
    return v1::LeaveCoalitionResponse();
  }
  absl::StatusOr<v1::RemoveFromGroupResponse> RemoveFromGroup(
      const Options&, const v1::RemoveFromGroupRequest& request) override {
    removed.push_back(request.group() + " " + request.member());
    return v1::RemoveFromGroupResponse();
  }
  absl::StatusOr<v1::ReleasePlatformResponse> ReleasePlatform(
      const Options&, const v1::ReleasePlatformRequest& request) override {
    released.push_back(request.platform());
    return v1::ReleasePlatformResponse();
  }
  absl::StatusOr<v1::ListCredentialsResponse> ListCredentials(
      const Options&, const v1::ListCredentialsRequest& request) override {
    v1::ListCredentialsResponse response;
    response.add_credentials()->set_name(request.parent() + "/credentials/backend");
    return response;
  }
  absl::StatusOr<v1::SetCredentialResponse> SetCredential(const Options&,
                                                          const v1::SetCredentialRequest& request) override {
    set.push_back(request);
    return v1::SetCredentialResponse();
  }
  absl::StatusOr<v1::ConfirmKeyResponse> ConfirmKey(const Options&,
                                                    const v1::ConfirmKeyRequest& request) override {
    confirmed.push_back(request);
    return v1::ConfirmKeyResponse();
  }
  absl::StatusOr<v1::RevokeCredentialResponse> RevokeCredential(
      const Options&, const v1::RevokeCredentialRequest& request) override {
    revoked.push_back(request);
    v1::RevokeCredentialResponse response;
    response.mutable_cut_off()->set_calls(1);
    return response;
  }
  absl::StatusOr<v1::CreateProposalResponse> CreateProposal(
      const Options&, const v1::CreateProposalRequest& request) override {
    proposed.push_back(request);
    v1::CreateProposalResponse response;
    *response.mutable_proposal()->mutable_change() = request.change();
    response.mutable_proposal()->set_name("proposals/7");
    response.mutable_proposal()->mutable_terms()->set_approvals(2);
    return response;
  }
  absl::StatusOr<v1::GetProposalResponse> GetProposal(const Options&,
                                                      const v1::GetProposalRequest& request) override {
    v1::GetProposalResponse response;
    v1::Proposal& proposal = *response.mutable_proposal();
    proposal.set_name(request.name());
    proposal.set_digest("d1935");
    v1::Admission& admission = *proposal.mutable_change()->mutable_admission();
    admission.set_member_id("souk");
    admission.set_display_name("Souk");
    admission.set_kind(v1::MEMBER_KIND_MARKETPLACE);
    return response;
  }
  absl::StatusOr<v1::PreviewProposalResponse> PreviewProposal(const Options&,
                                                              const v1::PreviewProposalRequest&) override {
    v1::PreviewProposalResponse response;
    v1::ProposalImpact& impact = *response.mutable_impact();
    impact.set_looked_at(5'000);
    v1::MemberImpact& gain = *impact.add_gains();
    gain.set_member("members/souk");
    gain.mutable_future()->set_records(1'203);
    v1::ViewCount& view = *gain.mutable_future()->add_views();
    view.set_view("notice");
    view.set_records(1'203);
    return response;
  }
  absl::StatusOr<v1::ListProposalsResponse> ListProposals(const Options&,
                                                          const v1::ListProposalsRequest&) override {
    v1::ListProposalsResponse response;
    response.add_proposals()->set_name("proposals/8");
    response.mutable_proposals(0)->set_state(v1::PROPOSAL_STATE_OPEN);
    response.add_proposals()->set_name("proposals/7");
    response.mutable_proposals(1)->set_state(v1::PROPOSAL_STATE_APPLIED);
    return response;
  }
  absl::StatusOr<v1::ApproveProposalResponse> ApproveProposal(
      const Options&, const v1::ApproveProposalRequest& request) override {
    digests.push_back("approve " + request.name() + " " + request.digest());
    return v1::ApproveProposalResponse();
  }
  absl::StatusOr<v1::ApplyProposalResponse> ApplyProposal(const Options&,
                                                          const v1::ApplyProposalRequest& request) override {
    digests.push_back("apply " + request.name() + " " + request.digest());
    return v1::ApplyProposalResponse();
  }
  absl::StatusOr<v1::ObjectToProposalResponse> ObjectToProposal(
      const Options&, const v1::ObjectToProposalRequest& request) override {
    digests.push_back("object " + request.name());
    return v1::ObjectToProposalResponse();
  }
  absl::StatusOr<v1::WithdrawProposalResponse> WithdrawProposal(
      const Options&, const v1::WithdrawProposalRequest& request) override {
    digests.push_back("withdraw " + request.name());
    return v1::WithdrawProposalResponse();
  }

  std::vector<v1::SetStandingRequest> standings;
  std::vector<v1::SetCertificatesNotBeforeRequest> not_before;
  std::vector<v1::LeaveCoalitionRequest> left;
  std::vector<v1::SetCredentialRequest> set;
  std::vector<v1::ConfirmKeyRequest> confirmed;
  std::vector<v1::RevokeCredentialRequest> revoked;
  std::vector<v1::CreateProposalRequest> proposed;
  std::vector<std::string> removed, released, digests;
};

using AdministrationTest = VerbsFixture<AdminConnection>;

TEST_F(AdministrationTest, SuspendingNamesWhatIsLostAndWhatWasCut) {
  const std::vector<std::string> suspend = {"admin", "member",   "suspend",
                                            "souk",  "--reason", "security-incident"};
  EXPECT_EQ(Run(suspend, "no\n"), kExitNo);
  EXPECT_THAT(err_.str(), HasSubstr("members/souk will see nothing from now on; its open calls are cut."));
  EXPECT_THAT(err_.str(), HasSubstr("Nothing was changed."));
  io_.in_is_terminal = false;
  EXPECT_EQ(Run(suspend, "yes\n"), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("--yes"));
  EXPECT_THAT(connection_->standings, IsEmpty());
  std::vector<std::string> at_once = suspend;
  at_once.insert(at_once.end(), {"--yes", "-o", "json"});
  EXPECT_EQ(Run(at_once), kExitOk) << err_.str();
  io_.in_is_terminal = true;
  ASSERT_EQ(connection_->standings.size(), 1u);
  EXPECT_EQ(connection_->standings[0].member(), "members/souk");
  EXPECT_EQ(connection_->standings[0].standing(), v1::STANDING_SUSPENDED);
  EXPECT_EQ(connection_->standings[0].reason(), v1::STANDING_REASON_SECURITY_INCIDENT);
  EXPECT_EQ(err_.str(), "members/souk is suspended; 3 calls and 200 streams were cut.\n");
  EXPECT_EQ(nlohmann::json::parse(out_.str(), nullptr, false)["cutOff"]["streams"], 200);

  EXPECT_EQ(Run({"admin", "member", "limit", "souk", "--reason", "investigation"}, "yes\n"), kExitOk);
  EXPECT_EQ(Run({"admin", "member", "end", "souk", "--reason", "other"}, "yes\n"), kExitOk);
  EXPECT_THAT(err_.str(), HasSubstr("End the membership of members/souk?"));
  EXPECT_EQ(connection_->standings[1].standing(), v1::STANDING_LIMITED);
  EXPECT_EQ(connection_->standings[2].standing(), v1::STANDING_EXITED);
  EXPECT_EQ(Run({"admin", "member", "suspend", "souk", "--reason", "anger", "--yes"}), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("security-incident"));
  EXPECT_EQ(Run({"admin", "member", "suspend", "souk", "--yes"}), kExitUsage);
  EXPECT_EQ(connection_->standings.size(), 3u);
}

TEST_F(AdministrationTest, ALeakedKeyIsOneCommand) {
  EXPECT_EQ(Run({"credential", "revoke", "screening", "--reason", "key-compromise"}, "yes\n"), kExitOk)
      << err_.str();
  ASSERT_EQ(connection_->revoked.size(), 1u);
  EXPECT_EQ(connection_->revoked[0].name(), "members/aurore/credentials/screening");
  EXPECT_EQ(connection_->revoked[0].reason(), v1::REVOCATION_REASON_KEY_COMPROMISE);
  EXPECT_THAT(err_.str(), HasSubstr("is refused from now on, for good"));
  EXPECT_THAT(err_.str(), HasSubstr("is revoked; 1 call and 0 streams were cut."));
  EXPECT_EQ(
      Run({"credential", "revoke", "screening", "--member", "bazaar", "--reason", "superseded", "--yes"}),
      kExitOk);
  EXPECT_EQ(connection_->revoked[1].name(), "members/bazaar/credentials/screening");
  EXPECT_EQ(Run({"credential", "revoke", "members/souk/credentials/x", "--reason", "superseded", "--yes"}),
            kExitOk);
  EXPECT_EQ(connection_->revoked[2].name(), "members/souk/credentials/x");
  EXPECT_EQ(Run({"credential", "revoke", "members/souk/credentials/x", "--member", "bazaar", "--reason",
                 "superseded", "--yes"}),
            kExitUsage);
  EXPECT_EQ(Run({"credential", "revoke", "screening", "--reason", "superseded"}, "\n"), kExitNo);
  EXPECT_EQ(connection_->revoked.size(), 3u);
}

TEST_F(AdministrationTest, CredentialsAreOnesOwnUnlessSaid) {
  EXPECT_EQ(Run({"credential", "list", "-o", "csv"}), kExitOk);
  EXPECT_THAT(out_.str(), HasSubstr("\nmembers/aurore/credentials/backend,,,no-key,"));
  EXPECT_EQ(Run({"credential", "list", "--member", "souk"}), kExitOk);
  EXPECT_THAT(out_.str(), HasSubstr("members/souk/credentials/backend"));
  EXPECT_EQ(Run({"credential", "set", "screening", "--role", "reader", "--role", "member-admin", "--purpose",
                 "onboarding"}),
            kExitOk);
  EXPECT_EQ(connection_->set[0].name(), "members/aurore/credentials/screening");
  EXPECT_THAT(connection_->set[0].roles(), ElementsAre(v1::ROLE_READER, v1::ROLE_MEMBER_ADMIN));
  EXPECT_EQ(Run({"credential", "set", "screening", "--role", "king"}), kExitUsage);
}

TEST_F(AdministrationTest, AKeyIsConfirmedByItsDigits) {
  const std::string key(64, 'a');
  std::string spaced;
  for (size_t i = 0; i < key.size(); i += 2) spaced += (i == 0 ? "" : ":") + std::string("AA");
  EXPECT_EQ(Run({"credential", "confirm", "backend", "--public-key-sha256", spaced}), kExitOk) << err_.str();
  EXPECT_EQ(connection_->confirmed[0].public_key_sha256(), key);
  EXPECT_FALSE(connection_->confirmed[0].has_previous_key_seconds());
  EXPECT_EQ(Run({"credential", "confirm", "backend", "--public-key-sha256", key, "--keep-previous", "0"}),
            kExitOk);
  EXPECT_TRUE(connection_->confirmed[1].has_previous_key_seconds());
  EXPECT_EQ(connection_->confirmed[1].previous_key_seconds(), 0);
  EXPECT_EQ(Run({"credential", "confirm", "backend", "--public-key-sha256", key, "--keep-previous", "2d"}),
            kExitOk);
  EXPECT_EQ(connection_->confirmed[2].previous_key_seconds(), 172'800);
  EXPECT_EQ(Run({"credential", "confirm", "backend"}), kExitUsage);
  EXPECT_EQ(Run({"credential", "confirm", "backend", "--public-key-sha256", "aa"}), kExitUsage);
  EXPECT_EQ(Run({"credential", "confirm", "backend", "--public-key-sha256", key, "--csr", "x"}), kExitUsage);
  EXPECT_EQ(connection_->confirmed.size(), 3u);
}

TEST_F(AdministrationTest, LeavingSaysWhatBecomesOfTheRecords) {
  EXPECT_EQ(Run({"member", "leave", "aurore"}), kExitUsage);
  EXPECT_EQ(Run({"member", "leave", "aurore", "--withdraw", "--successor", "belmont"}), kExitUsage);
  EXPECT_EQ(Run({"member", "leave", "aurore", "--withdraw"}, "no\n"), kExitNo);
  EXPECT_THAT(err_.str(), HasSubstr("All 3 records of members/aurore are withdrawn, for good"));
  EXPECT_EQ(Run({"member", "leave", "belmont", "--withdraw"}, "yes\n"), kExitUsage) << "nobody is asked";
  EXPECT_THAT(err_.str(), HasSubstr("you are of members/aurore"));
  EXPECT_THAT(connection_->left, IsEmpty());
  EXPECT_EQ(Run({"member", "leave", "aurore", "--withdraw"}, "yes\n"), kExitOk);
  EXPECT_EQ(connection_->left[0].disposition(), v1::RECORD_DISPOSITION_WITHDRAW);
  EXPECT_EQ(Run({"member", "leave", "aurore", "--successor", "belmont", "--yes"}), kExitOk);
  EXPECT_EQ(connection_->left[1].disposition(), v1::RECORD_DISPOSITION_TRANSFER);
  EXPECT_EQ(connection_->left[1].successor(), "members/belmont");
  EXPECT_EQ(connection_->left[1].member(), "members/aurore");
}

TEST_F(AdministrationTest, WhatIsTakenAwayIsAskedFirst) {
  EXPECT_EQ(Run({"admin", "group", "remove", "watchmakers", "belmont"}, "no\n"), kExitNo);
  EXPECT_EQ(Run({"platform", "release", "bazaar.example"}, "no\n"), kExitNo);
  EXPECT_EQ(Run({"member", "not-before", "now"}, "no\n"), kExitNo);
  EXPECT_THAT(err_.str(), HasSubstr("Yours may be among them."));
  EXPECT_THAT(connection_->removed, IsEmpty());
  EXPECT_THAT(connection_->released, IsEmpty());
  EXPECT_THAT(connection_->not_before, IsEmpty());
  EXPECT_EQ(Run({"admin", "group", "remove", "watchmakers", "belmont"}, "yes\n"), kExitOk);
  EXPECT_EQ(Run({"admin", "platform", "release", "bazaar.example", "--yes"}), kExitOk);
  EXPECT_EQ(Run({"member", "not-before", "2026-11-20", "--member", "souk", "--yes"}), kExitOk);
  EXPECT_THAT(connection_->removed, ElementsAre("groups/watchmakers members/belmont"));
  EXPECT_THAT(connection_->released, ElementsAre("platforms/bazaar.example"));
  EXPECT_EQ(connection_->not_before[0].member(), "members/souk");
  EXPECT_EQ(connection_->not_before[0].certificates_not_before().seconds(), 1'795'132'800);
}

TEST_F(AdministrationTest, WhatIsApprovedOrAppliedWasShown) {
  EXPECT_EQ(Run({"proposal", "approve", "7"}, "yes\n"), kExitOk) << err_.str();
  EXPECT_THAT(err_.str(), HasSubstr("members/souk (Souk, marketplace) is admitted"));
  EXPECT_THAT(err_.str(), HasSubstr("d1935"));
  EXPECT_THAT(
      err_.str(),
      HasSubstr("members/souk would see 1,203 (notice 1,203) of as many like them made from then on"));
  EXPECT_EQ(Run({"admin", "proposal", "apply", "proposals/7"}, "yes\n"), kExitOk);
  EXPECT_EQ(Run({"proposal", "approve", "7"}, "no\n"), kExitNo);
  io_.in_is_terminal = false;
  EXPECT_EQ(Run({"proposal", "approve", "7"}), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("--digest"));
  EXPECT_EQ(Run({"proposal", "approve", "7", "--digest", "e1"}), kExitOk);
  io_.in_is_terminal = true;
  EXPECT_EQ(Run({"proposal", "object", "7"}, "no\n"), kExitNo);
  EXPECT_EQ(Run({"proposal", "object", "7", "--yes"}), kExitOk);
  EXPECT_EQ(Run({"admin", "proposal", "withdraw", "7"}, "yes\n"), kExitOk);
  EXPECT_EQ(Run({"proposal", "approve", "seven"}), kExitUsage);
  EXPECT_THAT(connection_->digests,
              ElementsAre("approve proposals/7 d1935", "apply proposals/7 d1935", "approve proposals/7 e1",
                          "object proposals/7", "withdraw proposals/7"));
}

TEST_F(AdministrationTest, AProposalsImpactIsTold) {
  EXPECT_EQ(Run({"proposal", "preview", "7"}), kExitOk);
  EXPECT_EQ(out_.str(),
            "members/souk would see 0 of your 5,000 records that it does not see now\n"
            "members/souk would see 1,203 (notice 1,203) of as many like them made from then on\n");
  EXPECT_EQ(Run({"proposal", "preview", "7", "-o", "csv"}), kExitOk);
  EXPECT_EQ(out_.str(),
            "member,records,count,view,view_count\nmembers/souk,existing,0,,\n"
            "members/souk,future,1203,notice,1203\n");
  EXPECT_EQ(Run({"proposal", "list", "-o", "csv"}), kExitOk);
  EXPECT_THAT(out_.str(), HasSubstr("proposals/8"));
  EXPECT_THAT(out_.str(), Not(HasSubstr("proposals/7")));
  EXPECT_EQ(Run({"proposal", "list", "--state", "all", "-o", "csv"}), kExitOk);
  EXPECT_THAT(out_.str(), HasSubstr("proposals/7"));
}

TEST_F(AdministrationTest, EachChangeIsProposedAsItIsWritten) {
  const auto propose = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"admin", "propose"});
    words.insert(words.end(), {"--reason", "why"});
    EXPECT_EQ(Run(words), kExitOk) << err_.str();
    EXPECT_THAT(err_.str(), HasSubstr("coalition proposal approve proposals/7"));
    EXPECT_EQ(connection_->proposed.back().reason(), "why");
    EXPECT_EQ(connection_->proposed.back().request_id().size(), 36u);
    return connection_->proposed.back().change().ShortDebugString();
  };
  EXPECT_EQ(propose({"admission", "souk", "--name", "Souk", "--kind", "marketplace", "--group", "watch"}),
            "admission { member_id: \"souk\" display_name: \"Souk\" kind: MEMBER_KIND_MARKETPLACE groups: "
            "\"groups/watch\" }");
  EXPECT_EQ(propose({"reinstatement", "souk"}), "reinstatement { member: \"members/souk\" }");
  EXPECT_EQ(
      propose({"group-add", "watch", "souk", "aurore"}),
      "group_addition { group: \"groups/watch\" members: \"members/souk\" members: \"members/aurore\" }");
  EXPECT_EQ(propose({"group-remove", "watch", "souk"}),
            "group_removal { group: \"groups/watch\" members: \"members/souk\" }");
  EXPECT_EQ(propose({"group-create", "shoes", "souk", "--name", "Shoes", "--closed"}),
            "group_creation { group_id: \"shoes\" display_name: \"Shoes\" closed: true members: "
            "\"members/souk\" }");
  EXPECT_EQ(propose({"platform", "souk.example", "souk"}),
            "platform_assignment { platform: \"platforms/souk.example\" holder: \"members/souk\" }");
  EXPECT_EQ(propose({"role", "audit", "--member", "office", "--role", "auditor"}),
            "role_grant { credential: \"members/office/credentials/audit\" roles: ROLE_AUDITOR }");
  EXPECT_EQ(propose({"control-group", "souk", "holding"}),
            "control_group_change { member: \"members/souk\" control_group: \"holding\" }");
  EXPECT_EQ(propose({"control-group", "souk", "--alone"}),
            "control_group_change { member: \"members/souk\" }");
  const size_t so_far = connection_->proposed.size();
  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{"admission", "Souk", "--name", "S", "--kind", "marketplace"},
        {"admission", "souk", "--name", "S", "--kind", "bazaar"},
        {"control-group", "souk"},
        {"platform", "souk", "Souk!"}}) {
    std::vector<std::string> words = {"admin", "propose"};
    words.insert(words.end(), wrong.begin(), wrong.end());
    words.insert(words.end(), {"--reason", "why"});
    EXPECT_EQ(Run(words), kExitUsage);
  }
  EXPECT_EQ(connection_->proposed.size(), so_far);
  EXPECT_EQ(Run({"admin", "propose", "reinstatement", "souk", "--reason", "r", "--dry-run"}), kExitOk);
  EXPECT_TRUE(connection_->proposed.back().validate_only());
  EXPECT_THAT(err_.str(), HasSubstr("nothing was proposed"));
}

}  // namespace
}  // namespace coalition::cli
