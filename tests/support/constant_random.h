// Keys that are the same each time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "common/random.h"

namespace coalition::testing {

// One byte again and again.
class ConstantRandom final : public Random {
 public:
  explicit ConstantRandom(char byte) : byte_(static_cast<uint8_t>(byte)) {}
  void Fill(std::span<uint8_t> out) override { std::fill(out.begin(), out.end(), byte_); }

 private:
  const uint8_t byte_;
};

}  // namespace coalition::testing
