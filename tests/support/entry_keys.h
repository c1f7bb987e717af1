// Keys of what the ledger's entries say, for tests that keep none on a disk.
#pragma once

#include <memory>

#include "server/ledger/entry_keys.h"
#include "tests/support/constant_random.h"

namespace coalition::testing {

// The same keys each time, as TestContentKeys.
inline std::shared_ptr<ledger::EntryKeys> TestEntryKeys() {
  ConstantRandom random('e');
  return ledger::EntryKeys::Make(random);
}

}  // namespace coalition::testing
