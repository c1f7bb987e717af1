// Keys of contents for tests that keep none on a disk.
#pragma once

#include <memory>
#include <string>

#include "common/punctured_tree.h"
#include "server/contents/contents.h"
#include "tests/support/constant_random.h"

namespace coalition::testing {

// The same keys each time, so that what one has sealed another opens; but what one erases only that one has
// erased: who opens a store anew goes on with the one from before.
inline std::shared_ptr<contents::ContentKeys> TestContentKeys() {
  ConstantRandom random('k');
  return contents::ContentKeys::Make("", PuncturedTree::Make(contents::ContentKeys::kTreeBits, random),
                                     std::string(contents::ContentKeys::kPseudonymKeyBytes, 'p'));
}

}  // namespace coalition::testing
