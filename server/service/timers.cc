#include "server/service/timers.h"

namespace coalition::service {

Timers::Timers() : thread_([this] { Run(); }) {}

Timers::~Timers() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

Timers::Handle Timers::After(std::chrono::milliseconds delay, std::function<void()> function) {
  bool first = false;
  Handle handle;
  {
    MutexLock lock(mutex_);
    handle = {std::chrono::steady_clock::now() + delay, ++last_id_};
    const auto at = waiting_.emplace(handle, std::move(function)).first;
    first = expired_ || at == waiting_.begin();
  }
  if (first) changed_.notify_one();
  return handle;
}

bool Timers::Cancel(const Handle& handle) {
  std::function<void()> dropped;  // destroyed outside the lock: it may own what uses the timers
  MutexLock lock(mutex_);
  const auto at = waiting_.find(handle);
  if (at == waiting_.end()) return false;
  dropped = std::move(at->second);
  waiting_.erase(at);
  return true;
}

void Timers::ExpireAll() {
  {
    MutexLock lock(mutex_);
    expired_ = true;
  }
  changed_.notify_one();
}

void Timers::Run() {
  for (;;) {
    std::function<void()> due;
    {
      MutexLock lock(mutex_);
      if (stopping_) return;
      if (waiting_.empty()) {
        lock.Wait(changed_);
        continue;
      }
      const auto first = waiting_.begin();
      const auto delay = first->first.first - std::chrono::steady_clock::now();
      if (!expired_ && delay.count() > 0) {
        lock.WaitFor(changed_, delay);
        continue;
      }
      due = std::move(first->second);
      waiting_.erase(first);
    }
    due();
  }
}

}  // namespace coalition::service
