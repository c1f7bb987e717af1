#include "server/service/watch_window.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace coalition::service {

bool MemberWindows::Take(uint32_t member, int64_t bytes, const std::shared_ptr<Waiter>& waiter) {
  const MutexLock lock(mutex_);
  Window& window = windows_[member];
  if (!Fits(window.used, max_, bytes)) {
    window.waiting.emplace_back(waiter.get(), waiter);
    return false;
  }
  ++window.used.responses;
  window.used.bytes += bytes;
  return true;
}

void MemberWindows::Leave(uint32_t member, const Waiter* waiter) {
  const MutexLock lock(mutex_);
  std::erase_if(windows_[member].waiting, [waiter](const auto& one) { return one.first == waiter; });
}

void MemberWindows::Give(uint32_t member, const WindowSize& size) {
  std::vector<std::shared_ptr<Waiter>> woken;
  {
    const MutexLock lock(mutex_);
    Window& window = windows_[member];
    window.used.responses -= size.responses;
    window.used.bytes -= size.bytes;
    // As many as there is room for, of those that are still there; who finds none after all waits again.
    const auto room = static_cast<size_t>(std::max<int64_t>(max_.responses - window.used.responses, 0));
    while (woken.size() < room && !window.waiting.empty()) {
      if (auto waiter = window.waiting.front().second.lock()) woken.push_back(std::move(waiter));
      window.waiting.pop_front();
    }
  }
  for (const std::shared_ptr<Waiter>& waiter : woken) waiter->RoomAgain();
}

}  // namespace coalition::service
