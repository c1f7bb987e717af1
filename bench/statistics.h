// Numbers of repeated measurements.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace coalition::bench {

// The value below which the share `q` (0 to 1) of `values` lies; 0 when there are none.
inline double Quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  const auto at = static_cast<size_t>(std::lround(q * static_cast<double>(values.size() - 1)));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(at), values.end());
  return values[at];
}

inline double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

// Half the distance between the quartiles, as a share of the median: how far apart repetitions typically lie.
inline double Spread(const std::vector<double>& values) {
  const double median = Median(values);
  return median == 0 ? 0 : (Quantile(values, 0.75) - Quantile(values, 0.25)) / 2 / median;
}

// Pairs are taken next to each other in time, so their ratios hold when the machine's speed drifts.
inline double MedianRatio(const std::vector<double>& measured, const std::vector<double>& baseline) {
  std::vector<double> ratios;
  for (size_t i = 0; i < std::min(measured.size(), baseline.size()); ++i) {
    if (baseline[i] != 0) ratios.push_back(measured[i] / baseline[i]);
  }
  return Median(ratios);
}

}  // namespace coalition::bench
