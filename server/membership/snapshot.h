// The snapshot as it is built from the store.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "coalition/storage/v1/storage.pb.h"
#include "server/membership/directory.h"

namespace coalition::membership {

// DATA_LOSS when the parts do not fit together: numbers that are not dense, references to what is not there,
// no policy. What `before` (may be null) has made of parts that are the same in it is taken from there, and
// the gates of all credentials, and the keys of entries.
absl::StatusOr<std::shared_ptr<const Snapshot>> BuildSnapshot(
    StoredState stored, const Snapshot* before,
    std::shared_ptr<const ledger::EntryKeys> entry_keys = nullptr);

}  // namespace coalition::membership
