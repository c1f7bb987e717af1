// How a stream goes on: events change its state under the mutex and call Advance, which does what is next,
// one thing at a time, on the thread of whichever event came first.
#pragma once

#include <memory>

#include "absl/base/thread_annotations.h"
#include "common/mutex.h"

namespace coalition::service {

// The base of `Stream`, which has an `enum class Action` with kNone, Decide(), which under the mutex says
// what is next and that it is being done, and Perform(Action), which does it without the mutex.
template <class Stream>
class Advancing : public std::enable_shared_from_this<Stream> {
 protected:
  void Advance() {
    Stream& stream = static_cast<Stream&>(*this);
    // Perform may end everything else that holds it.
    const std::shared_ptr<Stream> self = stream.shared_from_this();
    {
      const MutexLock lock(stream.mutex_);
      if (stream.advancing_) return;  // who advances decides again after every step
      stream.advancing_ = true;
    }
    for (;;) {
      auto action = Stream::Action::kNone;
      {
        const MutexLock lock(stream.mutex_);
        action = stream.Decide();
        if (action == Stream::Action::kNone) {
          stream.advancing_ = false;
          return;
        }
      }
      stream.Perform(action);
    }
  }

  Mutex mutex_;

 private:
  bool advancing_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace coalition::service
