// Randomness that repeats.
#pragma once

#include <cstdint>
#include <random>
#include <span>

#include "common/mutex.h"
#include "common/random.h"

namespace coalition::testing {

// Thread-safe.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed = 1) : engine_(seed) {}
  void Fill(std::span<uint8_t> out) override {
    const MutexLock lock(mutex_);
    for (uint8_t& byte : out) byte = static_cast<uint8_t>(engine_());
  }
  void Reseed(uint64_t seed) {
    const MutexLock lock(mutex_);
    engine_.seed(seed);
  }

 private:
  Mutex mutex_;
  std::mt19937_64 engine_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace coalition::testing
