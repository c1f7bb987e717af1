// What a tick of these entries has in the store, but for its own row and for what waits for the end of a day.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "common/tick_tree.h"
#include "server/ledger/tick_nodes.h"
#include "server/ledger/unsealed.h"

namespace coalition::ledger {

// The root over the entries, in the order of their ids, and the rows of its tree and of who may open which of
// them. OUT_OF_RANGE: more entries than a tick has slots.
absl::StatusOr<TickTree> RowsOfTick(uint64_t tick, merkle::TickSecret secret,
                                    const std::vector<UnsealedEntry>& entries);

}  // namespace coalition::ledger
