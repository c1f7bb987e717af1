// How much one member may ask of the server at a time, so that none starves the others.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"

namespace coalition::service {

struct MemberLimitOptions {
  int calls_in_flight_max = 2048;
  int calls_per_second = 100'000;
  int calls_burst = 200'000;
  int imports_max = 4;
  int watches_max = 200;
};

// Thread-safe and lock-free. Members are known by their numbers, dense from 1; what is kept of one grows with
// the highest number seen and is never given back.
class MemberLimits {
 public:
  // One call or import under way; gives its place back when destroyed. Must not outlive the limits.
  class Permit {
   public:
    Permit() = default;
    Permit(Permit&& other) noexcept : count_(other.count_) { other.count_ = nullptr; }
    Permit& operator=(Permit&& other) noexcept;
    ~Permit() { Release(); }
    void Release();

   private:
    friend class MemberLimits;
    explicit Permit(std::atomic<int>* count) : count_(count) {}
    std::atomic<int>* count_ = nullptr;
  };

  explicit MemberLimits(const MemberLimitOptions& options);
  ~MemberLimits();
  MemberLimits(const MemberLimits&) = delete;
  MemberLimits& operator=(const MemberLimits&) = delete;

  // Lets one more call of the member in. RESOURCE_EXHAUSTED RATE_LIMITED with RetryInfo, and `limit` in the
  // metadata: "calls_per_member" or "calls_per_second". `now_ns`: any clock that does not go back.
  absl::Status AdmitCall(uint32_t member, int64_t now_ns, Permit* permit);

  // The same for an import stream: "imports_per_member". Beside the stream's own call.
  absl::Status AdmitImport(uint32_t member, Permit* permit);
  // And for a watch: "watches_per_member".
  absl::Status AdmitWatch(uint32_t member, Permit* permit);

  // Of all members.
  int64_t calls_in_flight() const;

 private:
  struct alignas(64) Member {
    std::atomic<int> calls{0};
    std::atomic<int> imports{0};
    std::atomic<int> watches{0};
    // The generic cell rate algorithm's theoretical arrival time: the whole token bucket in one number.
    std::atomic<int64_t> arrival_ns{0};
  };
  static constexpr size_t kMembersInChunk = 64;
  static constexpr size_t kChunks = 1024;
  using Chunk = std::array<Member, kMembersInChunk>;

  Member& Of(uint32_t member);
  bool TakeToken(Member& member, int64_t now_ns, std::chrono::milliseconds* retry) const;

  const MemberLimitOptions options_;
  const int64_t interval_ns_;
  const int64_t burst_ns_;
  std::array<std::atomic<Chunk*>, kChunks> chunks_{};
};

}  // namespace coalition::service
