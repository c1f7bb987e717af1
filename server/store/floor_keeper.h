// Gives up history: raises the floor and removes what only readers below it could see.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/mutex.h"
#include "leveldb/write_batch.h"
#include "server/store/iterator_pool.h"
#include "server/store/key_probe.h"
#include "server/store/marks.h"
#include "server/store/sequencer.h"
#include "server/store/store.h"

namespace coalition::store {

// Thread-safe; calls run one after the other.
//
// A version is removed when a newer one at or below the floor stands before it. The newest version of a key
// stays even if it is a tombstone, and so hides older versions that LevelDB brings back; log entries below
// the floor are never read.
class FloorKeeper {
 public:
  FloorKeeper(IteratorPool& pool, KeyProbe& probe, Marks& marks, Sequencer& sequencer)
      : pool_(pool), probe_(probe), marks_(marks), sequencer_(sequencer) {}

  // As of Store.
  absl::StatusOr<size_t> Raise(Revision revision, Limit limit);
  // As of LevelDbStore.
  absl::Status SkipTo(Revision revision);

 private:
  // How far into the log the removal has come. In memory only: what was removed and is met again does no
  // harm.
  struct Progress {
    Revision revision = 0;
    size_t key = 0;  // index in the entry's list
  };
  struct Removal;

  absl::Status PersistFloor(Revision revision);
  absl::Status Collect(Revision floor, Removal& removal) const;
  absl::Status CollectEntry(Revision floor, std::string_view key_list, Removal& removal) const;
  absl::Status CollectSuperseded(std::string_view key, Removal& removal) const;

  IteratorPool& pool_;
  KeyProbe& probe_;
  Marks& marks_;
  Sequencer& sequencer_;
  Mutex mutex_;
  Progress progress_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace coalition::store
