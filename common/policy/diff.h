// The exact difference between two policies, by enumeration of all that can be decided.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coalition/v1/policy_service.pb.h"
#include "common/policy/state.h"

namespace coalition::policy {

struct PolicyDiff {
  // Each has one direction; together they are all cells in which a decision can differ. Sorted.
  std::vector<v1::AccessChange> access_changes;
  std::vector<v1::OtherChange> other_changes;
  // Whom named audiences would reach that they do not, and who would audit more.
  std::vector<v1::Subject> reached;
  bool widens = false;
  bool narrows = false;
  // SHA-256 in hex over the changes, the version that they are made to, and the new policy's views, ceilings
  // and denials: what reviewers agree on. The order of a policy's entries does not count.
  std::string digest;
};

// What becomes different, of records that are made under them, when `after` follows `before`: for each kind
// of reader and each member that a denial names, by relation, class, label, contributor's kind and granted
// view. Older records differ at most where these do: they were bounded by what came before already. Both
// policies must be ones that CheckPolicy and CheckPolicyNames find nothing wrong with. Thread-safe; a few
// milliseconds with 500 members.
PolicyDiff DiffPolicies(const State& state, const v1::CoalitionPolicy& before, int64_t before_version,
                        const v1::CoalitionPolicy& after);

// The same between two of a member's own policies, for those who read its records; `before` nullptr: it has
// none.
std::vector<v1::AccessChange> DiffMemberPolicies(const State& state, uint32_t member,
                                                 const v1::MemberPolicy* before,
                                                 const v1::MemberPolicy& after);

// Whether the member would see more by one of the changes that widen, or is among those who are reached.
bool Gains(const State& state, const PolicyDiff& diff, uint32_t member);

// The state with `after` in force from `revision` on, which must be above all that it knows; for counting and
// testing.
State WithPolicy(const State& state, const v1::CoalitionPolicy& after, uint64_t revision);
State WithMemberPolicy(const State& state, uint32_t member, const v1::MemberPolicy& after, uint64_t revision);

}  // namespace coalition::policy
