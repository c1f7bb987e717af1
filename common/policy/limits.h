// What the coalition's policy lets new records be, and how long proposals are open.
#pragma once

#include "coalition/v1/policy.pb.h"

namespace coalition::policy {

// The longest life, in days, of records of the class and label; 0: the policy does not say.
int LifetimeDays(const v1::PolicyLimits& limits, v1::RecordClass record_class, v1::Label label);
// How long those live that do not say; 0: the policy does not say. It may be more than LifetimeDays, which
// bounds it.
int DefaultLifetimeDays(const v1::PolicyLimits& limits, v1::RecordClass record_class, v1::Label label);

// After how many days a contested report lapses.
int ContestDays(const v1::PolicyLimits& limits);

// Whether records may carry the label.
bool AllowsLabel(const v1::PolicyLimits& limits, v1::Label label);

// After how many days a proposal expires.
int OpenDays(const v1::Quorum& quorum);

}  // namespace coalition::policy
