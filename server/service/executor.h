// Threads for work that may read from disk: gRPC's callback threads are few and must not wait.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#include "common/mutex.h"
#include "common/turns.h"

namespace coalition::service {

// A fixed number of threads. What waits is served in turn by member, and first in first out for each member:
// who has much to do waits for it, not the others. Thread-safe.
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

  // Runs what is queued and stops the threads. Tasks are refused from now on. Not from a task.
  void Drain();

  // Tasks that wait.
  size_t depth() const;

 private:
  void Work();

  const size_t queue_max_;
  const size_t member_max_;
  mutable Mutex mutex_;
  std::condition_variable work_;
  Turns<Task> waiting_ ABSL_GUARDED_BY(mutex_);  // by member
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace coalition::service
