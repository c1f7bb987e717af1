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
    const auto found = waiting_.find(member);
    if (found == waiting_.end()) {
      waiting_[member].push_back(std::move(task));
      turns_.push_back(member);
    } else {
      if (depth_ >= queue_max_ || found->second.size() >= member_max_) return false;
      found->second.push_back(std::move(task));
    }
    ++depth_;
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
  return depth_;
}

Executor::Task Executor::TakeNext() {
  const uint32_t member = turns_.front();
  turns_.pop_front();
  const auto found = waiting_.find(member);
  Task task = std::move(found->second.front());
  found->second.pop_front();
  if (found->second.empty()) {
    waiting_.erase(found);
  } else {
    turns_.push_back(member);
  }
  --depth_;
  return task;
}

void Executor::Work() {
  for (;;) {
    Task task;
    {
      MutexLock lock(mutex_);
      while (depth_ == 0 && !draining_) lock.Wait(work_);
      if (depth_ == 0) return;
      task = TakeNext();
    }
    task();
  }
}

}  // namespace coalition::service
