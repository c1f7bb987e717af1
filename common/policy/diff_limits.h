// What differs between the limits of two policies. For use within this room.
#pragma once

#include <vector>

#include "coalition/v1/policy.pb.h"
#include "coalition/v1/policy_service.pb.h"

namespace coalition::policy {

// Adds the changes, in the order of the limits' fields. A longer life, a default one that is longer or is or
// was the server's setting, another label, more, fewer or other approvers, less notice of a proposal or more
// time to agree to it, records of suspended members that are hidden no more, more time until a contested
// report lapses, names of those who were shown a record, disclosures that auditors may open, and less time
// until contributors are told of authorities widen. `reached`: the kinds of member that auditors are of,
// where those could open more.
void DiffLimits(const v1::PolicyLimits& before, const v1::PolicyLimits& after,
                std::vector<v1::OtherChange>* changes, std::vector<v1::Subject>* reached);

}  // namespace coalition::policy
