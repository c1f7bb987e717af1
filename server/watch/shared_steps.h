// What steps of feeds found, shared by the feeds that stand at the same place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "coalition/v1/watch_service.pb.h"
#include "common/mutex.h"
#include "common/sealed.h"
#include "server/ledger/shown_log.h"
#include "server/watch/position.h"
#include "server/watch/states.h"

namespace coalition::watch {

// All that a step depends on: two that are equal find the same.
struct StepKey {
  // PositionBytes. `done` in it, and `settled`, are as ChangeLog::AnchorOf has them.
  std::string position;
  store::Revision settled = 0;
  uint32_t member = 0;
  int64_t now_s = 0;
  State state;   // at the position
  State newest;  // at `settled`
  std::string filter;

  friend bool operator==(const StepKey&, const StepKey&) = default;
};

// Immutable once it is kept, but that the cursor and the bytes are made when they are first asked for.
struct FoundStep {
  bool caught_up = false;
  v1::WatchRecordsResponse response;
  std::vector<ledger::DisclosedRecord> disclosed;
  std::vector<ledger::Recall> recalls;
  // Behind it.
  FeedPosition position;
  State state;

  // Of this position: MakeCursor. Thread-safe.
  const std::string& Cursor(const Sealer& sealer, uint32_t member, const v1::RecordFilter& filter) const;
  // The response with that cursor, serialised. Thread-safe.
  const std::shared_ptr<const std::string>& Bytes(const Sealer& sealer, uint32_t member,
                                                  const v1::RecordFilter& filter) const;

 private:
  mutable std::once_flag sealed_, serialised_;
  mutable std::string cursor_;
  mutable std::shared_ptr<const std::string> bytes_;
};

// Thread-safe. Keeps the last few: a change comes to all watches of a member at nearly the same time.
class SharedSteps {
 public:
  // nullptr: not kept.
  std::shared_ptr<FoundStep> Find(const StepKey& key) const;
  void Keep(StepKey key, std::shared_ptr<FoundStep> step);

 private:
  // Of as many members as may be told of a change at once.
  static constexpr size_t kKept = 64;
  static constexpr size_t kBytesKept = size_t{4} << 20;
  struct Kept {
    StepKey key;
    std::shared_ptr<FoundStep> step;
    size_t bytes;
  };

  mutable Mutex mutex_;
  std::deque<Kept> kept_ ABSL_GUARDED_BY(mutex_);
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace coalition::watch
