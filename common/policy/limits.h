// What the coalition's policy lets new records be, how long proposals are open, and what contributors are
// told of those who were shown their records.
#pragma once

#include <cstdint>

#include "coalition/v1/member.pb.h"
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

// Whether contributors who ask whom their records were shown to are told of members of that kind by the kind
// alone.
bool IsShownByKind(const v1::PolicyLimits& limits, v1::MemberKind kind);
// Whether they are not told yet that a member of that kind was shown a record, at `first_s` first: the days
// count from the end of that day, UTC.
bool IsShowingSealed(const v1::PolicyLimits& limits, v1::MemberKind kind, int64_t first_s, int64_t now_s);

// After how many days a proposal expires.
int OpenDays(const v1::Quorum& quorum);

}  // namespace coalition::policy
