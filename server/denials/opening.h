// Holding a store against its journal, before anybody is served from it.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/denials/journal.h"
#include "server/store/store.h"

namespace coalition::denials {

// Of records so many of the newest entries are looked up at most; of the coalition's rows all.
inline constexpr size_t kRecordsCheckedMax = 10'000;

// OK: the store is at the journal's high-water mark or ahead of it, and has nothing older than the journal
// says. FAILED_PRECONDITION says what it is behind in: it was truncated, rolled back, or is another one; or
// it has had a journal, and this one is empty. And the store's errors.
absl::Status CheckStore(const Journal& journal, const store::Store& store);

// Appends what the store has and the journal lacks: after a crash between the two, or where the journal is
// new. Of the coalition's rows all that are newer than the journal has them; of records what the store's log
// has after `after` (and after its floor), and of those that were erased all, where the journal is empty:
// without it a copy of their keys would be taken for good. Errors: the store's, the journal's.
absl::Status CatchUp(Journal& journal, const store::Store& store, store::Revision after);

}  // namespace coalition::denials
