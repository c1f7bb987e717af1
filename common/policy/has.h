// Whether a repeated field of a policy lists a value.
#pragma once

#include <algorithm>

namespace coalition::policy {

template <class Values>
bool Has(const Values& values, int value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

}  // namespace coalition::policy
