// Who may call at all, and how the store's refusals are told to callers. Every function is thread-safe.
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "server/exchange/exchange.h"

namespace coalition::exchange {

// OK, or PERMISSION_DENIED: MEMBER_NOT_ACTIVE unless the caller's member is ACTIVE, or LIMITED, which reads
// its own records; then ROLE_MISSING without READER. Every reading call begins with this.
absl::Status CheckMayRead(const CallContext& context);
// Whether the caller may audit: AUDITOR, of a member that is ACTIVE.
bool IsAuditor(const CallContext& context);
// OK for auditors too.
absl::Status CheckMayReadOrAudit(const CallContext& context);
// As CheckMayRead, for writing: ACTIVE alone, CONTRIBUTOR.
absl::Status CheckMayWrite(const CallContext& context);
// An error of the store as callers see it: CORRUPT, STORE_UNAVAILABLE, WRITE_UNDETERMINED or INTERNAL,
// without keys or paths. What already has a reason of ours passes unchanged, and so does OK.
absl::Status FromStore(const absl::Status& status);

// A visible record whose message does not parse, and the like: it is not served.
absl::Status Corrupt();

// LIMIT_EXCEEDED, naming the limit and its value.
absl::Status OverLimit(std::string_view limit, int64_t max, std::string_view message);

}  // namespace coalition::exchange
