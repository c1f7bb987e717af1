// What holds from one store revision on until the next one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "common/policy/check.h"

namespace coalition::policy {

// Thread-safe: const once it is built. The revisions lie together, apart from the values, which are large:
// every decision on an older record looks for its period.
template <class T>
class Periods {
 public:
  bool empty() const { return from_.empty(); }

  // The first one must be from 0, each other later than the one before.
  void Add(uint64_t from, T value) {
    Check(from_.empty() ? from == 0 : from > from_.back(), "periods begin at 0 and are in order");
    from_.push_back(from);
    values_.push_back(std::move(value));
  }

  // There must be one.
  const T& At(uint64_t revision) const {
    if (revision >= from_.back()) return values_.back();
    const auto above = std::upper_bound(from_.begin(), from_.end(), revision);
    return values_[static_cast<size_t>(above - from_.begin()) - 1];
  }

 private:
  std::vector<uint64_t> from_;
  std::vector<T> values_;
};

}  // namespace coalition::policy
