// Waiting for what will be so, instead of sleeping for as long as it mostly takes.
#pragma once

#include <chrono>
#include <functional>
#include <thread>

namespace coalition::testing {

// Asks until it is so. False: it was not for a minute, far longer than anything that works takes.
inline bool Eventually(const std::function<bool()>& condition) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

}  // namespace coalition::testing
