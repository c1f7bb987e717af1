// Stops the process on a defect of the program itself, never on bad input.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace coalition::policy {

inline void Check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "policy: broken invariant: %s\n", what);
  std::abort();
}

}  // namespace coalition::policy
