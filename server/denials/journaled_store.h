// The store with its journal: what was denied is in both before anybody is told.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/mutex.h"
#include "server/denials/journal.h"
#include "server/store/store.h"

namespace coalition::denials {

// The row that says that the store has a journal, so that one that is gone is missed. Written with the first
// denial.
inline constexpr std::string_view kJournalKey = "kdenials";

// Thread-safe, where the store is. Calls of CommitAll run one after the other, so that the journal is in the
// order of revisions: all that was denied up to its high-water mark is in it. Those of a call share one more
// wait for the disk, if one of them denies (classify.h); the others pay nothing.
//
// Beyond the contract of Store: where the journal can't be written, the commit stands, is durable, and is
// answered with UNAVAILABLE of which store::CommittedAt has the revision. From then on each call tries first
// to write what is owed; while it can't, a commit that would deny is UNAVAILABLE and not made, and so is one
// that reads and writes nothing (store::CommitWrites of nothing), which asks whether all that was committed
// is kept: for whoever answers that something was done before. Everything else goes on. After a crash the
// next opening makes it up from the store (opening.h).
class JournaledStore final : public store::Store {
 public:
  // Both must outlive it.
  JournaledStore(store::Store& store, Journal& journal);

  std::vector<absl::StatusOr<store::Revision>> CommitAll(std::span<const store::Commit> commits) override;

  store::Revision Head() const override { return store_.Head(); }
  store::Revision Floor() const override { return store_.Floor(); }
  absl::StatusOr<std::vector<std::optional<store::Version>>> Read(std::span<const std::string> keys,
                                                                  store::Revision at) const override {
    return store_.Read(keys, at);
  }
  absl::StatusOr<store::Page<store::Entry>> Scan(std::string_view from, std::string_view to,
                                                 store::Revision at, store::Limit limit) const override {
    return store_.Scan(from, to, at, limit);
  }
  absl::Status ScanEach(std::string_view from, std::string_view to, store::Revision at,
                        const Visitor& visit) const override {
    return store_.ScanEach(from, to, at, visit);
  }
  absl::StatusOr<std::vector<store::Change>> ReadLog(store::Revision after,
                                                     store::Limit limit) const override {
    return store_.ReadLog(after, limit);
  }
  store::Revision WaitPast(store::Revision revision, std::chrono::milliseconds timeout) const override {
    return store_.WaitPast(revision, timeout);
  }
  absl::StatusOr<size_t> RaiseFloor(store::Revision revision, store::Limit limit) override {
    return store_.RaiseFloor(revision, limit);
  }

  // Whether the journal has all that it should. Does not wait for a commit under way.
  absl::Status Health() const;

 private:
  // What one commit of a call would leave.
  struct Outcome {
    storage::v1::StoredDenials denials;
    size_t writes = 0;
  };

  store::Commit Watched(const store::Commit& commit, const absl::Status& journal, Outcome* outcome);
  // Writes what is owed.
  absl::Status PayOwed() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Keep(std::span<const Outcome> outcomes,
                    const std::vector<absl::StatusOr<store::Revision>>& results)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SetHealth(const absl::Status& health);

  store::Store& store_;
  Mutex mutex_;
  Journal& journal_ ABSL_GUARDED_BY(mutex_);
  // Of commits that stand, and is not in the journal. Of one call at most, since others are refused then.
  storage::v1::StoredDenials owed_ ABSL_GUARDED_BY(mutex_);
  bool marked_ ABSL_GUARDED_BY(mutex_) = false;      // the store has kJournalKey
  size_t writes_since_ ABSL_GUARDED_BY(mutex_) = 0;  // since the last frame
  mutable Mutex health_mutex_;
  absl::Status health_ ABSL_GUARDED_BY(health_mutex_);
};

}  // namespace coalition::denials
