#include "server/membership/approvals.h"

#include <algorithm>
#include <set>

#include "server/membership/stored_state.h"

namespace coalition::membership {
namespace {

bool MayApprove(const policy::State& state, const policy::MemberState& member) {
  const auto& electorate = state.policy().limits().widening().electorate();
  return member.standing == v1::STANDING_ACTIVE &&
         std::find(electorate.begin(), electorate.end(), member.kind) != electorate.end();
}

// Whether those who may approve and would not see more are enough, each of another control group. Where they
// are not, a change that most would gain by could never be made.
bool EnoughGainNothing(const policy::State& state, const policy::PolicyDiff& diff) {
  std::set<uint32_t> groups;  // by their first member
  for (const policy::MemberState& member : state.members()) {
    if (!MayApprove(state, member) || policy::Gains(state, diff, member.number)) continue;
    const auto& group = state.ControlGroup(member.number);
    groups.insert(*std::min_element(group.begin(), group.end()));
  }
  return static_cast<int>(groups.size()) >= state.policy().limits().widening().approvals();
}

}  // namespace

bool ApprovalCounts(const policy::State& state, const policy::PolicyDiff& diff, uint32_t number) {
  const policy::MemberState* member = state.member(number);
  if (member == nullptr || !MayApprove(state, *member)) return false;
  return !policy::Gains(state, diff, number) || !EnoughGainNothing(state, diff);
}

absl::StatusOr<Approvals> CountApprovals(const store::Store& store, const policy::State& state,
                                         const policy::PolicyDiff& diff, uint32_t proposer) {
  Approvals approvals;
  if (!diff.widens) return approvals;
  approvals.needed = state.policy().limits().widening().approvals();
  std::vector<storage::v1::StoredApproval> stored;
  absl::Status loaded =
      LoadAll(store, ApprovalPrefix(state.policy_version(), diff.digest), store.Head(), &stored);
  if (!loaded.ok()) return loaded;
  std::set<uint32_t> counted;
  for (const uint32_t sibling : state.ControlGroup(proposer)) counted.insert(sibling);
  for (const auto& approval : stored) {
    if (counted.contains(approval.member()) || !ApprovalCounts(state, diff, approval.member())) continue;
    approvals.approved.push_back(approval.member());
    for (const uint32_t sibling : state.ControlGroup(approval.member())) counted.insert(sibling);
  }
  return approvals;
}

}  // namespace coalition::membership
