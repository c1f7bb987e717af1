// Work in the background that is done step by step and can be stopped between two of them.
#pragma once

#include <condition_variable>

#include "common/mutex.h"

namespace coalition {

// Counts what is under way: chains of steps, each of which begins the next one or ends. Thread-safe.
class Steps {
 public:
  // Before the first step of a chain. False: they are drained, and it must not begin.
  bool Begin() {
    const MutexLock lock(mutex_);
    if (draining_) return false;
    ++under_way_;
    return true;
  }

  // Behind the last step of a chain.
  void End() {
    const MutexLock lock(mutex_);
    if (--under_way_ == 0) ended_.notify_all();
  }

  // Whether a chain is to end before its next step.
  bool draining() const {
    const MutexLock lock(mutex_);
    return draining_;
  }

  // Nothing begins any more; returns when all that is under way has ended.
  void Drain() {
    MutexLock lock(mutex_);
    draining_ = true;
    while (under_way_ > 0) lock.Wait(ended_);
  }

 private:
  mutable Mutex mutex_;
  std::condition_variable ended_;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  int under_way_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace coalition
