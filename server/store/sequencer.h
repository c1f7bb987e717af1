// The one place that writes: callers queue up, the first of them leads and commits for all that wait.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/mutex.h"
#include "leveldb/db.h"
#include "leveldb/write_batch.h"
#include "server/store/commit_group.h"
#include "server/store/leveldb_store.h"
#include "server/store/marks.h"
#include "server/store/reader.h"

namespace coalition::store {

// Thread-safe.
class Sequencer {
 public:
  // All must outlive the sequencer.
  struct Rooms {
    leveldb::DB& db;
    const Reader& reader;
    IteratorPool& pool;
    KeyProbe& probe;
    Marks& marks;
  };

  Sequencer(const LevelDbOptions& options, Rooms rooms);

  // As of Store.
  std::vector<absl::StatusOr<Revision>> CommitAll(std::span<const Commit> commits);

  // Writes what is no commit: the floor, removals. After a failure nothing is written any more. UNAVAILABLE
  // nothing was written; UNKNOWN it may have been.
  absl::Status WriteBatch(leveldb::WriteBatch& batch, bool sync);

  // Not OK: commits are refused, as long as the store is open or until there is room on the disk.
  absl::Status CheckWritable() const;

 private:
  // One call of CommitAll.
  struct Request {
    std::span<const Commit> commits;
    std::vector<absl::StatusOr<Revision>> results;
    size_t judged = 0;
    bool done = false;
    std::condition_variable wake;
  };

  bool WaitForTurn(Request& request);
  void LeadUntilDone(Request& request);
  void RunGroup(const std::vector<Request*>& waiting);
  void Throttle() const;

  const LevelDbOptions& options_;
  const Rooms rooms_;
  Mutex queue_mutex_;
  std::deque<Request*> queue_ ABSL_GUARDED_BY(queue_mutex_);
  mutable Mutex failure_mutex_;
  // Why nothing is written any more.
  absl::Status failure_ ABSL_GUARDED_BY(failure_mutex_);
};

}  // namespace coalition::store
