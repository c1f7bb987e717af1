// Policies of generated histories: put together from a number, and put in force as an administrator would.
#pragma once

#include <cstdint>
#include <string>

#include "coalition/v1/policy.pb.h"
#include "tests/support/exchange_world.h"

namespace coalition::testing {

// The built-in policy without a quorum, changed in the ways that the number's bits choose: fields taken from
// views or shown as tokens, ceilings lowered and raised, kinds, groups and members denied, other names of
// views gone.
v1::CoalitionPolicy PolicyOf(uint32_t bits);
// The same of a member's own.
v1::MemberPolicy OwnPolicyOf(uint32_t bits);

// A world in memory whose first policy is PolicyOf(0), with administrators.
WorldOptions PolicyWorld();

// By the office's and the member's administrator; abort if they are refused.
void ApplyPolicy(World& world, const v1::CoalitionPolicy& policy);
void SetOwnPolicy(World& world, const std::string& member, const v1::MemberPolicy& policy);

}  // namespace coalition::testing
