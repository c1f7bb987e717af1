// One thread that tells when there is something new for those who watch.
#pragma once

#include <atomic>
#include <functional>
#include <thread>

#include "server/membership/directory.h"
#include "server/store/store.h"
#include "server/watch/change_log.h"

namespace coalition::watch {

// Follows the log, and calls `changed` after commits that may concern somebody who watches, once for all that
// came meanwhile, and after a change of the coalition when its state is published. On its own thread;
// `changed` must be short.
class Tail {
 public:
  // References must outlive it.
  Tail(const store::Store& store, const membership::Directory& directory, ChangeLog& log,
       std::function<void()> changed);
  ~Tail();
  Tail(const Tail&) = delete;
  Tail& operator=(const Tail&) = delete;

  // Returns when `changed` will not be called again.
  void Stop();

 private:
  void Run();

  const store::Store& store_;
  const membership::Directory& directory_;
  ChangeLog& log_;
  const std::function<void()> changed_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace coalition::watch
