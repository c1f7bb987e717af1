// Proposals by the clock, and what a change is judged by when something was taken away meanwhile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/errors.h"
#include "tests/support/administration_world.h"

namespace coalition::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kDayNs = int64_t{86'400} * 1'000'000'000;

v1::ProposedChange AdmissionOf(const std::string& id) {
  v1::ProposedChange change;
  change.mutable_admission()->set_member_id(id);
  change.mutable_admission()->set_kind(v1::MEMBER_KIND_MARKETPLACE);
  return change;
}

std::string StateOf(const absl::Status& status) {
  const auto info = GetErrorInfo(status);
  return info && GetErrorReason(status) == v1::ERROR_REASON_STATE_CONFLICT ? info->metadata().at("state")
                                                                           : std::string(status.ToString());
}

TEST(ProposalsByTheClock, WhatNobodyAnswersExpires) {
  World world(AdministrationOptions(1));
  Administration office(world);
  const auto proposal = office.Propose(AdmissionOf("agora"));
  ASSERT_TRUE(proposal.ok()) << proposal.status();
  ASSERT_TRUE(office.Approve("aurore", *proposal).ok());
  world.clock.now_ns += 30 * kDayNs - 1;
  EXPECT_EQ(office.proposals.Get(office.Chief().actor(), proposal->name())->state(), v1::PROPOSAL_STATE_OPEN);
  world.clock.now_ns += 1;
  EXPECT_EQ(office.proposals.Get(office.Chief().actor(), proposal->name())->state(),
            v1::PROPOSAL_STATE_EXPIRED);
  EXPECT_EQ(StateOf(office.Approve("belmont", *proposal)), "EXPIRED");
  EXPECT_EQ(StateOf(office.Apply(*proposal)), "EXPIRED");
  EXPECT_EQ(world.As("aurore").snapshot->policy_state().FindMember("agora")->standing,
            v1::STANDING_APPLICANT);
  // Proposed again it needs its approvals again.
  const auto again = office.Propose(AdmissionOf("agora"));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(GetErrorReason(office.Apply(*again)), v1::ERROR_REASON_APPROVALS_MISSING);
}

TEST(ProposalsByTheClock, AppliedWhenItsNoticeIsOver) {
  World world(AdministrationOptions(1, 7));
  Administration office(world);
  const auto proposal = office.Propose(AdmissionOf("agora"));
  ASSERT_TRUE(proposal.ok()) << proposal.status();
  ASSERT_TRUE(office.Approve("aurore", *proposal).ok());
  world.clock.now_ns += 7 * kDayNs - 1;
  EXPECT_EQ(StateOf(office.Apply(*proposal)), "NOTICE");
  world.clock.now_ns += 1;
  EXPECT_TRUE(office.Apply(*proposal).ok());
  EXPECT_EQ(world.As("agora").snapshot->policy_state().FindMember("agora")->standing, v1::STANDING_ACTIVE);
}

TEST(RevokedMeanwhile, ItsApprovalIsNotCounted) {
  World world(AdministrationOptions(1));
  Administration office(world);
  const auto proposal = office.Propose(AdmissionOf("agora"));
  ASSERT_TRUE(proposal.ok()) << proposal.status();
  ASSERT_TRUE(office.Approve("aurore", *proposal).ok());
  ASSERT_TRUE(office.Revoke(office.Chief(), "members/aurore/credentials/admin").ok());
  EXPECT_EQ(GetErrorReason(office.Apply(*proposal)), v1::ERROR_REASON_APPROVALS_MISSING);
  ASSERT_TRUE(office.Approve("corsa", *proposal).ok());
  EXPECT_TRUE(office.Apply(*proposal).ok());
}

TEST(RevokedMeanwhile, AChangeThatWaitedIsRefused) {
  World world(AdministrationOptions());
  Administration office(world);
  const ActingAs deputy(world, "office", "deputy");
  ASSERT_TRUE(office.Revoke(office.Chief(), "members/office/credentials/deputy").ok());
  v1::SetStandingRequest request;
  request.set_member("members/souk");
  request.set_standing(v1::STANDING_SUSPENDED);
  request.set_reason(v1::STANDING_REASON_INVESTIGATION);
  EXPECT_EQ(
      GetErrorReason(office.members.SetStanding(deputy.actor(), request, Administration::kNoHooks).status()),
      v1::ERROR_REASON_CREDENTIAL_REVOKED);
  EXPECT_EQ(world.As("souk").snapshot->policy_state().FindMember("souk")->standing, v1::STANDING_ACTIVE);
}

class KeysTest : public ::testing::Test {
 protected:
  absl::Status Register(const ActingAs& by, const std::string& credential, const std::string& key) {
    v1::RegisterKeyRequest request;
    request.set_credential(credential);
    request.set_public_key_sha256(KeyOf(key));
    return office_.credentials.Register(by.actor(), request).status();
  }
  absl::Status Confirm(const ActingAs& by, const std::string& credential, const std::string& key) {
    v1::ConfirmKeyRequest request;
    request.set_credential(credential);
    request.set_public_key_sha256(KeyOf(key));
    return office_.credentials.Confirm(by.actor(), request).status();
  }

