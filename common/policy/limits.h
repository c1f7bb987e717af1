// What the coalition's policy lets new records be.
#pragma once

#include "coalition/v1/policy.pb.h"

namespace coalition::policy {

// The longest life, in days, of records of the class and label; 0: the policy does not say.
int LifetimeDays(const v1::PolicyLimits& limits, v1::RecordClass record_class, v1::Label label);

// Whether records may carry the label.
bool AllowsLabel(const v1::PolicyLimits& limits, v1::Label label);

}  // namespace coalition::policy
