// Members' standing, groups and platforms, as far as one administrator changes them alone: what only takes
// away.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coalition/v1/membership_service.pb.h"
#include "server/membership/actor.h"
#include "server/membership/cut_off.h"
#include "server/membership/directory.h"

namespace coalition::membership {

// What was done to a member, and whom it cut off: nobody, if it was so before.
struct CutMember {
  uint32_t number = 0;
  v1::Member member;
  GateList gates;
};

// Thread-safe. Every function checks its request and the caller's roles by the newest state, and waits for
// the disk. `directory` must outlive this.
class Members {
 public:
  Members(Directory& directory, int credential_changes_per_day_max)
      : directory_(directory), credential_changes_per_day_max_(credential_changes_per_day_max) {}

  // Whoever is made to leave has its records withdrawn, as if it had left so by itself.
  // ROLE_MISSING; INVALID_FIELD; NOT_FOUND; STATE_CONFLICT: not from the standing that it has;
  // LAST_ADMINISTRATOR; CUT_OFF_NOT_KEPT.
  absl::StatusOr<CutMember> SetStanding(const Actor& actor, const v1::SetStandingRequest& request,
                                        const CutOffHooks& hooks);
  // RATE_LIMITED, as changes of credentials.
  absl::StatusOr<CutMember> SetCertificatesNotBefore(const Actor& actor,
                                                     const v1::SetCertificatesNotBeforeRequest& request,
                                                     const CutOffHooks& hooks);
  // The member is EXITED when this returns; its records are still there. The same for a repetition. A
  // successor has said that it takes them (MemberPolicy.accepts_records_of).
  absl::StatusOr<CutMember> Leave(const Actor& actor, const v1::LeaveCoalitionRequest& request,
                                  const CutOffHooks& hooks);
  // Whoever has left and whose records have been dealt with. By the server itself.
  absl::Status EndDeparture(uint32_t member, int64_t now_ns);
  // ROLE_MISSING; NOT_FOUND: it is not leaving. Without the progress.
  absl::StatusOr<v1::Departure> GetDeparture(const Actor& actor,
                                             const v1::GetDepartureRequest& request) const;

  absl::StatusOr<v1::Member> RemoveFromGroup(const Actor& actor, const v1::RemoveFromGroupRequest& request);
  absl::StatusOr<v1::Platform> ReleasePlatform(const Actor& actor, const v1::ReleasePlatformRequest& request);

 private:
  Directory& directory_;
  const int credential_changes_per_day_max_;
};

}  // namespace coalition::membership
