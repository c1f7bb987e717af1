#include "server/service/executor.h"

#include <utility>

namespace coalition::service {

Executor::Executor(int threads, size_t queue_max) : queue_max_(queue_max) {
  threads_.reserve(static_cast<size_t>(threads));
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
}

Executor::~Executor() { Drain(); }

bool Executor::Submit(Task& task) {
  {
    MutexLock lock(mutex_);
    if (draining_ || queue_.size() >= queue_max_) return false;
    queue_.push_back(std::move(task));
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
  return queue_.size();
}

void Executor::Work() {
  for (;;) {
    Task task;
    {
      MutexLock lock(mutex_);
      while (queue_.empty() && !draining_) lock.Wait(work_);
      if (queue_.empty()) return;
      task = std::move(queue_.front());
      queue_.pop_front();
    }
    task();
  }
}

}  // namespace coalition::service
