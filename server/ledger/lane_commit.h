// Commits of the sealer's own, which waits for them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <future>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "server/ledger/entry_log.h"
#include "server/store/commit_lane.h"
#include "server/store/store.h"

namespace coalition::ledger {

// The sealer's line of the lane, beside those of members and of refusals.
inline constexpr uint32_t kSealerLine = kNotesLine | (uint32_t{1} << 29);

// Submits the commit and waits for its answer, as CommitLane::Done. Not from the lane's thread.
inline absl::StatusOr<store::Revision> CommitAndWait(store::CommitLane& lane, store::Commit commit,
                                                     size_t bytes) {
  // Shared: it may be told so late that the answer is taken already.
  const auto promise = std::make_shared<std::promise<absl::StatusOr<store::Revision>>>();
  std::future<absl::StatusOr<store::Revision>> answer = promise->get_future();
  lane.Submit(
      std::move(commit),
      [promise](absl::StatusOr<store::Revision> revision) { promise->set_value(std::move(revision)); }, bytes,
      kSealerLine);
  return answer.get();
}

}  // namespace coalition::ledger
