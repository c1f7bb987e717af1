#include "server/membership/approvals.h"

#include <algorithm>

#include "common/ids.h"
#include "server/membership/stored_state.h"

namespace coalition::membership {
namespace {

bool IsOfElectorate(const policy::State& state, const policy::MemberState& member) {
  const auto& electorate = state.policy().limits().widening().electorate();
  return std::find(electorate.begin(), electorate.end(), member.kind) != electorate.end();
}

bool MayApprove(const policy::State& state, const policy::MemberState& member) {
  return member.standing == v1::STANDING_ACTIVE && IsOfElectorate(state, member);
}

// Also one that was until after the policy in force was applied: else one administrator could make those who
// gain count, by suspending whoever does not, or ending its membership.
bool WasAdmitted(const policy::State& state, const policy::MemberState& member) {
  return member.standing == v1::STANDING_ACTIVE || member.standing == v1::STANDING_LIMITED ||
         member.standing == v1::STANDING_SUSPENDED ||
         (!member.kind_held.empty() && member.kind_held.back().to > state.newest_policy().from);
}

// Whether those who may approve and would not see more are enough, each of another control group. Where they
// are not, a change that most would gain by could never be made.
bool EnoughGainNothing(const policy::State& state, const policy::PolicyDiff& diff) {
  std::vector<uint32_t> members;
  for (const policy::MemberState& member : state.members()) {
    if (IsOfElectorate(state, member) && WasAdmitted(state, member) &&
        !policy::Gains(state, diff, member.number)) {
      members.push_back(member.number);
    }
  }
  return static_cast<int>(OneOfEachControlGroup(state, members).size()) >=
         state.policy().limits().widening().approvals();
}

}  // namespace

bool ApprovalCounts(const policy::State& state, const policy::PolicyDiff& diff, uint32_t number) {
  const policy::MemberState* member = state.member(number);
  if (member == nullptr || !MayApprove(state, *member)) return false;
  return !policy::Gains(state, diff, number) || !EnoughGainNothing(state, diff);
}

bool StillStands(const Snapshot& current, uint32_t number, std::string_view by, store::Revision said) {
  const storage::v1::StoredMember& member = current.stored().members[number - 1];
  const auto& held = member.kind_held();
  if (!held.empty() && held.rbegin()->from_revision() > said) return false;
  return std::none_of(member.credentials().begin(), member.credentials().end(), [&](const auto& credential) {
    return credential.revoke_revision() > said && FormatCredentialName(member.id(), credential.id()) == by;
  });
}

absl::StatusOr<Approvals> CountApprovals(const store::Store& store, const Snapshot& current,
                                         const policy::PolicyDiff& diff, uint32_t proposer) {
  const policy::State& state = current.policy_state();
  Approvals approvals;
  if (!diff.widens) return approvals;
  approvals.needed = state.policy().limits().widening().approvals();
  std::vector<storage::v1::StoredApproval> stored;
  absl::Status loaded =
      LoadAll(store, ApprovalPrefix(state.policy_version(), diff.digest), store.Head(), &stored);
  if (!loaded.ok()) return loaded;
  const auto& own = state.ControlGroup(proposer);
  std::vector<uint32_t> counting;
  for (const auto& approval : stored) {
    const bool of_proposer = std::find(own.begin(), own.end(), approval.member()) != own.end();
    if (!of_proposer && ApprovalCounts(state, diff, approval.member()) &&
        StillStands(current, approval.member(), approval.approved_by(), approval.revision())) {
      counting.push_back(approval.member());
    }
  }
  approvals.approved = OneOfEachControlGroup(state, counting);
  return approvals;
}

}  // namespace coalition::membership
