// LevelDB iterators, used again while nothing was committed: making one costs about as much as a Seek.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "common/mutex.h"
#include "leveldb/db.h"
#include "leveldb/iterator.h"
#include "server/store/marks.h"

namespace coalition::store {

// Thread-safe. Must be destroyed before the DB, after all leases.
class IteratorPool {
 public:
  // An iterator and buffers that are used with it.
  struct Slot {
    std::unique_ptr<leveldb::Iterator> iterator;
    // The iterator sees all commits up to this one.
    Revision head = 0;
    std::chrono::steady_clock::time_point made;
    std::string from;
    std::string to;
    std::string last;
    std::string plain;
  };

  class Lease {
   public:
    Lease(IteratorPool& pool, std::unique_ptr<Slot> slot) : pool_(&pool), slot_(std::move(slot)) {}
    ~Lease() {
      if (slot_ != nullptr) pool_->Return(std::move(slot_));
    }
    Lease(Lease&& other) noexcept : pool_(other.pool_), slot_(std::move(other.slot_)) {}
    Lease& operator=(Lease&&) = delete;

    Slot& operator*() const { return *slot_; }
    Slot* operator->() const { return slot_.get(); }

   private:
    IteratorPool* pool_;
    std::unique_ptr<Slot> slot_;
  };

  IteratorPool(leveldb::DB& db, const Marks& marks) : db_(db), marks_(marks) {}

  // An iterator that sees all commits up to `at`, which must not be above the head.
  Lease Acquire(Revision at);
  // Drops what is idle. To be called when the head has moved, since an idle iterator keeps old tables alive.
  void Clear();

 private:
  void Return(std::unique_ptr<Slot> slot);

  leveldb::DB& db_;
  const Marks& marks_;
  Mutex mutex_;
  std::vector<std::unique_ptr<Slot>> idle_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace coalition::store
