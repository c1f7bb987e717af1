// Members, policies, epochs, and what is noted of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "coalition/storage/v1/storage.pb.h"
#include "server/membership/stored_state.h"
#include "tests/unit/verify/verify_fixture.h"

namespace coalition::verify {
namespace {

using VerifyCoalitionTest = VerifyFixture;

TEST_F(VerifyCoalitionTest, TheCoalitionIsChecked) {
  using storage::v1::StoredMember;
  const std::string member = OneOf(std::string(membership::kMemberPrefix));
  const auto change = [&](const std::function<void(StoredMember&)>& how) {
    const auto findings = FindingsAfter({Changed<StoredMember>(member, how)});
    world().PutBack();
    return findings;
  };
  EXPECT_THAT(change([](StoredMember& of) { of.mutable_groups(0)->set_group(99); }),
              Is(Subject::kCoalition, "a group that is not there"));
  EXPECT_THAT(change([](StoredMember& of) { of.set_id("belmont"); }), Is(Subject::kCoalition, "have one id"));
  EXPECT_THAT(change([](StoredMember& of) { of.mutable_departure()->set_successor(99); }),
              Is(Subject::kCoalition, "leaves its records to nobody"));
  EXPECT_THAT(change([](StoredMember& of) {
                of.mutable_credentials(0)->set_registered_by("members/office/credentials/nobody");
              }),
              Is(Subject::kCoalition, "a key that nobody registered"));
  EXPECT_THAT(FindingsAfter({{OneOf(std::string(membership::kMemberPrefix), 1), world().MustRead(member)}}),
              Is(Subject::kCoalition, "lies under another key than it says"));
  world().PutBack();
  EXPECT_THAT(FindingsAfter({{member, "?"}}), Is(Subject::kRow, "does not parse"));
  world().PutBack();
  EXPECT_THAT(FindingsWithout(OneOf(std::string(membership::kPolicyPrefix))),
              Is(Subject::kCoalition, "there is no policy"));
  world().PutBack();
  EXPECT_THAT(FindingsAfter({{OneOf(std::string(membership::kPolicyPrefix)), "?"}}),
              Is(Subject::kCoalition, "does not parse"));
}

TEST_F(VerifyCoalitionTest, EpochsAndEventsAreChecked) {
  const std::string epoch = OneOf(std::string(membership::kEpochPrefix), 1);
  EXPECT_THAT(FindingsWithout(epoch), Is(Subject::kCoalition, "the last one noted is 1"));
  world().PutBack();
  EXPECT_THAT(FindingsAfter({Changed<storage::v1::StoredEpoch>(epoch, [](auto& of) { of.set_revision(1); })}),
              Is(Subject::kCoalition, "does not follow the epoch before it"));
  world().PutBack();
  EXPECT_THAT(
      FindingsAfter({Changed<storage::v1::StoredEpoch>(epoch, [](auto& of) { of.set_revision(99'999); })}),
      Is(Subject::kCoalition, "begins at a commit that there was not"));
  world().PutBack();
  EXPECT_THAT(FindingsWithout(OneOf("m/event/a/")), Is(Subject::kCoalition, "not in the list of all events"));
  world().PutBack();
  EXPECT_THAT(FindingsWithout(OneOf("m/event/p/")), Is(Subject::kCoalition, "that somebody is told of"));
}

TEST_F(VerifyCoalitionTest, AudiencesApprovalsAndProposalsOfNobodyAreFound) {
  storage::v1::StoredAudience audience;
  audience.set_member(99);
  audience.set_id("friends");
  audience.set_version(1);
  storage::v1::StoredApproval approval;
  approval.set_member(99);
  storage::v1::StoredProposal proposal;
  proposal.set_number(1);
  proposal.set_proposer(99);
  const std::string number = membership::BigEndian(uint64_t{1});
  const auto findings =
      FindingsAfter({{membership::AudienceKey(99, "friends", 1), audience.SerializeAsString()},
                     {membership::ApprovalPrefix(0, "") + membership::BigEndian(uint32_t{99}),
                      approval.SerializeAsString()},
                     {std::string(membership::kProposalPrefix) + number, proposal.SerializeAsString()}});
  EXPECT_THAT(findings, Is(Subject::kCoalition, "an audience of nobody"));
  EXPECT_THAT(findings, Is(Subject::kCoalition, "an approval of nobody"));
  EXPECT_THAT(findings, Is(Subject::kCoalition, "a proposal of nobody"));
}

}  // namespace
}  // namespace coalition::verify
