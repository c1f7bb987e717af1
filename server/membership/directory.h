// Who is in the coalition: kept in the store, served from an immutable snapshot.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coalition/config/v1/bootstrap.pb.h"
#include "coalition/v1/member.pb.h"
#include "server/identity/identity.h"
#include "server/policy/state.h"
#include "server/store/store.h"

namespace coalition::membership {

// One epoch of the coalition. Immutable; everything of one call is judged by one snapshot.
class Snapshot : public identity::CredentialRegistry {
 public:
  virtual const policy::State& policy_state() const = 0;
  virtual const std::string& trust_domain() const = 0;
  // Public facts, by member number; as ListMembers shows them. nullptr: no such member.
  virtual const v1::Member* PublicMember(uint32_t number) const = 0;
  // All members, ordered by name.
  virtual const std::vector<v1::Member>& PublicMembers() const = 0;
  // All platforms, ordered by name.
  virtual const std::vector<v1::Platform>& PublicPlatforms() const = 0;
};

// PERMISSION_DENIED MEMBER_NOT_ACTIVE: one answer for every standing and every call; says whom to ask, the
// secretariat.
absl::Status NotActive(const Snapshot& snapshot);

// Thread-safe.
class Directory {
 public:
  // Applies `bootstrap` to an empty store in one commit; on a store that has a coalition, refuses a bootstrap
  // with another digest (FAILED_PRECONDITION saying so). INVALID_ARGUMENT names what is wrong in the file: a
  // malformed id, an unknown kind or group, a duplicate, a platform held by a member that is no marketplace,
  // a bad key hash. DATA_LOSS: what is stored does not parse or is not whole.
  static absl::StatusOr<std::unique_ptr<Directory>> Open(store::Store& store,
                                                         const config::v1::Bootstrap& bootstrap);

  // The newest state: one atomic load.
  std::shared_ptr<const Snapshot> Current() const { return current_.load(std::memory_order_acquire); }

 private:
  Directory() = default;
  std::atomic<std::shared_ptr<const Snapshot>> current_;
};

}  // namespace coalition::membership
