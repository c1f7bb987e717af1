// Ends the contents of entries that were sealed long ago. Their hashes stay, and with them every proof.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coalition/storage/v1/ledger.pb.h"
#include "coalition/v1/ledger_service.pb.h"
#include "server/ledger/entry_keys.h"
#include "server/ledger/keys.h"
#include "server/ledger/log_reader.h"
#include "server/store/commit_lane.h"
#include "server/store/store.h"

namespace coalition::ledger {

// Whether who was shown that may open its entry; if not, auditors alone may once the records that it names
// are gone from it. May be empty: always. Reads from disk; an error stops the work, and it is tried again.
using ReceiverOpens = std::function<absl::StatusOr<bool>(const v1::LedgerDisclosure&)>;

// The entry as it is when its contents have ended. Of one that can't be read any more, and may be a
// disclosure that its receiver may not open, nobody is named. DATA_LOSS: it is damaged.
absl::StatusOr<storage::v1::StoredLedgerEntry> EndedOnDisk(const EntryKeys& keys,
                                                           const ReceiverOpens& receiver_opens,
                                                           const storage::v1::StoredLedgerEntry& entry);

struct RetentionOptions {
  // From the time of the tick that sealed an entry. 0: for ever.
  std::chrono::hours keep{0};
  ReceiverOpens receiver_opens = {};
};

// What one commit ends, so that neither it nor the next tick waits long; of one revision at least.
inline constexpr size_t kEndedEntriesMax = 500;
inline constexpr size_t kEndedBytesMax = size_t{256} << 10;

// An entry that has ended is a new version of its row (Ended): salts, contents and what a member was shown
// for the first time are gone from it. The older version goes with the store's history. How far it has come
// is written with each step, in one commit, so after a crash it goes on there. Only what is sealed ends, and
// only of days whose entries for contributors are made.
//
// When all entries with keys of a day have ended, and all of the day after it, these keys are destroyed, so
// that nobody reads them in older versions, copies and backups either. (An entry that was made while the
// clock was more than a day behind ends with the keys of its own day.)
//
// Not thread-safe. References must outlive it.
class Retention {
 public:
  Retention(store::Store& store, store::CommitLane& lane, RetentionOptions options,
            std::shared_ptr<EntryKeys> keys)
      : store_(store), lane_(lane), options_(std::move(options)), keys_(std::move(keys)), log_(store) {}

  // One piece of the work on a log of `size` ticks: at most one commit. `days_done`: as Days::days_done.
  // False: nothing is left to do now. DATA_LOSS: an entry is damaged. FAILED_PRECONDITION: somebody else is
  // at this store. And the store's errors. After an error it goes on with what the store then has.
  absl::StatusOr<bool> Step(int64_t now_ms, int64_t days_done, uint64_t size);

 private:
  struct Batch {
    std::vector<std::pair<EntryId, storage::v1::StoredLedgerEntry>> entries;
    store::Revision last = 0;  // all up to it are among them
  };

  absl::StatusOr<bool> Continue(int64_t before_ms, uint64_t size);
  absl::Status Load();
  // The last revision that ticks before that time have sealed. 0: none.
  absl::StatusOr<store::Revision> DueBefore(int64_t time_ms, uint64_t size) const;
  absl::Status EndSome();
  absl::StatusOr<Batch> NextBatch() const;
  // Of days of which nothing is left, as far as what was sealed before that time has ended.
  absl::Status DestroyKeys(int64_t before_ms);
  absl::Status Commit(std::vector<store::Write> writes, store::Revision last);

  store::Store& store_;
  store::CommitLane& lane_;
  const RetentionOptions options_;
  const std::shared_ptr<EntryKeys> keys_;
  const LogReader log_;
  std::optional<store::Revision> ended_;  // all up to it; nullopt: not read yet
  store::Revision written_ = 0;           // what the store has of that
  store::Revision due_ = 0;               // all up to it are to end
  std::optional<int64_t> looked_ms_;      // before which time was due what is due
};

}  // namespace coalition::ledger
