// A commit without a condition, for those who may wait for the disk.
#pragma once

#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "server/store/store.h"

namespace coalition::store {

// Makes these writes in one commit, whatever is there, and waits. Its revision, or an error as of
// Store::CommitAll. No writes: nothing is written; OK then says that all that was committed before is kept
// wherever it has to be (denials/journaled_store.h).
inline absl::StatusOr<Revision> CommitWrites(Store& store, std::vector<Write> writes) {
  Commit commit;
  commit.build = [&writes](Revision,
                           std::span<const std::optional<Version>>) -> absl::StatusOr<std::vector<Write>> {
    return writes;
  };
  return std::move(store.CommitAll(std::span(&commit, 1))[0]);
}

}  // namespace coalition::store
