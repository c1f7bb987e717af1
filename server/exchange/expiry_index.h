// The expiry index of a store that was made without one.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "server/store/store.h"

namespace coalition::exchange {

// Sees to it that every record has its entry in the expiry index. Answers the write that notes this, for the
// caller to commit; none if it is noted already. A store without that note gets all entries first, in bounded
// commits: a minute for some million records, and from the beginning again if it is interrupted. Records that
// are damaged get none. Nobody else writes meanwhile. An error of the store.
absl::StatusOr<std::vector<store::Write>> IndexExpiry(store::Store& store);

}  // namespace coalition::exchange
