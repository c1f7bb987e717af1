// One thread that runs small functions later: ends calls that take too long and streams that say nothing.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <thread>
#include <utility>

#include "common/mutex.h"

namespace coalition::service {

// Thread-safe. Functions run on the timers' thread, one after the other, and must not block.
class Timers {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  // Names a function that waits. The default names none.
  using Handle = std::pair<TimePoint, uint64_t>;

  Timers();
  ~Timers();  // drops what waits
  Timers(const Timers&) = delete;
  Timers& operator=(const Timers&) = delete;

  Handle After(std::chrono::milliseconds delay, std::function<void()> function);

  // True: the function will not run. False: it runs, has run, or was never there.
  bool Cancel(const Handle& handle);

  // From now on every function is due at once, whatever delay it was or will be given: a stopping server
  // waits no more.
  void ExpireAll();

 private:
  void Run();

  mutable Mutex mutex_;
  std::condition_variable changed_;
  std::map<Handle, std::function<void()>> waiting_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_id_ ABSL_GUARDED_BY(mutex_) = 0;
  bool expired_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace coalition::service
