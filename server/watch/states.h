// The states of the coalition at the revisions that watches pass, shared by all of them.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "common/mutex.h"
#include "server/membership/directory.h"
#include "server/store/store.h"

namespace coalition::watch {

using State = std::shared_ptr<const membership::Snapshot>;

// Thread-safe. Keeps the last few that were asked for.
class States {
 public:
  // `directory` must outlive it.
  explicit States(const membership::Directory& directory) : directory_(directory) {}

  // As Directory::AsOf.
  absl::StatusOr<State> AsOf(store::Revision revision);

 private:
  static constexpr size_t kKept = 8;
  const membership::Directory& directory_;
  Mutex mutex_;
  std::deque<std::pair<store::Revision, State>> kept_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace coalition::watch