  World world_{AdministrationOptions()};
  Administration office_{world_};
};

constexpr char kDeputy[] = "members/office/credentials/deputy";

TEST_F(KeysTest, AnAdministratorsKeyIsConfirmedByAnother) {
  ASSERT_TRUE(Register(office_.Chief(), kDeputy, "new").ok());
  EXPECT_EQ(GetErrorReason(Confirm({world_, "office", "admin"}, kDeputy, "new")),
            v1::ERROR_REASON_ROLE_MISSING);
  EXPECT_EQ(StateOf(Confirm({world_, "office", "deputy"}, kDeputy, "new")), "OWN");
  EXPECT_TRUE(Confirm(office_.Chief(), kDeputy, "new").ok());
  // office's own MEMBER_ADMIN registers, and it waits too.
  ASSERT_TRUE(Register({world_, "office", "admin"}, kDeputy, "newer").ok());
  EXPECT_NE(world_.directory().Current()->Find("office", "deputy")->key_sha256, Sha256("newer"));
}

TEST_F(KeysTest, ARevokedAdministratorIsNoneWhenItHasAKeyAgain) {
  const auto revoked = office_.Revoke(office_.Chief(), kDeputy);
  ASSERT_TRUE(revoked.ok()) << revoked.status();
  EXPECT_THAT(revoked->roles(), IsEmpty());
}

TEST_F(KeysTest, ACredentialWhoseKeysWereRevokedTooOftenTakesNoMore) {
  const std::string name = "members/souk/credentials/backend";
  const ActingAs souk(world_, "souk", "admin");
  int taken = 0;
  absl::Status last;
  for (; taken < 10 && last.ok(); ++taken) {
    ASSERT_TRUE(office_.Revoke(office_.Chief(), name).ok());
    last = Register(souk, name, "key-" + std::to_string(taken));
  }
  EXPECT_EQ(GetErrorReason(last), v1::ERROR_REASON_LIMIT_EXCEEDED);
  EXPECT_EQ(taken, 4);
}

TEST(GroupTest, OutOfAGroupThatIsDeniedSomethingByAQuorumOnly) {
  WorldOptions options = AdministrationOptions(1);
  v1::Deny& deny = *options.bootstrap.mutable_policy()->add_denies();
  deny.set_id("club-reads-no-reports");
  deny.mutable_subject()->set_group("groups/club");
  deny.add_record_classes(v1::RECORD_CLASS_OFFENDER_REPORT);
  deny.set_reason("a test");
  World world(std::move(options));
  Administration office(world);
  EXPECT_EQ(StateOf(office.RemoveFromGroup("club", "paylink")), "DENIED");
  EXPECT_TRUE(office.RemoveFromGroup("ring", "belmont").ok());

  const auto shown = [&] {
    v1::Record record = Report("bazaar.example", "shop-1");
    GrantEveryone(record);
    return world.Get(world.As("paylink"), world.Created("corsa", record).name()).ok();
  };
  EXPECT_FALSE(shown());
  v1::ProposedChange change;
  change.mutable_group_removal()->set_group("groups/club");
  change.mutable_group_removal()->add_members("members/corsa");
  EXPECT_EQ(GetErrorReason(office.Propose(change).status()), v1::ERROR_REASON_INVALID_FIELD);
  change.mutable_group_removal()->set_members(0, "members/paylink");
  const auto proposal = office.Propose(change);
  ASSERT_TRUE(proposal.ok()) << proposal.status();
  const auto states = office.proposals.Preview(office.Chief().actor(), proposal->name());
  ASSERT_TRUE(states.ok()) << states.status();
  EXPECT_THAT(states->gainers, ElementsAre(world.As("paylink").caller.member_number));
  EXPECT_EQ(GetErrorReason(office.Apply(*proposal)), v1::ERROR_REASON_APPROVALS_MISSING);
  ASSERT_TRUE(office.Approve("corsa", *proposal).ok());
  ASSERT_TRUE(office.Apply(*proposal).ok());
  EXPECT_TRUE(shown());
}

// Commits fail while it is said so.
class FailingStore final : public ForwardingStore {
 public:
  FailingStore(store::Store& base, const bool& fails) : ForwardingStore(base), fails_(fails) {}
  std::vector<absl::StatusOr<store::Revision>> CommitAll(std::span<const store::Commit> commits) override {
    if (!fails_) return ForwardingStore::CommitAll(commits);
    return {commits.size(), absl::UnavailableError("the disk is full")};
  }

