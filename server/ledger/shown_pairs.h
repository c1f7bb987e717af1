// What is known, in memory, of who was shown what: so that most disclosures need not ask the disk, and those
// of one moment wait for it together.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "common/mutex.h"
#include "common/policy/header.h"

namespace coalition::ledger {

// A record and a member.
struct ShownPair {
  policy::RecordIdBytes record;
  uint32_t member;
  friend bool operator==(const ShownPair&, const ShownPair&) = default;
  template <class H>
  friend H AbslHashValue(H h, const ShownPair& pair) {
    return H::combine(std::move(h), pair.record, pair.member);
  }
};

// Pairs that are on their way to the disk together. Thread-safe.
class KeptTogether {
 public:
  // `kept` is called once, with how it ended; at once if it has. Must be short.
  void Await(std::function<void(const absl::Status&)> kept) {
    {
      const MutexLock lock(mutex_);
      if (!ended_) return waiting_.push_back(std::move(kept));
    }
    kept(status_);
  }
  void End(const absl::Status& status) {
    std::vector<std::function<void(const absl::Status&)>> waiting;
    {
      const MutexLock lock(mutex_);
      ended_ = true;
      status_ = status;
      waiting.swap(waiting_);
    }
    for (const auto& kept : waiting) kept(status_);
  }

 private:
  Mutex mutex_;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status status_;  // written once, before ended_
  std::vector<std::function<void(const absl::Status&)>> waiting_ ABSL_GUARDED_BY(mutex_);
};

// Which pairs are kept and were not told since; what it forgets is read again. And which are being kept.
// Thread-safe.
class ShownPairs {
 public:
  // nullopt: it is kept. Else how many were changed beside it so far.
  std::optional<uint64_t> Misses(const ShownPair& pair) {
    Shard& shard = ShardOf(pair);
    const MutexLock lock(shard.mutex);
    return shard.kept.contains(pair) ? std::nullopt : std::optional(shard.changed);
  }
  // Found on the disk, and kept. False: that is not to be relied on, since the pair is being changed, or was,
  // perhaps, since `changed` was answered.
  bool Add(const ShownPair& pair, uint64_t changed) {
    Shard& shard = ShardOf(pair);
    const MutexLock lock(shard.mutex);
    if (changed != shard.changed || shard.changing.contains(pair)) return false;
    shard.Keep(pair);
    return true;
  }
  // What is kept of it is being changed, until EndChange: nobody is to rely on what the disk has.
  void BeginChange(const ShownPair& pair) {
    Shard& shard = ShardOf(pair);
    const MutexLock lock(shard.mutex);
    ++shard.changing[pair];
    shard.kept.erase(pair);
  }
  void EndChange(const ShownPair& pair) {
    Shard& shard = ShardOf(pair);
    const MutexLock lock(shard.mutex);
    const auto at = shard.changing.find(pair);
    if (--at->second == 0) shard.changing.erase(at);
    ++shard.changed;
    shard.kept.erase(pair);
  }
  // Whether the caller has to keep it, with `mine`. nullptr: yes, and End has to follow; else who does.
  std::shared_ptr<KeptTogether> Begin(const ShownPair& pair, const std::shared_ptr<KeptTogether>& mine) {
    Shard& shard = ShardOf(pair);
    const MutexLock lock(shard.mutex);
    const auto [at, is_new] = shard.under_way.try_emplace(pair, mine);
    return is_new ? nullptr : at->second;
  }
  // `kept`: it is, as far as nothing was changed since Misses answered that; nullopt: it could not be.
  void End(const ShownPair& pair, std::optional<uint64_t> kept) {
    Shard& shard = ShardOf(pair);
    const MutexLock lock(shard.mutex);
    shard.under_way.erase(pair);
    if (kept == shard.changed && !shard.changing.contains(pair)) shard.Keep(pair);
  }

 private:
  // In all some ten megabytes.
  static constexpr size_t kShards = 16;
  static constexpr size_t kPairsMax = 14'000;
  struct Shard {
    void Keep(const ShownPair& pair) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
      if (kept.size() >= kPairsMax) kept.clear();
      kept.insert(pair);
    }
    Mutex mutex;
    absl::flat_hash_set<ShownPair> kept ABSL_GUARDED_BY(mutex);
    absl::flat_hash_map<ShownPair, std::shared_ptr<KeptTogether>> under_way ABSL_GUARDED_BY(mutex);
    absl::flat_hash_map<ShownPair, int> changing ABSL_GUARDED_BY(mutex);
    uint64_t changed ABSL_GUARDED_BY(mutex) = 0;
  };
  Shard& ShardOf(const ShownPair& pair) { return shards_[pair.record[0] % kShards]; }

  std::array<Shard, kShards> shards_;
};

}  // namespace coalition::ledger
