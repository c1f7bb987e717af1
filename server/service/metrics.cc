#include "server/service/metrics.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "common/errors.h"

namespace coalition::service {
namespace {

constexpr std::array<std::string_view, 17> kCodeNames = {
    "OK",       "Canceled",       "Unknown",          "InvalidArgument",   "DeadlineExceeded",
    "NotFound", "AlreadyExists",  "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
    "Aborted",  "OutOfRange",     "Unimplemented",    "Internal",          "Unavailable",
    "DataLoss", "Unauthenticated"};

void Add(std::atomic<uint64_t>& counter, uint64_t amount = 1) {
  counter.fetch_add(amount, std::memory_order_relaxed);
}
uint64_t Value(const std::atomic<uint64_t>& counter) { return counter.load(std::memory_order_relaxed); }

size_t ShardOfThread() {
  static std::atomic<size_t> next{0};
  thread_local const size_t shard = next.fetch_add(1, std::memory_order_relaxed);
  return shard;
}

std::vector<prometheus::ClientMetric::Label> Labels(const MethodInfo& info) {
  return {{"grpc_service", std::string(info.service)},
          {"grpc_method", std::string(info.name)},
          {"grpc_type", std::string(info.type)}};
}

prometheus::MetricFamily Family(std::string_view name, std::string_view help, prometheus::MetricType type) {
  prometheus::MetricFamily family;
  family.name = name;
  family.help = help;
  family.type = type;
  return family;
}

prometheus::ClientMetric CounterOf(std::vector<prometheus::ClientMetric::Label> labels, uint64_t value) {
  prometheus::ClientMetric metric;
  metric.label = std::move(labels);
  metric.counter.value = static_cast<double>(value);
  return metric;
}

}  // namespace

CallMetrics::CallMetrics() = default;
CallMetrics::~CallMetrics() = default;

CallMetrics::Counters& CallMetrics::Of(Method method) {
  return shards_[ShardOfThread() % kShards].methods[static_cast<size_t>(method)];
}

void CallMetrics::Started(Method method) { Add(Of(method).started); }
void CallMetrics::Received(Method method) { Add(Of(method).received); }
void CallMetrics::Sent(Method method) { Add(Of(method).sent); }

void CallMetrics::Handled(Method method, absl::StatusCode code, int64_t duration_ns) {
  Counters& counters = Of(method);
  Add(counters.handled[std::min(static_cast<size_t>(code), kCodes - 1)]);
  Add(counters.duration_ns, static_cast<uint64_t>(std::max<int64_t>(0, duration_ns)));
  const auto bound = std::lower_bound(kBoundsNs.begin(), kBoundsNs.end(), duration_ns);
  Add(counters.buckets[static_cast<size_t>(bound - kBoundsNs.begin())]);
}

void CallMetrics::Refused(const absl::Status& status) {
  if (status.code() == absl::StatusCode::kCancelled) return;
  const v1::ErrorReason known = GetErrorReason(status);
  const v1::ErrorReason reason = known == v1::ERROR_REASON_UNSPECIFIED ? v1::ERROR_REASON_INTERNAL : known;
  Add(refused_[std::min(static_cast<size_t>(reason), kReasons - 1)]);
}

template <class Member>
uint64_t CallMetrics::Sum(size_t method, Member member) const {
  uint64_t sum = 0;
  for (const Shard& shard : shards_) sum += Value(member(shard.methods[method]));
  return sum;
}

uint64_t CallMetrics::handled(Method method, absl::StatusCode code) const {
  return Sum(static_cast<size_t>(method),
             [&](const Counters& c) -> const Counter& { return c.handled[static_cast<size_t>(code)]; });
}

prometheus::MetricFamily CallMetrics::CollectHistogram() const {
  prometheus::MetricFamily family = Family("grpc_server_handling_seconds",
                                           "From the call's arrival to its answer, unary calls and streams.",
                                           prometheus::MetricType::Histogram);
  for (size_t method = 0; method < kMethods; ++method) {
    prometheus::ClientMetric metric;
    metric.label = Labels(kMethodInfos[method]);
    uint64_t count = 0;
    for (size_t i = 0; i < kBoundsNs.size(); ++i) {
      count += Sum(method, [i](const Counters& c) -> const Counter& { return c.buckets[i]; });
      metric.histogram.bucket.push_back({count, static_cast<double>(kBoundsNs[i]) * 1e-9});
    }
    count += Sum(method, [](const Counters& c) -> const Counter& { return c.buckets.back(); });
    metric.histogram.sample_count = count;
    metric.histogram.sample_sum =
        static_cast<double>(Sum(method, [](const Counters& c) -> const Counter& { return c.duration_ns; })) *
        1e-9;
    family.metric.push_back(std::move(metric));
  }
  return family;
}

std::vector<prometheus::MetricFamily> CallMetrics::Collect() const {
  constexpr auto kCounter = prometheus::MetricType::Counter;
  auto started = Family("grpc_server_started_total", "Calls begun.", kCounter);
  auto received = Family("grpc_server_msg_received_total", "Messages received.", kCounter);
  auto sent = Family("grpc_server_msg_sent_total", "Messages sent.", kCounter);
  auto handled = Family("grpc_server_handled_total", "Calls ended, by the code of their answer.", kCounter);
  for (size_t method = 0; method < kMethods; ++method) {
    const auto labels = Labels(kMethodInfos[method]);
    started.metric.push_back(
        CounterOf(labels, Sum(method, [](const Counters& c) -> const Counter& { return c.started; })));
    received.metric.push_back(
        CounterOf(labels, Sum(method, [](const Counters& c) -> const Counter& { return c.received; })));
    sent.metric.push_back(
        CounterOf(labels, Sum(method, [](const Counters& c) -> const Counter& { return c.sent; })));
    for (size_t code = 0; code < kCodes; ++code) {
      const uint64_t count =
          Sum(method, [code](const Counters& c) -> const Counter& { return c.handled[code]; });
      if (count == 0 && code != 0) continue;  // a series appears with its first call
      auto with_code = labels;
      with_code.push_back({"grpc_code", std::string(kCodeNames[code])});
      handled.metric.push_back(CounterOf(std::move(with_code), count));
    }
  }
  auto refusals =
      Family("coalition_refusals_total", "Calls refused, by the reason of their ErrorInfo.", kCounter);
  for (size_t reason = 0; reason < kReasons; ++reason) {
    const uint64_t count = Value(refused_[reason]);
    if (count == 0) continue;
    refusals.metric.push_back(
        CounterOf({{"reason", ReasonName(static_cast<v1::ErrorReason>(reason))}}, count));
  }
  return {std::move(started), std::move(received), std::move(sent),
          std::move(handled), CollectHistogram(),  std::move(refusals)};
}

}  // namespace coalition::service
