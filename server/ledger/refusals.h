// Calls that were refused, for the ledger: counted, so that nobody fills the disk with being refused.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <tuple>

#include "absl/status/status.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "server/ledger/entry_log.h"
#include "server/store/commit_lane.h"

namespace coalition::ledger {

// A party that is no member: auditors open the refusals of callers whom nobody knows.
inline constexpr uint32_t kAuditors = ~uint32_t{0};

// Thread-safe. References must outlive it, and the lane must have been drained before it goes.
class Refusals {
 public:
  Refusals(store::CommitLane& lane, Names names, const Clock& clock)
      : lane_(lane), names_(std::move(names)), clock_(clock) {}

  // Refusals of identity, standing, role and limits are counted, by their status code; others are passed
  // over. `member` 0: nobody's known credential. Does not wait. What was not flushed is lost in a crash.
  void Note(uint32_t member, std::string_view method, const absl::Status& refused);

  // Writes an entry for each member, method and reason that came up since, in one commit. What the lane
  // refuses is counted again with the next.
  void Flush();

 private:
  using What = std::tuple<uint32_t, std::string, std::string>;  // member, method, reason
  // More of them at once are counted as nobody's, whatever they asked for.
  static constexpr size_t kKindsMax = 1'000;

  void Add(const What& what, int64_t count) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  store::CommitLane& lane_;
  const Names names_;
  const Clock& clock_;
  Mutex mutex_;
  std::map<What, int64_t> counts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace coalition::ledger
