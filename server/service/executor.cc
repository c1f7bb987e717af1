#include "server/service/executor.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace coalition::service {

Executor::Executor(int threads, size_t queue_max)
    : queue_max_(queue_max),
      member_max_(std::max<size_t>(1, queue_max / 4)),
      running_max_(std::max(1, threads / 2)) {
  threads_.reserve(static_cast<size_t>(threads));
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
}

Executor::~Executor() { Drain(); }

bool Executor::Submit(uint32_t member, Task& task) {
  bool wake = false;
  {
    MutexLock lock(mutex_);
    if (draining_) return false;
    const size_t own = waiting_.SizeOf(member);
    if (own > 0 && (own >= member_max_ || waiting_.size() >= queue_max_)) return false;
    wake = WantsThread(member);
    waiting_.Push(member, std::move(task));
  }
  if (wake) work_.notify_one();
  return true;
}

void Executor::SubmitAlways(uint32_t member, Task task) {
  bool wake = false;
  {
    MutexLock lock(mutex_);
    if (!draining_) {
      wake = WantsThread(member);
      waiting_.Push(member, std::move(task));
      task = nullptr;
    }
  }
  if (wake) work_.notify_one();
  if (task != nullptr) task();
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

bool Executor::MayRun(uint32_t member) const {
  const auto found = running_.find(member);
  return found == running_.end() || found->second < running_max_;
}

bool Executor::WantsThread(uint32_t member) const {
  const auto found = running_.find(member);
  const size_t running = found == running_.end() ? 0 : static_cast<size_t>(found->second);
  return idle_ > 0 && running + waiting_.SizeOf(member) < static_cast<size_t>(running_max_);
}

void Executor::Work() {
  for (;;) {
    std::optional<std::pair<uint32_t, Task>> next;
    {
      MutexLock lock(mutex_);
      const auto may_run = [this](uint32_t member) ABSL_NO_THREAD_SAFETY_ANALYSIS { return MayRun(member); };
      while (!(next = waiting_.PopOfWho(may_run))) {
        if (draining_ && waiting_.empty()) return;
        ++idle_;
        lock.Wait(work_);
        --idle_;
      }
      ++running_[next->first];
    }
    next->second();
    next->second = nullptr;  // what it holds goes before its place is given away
    bool ended = false;
    {
      MutexLock lock(mutex_);
      const auto found = running_.find(next->first);
      if (--found->second == 0) running_.erase(found);
      ended = draining_ && waiting_.empty();
    }
    if (ended) work_.notify_all();  // those who wait for a member's turn
  }
}

}  // namespace coalition::service