 private:
  const bool& fails_;
};

TEST(CutOffNotKept, StaysUntilItIsRepeatedWhateverElseIsChanged) {
  bool fails = false;
  WorldOptions options = AdministrationOptions();
  options.wrap_store = [&fails](store::Store& base) { return std::make_unique<FailingStore>(base, fails); };
  World world(std::move(options));
  Administration office(world);
  const auto shut = [&](const std::string& credential) {
    identity::Gate::Pass pass;
    return world.directory().Current()->Find("souk", credential)->gate->Enter(&pass);
  };
  fails = true;
  EXPECT_EQ(GetErrorReason(office.SetStanding("souk", v1::STANDING_SUSPENDED)),
            v1::ERROR_REASON_CUT_OFF_NOT_KEPT);
  fails = false;
  EXPECT_EQ(shut("backend"), identity::Gate::Shut::kMember);
  // Of another member; and of all of souk's certificates, which passes by the same gates.
  ASSERT_TRUE(office.SetStanding("bazaar", v1::STANDING_SUSPENDED).ok());
  v1::SetCertificatesNotBeforeRequest request;
  request.set_member("members/souk");
  request.mutable_certificates_not_before()->set_seconds(world.clock.now_ns / 1'000'000'000);
  ASSERT_TRUE(
      office.members.SetCertificatesNotBefore(office.Chief().actor(), request, Administration::kNoHooks)
          .ok());
  EXPECT_EQ(shut("backend"), identity::Gate::Shut::kMember);
  EXPECT_EQ(shut("admin"), identity::Gate::Shut::kMember);
  ASSERT_TRUE(office.SetStanding("souk", v1::STANDING_SUSPENDED).ok());
  EXPECT_EQ(shut("backend"), identity::Gate::Shut::kNot);
  EXPECT_EQ(world.As("souk").snapshot->policy_state().FindMember("souk")->standing, v1::STANDING_SUSPENDED);
}

}  // namespace
}  // namespace coalition::testing
