// What differs between two policies beside what readers see: limits, quorums, named audiences, texts, tests.
// For use within this room.
#pragma once

#include <vector>

#include "coalition/v1/policy.pb.h"
#include "coalition/v1/policy_service.pb.h"

namespace coalition::policy {

// In the order of the policy's fields. A longer life, another label, fewer or other approvers and a named
// audience that reaches more people widen.
std::vector<v1::OtherChange> DiffTerms(const v1::CoalitionPolicy& before, const v1::CoalitionPolicy& after);

}  // namespace coalition::policy
