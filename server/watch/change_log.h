// What the store's log has for those who watch: which records changed, and when the coalition did. Read once
// for all of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/mutex.h"
#include "server/store/store.h"

namespace coalition::watch {

// One commit, as far as it may change what somebody sees.
struct LoggedChange {
  struct Record {
    std::string key;
    bool created = false;  // there was nothing under that key before
    bool removed = false;  // and never will be again: an id is given once
  };
  store::Revision revision = 0;
  std::vector<Record> records;  // in the order in which they were written
  bool coalition = false;       // members, groups, platforms or policies
  // What changed of the coalition is this member's own policy and nothing else; 0: more, or nothing.
  uint32_t own_policy_of = 0;
};

// Thread-safe. Keeps the newest changes in memory; older ones are read from the store.
class ChangeLog {
 public:
  // `store` must outlive it.
  explicit ChangeLog(const store::Store& store, size_t records_max = 65'536);

  using Changes = std::vector<std::shared_ptr<const LoggedChange>>;
  struct Part {
    Changes changes;
    // All changes up to here are in `changes`, and those that are not concern no record and no decision.
    store::Revision until = 0;
    // Commits that were read from the store for it.
    int commits_read = 0;
  };
  // Takes up what is new, up to there: for whoever follows the store, so that nobody has to when it reads.
  // Answers AnchorOf(until).
  absl::StatusOr<store::Revision> Follow(store::Revision until);

  // The newest revision up to that one at which something changed that may concern somebody: at both
  // everybody sees the same. The revision itself where that is not known.
  store::Revision AnchorOf(store::Revision revision) const;

  // Changes after `after`, oldest first, of about `records` records at most, and none after `until`.
  // OUT_OF_RANGE: the store has no longer all of them.
  absl::StatusOr<Part> Read(store::Revision after, store::Revision until, size_t records);

 private:
  absl::Status Extend(store::Revision until) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  store::Revision Anchor(store::Revision revision) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Part FromMemory(store::Revision after, store::Revision until, size_t records) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const store::Store& store_;
  const size_t records_max_;
  mutable Mutex mutex_;
  std::deque<std::shared_ptr<const LoggedChange>> recent_ ABSL_GUARDED_BY(mutex_);
  // `recent_` has all changes of (from_, to_].
  store::Revision from_ ABSL_GUARDED_BY(mutex_);
  store::Revision to_ ABSL_GUARDED_BY(mutex_);
  size_t records_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace coalition::watch
