// Names for entries of the ledger, where no coalition gives them.
#pragma once

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

}  // namespace coalition::testing
