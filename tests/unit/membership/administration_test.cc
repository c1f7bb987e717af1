// Proposals by the clock, and what a change is judged by when something was taken away meanwhile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/errors.h"
#include "server/membership/policies.h"
#include "server/membership/proposed_changes.h"
#include "tests/support/administration_world.h"

namespace coalition::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

constexpr int64_t kDayNs = int64_t{86'400} * 1'000'000'000;

v1::ProposedChange AdmissionOf(const std::string& id) {
  v1::ProposedChange change;
  change.mutable_admission()->set_member_id(id);
  change.mutable_admission()->set_kind(v1::MEMBER_KIND_MARKETPLACE);
  return change;
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

// Nor who was suspended and let in again: it says it once more.
TEST(RevokedMeanwhile, AnApprovalFromBeforeASuspensionIsNotCounted) {
  World world(AdministrationOptions(1));
  Administration office(world);
  const auto proposal = office.Propose(AdmissionOf("agora"));
  ASSERT_TRUE(office.Approve("aurore", *proposal).ok());
  ASSERT_TRUE(office.SetStanding("aurore", v1::STANDING_SUSPENDED).ok());
  v1::ProposedChange back;
  back.mutable_reinstatement()->set_member("members/aurore");
  const auto reinstated = office.Propose(back);
  ASSERT_TRUE(office.Approve("corsa", *reinstated).ok());
  ASSERT_TRUE(office.Apply(*reinstated).ok());
  EXPECT_EQ(GetErrorReason(office.Apply(*proposal)), v1::ERROR_REASON_APPROVALS_MISSING);
  ASSERT_TRUE(office.Approve("aurore", *proposal).ok());
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
    return std::vector<absl::StatusOr<store::Revision>>(commits.size(),
                                                        absl::UnavailableError("the disk is full"));
  }

 private:
  const bool& fails_;
};

class CutOffNotKept : public ::testing::Test {
 protected:
  CutOffNotKept() : world_(Options()), office_(world_) {}

  WorldOptions Options() {
    WorldOptions options = AdministrationOptions();
    options.wrap_store = [this](store::Store& base) { return std::make_unique<FailingStore>(base, fails_); };
    return options;
  }
  identity::Gate::Shut ShutOf(const std::string& credential) {
    return world_.directory().Current()->Find("souk", credential)->gate->shut();
  }
  absl::Status NotBeforeNow(const ActingAs& by) {
    v1::SetCertificatesNotBeforeRequest request;
    request.set_member("members/souk");
    request.mutable_certificates_not_before()->set_seconds(world_.clock.now_ns / 1'000'000'000);
    return office_.members.SetCertificatesNotBefore(by.actor(), request, Administration::kNoHooks).status();
  }
  // What is asked for while the store refuses.
  template <class Ask>
  void NotKept(const Ask& ask) {
    fails_ = true;
    EXPECT_EQ(GetErrorReason(ask()), v1::ERROR_REASON_CUT_OFF_NOT_KEPT);
    fails_ = false;
  }

  bool fails_ = false;
  World world_;
  Administration office_;
};

constexpr char kSouksBackend[] = "members/souk/credentials/backend";
using Shut = identity::Gate::Shut;

TEST_F(CutOffNotKept, ASuspensionStaysUntilItIsRepeatedWhateverElseIsChanged) {
  NotKept([&] { return office_.SetStanding("souk", v1::STANDING_SUSPENDED); });
  ASSERT_TRUE(office_.SetStanding("bazaar", v1::STANDING_SUSPENDED).ok());
  ASSERT_TRUE(NotBeforeNow(office_.Chief()).ok());
  EXPECT_EQ(ShutOf("backend"), Shut::kMember);
  ASSERT_TRUE(office_.Revoke(office_.Chief(), kSouksBackend).ok());
  EXPECT_EQ(ShutOf("backend"), Shut::kMember);
  ASSERT_TRUE(office_.SetStanding("souk", v1::STANDING_LIMITED).ok());
  EXPECT_EQ(ShutOf("admin"), Shut::kMember);
  ASSERT_TRUE(office_.SetStanding("souk", v1::STANDING_SUSPENDED).ok());
  EXPECT_EQ(ShutOf("backend"), Shut::kNot);
  EXPECT_EQ(ShutOf("admin"), Shut::kNot);
  EXPECT_EQ(world_.As("souk").snapshot->policy_state().FindMember("souk")->standing, v1::STANDING_SUSPENDED);
}

TEST_F(CutOffNotKept, ARevocationOutlivesASuspension) {
  NotKept([&] { return office_.Revoke(office_.Chief(), kSouksBackend).status(); });
  ASSERT_TRUE(office_.SetStanding("souk", v1::STANDING_SUSPENDED).ok());
  EXPECT_EQ(ShutOf("backend"), Shut::kCredential);
  EXPECT_EQ(ShutOf("admin"), Shut::kNot);
  ASSERT_TRUE(office_.Revoke(office_.Chief(), kSouksBackend).ok());
  EXPECT_EQ(ShutOf("backend"), Shut::kNot);
}

TEST_F(CutOffNotKept, WhoIsOutChangesNothingThatItHadAskedForBefore) {
  const ActingAs souk(world_, "souk", "admin");
  NotKept([&] { return office_.SetStanding("souk", v1::STANDING_SUSPENDED); });
  EXPECT_EQ(GetErrorReason(NotBeforeNow(souk)), v1::ERROR_REASON_MEMBER_NOT_ACTIVE);
  const auto created = world_.Create(world_.As("souk"), CreateRequest(Report("souk.example", "shop-1")));
  EXPECT_EQ(GetErrorReason(created.status()), v1::ERROR_REASON_MEMBER_NOT_ACTIVE);
}

// Who cuts itself off is told, and can repeat it.
TEST_F(CutOffNotKept, TheCallersOwnCredentialIsLetInAgain) {
  const ActingAs souk(world_, "souk", "admin");
  NotKept([&] { return NotBeforeNow(souk); });
  EXPECT_EQ(ShutOf("admin"), Shut::kNot);
  EXPECT_EQ(ShutOf("backend"), Shut::kNotBefore);
  ASSERT_TRUE(NotBeforeNow(souk).ok());
  EXPECT_EQ(ShutOf("backend"), Shut::kNot);
}

TEST(ProposedTwice, IsOneMemberTooMany) {
  World world(AdministrationOptions());
  Administration office(world);
  for (const bool removal : {false, true}) {
    v1::ProposedChange change;
    auto& members = removal ? *change.mutable_group_removal()->mutable_members()
                            : *change.mutable_group_addition()->mutable_members();
    (removal ? *change.mutable_group_removal()->mutable_group()
             : *change.mutable_group_addition()->mutable_group()) = removal ? "groups/club" : "groups/ring";
    *members.Add() = "members/paylink";
    *members.Add() = "members/paylink";
    EXPECT_EQ(GetErrorReason(office.Propose(change).status()), v1::ERROR_REASON_INVALID_FIELD);
    members.RemoveLast();
    EXPECT_TRUE(office.Propose(change).ok());
  }
}

TEST(RevokedMeanwhile, ItApprovesAgainWithAnotherKey) {
  World world(AdministrationOptions(1));
  Administration office(world);
  const auto proposal = office.Propose(AdmissionOf("agora"));
  ASSERT_TRUE(proposal.ok()) << proposal.status();
  ASSERT_TRUE(office.Approve("aurore", *proposal).ok());
  const std::string name = "members/aurore/credentials/admin";
  ASSERT_TRUE(office.Revoke(office.Chief(), name).ok());
  v1::RegisterKeyRequest registered;
  registered.set_credential(name);
  registered.set_public_key_sha256(KeyOf("another"));
  ASSERT_TRUE(office.credentials.Register(office.Chief().actor(), registered).ok());
  v1::ConfirmKeyRequest confirmed;
  confirmed.set_credential(name);
  confirmed.set_public_key_sha256(KeyOf("another"));
  ASSERT_TRUE(office.credentials.Confirm(ActingAs(world, "office", "deputy").actor(), confirmed).ok());
  EXPECT_EQ(GetErrorReason(office.Apply(*proposal)), v1::ERROR_REASON_APPROVALS_MISSING);
  ASSERT_TRUE(office.Approve("aurore", *proposal).ok());
  EXPECT_TRUE(office.Apply(*proposal).ok());
}

TEST(RevokedMeanwhile, WhatItWroteIsNotKept) {
  World world(AdministrationOptions());
  Administration office(world);
  const exchange::CallContext before = world.As("souk");
  ASSERT_TRUE(office.Revoke(office.Chief(), kSouksBackend).ok());
  const auto created = world.Create(before, CreateRequest(Report("souk.example", "shop-1")));
  EXPECT_EQ(GetErrorReason(created.status()), v1::ERROR_REASON_CREDENTIAL_REVOKED);
}

TEST(Objection, HoldsWhenItIsRepeated) {
  World world(AdministrationOptions(1));
  Administration office(world);
  const auto proposal = office.Propose(AdmissionOf("agora"));
  ASSERT_TRUE(proposal.ok()) << proposal.status();
  v1::ObjectToProposalRequest object;
  object.set_name(proposal->name());
  const auto excludes = [&] {
    const auto current = world.directory().Current();
    const auto& own = current->stored().own_policies;
    return !own.empty() && own.back().policy().exclusions_size() == 1;
  };
  ASSERT_TRUE(office.proposals.Object(ActingAs(world, "aurore", "admin").actor(), object).ok());
  EXPECT_TRUE(excludes());
  membership::Policies policies(world.directory(), {.own_policy_changes_per_day_max = 10});
  v1::SetMemberPolicyRequest lift;
  lift.mutable_policy()->set_unbounded(true);
  ASSERT_TRUE(policies.SetOwn(ActingAs(world, "aurore", "admin").actor(), lift).ok());
  EXPECT_FALSE(excludes());
  const auto again = office.proposals.Object(ActingAs(world, "aurore", "admin").actor(), object);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(excludes());
  EXPECT_EQ(again->objections_size(), 1);
}

TEST(TakenAwaySince, AnApprovedReinstatementDoesNotUndoALaterSuspension) {
  World world(AdministrationOptions(1));
  Administration office(world);
  ASSERT_TRUE(office.SetStanding("souk", v1::STANDING_LIMITED).ok());
  world.clock.now_ns += 1;
  v1::ProposedChange change;
  change.mutable_reinstatement()->set_member("members/souk");
  const auto proposal = office.Propose(change);
  ASSERT_TRUE(proposal.ok()) << proposal.status();
  ASSERT_TRUE(office.Approve("aurore", *proposal).ok());
  world.clock.now_ns += 1;
  ASSERT_TRUE(office.SetStanding("souk", v1::STANDING_SUSPENDED).ok());
  EXPECT_EQ(StateOf(office.Apply(*proposal)), "CHANGED");
}

TEST(ProposedTooMuch, IsRefused) {
  World world(AdministrationOptions());
  Administration office(world);
  v1::ProposedChange change = AdmissionOf("agora");
  change.mutable_admission()->set_display_name(std::string(40'000, 'x'));
  EXPECT_EQ(GetErrorReason(office.Propose(change).status()), v1::ERROR_REASON_INVALID_FIELD);
  change = v1::ProposedChange();
  change.mutable_role_grant()->set_credential("members/office/credentials/third");
  for (int i = 0; i < 1'000; ++i) change.mutable_role_grant()->add_roles(v1::ROLE_COALITION_ADMIN);
  EXPECT_EQ(GetErrorReason(office.Propose(change).status()), v1::ERROR_REASON_INVALID_FIELD);
}

// A sibling of who is suspended is kept from what names their kind or group as before.
TEST(Siblings, ASuspensionShowsThemNothingMore) {
  WorldOptions options = AdministrationOptions();
  for (auto& member : *options.bootstrap.mutable_members()) {
    if (member.id() == "paylink" || member.id() == "souk") member.set_control_group("holding");
  }
  World world(std::move(options));
  Administration office(world);
  const auto souk_sees = [&](const v1::Subject& excluded) {
    v1::Record record = Report("bazaar.example", "shop-1");
    GrantEveryone(record);
    *record.mutable_audience()->add_exclusions() = excluded;
    return world.Get(world.As("souk"), world.Created("corsa", record).name()).ok();
  };
  v1::Subject payment, club;
  payment.set_kind(v1::MEMBER_KIND_PAYMENT);
  club.set_group("groups/club");
  EXPECT_FALSE(souk_sees(payment));
  EXPECT_FALSE(souk_sees(club));
  ASSERT_TRUE(office.SetStanding("paylink", v1::STANDING_SUSPENDED).ok());
  EXPECT_FALSE(souk_sees(payment));
  EXPECT_FALSE(souk_sees(club));
  // A quorum that lets it in again without the group lets its sibling go too, and is told of both.
  v1::ProposedChange change;
  change.mutable_reinstatement()->set_member("members/paylink");
  const auto proposal = office.Propose(change);
  ASSERT_TRUE(proposal.ok()) << proposal.status();
  const auto states = office.proposals.Preview(office.Chief().actor(), proposal->name());
  ASSERT_TRUE(states.ok()) << states.status();
  EXPECT_THAT(states->gainers,
              ElementsAre(world.As("paylink").caller.member_number, world.As("souk").caller.member_number));
  ASSERT_TRUE(office.Apply(*proposal).ok());
  EXPECT_FALSE(souk_sees(payment));
  EXPECT_TRUE(souk_sees(club));
}

// Of a platform that nobody holds, a marketplace sees what its host would and what others would; then what
// others do, which may be more.
TEST(PlatformTest, WithItsFirstHolderTheOtherMarketplacesMaySeeMore) {
  World world(AdministrationOptions());
  Administration office(world);
  const auto gainers = [&](const std::string& platform) {
    v1::ProposedChange change;
    change.mutable_platform_assignment()->set_platform("platforms/" + platform);
    change.mutable_platform_assignment()->set_holder("members/bazaar");
    return membership::GainersOf(*world.directory().Current(), change);
  };
  const uint32_t bazaar = world.As("bazaar").caller.member_number;
  const uint32_t souk = world.As("souk").caller.member_number;
  EXPECT_THAT(gainers("new.example"), UnorderedElementsAre(bazaar, souk));
  EXPECT_THAT(gainers("souk.example"), ElementsAre(bazaar));
}

TEST(PlatformTest, WhoHeldItMayAskAgain) {
  World world(AdministrationOptions());
  Administration office(world);
  v1::ReleasePlatformRequest request;
  request.set_platform("platforms/souk.example");
  for (int i = 0; i < 2; ++i) {
    const auto released = office.members.ReleasePlatform(ActingAs(world, "souk", "admin").actor(), request);
    ASSERT_TRUE(released.ok()) << released.status();
    EXPECT_EQ(released->holder(), "");
  }
}

}  // namespace
}  // namespace coalition::testing
