#include "common/random.h"

#include <openssl/rand.h>

#include <algorithm>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <span>

namespace coalition {

void SystemRandom::Fill(std::span<uint8_t> out) {
  while (!out.empty()) {
    const size_t count = std::min<size_t>(out.size(), INT_MAX);
    if (RAND_bytes(out.data(), static_cast<int>(count)) != 1) {
      // Predictable ids and keys are worse than no server.
      std::fputs("fatal: the system has no randomness\n", stderr);
      std::abort();
    }
    out = out.subspan(count);
  }
}

}  // namespace coalition
