// What is wrong with a policy that somebody wrote.
#pragma once

#include <string>
#include <vector>

#include "coalition/v1/policy.pb.h"
#include "common/policy/state.h"

namespace coalition::policy {

// Of one policy. Beyond these a policy is no text that people review.
inline constexpr int kPolicyViewsMax = 256;    // definitions; of at most kViewNamesMax names
inline constexpr int kPolicyEntriesMax = 200;  // ceilings, denies, audiences, tests, each
inline constexpr int kPolicyBytesMax = 1 << 20;
inline constexpr int kTestGroupsMax = 64;  // of one test's reader

struct PolicyProblem {
  std::string path;     // "views[2].full[0]"
  std::string message;  // with what was probably meant, where something near exists
};

// All that can be judged without the coalition: missing and unknown values, duplicates, fields that a class
// does not have, levels that a field does not have, views that are not defined. At most the first 100, and
// thread-safe, as all of these.
std::vector<PolicyProblem> CheckPolicy(const v1::CoalitionPolicy& policy);

// Members and groups that the coalition does not have, and view names that it has no room for. For a policy
// that CheckPolicy finds nothing wrong with.
std::vector<PolicyProblem> CheckPolicyNames(const v1::CoalitionPolicy& policy, const State& state);

// The same for a member's own policy, by the views of the coalition's.
std::vector<PolicyProblem> CheckMemberPolicy(const v1::MemberPolicy& policy, const State& state);

}  // namespace coalition::policy
