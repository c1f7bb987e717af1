#include "server/watch/tail.h"

#include <chrono>
#include <utility>

namespace coalition::watch {
namespace {

// How long a stop may take.
constexpr std::chrono::milliseconds kWait{100};
// Publishing follows the commit by the time that a state takes to be built.
constexpr std::chrono::milliseconds kUntilPublished{1};

}  // namespace

Tail::Tail(const store::Store& store, const membership::Directory& directory, ChangeLog& log,
           std::function<void()> changed)
    : store_(store), directory_(directory), log_(log), changed_(std::move(changed)), thread_([this] {
        Run();
      }) {}

Tail::~Tail() { Stop(); }

void Tail::Stop() {
  stop_.store(true, std::memory_order_release);
  if (thread_.joinable()) thread_.join();
}

void Tail::Run() {
  store::Revision told = store_.Head(), concerning = told;
  while (!stop_.load(std::memory_order_acquire)) {
    const store::Revision head = store_.WaitPast(told, kWait);
    if (head <= told) continue;
    const store::Revision settled = directory_.Now().settled;
    if (settled > told) {
      told = settled;
      // What fails here fails for those who read, and is told to them.
      const auto newest = log_.Follow(settled);
      // Most commits concern nobody who watches.
      if (!newest.ok() || *newest > concerning) changed_();
      if (newest.ok()) concerning = *newest;
    }
    if (settled < head) std::this_thread::sleep_for(kUntilPublished);
  }
}

}  // namespace coalition::watch
