#include "server/membership/directory.h"

#include <algorithm>
#include <chrono>
#include <span>
#include <utility>

#include "absl/status/status.h"
#include "common/errors.h"
#include "common/policy/default_policy.h"
#include "server/membership/acts.h"
#include "server/membership/bootstrap.h"
#include "server/membership/snapshot.h"
#include "server/store/commit_writes.h"
#include "server/store/committed.h"

namespace coalition::membership {
namespace {

// A store of a version that had no policies: it was judged by the built-in one.
std::vector<store::Write> PolicyOfOlderStore(storage::v1::StoredCoalition coalition, int64_t now_ns) {
  std::vector<store::Write> writes;
  writes.push_back(Stored(PolicyKey(1), FirstPolicy(policy::DefaultPolicy(), now_ns, &coalition)));
  writes.push_back(Stored(std::string(kCoalitionKey), coalition));
  return writes;
}

absl::Status NoEntryKeys() {
  return absl::FailedPreconditionError("the coalition is opened to be read, and nothing can be changed");
}

// Judges whether the bootstrap is to be applied; runs inside the commit, so that of two servers one wins.
store::Commit BootstrapCommit(const config::v1::Bootstrap& bootstrap, bool store_is_empty, int64_t now_ns,
                              const ledger::EntryKeys* entry_keys) {
  store::Commit commit;
  commit.reads = {std::string(kCoalitionKey)};
  commit.build =
      [&bootstrap, store_is_empty, now_ns, entry_keys](
          store::Revision revision,
          std::span<const std::optional<store::Version>> read) -> absl::StatusOr<std::vector<store::Write>> {
    if (!read[0].has_value()) {
      if (!store_is_empty) {
        return absl::FailedPreconditionError(
            "the store holds data but no coalition: the bootstrap file applies to an empty store only");
      }
      if (entry_keys == nullptr) return NoEntryKeys();
      return BootstrapWrites(*entry_keys, bootstrap, revision, now_ns);
    }
    storage::v1::StoredCoalition stored;
    if (!stored.ParseFromString(read[0]->value)) return Unparseable();
    if (stored.bootstrap_sha256() != BootstrapDigest(bootstrap)) {
      return absl::FailedPreconditionError(
          "the bootstrap file differs from the one that this store was made with; it applies once, to an "
          "empty store: restore the file as it was (members and keys are changed by `coalition admin`, the "
          "policy by `coalition policy apply`)");
    }
    return stored.view_names().empty() ? PolicyOfOlderStore(stored, now_ns) : std::vector<store::Write>();
  };
  return commit;
}

}  // namespace

absl::Status NotActive(const Snapshot& snapshot) {
  return Error(v1::ERROR_REASON_MEMBER_NOT_ACTIVE, "your member's standing does not allow this call",
               {{"contact", snapshot.contact()}});
}

absl::Status BeingCutOff(identity::Gate::Shut why, const Snapshot& snapshot) {
  switch (why) {
    case identity::Gate::Shut::kMember:
      return NotActive(snapshot);
    case identity::Gate::Shut::kCredential:
      return identity::RevokedSince();
    default:
      return WithRetryDelay(Error(v1::ERROR_REASON_RIGHTS_CHANGING,
                                  "what your credential may do is just being changed: try again"),
                            std::chrono::milliseconds(100));
  }
}

absl::Status RoleMissing(std::string_view role, std::string_view message) {
  const std::string lacks = "your credential lacks the role " + std::string(role);
  return Error(v1::ERROR_REASON_ROLE_MISSING, message.empty() ? lacks : message, {{"role", role}});
}

absl::StatusOr<std::unique_ptr<Directory>> Directory::Open(
    store::Store& store, const config::v1::Bootstrap& bootstrap, int64_t now_ns,
    std::shared_ptr<const ledger::EntryKeys> entry_keys) {
  if (absl::Status checked = CheckBootstrap(bootstrap); !checked.ok()) return checked;
  const store::Commit commit = BootstrapCommit(bootstrap, store.Head() == 0, now_ns, entry_keys.get());
  const auto applied = store.CommitAll(std::span(&commit, 1));
  if (!applied[0].ok()) return applied[0].status();
  auto stored = LoadState(store, store.Head());
  if (!stored.ok()) return stored.status();
  auto snapshot = BuildSnapshot(*std::move(stored), nullptr, std::move(entry_keys));
  if (!snapshot.ok()) return snapshot.status();
  std::unique_ptr<Directory> directory(new Directory(store));
  directory->Publish(*std::move(snapshot));
  return directory;
}

void Directory::Publish(std::shared_ptr<const Snapshot> state) {
  newest_.store(state.get(), std::memory_order_release);
  current_.store(std::move(state), std::memory_order_release);
}

Moment Directory::Now() const {
  for (;;) {
    Moment now{0, 0, Current()};
    now.revision = store_.Head();
    const store::Revision making = making_.load(std::memory_order_acquire);
    const bool published = making == 0 || now.snapshot->stored().revision >= making;
    now.settled = published ? now.revision : std::min(now.revision, making - 1);
    // The state is held, so another one can't have its address.
    if (IsCurrent(*now.snapshot)) return now;
  }
}

absl::StatusOr<std::shared_ptr<const Snapshot>> Directory::At(uint64_t epoch) const {
  std::shared_ptr<const Snapshot> current = Current();
  if (current->policy_state().epoch() == epoch) return current;
  if (epoch == 0 || epoch > current->policy_state().epoch()) {
    return absl::OutOfRangeError("there was no such epoch");
  }
  const std::string key = EpochKey(epoch + 1);
  const auto read = store_.Read(std::span(&key, 1), store_.Head());
  if (!read.ok()) return read.status();
  storage::v1::StoredEpoch next;
  if (!(*read)[0].has_value() || !next.ParseFromString((*read)[0]->value)) return Unparseable();
  return AsOf(next.revision() - 1);
}

absl::StatusOr<std::shared_ptr<const Snapshot>> Directory::AsOf(store::Revision revision) const {
  std::shared_ptr<const Snapshot> current = Current();
  if (current->stored().revision == revision) return current;
  auto state = LoadState(store_, revision);
  if (!state.ok()) return state.status();
  return BuildSnapshot(*std::move(state), current.get());
}

absl::StatusOr<std::shared_ptr<const Snapshot>> Directory::Make(const Judge& judge) {
  const MutexLock lock(changing_);
  std::shared_ptr<const Snapshot> current = Current();
  if (current->entry_keys() == nullptr) return NoEntryKeys();
  const absl::StatusOr<std::optional<Change>> judged = judge(current);
  if (!judged.ok()) return judged.status();
  if (!judged->has_value()) {
    // What was done before may not be kept everywhere yet.
    const auto kept = store::CommitWrites(store_, {});
    return kept.ok() ? absl::StatusOr<std::shared_ptr<const Snapshot>>(std::move(current)) : kept.status();
  }
  const Change& change = **judged;
  if (change.before_shut) change.before_shut();
  for (const auto& gate : change.gates) gate->Close(change.shut);
  for (const auto& gate : change.gates) gate->WaitEmpty();
  if (change.when_empty) change.when_empty();
  std::vector<store::Write> writes;
  store::Commit commit;
  commit.build =
      [this, &change, &current, &writes](
          store::Revision revision,
          std::span<const std::optional<store::Version>>) -> absl::StatusOr<std::vector<store::Write>> {
    storage::v1::StoredCoalition coalition = current->stored().coalition;
    if (change.begins_epoch) coalition.set_epoch(coalition.epoch() + 1);
    // A commit that is judged again has a later revision.
    if (making_.load(std::memory_order_relaxed) == 0) making_.store(revision, std::memory_order_release);
    writes = change.writes(revision, coalition.epoch(), &coalition);
    // Whoever changes the coalition says what in the ledger; and where nothing is said, that something was.
    if (!HasAct(writes)) {
      AddServersAct(*current->entry_keys(), {"coalition", "was changed"}, 0, revision, coalition.epoch(),
                    &writes);
    }
    if (!change.begins_epoch) return writes;
    storage::v1::StoredEpoch epoch;
    epoch.set_epoch(coalition.epoch());
    epoch.set_revision(revision);
    writes.push_back(Stored(std::string(kCoalitionKey), coalition));
    writes.push_back(Stored(EpochKey(epoch.epoch()), epoch));
    return writes;
  };
  const auto made = store_.CommitAll(std::span(&commit, 1));
  // It stands all the same where it is the journal of denials that failed: then it is published, and told.
  const std::optional<store::Revision> made_at =
      made[0].ok() ? std::optional(*made[0]) : store::CommittedAt(made[0].status());
  if (!made_at) {
    // If it may have been made after all, nobody may take the old state for that of the store.
    if (!absl::IsUnknown(made[0].status())) making_.store(0, std::memory_order_release);
    if (change.own != nullptr) change.own->Open(change.shut);
    return made[0].status();
  }
  auto stored = NextState(current->stored(), *made_at, writes);
  if (!stored.ok()) return stored.status();
  auto snapshot = BuildSnapshot(*std::move(stored), current.get());
  if (!snapshot.ok()) return snapshot.status();
  Publish(*snapshot);
  making_.store(0, std::memory_order_release);
  for (const auto& gate : change.gates) gate->Open(change.shut);
  if (!made[0].ok()) return made[0].status();
  return *std::move(snapshot);
}

}  // namespace coalition::membership
