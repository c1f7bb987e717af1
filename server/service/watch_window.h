// How much of what was sent to one member its clients may have yet to read: whoever is cut off reads no more
// than that afterwards.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "common/mutex.h"

namespace coalition::service {

struct WindowSize {
  int64_t responses = 0;
  int64_t bytes = 0;
};

// Whether another response of at most so many bytes fits. One always fits where there is none.
inline bool Fits(const WindowSize& used, const WindowSize& max, int64_t bytes) {
  return used.responses == 0 || (used.responses < max.responses && used.bytes + bytes <= max.bytes);
}

// The windows of members, each shared by all of a member's watches. Thread-safe.
class MemberWindows {
 public:
  class Waiter {
   public:
    virtual ~Waiter() = default;
    // There may be room again. On the thread that made it; must be short.
    virtual void RoomAgain() = 0;
  };

  explicit MemberWindows(WindowSize max) : max_(max) {}

  // Takes room for a response of at most so many bytes. False: there is none, and the waiter is told, once,
  // when there may be. Who is told takes it, or gives nothing back (Give with zeros), so that the next is
  // told.
  bool Take(uint32_t member, int64_t bytes, const std::shared_ptr<Waiter>& waiter);
  // It waits no more.
  void Leave(uint32_t member, const Waiter* waiter);
  // Gives room back: of responses that were acknowledged, or that were smaller than taken for.
  void Give(uint32_t member, const WindowSize& size);

 private:
  struct Waiting {
    const Waiter* who;
    std::weak_ptr<Waiter> waiter;
    int64_t bytes;  // that it asked for
  };
  struct Window {
    WindowSize used;
    std::deque<Waiting> waiting;
  };
  const WindowSize max_;
  Mutex mutex_;
  absl::flat_hash_map<uint32_t, Window> windows_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace coalition::service
