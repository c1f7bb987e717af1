#include "server/identity/gate.h"

#include <chrono>
#include <thread>

namespace coalition::identity {

Gate::Shut Gate::Enter(Pass* pass) {
  uint32_t seen = word_.load(std::memory_order_relaxed);
  for (;;) {
    if ((seen & kShutBits) != 0) return FirstOf(seen);
    // Acquires what was published before the gate was opened.
    if (word_.compare_exchange_weak(seen, seen + kOne, std::memory_order_acquire,
                                    std::memory_order_relaxed)) {
      pass->Leave();
      pass->gate_ = this;
      return Shut::kNot;
    }
  }
}

void Gate::Close(Shut why) { word_.fetch_or(static_cast<uint32_t>(why), std::memory_order_acq_rel); }

void Gate::WaitEmpty() const {
  // Who is inside is about to leave, unless its thread does not run just now.
  constexpr int kYields = 100;
  for (int i = 0; !empty(); ++i) {
    if (i < kYields) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
  }
}

void Gate::Open(Shut why) {
  uint32_t opened = static_cast<uint32_t>(why);
  if (why == Shut::kMember) opened |= static_cast<uint32_t>(Shut::kLimited);
  word_.fetch_and(~opened, std::memory_order_release);
}

}  // namespace coalition::identity
