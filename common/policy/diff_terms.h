// What differs between two policies beside what readers see: limits, quorums, named audiences, texts, tests.
// For use within this room.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "coalition/v1/policy.pb.h"
#include "coalition/v1/policy_service.pb.h"

namespace coalition::policy {

// By id: named audiences of earlier versions, which a record may name again once they are back.
using FormerAudiences = std::map<std::string, v1::Audience>;

struct TermsDiff {
  std::vector<v1::OtherChange> changes;  // in the order of the policy's fields
  std::vector<v1::Subject> reached;      // who would be shown more by it
};

// What widens the limits (diff_limits.h), a named audience that reaches more people than it did when it last
// was there, and a denial that nothing else covers widen.
TermsDiff DiffTerms(const v1::CoalitionPolicy& before, const v1::CoalitionPolicy& after,
                    const FormerAudiences& former);

}  // namespace coalition::policy
