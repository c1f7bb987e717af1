// What is published: the newest durable and the oldest readable revision.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>

#include "common/mutex.h"
#include "server/store/store.h"

namespace coalition::store {

// Thread-safe. Both marks only rise.
class Marks {
 public:
  Revision head() const { return head_.load(std::memory_order_acquire); }
  Revision floor() const { return floor_.load(std::memory_order_acquire); }

  void PublishFloor(Revision floor) { floor_.store(floor, std::memory_order_release); }

  void PublishHead(Revision head) {
    {
      const MutexLock lock(mutex_);
      head_.store(head, std::memory_order_release);
    }
    moved_.notify_all();
  }

  Revision WaitPast(Revision revision, std::chrono::milliseconds timeout) const {
    // A far deadline would overflow the clock.
    constexpr std::chrono::milliseconds kLongest = std::chrono::hours(24);
    const auto deadline = std::chrono::steady_clock::now() + std::min(timeout, kLongest);
    MutexLock lock(mutex_);
    while (head() <= revision) {
      const auto left = deadline - std::chrono::steady_clock::now();
      if (left <= left.zero()) break;
      lock.WaitFor(moved_, left);
    }
    return head();
  }

 private:
  std::atomic<Revision> head_{0};
  std::atomic<Revision> floor_{0};
  mutable Mutex mutex_;
  mutable std::condition_variable moved_;
};

}  // namespace coalition::store
