// Credentials and their keys: registered, confirmed, revoked.
#pragma once

#include <string>
#include <string_view>
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

// In lower case. INVALID_FIELD naming `field`.
absl::StatusOr<std::string> ReadKey(std::string_view field, const std::string& hex);
// STATE_CONFLICT: the key was revoked anywhere, or another credential than `name` has it: one person's key
// would then speak for two.
absl::Status CheckKeyFree(const Snapshot& current, std::string_view name, const std::string& key);

// COALITION_ADMIN or AUDITOR.
bool IsAdministrative(const storage::v1::StoredCredential& credential);

struct CredentialLimits {
  int per_member_max = 0;  // revoked ones included, for names are never used again
  int revoked_keys_max = 0;
  int changes_per_day_max = 0;  // of one member's, but for revocations
};

// Thread-safe. Every function checks its request and the caller's roles by the newest state; those that
// change wait for the disk. `directory` must outlive this.
class Credentials {
 public:
  Credentials(Directory& directory, const CredentialLimits& limits)
      : directory_(directory), limits_(limits) {}

  // By name. ROLE_MISSING: neither the member's MEMBER_ADMIN nor a COALITION_ADMIN.
  absl::StatusOr<std::vector<v1::Credential>> List(const Actor& actor, const std::string& parent) const;
  // ROLE_MISSING; INVALID_FIELD; NOT_FOUND; STATE_CONFLICT: the member has left; LIMIT_EXCEEDED;
  // RATE_LIMITED, as for the next two.
  absl::StatusOr<v1::Credential> Set(const Actor& actor, const v1::SetCredentialRequest& request);
  // STATE_CONFLICT: the key was revoked, or is another credential's.
  absl::StatusOr<v1::Credential> Register(const Actor& actor, const v1::RegisterKeyRequest& request);
  // STATE_CONFLICT: another key waits, or none; or a COALITION_ADMIN holds or has registered it itself.
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
