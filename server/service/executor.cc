#include "server/service/executor.h"

#include <algorithm>
#include <utility>

namespace coalition::service {

Executor::Executor(int threads, size_t queue_max)
    : queue_max_(queue_max), member_max_(std::max<size_t>(1, queue_max / 4)) {
  threads_.reserve(static_cast<size_t>(threads));
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
}

Executor::~Executor() { Drain(); }

bool Executor::Submit(uint32_t member, Task& task) {
  {
    MutexLock lock(mutex_);
    if (draining_) return false;
    const size_t own = waiting_.SizeOf(member);
    if (own > 0 && (own >= member_max_ || waiting_.size() >= queue_max_)) return false;
    waiting_.Push(member, std::move(task));
  }
  work_.notify_one();
  return true;
}

void Executor::Drain() {
  {
    MutexLock lock(mutex_);
    draining_ = true;
  }
  work_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

size_t Executor::depth() const {
  MutexLock lock(mutex_);
  return waiting_.size();
}

void Executor::Work() {
  for (;;) {
    Task task;
    {
      MutexLock lock(mutex_);
      while (waiting_.empty() && !draining_) lock.Wait(work_);
      if (waiting_.empty()) return;
      task = waiting_.Pop();
    }
    task();
  }
}

}  // namespace coalition::service
