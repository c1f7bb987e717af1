// What the rooms tell of themselves, as Prometheus metrics. No label names a member or a seller.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "prometheus/collectable.h"
#include "prometheus/metric_family.h"

namespace coalition::server {

// Values that are asked for when they are collected. Add comes before the first Collect; Collect is
// thread-safe if the functions are.
class AskedMetrics final : public prometheus::Collectable {
 public:
  using Value = std::function<double()>;

  void AddGauge(std::string_view name, std::string_view help, Value value);
  void AddCounter(std::string_view name, std::string_view help, Value value);

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  struct Metric {
    std::string name, help;
    prometheus::MetricType type;
    Value value;
  };
  std::vector<Metric> metrics_;
};

}  // namespace coalition::server
