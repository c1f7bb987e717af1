// One thread that commits for everybody who does not want to wait: whatever is queued shares one wait for the
// disk.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "common/mutex.h"
#include "common/turns.h"
#include "server/store/store.h"

namespace coalition::store {

struct CommitLaneOptions {
  // Commits that wait, and a quarter of that for one owner; one more is refused. But one of an owner that has
  // none waiting is always taken, so that others cannot fill its place.
  size_t queue_max = 8192;
  size_t queue_bytes_max = size_t{64} << 20;
  // Commits handed to the store at once: the next group waits for them. What is joined (SubmitWrites) counts
  // for a quarter.
  size_t group_max = 250;
  size_t group_bytes_max = size_t{8} << 20;
};

// Thread-safe. Every commit that was submitted is answered exactly once, also when the lane goes.
class CommitLane {
 public:
  // The revision of the commit, or why it was not made: as of Store::CommitAll, or RESOURCE_EXHAUSTED the
  // queue is full, UNAVAILABLE the lane is draining; for these two nothing was written. Runs on the lane's
  // thread, or on the submitter's if the commit was refused at once. Must be short and not wait for the lane.
  using Done = std::function<void(absl::StatusOr<Revision>)>;

  // `store` must outlive the lane.
  explicit CommitLane(Store& store, CommitLaneOptions options = {});
  // Drains.
  ~CommitLane();
  CommitLane(const CommitLane&) = delete;
  CommitLane& operator=(const CommitLane&) = delete;

  // Commits of one owner are judged in the order in which they were submitted; owners take turns. `bytes` is
  // about what the commit will write, for the limits.
  void Submit(Commit commit, Done done, size_t bytes = 0, uint32_t owner = 0);

  // What a commit writes that rests on nothing that is read. `place` counts those that became one commit.
  using Writes = std::function<std::vector<Write>(Revision revision, uint32_t place)>;
  // As Submit. Those that wait one behind the other become one commit: one revision, and one entry of the
  // store's log, which is half of what a small one costs. So no two that wait at once may write the same key;
  // and what a commit must not have (store.h) fails all of them.
  void SubmitWrites(Writes writes, Done done, size_t bytes = 0, uint32_t owner = 0);

  // Refuses what comes from now on and returns when all that was accepted is answered. Not from a Done.
  void Drain();

  // Commits that wait now.
  size_t QueueDepth() const;

 private:
  struct Item {
    Commit commit;
    Writes writes;  // if set, there is no commit
    Done done;
  };

  void Push(Item item, size_t bytes, uint32_t owner);
  void Run();
  // Waits for work; empty: the lane is to end.
  std::vector<Item> Take();
  void CommitGroup(std::vector<Item> items);
  static Commit Joined(std::span<const Item> items);

  Store& store_;
  const CommitLaneOptions options_;
  mutable Mutex mutex_;
  std::condition_variable changed_;
  bool IsFull(uint32_t owner, size_t bytes) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Turns<Item> queue_ ABSL_GUARDED_BY(mutex_);  // weighed in bytes
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: runs on what is above
};

}  // namespace coalition::store
