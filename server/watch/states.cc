#include "server/watch/states.h"

namespace coalition::watch {

absl::StatusOr<State> States::AsOf(store::Revision revision) {
  // Within the lock: whoever comes meanwhile mostly wants the same one.
  const MutexLock lock(mutex_);
  for (const auto& [of, state] : kept_) {
    if (of == revision) return state;
  }
  auto state = directory_.AsOf(revision);
  if (!state.ok()) return state.status();
  kept_.emplace_back(revision, *state);
  if (kept_.size() > kKept) kept_.pop_front();
  return state;
}

}  // namespace coalition::watch
