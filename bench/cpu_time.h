// The time of one thread on a core: what else runs on the machine does not count.
#pragma once

#include <ctime>

namespace coalition::bench {

// Of the calling thread, since it began.
inline double ThreadCpuSeconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

}  // namespace coalition::bench
