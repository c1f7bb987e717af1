// Threads for work that may read from disk: gRPC's callback threads are few and must not wait.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "common/mutex.h"

namespace coalition::service {

// A fixed number of threads and a bounded queue, first in first out. Thread-safe.
class Executor {
 public:
  using Task = std::function<void()>;

  Executor(int threads, size_t queue_max);
  ~Executor();  // drains
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // Takes the task, to run it once. False, and the task is untouched: the queue is full, or the executor
  // drains.
  bool Submit(Task& task);

  // Runs what is queued and stops the threads. Tasks are refused from now on. Not from a task.
  void Drain();

  // Tasks that wait.
  size_t depth() const;

 private:
  void Work();

  const size_t queue_max_;
  mutable Mutex mutex_;
  std::condition_variable work_;
  std::deque<Task> queue_ ABSL_GUARDED_BY(mutex_);
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace coalition::service
