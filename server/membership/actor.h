// On whose behalf something is changed, and whether it may.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coalition/v1/membership_service.pb.h"
#include "server/identity/identity.h"
#include "server/membership/directory.h"

namespace coalition::membership {

// By which state, at what time. Its member may make the call.
struct Actor {
  const identity::Caller& caller;
  const Snapshot& snapshot;
  int64_t now_ns = 0;
};

// members/{member}/credentials/{credential}
std::string NameOf(const identity::Caller& caller);

// Whether a call that was let in would be by that state, which may be newer, at the time when it came:
// MEMBER_NOT_ACTIVE, CREDENTIAL_REVOKED, or BeingCutOff. For every commit: what waited while its member was
// suspended or its key revoked is not made.
absl::Status CheckStillMay(const Snapshot& current, const identity::Caller& caller, int64_t now_s);

// Whether the caller may change it by that state too, which may be newer than the one that let the call in.
// `role`: MEMBER_ADMIN or COALITION_ADMIN.
absl::Status CheckMayChange(const Snapshot& current, const Actor& actor, v1::Role role);

// Whether it is the member's own MEMBER_ADMIN, or a COALITION_ADMIN.
absl::Status CheckMayAdminister(const Snapshot& current, const Actor& actor, uint32_t member);
bool IsCoalitionAdmin(const Snapshot& current, const Actor& actor);

// nullptr: there is no such member.
const storage::v1::StoredMember* FindMember(const Snapshot& current, std::string_view id);
// Of "members/{member}". INVALID_FIELD naming `field`: it is no such name. NOT_FOUND.
absl::StatusOr<const storage::v1::StoredMember*> MemberOfName(const Snapshot& current, std::string_view field,
                                                              const std::string& name);

// One more change of the member's credentials, or of what certificates it takes, today (UTC): each keeps all
// of them once more. RATE_LIMITED: as many as may be. What the coalition's administrators do for another
// member is neither counted nor refused, so that they can mend what a thief did.
absl::Status CountCredentialChange(const Actor& actor, int per_day_max, storage::v1::StoredMember* member);

store::Write MemberWrite(const storage::v1::StoredMember& member);
// Of its kind and groups, which end with its standing: it holds them no more from `revision` on. Exclusions
// and denials that name such a group go on to name the member, and so those under common control with it,
// until a quorum lets it go: one administrator's word takes away alone.
void EndIntervals(store::Revision revision, storage::v1::StoredMember* member);
void LetGroupsGo(storage::v1::StoredMember* member);
void BeginKind(store::Revision revision, storage::v1::StoredMember* member);
void BeginGroup(uint32_t group, store::Revision revision, storage::v1::StoredMember* member);
void EndGroup(uint32_t group, store::Revision revision, storage::v1::StoredMember* member);
bool IsInGroup(const storage::v1::StoredMember& member, uint32_t group);
// In it, or named by what names the group since it lost it with its standing.
bool IsNamedByGroup(const storage::v1::StoredMember& member, uint32_t group);

store::Write PlatformWrite(const storage::v1::StoredPlatform& platform);
// Nobody holds it from `revision` on. False: nobody did.
bool EndHolding(store::Revision revision, storage::v1::StoredPlatform* platform);

// STATE_CONFLICT. `state`: what it is in.
absl::Status StateConflict(std::string_view message, std::string_view state);
std::string StandingName(v1::Standing standing);
// An enum value's name without its type's: "STANDING_SUSPENDED" and "STANDING_" give "SUSPENDED".
std::string WithoutPrefix(const std::string& name, std::string_view prefix);

// LAST_ADMINISTRATOR unless somebody is left who can act as COALITION_ADMIN when these credentials no longer
// can: those of `member`, or the one of it that is named.
absl::Status CheckAdministratorLeft(const Snapshot& current, uint32_t member,
                                    std::string_view credential = {});

}  // namespace coalition::membership
