// Histories of any length up to a maximum: most of them short, since most mistakes show in a few steps.
#pragma once

#include <rapidcheck.h>

#include <cstdint>
#include <vector>

#include "tests/property/exchange_history.h"

namespace coalition::testing {

inline std::vector<uint32_t> AnyNumbers() {
  constexpr size_t kShortMax = 8, kLongMax = 28;
  const bool is_long = *rc::gen::inRange(0, 8) == 0;
  const auto count = *rc::gen::inRange<size_t>(1, (is_long ? kLongMax : kShortMax) + 1);
  return *rc::gen::container<std::vector<uint32_t>>(count, rc::gen::arbitrary<uint32_t>());
}

inline std::vector<Step> AnySteps() { return MakeSteps(AnyNumbers()); }
inline std::vector<Step> AnyStepsWithPolicies() { return MakeStepsWithPolicies(AnyNumbers()); }

}  // namespace coalition::testing
