#include "server/service/member_limits.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "common/errors.h"

namespace coalition::service {
namespace {

// After a refusal for too much at once: about the time in which calls end.
constexpr std::chrono::milliseconds kRetryWhenFull{50};

absl::Status Limited(std::string_view limit, int max, std::string_view message,
                     std::chrono::milliseconds retry) {
  return WithRetryDelay(
      Error(v1::ERROR_REASON_RATE_LIMITED, message, {{"limit", limit}, {"max", std::to_string(max)}}),
      std::max(retry, std::chrono::milliseconds(1)));
}

bool TakePlace(std::atomic<int>& count, int max) {
  if (count.fetch_add(1, std::memory_order_relaxed) < max) return true;
  count.fetch_sub(1, std::memory_order_relaxed);
  return false;
}

}  // namespace

MemberLimits::Permit& MemberLimits::Permit::operator=(Permit&& other) noexcept {
  if (this != &other) {
    Release();
    count_ = other.count_;
    other.count_ = nullptr;
  }
  return *this;
}

void MemberLimits::Permit::Release() {
  if (count_ != nullptr) count_->fetch_sub(1, std::memory_order_relaxed);
  count_ = nullptr;
}

MemberLimits::MemberLimits(const MemberLimitOptions& options)
    : options_(options),
      interval_ns_(std::max<int64_t>(1, 1'000'000'000 / std::max(1, options.calls_per_second))),
      burst_ns_(interval_ns_ * std::max(1, options.calls_burst)) {}

MemberLimits::~MemberLimits() {
  for (std::atomic<Chunk*>& chunk : chunks_) delete chunk.load(std::memory_order_acquire);
}

MemberLimits::Member& MemberLimits::Of(uint32_t member) {
  // Past the last chunk members share places: a coalition of 65,536 members can bear that.
  std::atomic<Chunk*>& slot = chunks_[(member / kMembersInChunk) % kChunks];
  Chunk* chunk = slot.load(std::memory_order_acquire);
  if (chunk == nullptr) {
    auto made = std::make_unique<Chunk>();
    if (slot.compare_exchange_strong(chunk, made.get(), std::memory_order_acq_rel,
                                     std::memory_order_acquire)) {
      chunk = made.release();
    }
  }
  return (*chunk)[member % kMembersInChunk];
}

bool MemberLimits::TakeToken(Member& member, int64_t now_ns, std::chrono::milliseconds* retry) const {
  int64_t arrival = member.arrival_ns.load(std::memory_order_relaxed);
  for (;;) {
    const int64_t next = std::max(arrival, now_ns) + interval_ns_;
    if (next - now_ns > burst_ns_) {
      *retry = std::chrono::milliseconds((next - now_ns - burst_ns_) / 1'000'000 + 1);
      return false;
    }
    if (member.arrival_ns.compare_exchange_weak(arrival, next, std::memory_order_relaxed)) return true;
  }
}

absl::Status MemberLimits::AdmitCall(uint32_t number, int64_t now_ns, Permit* permit) {
  Member& member = Of(number);
  if (!TakePlace(member.calls, options_.calls_in_flight_max)) {
    return Limited("calls_per_member", options_.calls_in_flight_max,
                   "Your member has as many calls under way as it may have.", kRetryWhenFull);
  }
  *permit = Permit(&member.calls);
  std::chrono::milliseconds retry{0};
  if (!TakeToken(member, now_ns, &retry)) {
    permit->Release();
    return Limited("calls_per_second", options_.calls_per_second, "Your member sends more calls than it may.",
                   retry);
  }
  return absl::OkStatus();
}

absl::Status MemberLimits::AdmitImport(uint32_t number, Permit* permit) {
  Member& member = Of(number);
  if (!TakePlace(member.imports, options_.imports_max)) {
    return Limited("imports_per_member", options_.imports_max,
                   "Your member has as many import streams open as it may have.", kRetryWhenFull);
  }
  *permit = Permit(&member.imports);
  return absl::OkStatus();
}

absl::Status MemberLimits::AdmitWatch(uint32_t number, Permit* permit) {
  Member& member = Of(number);
  if (!TakePlace(member.watches, options_.watches_max)) {
    return Limited("watches_per_member", options_.watches_max,
                   "Your member has as many watches open as it may have.", kRetryWhenFull);
  }
  *permit = Permit(&member.watches);
  return absl::OkStatus();
}

int64_t MemberLimits::calls_in_flight() const {
  int64_t sum = 0;
  for (const std::atomic<Chunk*>& slot : chunks_) {
    const Chunk* chunk = slot.load(std::memory_order_acquire);
    if (chunk == nullptr) continue;
    for (const Member& member : *chunk) sum += member.calls.load(std::memory_order_relaxed);
  }
  return sum;
}

}  // namespace coalition::service
