// Time is passed in, so that a test can say when now is.
#pragma once

#include <cstdint>

namespace coalition {

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  // Wall-clock time since the Unix epoch, in nanoseconds. May jump.
  virtual int64_t NowNs() const = 0;

  int64_t NowS() const { return NowNs() / 1'000'000'000; }
};

// The machine's clock.
class SystemClock final : public Clock {
 public:
  int64_t NowNs() const override;
};

}  // namespace coalition
