// Generated policies: the coalition's, version after version, and members' own.
#pragma once

#include <cstdint>
#include <memory>
#include <ostream>
#include <vector>

#include "coalition/v1/policy.pb.h"
#include "common/policy/state.h"

namespace coalition::testing {

// The names that generated policies give to views: "full", "notice" and two more. Numbered from 1.
inline constexpr int kWorldViews = 4;
const policy::ViewNames& WorldViewNames();

std::shared_ptr<const policy::CompiledPolicy> Compile(const v1::CoalitionPolicy& policy);

// What a generated policy is about.
struct PolicyScope {
  v1::RecordClass record_class = v1::RECORD_CLASS_UNSPECIFIED;  // views and ceilings are mostly of this class
  uint32_t members = 0;                                         // member-1 to member-n
  uint32_t contributor = 0;                                     // of the record
  bool regular = true;                                          // everything that is named exists
};

// For use in a generator: each draws what it needs.
v1::Subject PickSubject(const PolicyScope& scope);
v1::Deny PickDeny(const PolicyScope& scope);
v1::Ceiling PickCeiling(const PolicyScope& scope);
v1::CoalitionPolicy PickPolicy(const PolicyScope& scope);
v1::MemberPolicy PickMemberPolicy(const PolicyScope& scope, size_t versions);
// A few small changes.
void Mutate(const PolicyScope& scope, v1::CoalitionPolicy* policy);

// One to four versions, the first from 0 and the others below `head`; often the default policy alone.
std::vector<policy::PolicyInForce> PickPolicies(const PolicyScope& scope, uint64_t head);
// None to four, often the contributor's.
std::vector<policy::MemberPolicyInForce> PickMemberPolicies(const PolicyScope& scope, uint64_t head,
                                                            size_t versions);

void Print(std::ostream& out, const std::vector<policy::PolicyInForce>& policies);
void Print(std::ostream& out, const std::vector<policy::MemberPolicyInForce>& policies);

}  // namespace coalition::testing
