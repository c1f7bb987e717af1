#include "server/exchange/access.h"

#include <chrono>
#include <string>

#include "common/errors.h"
#include "server/membership/directory.h"
#include "server/store/committed.h"

namespace coalition::exchange {
namespace {

v1::Standing StandingOf(const CallContext& context) {
  const policy::MemberState* member = context.snapshot->policy_state().member(context.caller.member_number);
  return member == nullptr ? v1::STANDING_UNSPECIFIED : member->standing;
}

// About the time in which the lane commits what waits.
constexpr std::chrono::milliseconds kRetryWhenLaneFull{200};

}  // namespace

absl::Status CheckMayRead(const CallContext& context) {
  const v1::Standing standing = StandingOf(context);
  if (standing != v1::STANDING_ACTIVE && standing != v1::STANDING_LIMITED)
    return membership::NotActive(*context.snapshot);
  return context.caller.roles.Has(v1::ROLE_READER) ? absl::OkStatus() : membership::RoleMissing("READER");
}

bool IsAuditor(const CallContext& context) {
  return context.caller.roles.Has(v1::ROLE_AUDITOR) && StandingOf(context) == v1::STANDING_ACTIVE;
}

absl::Status CheckMayReadOrAudit(const CallContext& context) {
  return IsAuditor(context) ? absl::OkStatus() : CheckMayRead(context);
}

absl::Status CheckMayWrite(const CallContext& context) {
  if (StandingOf(context) != v1::STANDING_ACTIVE) return membership::NotActive(*context.snapshot);
  return context.caller.roles.Has(v1::ROLE_CONTRIBUTOR) ? absl::OkStatus()
                                                        : membership::RoleMissing("CONTRIBUTOR");
}

absl::Status FromStore(const absl::Status& status) {
  if (status.ok() || GetErrorReason(status) != v1::ERROR_REASON_UNSPECIFIED) return status;
  switch (status.code()) {
    case absl::StatusCode::kDataLoss:
      return Corrupt();
    case absl::StatusCode::kUnavailable:
      if (store::CommittedAt(status)) {
        return Error(v1::ERROR_REASON_STORE_UNAVAILABLE,
                     "the change stands, but the journal of denials could not be written: tell the server's "
                     "operator, and repeat the call until it succeeds");
      }
      return Error(v1::ERROR_REASON_STORE_UNAVAILABLE, "the store refused; nothing of the call was kept");
    case absl::StatusCode::kResourceExhausted:
      return WithRetryDelay(Error(v1::ERROR_REASON_STORE_UNAVAILABLE,
                                  "too many commits wait for the disk; nothing of the call was kept"),
                            kRetryWhenLaneFull);
    case absl::StatusCode::kUnknown:
      return Error(v1::ERROR_REASON_WRITE_UNDETERMINED,
                   "the store can't say whether the write happened; repeat it with the same request_id");
    default:
      return Error(v1::ERROR_REASON_INTERNAL, "the store did not answer as it should");
  }
}

absl::Status Corrupt() {
  return Error(v1::ERROR_REASON_CORRUPT,
               "a stored value is damaged and is not served; tell the server's operator");
}

absl::Status OverLimit(std::string_view limit, int64_t max, std::string_view message) {
  return Error(v1::ERROR_REASON_LIMIT_EXCEEDED, message, {{"limit", limit}, {"max", std::to_string(max)}});
}

}  // namespace coalition::exchange
