#include "server/service/open_calls.h"

#include <thread>

namespace coalition::service {
namespace {

// One shard for each thread that calls come in on, as far as there are enough.
size_t ShardOfThisThread(size_t shards) {
  static std::atomic<size_t> threads{0};
  thread_local const size_t number = threads.fetch_add(1, std::memory_order_relaxed);
  return number % shards;
}

}  // namespace

void OpenCalls::Add(Entry* entry, grpc::ServerContextBase* call, TimePoint began) {
  entry->call_ = call;
  entry->began_ = began;
  entry->shard_ = ShardOfThisThread(kShards);
  Shard& shard = shards_[entry->shard_];
  const MutexLock lock(shard.mutex);
  entry->previous_ = shard.newest;
  (shard.newest == nullptr ? shard.oldest : shard.newest->next_) = entry;
  shard.newest = entry;
  entry->linked_ = true;
}

void OpenCalls::Remove(Entry* entry) {
  Shard& shard = shards_[entry->shard_];
  {
    const MutexLock lock(shard.mutex);
    if (entry->linked_) Unlink(shard, entry);
  }
  while (entry->state_.load(std::memory_order_acquire) == Entry::State::kCancelling)
    std::this_thread::yield();
}

void OpenCalls::Unlink(Shard& shard, Entry* entry) {
  (entry->previous_ == nullptr ? shard.oldest : entry->previous_->next_) = entry->next_;
  (entry->next_ == nullptr ? shard.newest : entry->next_->previous_) = entry->previous_;
  entry->previous_ = entry->next_ = nullptr;
  entry->linked_ = false;
}

size_t OpenCalls::CancelBefore(TimePoint then) {
  std::vector<Entry*> old;
  for (Shard& shard : shards_) {
    const MutexLock lock(shard.mutex);
    while (shard.oldest != nullptr && shard.oldest->began_ < then) {
      Entry* const entry = shard.oldest;
      Unlink(shard, entry);
      entry->state_.store(Entry::State::kCancelling, std::memory_order_release);
      old.push_back(entry);
    }
  }
  Cancel(old);
  return old.size();
}

void OpenCalls::Cancel(std::vector<Entry*>& entries) {
  // Without a lock: gRPC may end other calls on this thread meanwhile.
  for (Entry* entry : entries) {
    entry->call_->TryCancel();
    entry->state_.store(Entry::State::kCancelled, std::memory_order_release);
  }
}

size_t OpenCalls::CountOf(const CutOffGates& gates) {
  size_t count = 0;
  for (Shard& shard : shards_) {
    const MutexLock lock(shard.mutex);
    for (const Entry* entry = shard.oldest; entry != nullptr; entry = entry->next_) {
      count += gates.contains(entry->gate_.load(std::memory_order_acquire)) ? 1 : 0;
    }
  }
  return count;
}

size_t OpenCalls::CancelOf(const CutOffGates& gates, TimePoint began_before) {
  std::vector<Entry*> theirs;
  for (Shard& shard : shards_) {
    const MutexLock lock(shard.mutex);
    for (Entry* entry = shard.oldest; entry != nullptr;) {
      Entry* const next = entry->next_;
      if (entry->began_ < began_before && entry->answered_.load(std::memory_order_acquire) &&
          gates.contains(entry->gate_.load(std::memory_order_acquire))) {
        Unlink(shard, entry);
        entry->state_.store(Entry::State::kCancelling, std::memory_order_release);
        theirs.push_back(entry);
      }
      entry = next;
    }
  }
  Cancel(theirs);
  return theirs.size();
}

}  // namespace coalition::service
