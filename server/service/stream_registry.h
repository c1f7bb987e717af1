// The streams of one kind that are open.
#pragma once

#include <cstddef>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/mutex.h"
#include "server/service/open_calls.h"

namespace coalition::service {

// Streams that can be cut off.
class CutOffStreams {
 public:
  virtual ~CutOffStreams() = default;
  // Of these credentials: ends the streams that may not go on, with the answer that says why; how many those
  // are. `now`: cancels also those whose clients do not read.
  virtual size_t CutOff(const CutOffGates& gates, bool now) = 0;
  virtual size_t CountOf(const CutOffGates& gates) const = 0;
};

// Thread-safe. Keeps each stream from Add to Remove. `Stream` has Drain(), CutOff(bool now) and
// BelongsTo(gates).
template <class Stream>
class StreamRegistry {
 public:
  using Streams = std::vector<std::shared_ptr<Stream>>;

  void Add(std::shared_ptr<Stream> stream) {
    const MutexLock lock(mutex_);
    const Stream* key = stream.get();
    streams_.emplace(key, std::move(stream));
  }
  void Remove(const Stream* stream) {
    std::shared_ptr<Stream> last;  // destroyed outside the lock
    const MutexLock lock(mutex_);
    const auto at = streams_.find(stream);
    if (at == streams_.end()) return;
    last = std::move(at->second);
    streams_.erase(at);
  }
  Streams All() const {
    const MutexLock lock(mutex_);
    Streams all;
    all.reserve(streams_.size());
    for (const auto& [key, stream] : streams_) all.push_back(stream);
    return all;
  }
  Streams Of(const CutOffGates& gates) const {
    Streams theirs = All();
    std::erase_if(theirs, [&gates](const auto& stream) { return !stream->BelongsTo(gates); });
    return theirs;
  }
  size_t CutOff(const CutOffGates& gates, bool now) {
    size_t count = 0;
    for (const auto& stream : Of(gates)) count += stream->CutOff(now) ? 1 : 0;
    return count;
  }
  void Drain() {
    for (const auto& stream : All()) stream->Drain();
  }
  size_t size() const {
    const MutexLock lock(mutex_);
    return streams_.size();
  }

 private:
  mutable Mutex mutex_;
  std::unordered_map<const Stream*, std::shared_ptr<Stream>> streams_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace coalition::service
