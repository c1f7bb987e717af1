// What a log of entries is made with, where there is no coalition.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "server/ledger/entry_log.h"
#include "tests/support/entry_keys.h"

namespace coalition::testing {

// Member 7 is members/m7, and the only view is "v".
inline ledger::Names TestNames() {
  return {[](uint32_t number) { return "members/m" + std::to_string(number); },
          [](policy::ViewSet) { return std::vector<std::string>{"v"}; }, TestEntryKeys()};
}

// Answers on the lane's thread.
inline void RunNow(uint32_t /*member*/, const std::function<void()>& work) { work(); }

}  // namespace coalition::testing
