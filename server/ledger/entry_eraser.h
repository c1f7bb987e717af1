// Ends what entries say on demand, for a court or a data subject: in the store, in its copies, and in backups
// from before.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/ledger_leaf.h"
#include "server/ledger/entry_keys.h"
#include "server/ledger/log_reader.h"
#include "server/ledger/retention.h"
#include "server/store/commit_lane.h"
#include "server/store/store.h"

namespace coalition::ledger {

struct ErasedEntry {
  EntryPlace place;
  // By an earlier call, or with its day.
  bool erased_before = false;
};

// An erased entry is one that has ended (retention.h): its hashes stay, and with them every proof, and who
// may open it. Who was shown which record stays known, too (shown_log.h). Which keys were destroyed is kept
// in the store for good, so that an older copy of their file that is put back loses them at the next start.
//
// Its key may be another entry's of that day, too, which then ends with it: the chance is the number of the
// day's entries by 2^32. To look for one would take reading the whole day; and an order can't be refused for
// it.
//
// Thread-safe. References must outlive it.
class EntryEraser {
 public:
  EntryEraser(store::Store& store, store::CommitLane& lane, std::shared_ptr<EntryKeys> keys,
              ReceiverOpens receiver_opens)
      : store_(store),
        lane_(lane),
        keys_(std::move(keys)),
        receiver_opens_(std::move(receiver_opens)),
        log_(store) {}

  // Of what is said of it in the ledger: adds an entry to a commit that has none yet, or refuses the commit.
  // `entries`: how many it erases, or how many were looked at.
  using AddAct = std::function<absl::Status(size_t entries, store::Revision revision,
                                            std::vector<store::Write>* writes)>;

  // What Erase would answer, in the order of the places, each once; in one commit of the act alone.
  // Before anything is written, naming the entry: NOT_FOUND, there is none at that place;
  // FAILED_PRECONDITION, it is an act, which stays. DATA_LOSS. And errors of the store and the lane. Blocks;
  // not from the lane's thread.
  absl::StatusOr<std::vector<ErasedEntry>> Look(std::span<const EntryPlace> places, const AddAct& add_act);

  // The same, and does it: when it returns OK all of it holds. Of what was erased before nothing is done, and
  // if that is all there is no act. After an error of the lane, the store or the disk some of it may be done,
  // and the next start does the rest: to be repeated. Blocks; not from the lane's thread.
  absl::StatusOr<std::vector<ErasedEntry>> Erase(std::span<const EntryPlace> places, const AddAct& add_act);

 private:
  absl::StatusOr<std::vector<SealedEntry>> Find(std::span<const EntryPlace> places) const;
  // An act of so many, and `writes`.
  absl::Status Commit(size_t entries, const std::vector<store::Write>& writes, const AddAct& add_act);

  store::Store& store_;
  store::CommitLane& lane_;
  const std::shared_ptr<EntryKeys> keys_;
  const ReceiverOpens receiver_opens_;
  const LogReader log_;
};

// Destroys the keys that the store says are destroyed, or to be. To be called before entries are read. How
// many were still there: a crash came in between, or an older file of keys was put back. Blocks. Errors: the
// store's, and those of EntryKeys::Destroy.
absl::StatusOr<size_t> FinishEntryErasures(const store::Store& store, EntryKeys& keys);

}  // namespace coalition::ledger
