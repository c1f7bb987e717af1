#include "server/service/watch_window.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace coalition::service {

bool MemberWindows::Take(uint32_t member, int64_t bytes, const std::shared_ptr<Waiter>& waiter) {
  const MutexLock lock(mutex_);
  Window& window = windows_[member];
  if (!Fits(window.used, max_, bytes)) {
    window.waiting.push_back({waiter.get(), waiter, bytes});
    return false;
  }
  ++window.used.responses;
  window.used.bytes += bytes;
  return true;
}

void MemberWindows::Leave(uint32_t member, const Waiter* waiter) {
  const MutexLock lock(mutex_);
  std::erase_if(windows_[member].waiting, [waiter](const Waiting& one) { return one.who == waiter; });
}

void MemberWindows::Give(uint32_t member, const WindowSize& size) {
  std::vector<std::shared_ptr<Waiter>> woken;
  {
    const MutexLock lock(mutex_);
    Window& window = windows_[member];
    window.used.responses -= size.responses;
    window.used.bytes -= size.bytes;
    // As many as there is room for, of those that are still there; who finds none after all waits again. Of a
    // thousand watches that wait, to tell all at each response would be a million times.
    WindowSize then = window.used;
    while (!window.waiting.empty() && Fits(then, max_, window.waiting.front().bytes)) {
      const Waiting& next = window.waiting.front();
      if (auto waiter = next.waiter.lock()) {
        woken.push_back(std::move(waiter));
        then = {then.responses + 1, then.bytes + next.bytes};
      }
      window.waiting.pop_front();
    }
  }
  for (const std::shared_ptr<Waiter>& waiter : woken) waiter->RoomAgain();
}

}  // namespace coalition::service
