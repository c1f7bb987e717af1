// Who agreed to a widening of the coalition's policy, and whether they are enough.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/policy/diff.h"
#include "common/policy/state.h"
#include "server/membership/directory.h"
#include "server/store/store.h"

namespace coalition::membership {

// The first of these members of each control group: siblings have one voice.
template <class Numbers>
std::vector<uint32_t> OneOfEachControlGroup(const policy::State& state, const Numbers& members) {
  std::vector<uint32_t> first;
  std::set<uint32_t> counted;
  for (const uint32_t member : members) {
    if (counted.contains(member)) continue;
    const auto& siblings = state.ControlGroup(member);
    counted.insert(siblings.begin(), siblings.end());
    first.push_back(member);
  }
  return first;
}

// Whether an approval of the member counts for the difference: it is ACTIVE, of a kind that the policy in
// force lets approve, and would not see more by it. Where everybody who may approve would see more, that is
// no hindrance.
bool ApprovalCounts(const policy::State& state, const policy::PolicyDiff& diff, uint32_t member);

struct Approvals {
  int needed = 0;                  // 0: the difference does not widen
  std::vector<uint32_t> approved;  // members that count, one of each control group; without the proposer's
  bool enough() const { return static_cast<int>(approved.size()) >= needed; }
};

// What is kept for exactly this difference. `proposer`: the member that applies it, 0: not known yet.
absl::StatusOr<Approvals> CountApprovals(const store::Store& store, const Snapshot& current,
                                         const policy::PolicyDiff& diff, uint32_t proposer);

// Whether what a member's credential said at that revision counts still: not if it was revoked since, for who
// said it is not known then, nor if the member lost its standing since and was let in again. `by`: the
// credential's name.
bool StillStands(const Snapshot& current, uint32_t member, std::string_view by, store::Revision said);

}  // namespace coalition::membership
