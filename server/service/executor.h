// Threads for work that may read from disk: gRPC's callback threads are few and must not wait.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/mutex.h"
#include "common/turns.h"

namespace coalition::service {

// A fixed number of threads. What waits is served in turn by member, and first in first out for each; one
// member has at most half of the threads at work. Who has much to do waits for it, not the others.
// Thread-safe.
class Executor {
 public:
  using Task = std::function<void()>;

  // At most `queue_max` tasks wait, and a quarter of that for one member; but one task of a member that has
  // none waiting is always taken, so that others cannot fill its place.
  Executor(int threads, size_t queue_max);
  ~Executor();  // drains
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // Takes the member's task, to run it once. False, and the task is untouched: too many wait, or the executor
  // drains.
  bool Submit(uint32_t member, Task& task);
  // Takes it however many wait: for what was let in before, whose number is bounded elsewhere. Runs it at
  // once when the executor drains.
  void SubmitAlways(uint32_t member, Task task);

  // Runs what is queued and stops the threads. Tasks are refused from now on. Not from a task.
  void Drain();

  // Tasks that wait.
  size_t depth() const;

 private:
  void Work();
  bool MayRun(uint32_t member) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether a thread is to be woken for a task of the member that comes now: not where all are at work, nor
  // where as many are at work for it as may be, or will be when they have woken; each looks again when it
  // ends.
  bool WantsThread(uint32_t member) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t queue_max_;
  const size_t member_max_;
  const int running_max_;  // tasks of one member at once
  mutable Mutex mutex_;
  std::condition_variable work_;
  Turns<Task> waiting_ ABSL_GUARDED_BY(mutex_);  // by member
  absl::flat_hash_map<uint32_t, int> running_ ABSL_GUARDED_BY(mutex_);
  int idle_ ABSL_GUARDED_BY(mutex_) = 0;  // threads that wait
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace coalition::service
