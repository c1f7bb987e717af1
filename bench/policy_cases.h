// What the policy room is measured with: coalitions, policies and headers of records.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coalition/v1/policy.pb.h"
#include "common/policy/header.h"
#include "common/policy/state.h"

namespace coalition::policy {

// Unix time at which all of it is read.
inline constexpr int64_t kCaseNow = 1'767'225'600;

// Members of all kinds, each in three of twenty groups, every tenth with a sibling under common control.
State MakeState(uint32_t members, Rules rules = DefaultRules());

// Of member 7, granted to nobody.
Header Report();
// Encoded: granted to a kind, to everyone but one, and to two groups and a member but not to a kind.
std::vector<std::string> TypicalHeaders();
// The same for `count` different records, in no order: of these contributors in turn, on a platform of the
// coalition and on others, made at revisions 100 to 299.
std::vector<std::string> ManyHeaders(uint32_t count, const std::vector<uint32_t>& contributors);

// The built-in policy and a denial of each of members/member-{first} and so on.
v1::CoalitionPolicy Denying(uint32_t first, uint32_t count);
// Twenty versions of the policy, of which the last three name kReaderDenied; three of kContributorBound's
// own.
Rules ManyChanges();
inline constexpr uint32_t kReaderDenied = 21;
inline constexpr uint32_t kContributorBound = 7;

}  // namespace coalition::policy
