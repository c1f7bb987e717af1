// Keeps history by time: notes which revision stands for which time, and gives up what is older than is kept.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "common/clock.h"
#include "server/store/store.h"

namespace coalition::store {

struct HistoryOptions {
  // What was overwritten or removed stays readable for at least so long.
  std::chrono::seconds keep = std::chrono::hours(7 * 24);
  // It goes in steps of so long.
  std::chrono::seconds mark_interval = std::chrono::minutes(15);
  // What is removed at once, and the pause after it while there is more: others need the disk too.
  Limit step = {.items = 1'000, .bytes = size_t{256} << 10};
  std::chrono::milliseconds pause{50};
};

struct HistoryHooks {
  // Runs the work once, soon, on a thread that may wait for the disk.
  std::function<void(std::function<void()> work)> run_later;
  // Calls the function after that time; it does not block.
  std::function<void(std::chrono::milliseconds, std::function<void()>)> after;
  // Told why history is not given up. It goes on after `kHistoryRetryDelay`; after UNKNOWN and DATA_LOSS not
  // before the next start of the server.
  std::function<void(const absl::Status& why)> failed;
};

inline constexpr std::chrono::milliseconds kHistoryInterval{30'000};
inline constexpr std::chrono::milliseconds kHistoryRetryDelay{60'000};

// A mark is a key `h time_s` (8 bytes, big-endian) without a value: the revision that wrote it stands for
// that time. It is written when `mark_interval` has passed since the last one and something was committed
// since; a store that nobody writes to does not move. The floor is raised to the newest mark that is `keep`
// old (Store::RaiseFloor); older marks are removed by the commit that writes the next one. The marks alone
// say how far history reaches: it goes on after a restart or a crash where it was.
//
// Marks are written in the order of their times: where the clock goes back none is before it has reached the
// last one's time again, and until then history reaches further back than is kept, never less far. After a
// clock that was ahead the same holds until that time comes.
//
// Thread-safe.
class History {
 public:
  // `store` must outlive it. Does nothing before Resume.
  History(Store& store, HistoryOptions options);
  // Drains.
  ~History();
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  // When the server starts: once. It looks each `kHistoryInterval`.
  void Resume(const Clock& clock, HistoryHooks hooks);

  // Begins nothing more and returns when the step under way is done; what is left waits for the next start.
  // What runs work later must still be there. Not from a hook.
  void Drain();

 private:
  class Impl;
  const std::shared_ptr<Impl> impl_;
};

}  // namespace coalition::store
