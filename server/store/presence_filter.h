// Answers "was this added?" from memory, without a lock and without an allocation: the first look of a
// screening.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "common/mutex.h"

namespace coalition::store {

// A set of 64-bit keyed hashes that never forgets and sometimes makes one up: blocked Bloom filters of
// 64-byte blocks. When one is full another of the size of all before it is added, with more bits a key, so
// that together at most 0.2 % of absent hashes are taken for present. Memory: 2 bytes a key for what was
// expected, up to 4 bytes a key beyond it.
//
// Thread-safe; readers take no lock and see a hash as soon as its Add has returned.
class PresenceFilter {
 public:
  // Made for `expected` hashes; takes more.
  explicit PresenceFilter(size_t expected = 0);
  ~PresenceFilter();
  PresenceFilter(const PresenceFilter&) = delete;
  PresenceFilter& operator=(const PresenceFilter&) = delete;

  // Hashes must come from a keyed hash: whoever can choose them can make every answer "present".
  void Add(uint64_t hash);
  bool MayContain(uint64_t hash) const;
  // Fetches into the cache what MayContain(hash) will look at: a filter is larger than the cache, and who has
  // many hashes need not wait for each.
  void Prefetch(uint64_t hash) const;

  // Hashes added, a repeated one counted once (but for false positives).
  size_t Size() const { return size_.load(std::memory_order_relaxed); }
  size_t MemoryBytes() const;

 private:
  class Generation;
  // Each holds as many as all before it.
  static constexpr size_t kGenerationsMax = 40;

  std::array<std::atomic<Generation*>, kGenerationsMax> generations_ = {};
  std::atomic<size_t> count_{0};
  std::atomic<size_t> size_{0};
  Mutex mutex_;  // of writers
  size_t room_ ABSL_GUARDED_BY(mutex_) = 0;
  void Grow(size_t capacity) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
};

}  // namespace coalition::store
