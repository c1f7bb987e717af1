// Credentials and their keys: registered, confirmed, revoked.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "coalition/v1/membership_service.pb.h"
#include "server/membership/actor.h"
#include "server/membership/cut_off.h"

namespace coalition::membership {

// A credential after a change, and whom that cut off.
struct CutCredential {
  v1::Credential credential;
  GateList gates;
};

// COALITION_ADMIN or AUDITOR.
bool IsAdministrative(const storage::v1::StoredCredential& credential);

struct CredentialLimits {
  int per_member_max = 0;  // revoked ones included, for names are never used again
  int revoked_keys_max = 0;
};

// Thread-safe. Every function checks its request and the caller's roles by the newest state; those that
// change wait for the disk. `directory` must outlive this.
class Credentials {
 public:
  Credentials(Directory& directory, const CredentialLimits& limits)
      : directory_(directory), limits_(limits) {}

  // By name. ROLE_MISSING: neither the member's MEMBER_ADMIN nor a COALITION_ADMIN.
  absl::StatusOr<std::vector<v1::Credential>> List(const Actor& actor, const std::string& parent) const;
  // ROLE_MISSING; INVALID_FIELD; NOT_FOUND; STATE_CONFLICT: the member has left; LIMIT_EXCEEDED.
  absl::StatusOr<v1::Credential> Set(const Actor& actor, const v1::SetCredentialRequest& request);
  // STATE_CONFLICT: the key was revoked, or is another credential's.
  absl::StatusOr<v1::Credential> Register(const Actor& actor, const v1::RegisterKeyRequest& request);
  // STATE_CONFLICT: another key waits, or none.
  absl::StatusOr<v1::Credential> Confirm(const Actor& actor, const v1::ConfirmKeyRequest& request);
  // LAST_ADMINISTRATOR; CUT_OFF_NOT_KEPT.
  absl::StatusOr<CutCredential> Revoke(const Actor& actor, const v1::RevokeCredentialRequest& request,
                                       const CutOffHooks& hooks);

 private:
  Directory& directory_;
  const CredentialLimits limits_;
};

v1::Credential ToPublic(std::string_view member, const storage::v1::StoredCredential& stored);

}  // namespace coalition::membership
