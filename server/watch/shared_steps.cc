#include "server/watch/shared_steps.h"

#include <algorithm>

#include "server/watch/cursor.h"

namespace coalition::watch {

const std::string& FoundStep::Cursor(const Sealer& sealer, uint32_t member,
                                     const v1::RecordFilter& filter) const {
  std::call_once(sealed_, [&] { cursor_ = MakeCursor(sealer, member, filter, position); });
  return cursor_;
}

const std::shared_ptr<const std::string>& FoundStep::Bytes(const Sealer& sealer, uint32_t member,
                                                           const v1::RecordFilter& filter) const {
  std::call_once(serialised_, [&] {
    v1::WatchRecordsResponse place;
    place.set_cursor(Cursor(sealer, member, filter));
    std::string bytes = response.SerializeAsString();
    place.AppendToString(&bytes);
    bytes_ = std::make_shared<const std::string>(std::move(bytes));
  });
  return bytes_;
}

std::shared_ptr<FoundStep> SharedSteps::Find(const StepKey& key) const {
  const MutexLock lock(mutex_);
  // The newest first: it is nearly always that one.
  const auto found = std::find_if(kept_.rbegin(), kept_.rend(), [&](const Kept& k) { return k.key == key; });
  return found == kept_.rend() ? nullptr : found->step;
}

void SharedSteps::Keep(StepKey key, std::shared_ptr<FoundStep> step) {
  const size_t bytes = 2 * step->response.ByteSizeLong();  // and once it is serialised
  const MutexLock lock(mutex_);
  kept_.push_back({std::move(key), std::move(step), bytes});
  bytes_ += bytes;
  while (kept_.size() > kKept || (bytes_ > kBytesKept && kept_.size() > 1)) {
    bytes_ -= kept_.front().bytes;
    kept_.pop_front();
  }
}

}  // namespace coalition::watch
