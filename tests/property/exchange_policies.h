// Policies of generated histories: put together from a number.
#pragma once

#include <cstdint>

#include "coalition/v1/policy.pb.h"

namespace coalition::testing {

// The built-in policy without a quorum, changed in the ways that the number's bits choose: fields taken from
// views or shown as tokens, ceilings lowered and raised, kinds, groups and members denied, other names of
// views gone.
v1::CoalitionPolicy PolicyOf(uint32_t bits);
// The same of a member's own.
v1::MemberPolicy OwnPolicyOf(uint32_t bits);
// One of a member's own that neither those that write in histories notice nor the one that looks.
v1::MemberPolicy AsidePolicyOf(uint32_t bits);

}  // namespace coalition::testing
