// What the calls cost and how they end, in Prometheus' words (go-grpc-prometheus' names). No label names a
// member or a seller.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "prometheus/collectable.h"
#include "prometheus/metric_family.h"
#include "server/service/methods.h"

namespace coalition::service {

// Thread-safe. prometheus::Histogram takes a mutex for each observation; here an observation is a few relaxed
// additions to the calling thread's shard, which Collect sums.
class CallMetrics final : public prometheus::Collectable {
 public:
  CallMetrics();
  ~CallMetrics() override;
  CallMetrics(const CallMetrics&) = delete;
  CallMetrics& operator=(const CallMetrics&) = delete;

  void Started(Method method);
  void Received(Method method);
  void Sent(Method method);
  void Handled(Method method, absl::StatusCode code, int64_t duration_ns);
  // A call was refused, with the reason of its ErrorInfo; a client that went away is no refusal.
  void Refused(const absl::Status& status);

  uint64_t handled(Method method, absl::StatusCode code) const;

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  static constexpr size_t kCodes = 17;
  static constexpr size_t kReasons = 64;
  static constexpr size_t kShards = 8;
  static constexpr std::array<int64_t, 13> kBoundsNs = {
      50'000,     100'000,    250'000,     500'000,     1'000'000,     2'500'000,     5'000'000,
      10'000'000, 25'000'000, 100'000'000, 500'000'000, 2'500'000'000, 10'000'000'000};
  using Counter = std::atomic<uint64_t>;
  struct Counters {
    Counter started{0}, received{0}, sent{0}, duration_ns{0};
    std::array<Counter, kCodes> handled{};
    std::array<Counter, kBoundsNs.size() + 1> buckets{};
  };
  struct alignas(64) Shard {
    std::array<Counters, kMethods> methods;
  };

  Counters& Of(Method method);
  template <class Member>
  uint64_t Sum(size_t method, Member member) const;
  prometheus::MetricFamily CollectHistogram() const;

  std::array<Shard, kShards> shards_;
  std::array<Counter, kReasons> refused_{};
};

}  // namespace coalition::service
