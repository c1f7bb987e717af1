#include "server/server_metrics.h"

#include <utility>

namespace coalition::server {

void AskedMetrics::AddGauge(std::string_view name, std::string_view help, Value value) {
  metrics_.push_back({std::string(name), std::string(help), prometheus::MetricType::Gauge, std::move(value)});
}

void AskedMetrics::AddCounter(std::string_view name, std::string_view help, Value value) {
  metrics_.push_back(
      {std::string(name), std::string(help), prometheus::MetricType::Counter, std::move(value)});
}

std::vector<prometheus::MetricFamily> AskedMetrics::Collect() const {
  std::vector<prometheus::MetricFamily> families;
  families.reserve(metrics_.size());
  for (const Metric& metric : metrics_) {
    prometheus::ClientMetric sample;
    (metric.type == prometheus::MetricType::Gauge ? sample.gauge.value : sample.counter.value) =
        metric.value();
    families.push_back({metric.name, metric.help, metric.type, {std::move(sample)}});
  }
  return families;
}

}  // namespace coalition::server
