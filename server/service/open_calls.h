// The unary calls that gRPC is not done with: who does not read an answer does not hold it for ever.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "common/mutex.h"
#include "grpcpp/server_context.h"
#include "server/identity/gate.h"

namespace coalition::service {

// Of the credentials that are cut off.
using CutOffGates = absl::flat_hash_set<const identity::Gate*>;

// Thread-safe. Costs a call two locks that are hardly ever taken twice.
class OpenCalls {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // A call's place in it. Embedded in what lives as long as the call.
  class Entry {
   public:
    // Whether the call is being cancelled, or was. Then its end must not come on the thread that cancels.
    bool cancelled() const { return state_.load(std::memory_order_acquire) != State::kOpen; }
    // The call has its answer: what is left is that its client reads it.
    void Answered() { answered_.store(true, std::memory_order_release); }
    // Whose call it is, once that is known.
    void BelongTo(const identity::Gate* gate) { gate_.store(gate, std::memory_order_release); }

   private:
    friend class OpenCalls;
    enum class State : uint8_t { kOpen, kCancelling, kCancelled };
    grpc::ServerContextBase* call_ = nullptr;
    std::atomic<const identity::Gate*> gate_{nullptr};
    std::atomic<bool> answered_{false};
    TimePoint began_;
    std::atomic<State> state_{State::kOpen};
    size_t shard_ = 0;
    Entry* previous_ = nullptr;  // the older one
    Entry* next_ = nullptr;
    bool linked_ = false;
  };

  OpenCalls() = default;
  OpenCalls(const OpenCalls&) = delete;
  OpenCalls& operator=(const OpenCalls&) = delete;

  // `call` must live until Remove has returned.
  void Add(Entry* entry, grpc::ServerContextBase* call, TimePoint began);
  // Waits while the call is being cancelled: not on the thread that cancels it.
  void Remove(Entry* entry);

  // Cancels the calls that began before then; returns how many.
  size_t CancelBefore(TimePoint then);

  // Of credentials that are cut off, by their gates: how many calls there are, and the cancellation of those
  // that began before then and have their answer, which their clients do not read. What is still at work
  // will be told.
  size_t CountOf(const CutOffGates& gates);
  size_t CancelOf(const CutOffGates& gates, TimePoint began_before);

 private:
  static constexpr size_t kShards = 16;
  // Oldest first, about: gRPC's threads add to it at the same time.
  struct alignas(64) Shard {
    Mutex mutex;
    Entry* oldest ABSL_GUARDED_BY(mutex) = nullptr;
    Entry* newest ABSL_GUARDED_BY(mutex) = nullptr;
  };
  void Cancel(std::vector<Entry*>& entries);
  static void Unlink(Shard& shard, Entry* entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard.mutex);

  std::array<Shard, kShards> shards_;
};

}  // namespace coalition::service
