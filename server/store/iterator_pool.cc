#include "server/store/iterator_pool.h"

#include <cstddef>
#include <utility>

#include "leveldb/options.h"

namespace coalition::store {
namespace {

constexpr size_t kIdleMax = 64;
// Compactions go on while nothing is committed: an iterator that is older gives its tables free.
constexpr std::chrono::seconds kAgeMax(5);

}  // namespace

IteratorPool::Lease IteratorPool::Acquire(Revision at) {
  std::vector<std::unique_ptr<Slot>> old;  // destroyed outside the lock
  {
    const MutexLock lock(mutex_);
    // The last one was returned last, not made last: each is looked at when its turn comes.
    while (!idle_.empty() && idle_.back()->head >= at) {
      std::unique_ptr<Slot> slot = std::move(idle_.back());
      idle_.pop_back();
      if (std::chrono::steady_clock::now() - slot->made < kAgeMax) return {*this, std::move(slot)};
      old.push_back(std::move(slot));
    }
  }
  auto slot = std::make_unique<Slot>();
  // Before the iterator is made: it may see more than this, never less.
  slot->head = marks_.head();
  slot->made = std::chrono::steady_clock::now();
  leveldb::ReadOptions options;
  options.fill_cache = true;
  slot->iterator.reset(db_.NewIterator(options));
  return {*this, std::move(slot)};
}

void IteratorPool::Return(std::unique_ptr<Slot> slot) {
  const bool keep = slot->iterator->status().ok() && std::chrono::steady_clock::now() - slot->made < kAgeMax;
  if (!keep) return;
  const MutexLock lock(mutex_);
  // Under the lock, so that Clear() after a publication leaves nothing older behind.
  if (slot->head == marks_.head() && idle_.size() < kIdleMax) idle_.push_back(std::move(slot));
}

void IteratorPool::Clear() {
  std::vector<std::unique_ptr<Slot>> dropped;
  const MutexLock lock(mutex_);
  dropped.swap(idle_);
}

}  // namespace coalition::store
