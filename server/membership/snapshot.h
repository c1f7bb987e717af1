// The snapshot as it is built from the store.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "coalition/storage/v1/storage.pb.h"
#include "server/membership/directory.h"

namespace coalition::membership {

// All that the store has of the coalition; each list ordered by number.
struct StoredState {
  storage::v1::StoredCoalition coalition;
  std::vector<storage::v1::StoredGroup> groups;
  std::vector<storage::v1::StoredMember> members;
  std::vector<storage::v1::StoredPlatform> platforms;
};

// DATA_LOSS when the parts do not fit together: numbers that are not dense, references to what is not there.
absl::StatusOr<std::shared_ptr<const Snapshot>> BuildSnapshot(const StoredState& stored);

}  // namespace coalition::membership
