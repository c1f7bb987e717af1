// Seals the ledger: once in each tick, by the clock, also when nothing was written.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "common/random.h"
#include "common/signed_note.h"
#include "server/ledger/days.h"
#include "server/ledger/head.h"
#include "server/ledger/log_reader.h"
#include "server/ledger/retention.h"
#include "server/ledger/seal.h"
#include "server/store/commit_lane.h"
#include "server/store/store.h"

namespace coalition::ledger {

struct SealerOptions {
  // The log's name, for its life: the name of a key (IsKeyName).
  std::string origin;
  std::chrono::milliseconds tick{1000};
  // Where the head is kept; made if it is not there.
  std::string head_dir;
  // Of NoteAlgorithm::kCosignatureV1.
  std::vector<VerifierKey> witness_keys;
  // Called by the thread before each tick: what else is to be sealed is to be written. May be empty.
  std::function<void()> before_tick = {};
  RetentionOptions contents = {};
  // Signs beside the key (LogSigner).
  std::optional<LogKey> former_key = {};
};

// Since it was opened.
struct SealerCounts {
  uint64_t ticks = 0;
  uint64_t entries = 0;
  uint64_t failures = 0;
};

// A tick: the entries since the last one are read back from the store, checked, hashed, and made the next
// leaf of the log; the checkpoint is signed; one commit writes all of it, on the condition that nobody else
// has made this tick; then the head is written; and only then is the checkpoint published. What fails on the
// way is tried again with the next tick. Where what was read back is damaged nothing is signed any more: the
// log stands still, with its reason in Health(), until the store is mended.
//
// After each tick some work is done on the entries of days that are over (days.h), and contents end that are
// kept no longer (retention.h).
//
// Thread-safe. References must outlive it; it must be stopped before the lane is drained.
class Sealer {
 public:
  // Finishes erasures (entry_eraser.h). Then opens the log that the store has, or begins one with a first
  // tick, so that Newest() is always there. The work does not grow with the log. Errors: of LoadLog and
  // CheckHead; INVALID_ARGUMENT an option is none; where the first tick fails, its own.
  static absl::StatusOr<std::unique_ptr<Sealer>> Open(const SealerOptions& options, LogKey key,
                                                      store::Store& store, store::CommitLane& lane,
                                                      const Clock& clock, Random& random, MemberFacts facts);
  // Stops.
  ~Sealer();
  Sealer(const Sealer&) = delete;
  Sealer& operator=(const Sealer&) = delete;

  // The checkpoint that was published last, of size 1 at least, with its cosignatures. Does not wait for a
  // tick.
  Checkpoint Newest() const;

  // Adds the cosignatures in the note to the newest checkpoint, for which they must be; durable when it
  // returns OK. The checkpoint of the next tick has none: a cosignature is on what was cosigned. Waits for
  // the disk, and for a tick under way. FAILED_PRECONDITION STATE_CONFLICT: there is a newer checkpoint.
  // INVALID_ARGUMENT: what else WithCosignatures refuses. And the store's errors.
  absl::Status AddCosignature(const std::string& note);

  // Makes a tick now and waits for it; a time is never sealed twice, nor after a later one, even if the clock
  // goes back. Errors, which are counted and kept for Health(): DATA_LOSS, FAILED_PRECONDITION somebody else
  // seals this store, the store's, the head's disk's; and those of the work after it, where the tick itself
  // was made.
  absl::Status Tick();

  // Ticks at fixed distances from now on, in a thread of its own; what comes late is not made up for. Not
  // twice.
  void Start();
  // Returns when no tick is under way; none begins any more.
  void Stop();

  // Why the last tick failed. OK: it did not.
  absl::Status Health() const;
  SealerCounts counts() const;
  // Since the newest checkpoint was published, by the clock; never less than 0.
  double SecondsSinceCheckpoint() const;
  // As Days::days_done, in days since 1970-01-01.
  int64_t days_done() const { return days_done_.load(std::memory_order_relaxed); }

 private:
  struct Rooms {
    store::Store& store;
    store::CommitLane& lane;
    const Clock& clock;
    Random& random;
  };

  Sealer(const SealerOptions& options, LogKey key, const Rooms& rooms, MemberFacts facts);

  absl::Status Load();
  absl::Status TickLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(work_);
  absl::Status Seal() ABSL_EXCLUSIVE_LOCKS_REQUIRED(work_);
  // That the store still has what was sealed last, and nothing behind it.
  absl::Status CheckLast() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(work_);
  absl::Status CommitTick(const SealedTick& sealed) ABSL_EXCLUSIVE_LOCKS_REQUIRED(work_);
  // Writes the head, and then the checkpoint can be seen.
  absl::Status Publish() ABSL_EXCLUSIVE_LOCKS_REQUIRED(work_);
  absl::Status WorkOnDays() ABSL_EXCLUSIVE_LOCKS_REQUIRED(work_);
  absl::Status EndContents() ABSL_EXCLUSIVE_LOCKS_REQUIRED(work_);
  absl::Status ReplaceNote(Checkpoint checkpoint, std::string note) ABSL_EXCLUSIVE_LOCKS_REQUIRED(work_);
  void Note(const absl::Status& status);
  // False: it is to stop.
  bool WaitUntil(std::chrono::steady_clock::time_point time);
  void Run();

  const SealerOptions options_;
  const LogSigner signer_;
  const std::shared_ptr<EntryKeys> keys_;
  const Rooms rooms_;
  const HeadDir head_;

  Mutex work_;                                          // held while anything is written
  std::optional<LogState> log_ ABSL_GUARDED_BY(work_);  // as committed; nullopt: no log yet
  Days days_ ABSL_GUARDED_BY(work_);
  Retention retention_ ABSL_GUARDED_BY(work_);

  mutable Mutex shown_;
  Checkpoint newest_ ABSL_GUARDED_BY(shown_);
  int64_t newest_at_ns_ ABSL_GUARDED_BY(shown_) = 0;
  absl::Status health_ ABSL_GUARDED_BY(shown_);
  std::atomic<uint64_t> ticks_{0};
  std::atomic<uint64_t> entries_{0};
  std::atomic<uint64_t> failures_{0};
  std::atomic<int64_t> days_done_{0};

  Mutex running_;
  std::condition_variable changed_;
  bool stopping_ ABSL_GUARDED_BY(running_) = false;
  std::thread thread_;
};

}  // namespace coalition::ledger
