// Who is in the coalition: kept in the store, served from an immutable snapshot.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coalition/config/v1/bootstrap.pb.h"
#include "coalition/v1/member.pb.h"
#include "common/mutex.h"
#include "common/policy/state.h"
#include "server/identity/identity.h"
#include "server/ledger/entry_keys.h"
#include "server/membership/stored_state.h"
#include "server/store/store.h"

namespace coalition::membership {

// The coalition at one revision. Immutable; everything of one call is judged by one snapshot.
class Snapshot : public identity::CredentialRegistry {
 public:
  virtual const policy::State& policy_state() const = 0;
  // All that this was built from.
  virtual const StoredState& stored() const = 0;
  const std::string& trust_domain() const { return stored().coalition.trust_domain(); }
  // Public facts, by member number; as ListMembers shows them. nullptr: no such member.
  virtual const v1::Member* PublicMember(uint32_t number) const = 0;
  // All members, ordered by name; none is null.
  virtual const std::vector<const v1::Member*>& PublicMembers() const = 0;
  // All platforms, and all groups, ordered by name.
  virtual const std::vector<v1::Platform>& PublicPlatforms() const = 0;
  virtual const std::vector<v1::Group>& PublicGroups() const = 0;
  // members/{member} of a secretariat: whom to ask.
  virtual const std::string& contact() const = 0;
  // What acts are written into the ledger with. nullptr: the directory's state is to be read alone.
  virtual const ledger::EntryKeys* entry_keys() const = 0;
};

// PERMISSION_DENIED MEMBER_NOT_ACTIVE: one answer for every standing and every call; says whom to ask, the
// secretariat.
absl::Status NotActive(const Snapshot& snapshot);
// The answer to who comes while its gate is shut: as the new state will answer, or UNAVAILABLE with RetryInfo
// where that depends.
absl::Status BeingCutOff(identity::Gate::Shut why, const Snapshot& snapshot);
// PERMISSION_DENIED ROLE_MISSING. `role`: "MEMBER_ADMIN". `message`: why it takes that one; empty: nothing
// beside that the credential lacks it.
absl::Status RoleMissing(std::string_view role, std::string_view message = {});

// One change of the coalition, to be made at a revision.
struct Change {
  // Beside the new epoch, which the directory writes. `epoch`: the one that begins, or goes on. `coalition`
  // is written afterwards, if an epoch begins: a change may add to it.
  std::function<std::vector<store::Write>(store::Revision revision, uint64_t epoch,
                                          storage::v1::StoredCoalition* coalition)>
      writes;
  // Whether it is one of the coalition's policy or members. One of a member's own policy is nobody's affair
  // but its own, and everybody sees the epoch.
  bool begins_epoch = true;
  // Of credentials that may see less by it: shut, and left by all who send, before the change is committed;
  // and open again, as far as this is why they are shut, when everything is judged by it. They stay shut if
  // it can't be committed, until a change for the same reason is.
  std::vector<std::shared_ptr<identity::Gate>> gates;
  identity::Gate::Shut shut = identity::Gate::Shut::kNot;
  // The one of them that is the caller's own, who asked for it, and is told if it can't be committed. May be
  // null.
  identity::Gate* own = nullptr;
  // Called just before, when all that will be refused is still under way; and when nobody is inside any more.
  // May be empty.
  std::function<void()> before_shut, when_empty;
};

// What one reply is judged by.
struct Moment {
  // The records are read at this revision.
  store::Revision revision = 0;
  // Up to here the state is the one that the store has: the revision, or that before a change of the
  // coalition which is durable and not yet published.
  store::Revision settled = 0;
  std::shared_ptr<const Snapshot> snapshot;
};

// Thread-safe.
class Directory {
 public:
  // Applies `bootstrap` to an empty store in one commit; on a store that has a coalition, refuses a bootstrap
  // with another digest (FAILED_PRECONDITION saying so). INVALID_ARGUMENT names what is wrong in the file: a
  // malformed id, an unknown kind or group, a duplicate, a platform held by a member that is no marketplace,
  // a bad key hash, a policy that is none or whose tests fail. DATA_LOSS: what is stored does not parse or is
  // not whole. `store` must outlive the directory. `entry_keys`: what acts are written into the ledger with;
  // null: a store that has a coalition is read, and nothing is changed (FAILED_PRECONDITION).
  static absl::StatusOr<std::unique_ptr<Directory>> Open(
      store::Store& store, const config::v1::Bootstrap& bootstrap, int64_t now_ns,
      std::shared_ptr<const ledger::EntryKeys> entry_keys = nullptr);

  // The newest state.
  std::shared_ptr<const Snapshot> Current() const { return current_.load(std::memory_order_acquire); }
  // Whether a state that the caller holds is the newest: cheaper than taking that one, too.
  bool IsCurrent(const Snapshot& state) const { return newest_.load(std::memory_order_acquire) == &state; }

  // A revision that was the newest while the state was. So a record that was written after a change of the
  // coalition had returned is never judged by a state from before the change, nor one that was changed before
  // it by a state from after.
  Moment Now() const;

  // The state as it was when that epoch ended, or is now. OUT_OF_RANGE: there was no such epoch, or the
  // store's history does not reach back to it. Reads from disk.
  absl::StatusOr<std::shared_ptr<const Snapshot>> At(uint64_t epoch) const;

  // The state as it was at that revision of the store, which is at most the newest one that is published.
  // OUT_OF_RANGE: the store's history does not reach back to it. Reads from disk, unless it is the newest
  // state's own revision.
  absl::StatusOr<std::shared_ptr<const Snapshot>> AsOf(store::Revision revision) const;

  // Makes one change after the other: `judge` is given the newest state and answers the change, or why there
  // is none; nullopt: nothing is to be changed. When this returns OK the change is durable and Current() has
  // it; the state that was judged last is returned. Waits for the disk. Errors: the judge's, or the store's.
  using Judge =
      std::function<absl::StatusOr<std::optional<Change>>(const std::shared_ptr<const Snapshot>& current)>;
  absl::StatusOr<std::shared_ptr<const Snapshot>> Make(const Judge& judge);

  store::Store& store() const { return store_; }

 private:
  explicit Directory(store::Store& store) : store_(store) {}

  void Publish(std::shared_ptr<const Snapshot> state);

  store::Store& store_;
  Mutex changing_;
  // Of the change that is being made, from before it is durable until it is published; 0: none.
  std::atomic<store::Revision> making_{0};
  std::atomic<std::shared_ptr<const Snapshot>> current_;
  // The same one, from a moment earlier on: to be compared with, for it may go as soon as it is another.
  std::atomic<const Snapshot*> newest_{nullptr};
};

}  // namespace coalition::membership
