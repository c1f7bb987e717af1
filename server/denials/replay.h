// Denying again, in a store that was put back to an earlier state, what was denied after it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "common/policy/state.h"
#include "server/contents/contents.h"
#include "server/denials/journal.h"
#include "server/store/leveldb_store.h"
#include "server/store/store.h"

namespace coalition::denials {

// How far beyond all that is known a store goes on that was put back: commits that nobody knows of may have
// had revisions beyond the journal's mark, and a member a cursor of them.
inline constexpr store::Revision kSkip = store::Revision{1} << 32;

// What was done.
struct Replayed {
  size_t rows = 0;
  size_t taken_back = 0;
  size_t narrowed = 0;
};

// Whether what the store has under a key, from `stored` on (0: nothing), is older than the journal's entry of
// `denied`.
using IsOlder = std::function<bool(store::Revision denied, store::Revision stored)>;

// The coalition's rows that are older become as the journal has them. What they say of revisions holds in the
// store that goes on beyond these (LevelDbStore::SkipTo), which it must have done.
absl::Status ReplayRows(const Denied& denied, const IsOlder& is_older, store::Store& store, Replayed* done);

// The same of records that the store has, by the exchange's own code, so that indexes and the feed follow. A
// record that was taken back is taken back in the same way, without its comment. Those that were erased are
// expected to be gone with their keys already (server/erasure_filter.h). One that was changed keeps of its
// audience what it and the journal's entry both grant, by the same view; gets the exclusions of both, the
// stricter label and permitted action, the earlier expiry; and is contested where either is. Nothing is
// given: what was granted or confirmed after the backup is lost with everything else of that time. One that
// has another contributor since is withdrawn, and so is one where both exclude more than a record can hold.
// `state`: the coalition's after ReplayRows. DATA_LOSS: a record that is to be denied can't be read.
absl::Status ReplayRecords(const Denied& denied, const IsOlder& is_older, const policy::State& state,
                           const contents::ContentKeys& contents, int64_t now_ns, store::Store& store,
                           Replayed* done);

}  // namespace coalition::denials
