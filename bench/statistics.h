// Numbers of repeated measurements.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <utility>
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

// Welch's t: how many standard errors the means lie apart. 0 with less than two values on a side.
inline double WelchT(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() < 2 || b.size() < 2) return 0;
  const auto mean_and_error = [](const std::vector<double>& values) {
    const auto count = static_cast<double>(values.size());
    const double mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
    double squares = 0;
    for (const double value : values) squares += (value - mean) * (value - mean);
    return std::pair(mean, squares / (count - 1) / count);
  };
  const auto [mean_a, error_a] = mean_and_error(a);
  const auto [mean_b, error_b] = mean_and_error(b);
  const double error = std::sqrt(error_a + error_b);
  return error == 0 ? 0 : (mean_a - mean_b) / error;
}

}  // namespace coalition::bench
