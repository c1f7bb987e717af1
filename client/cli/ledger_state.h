// The checkpoint of the ledger that was verified last, in a file: what later ones are held against.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/checkpoint.h"
#include "common/fd.h"

namespace coalition::cli {

// A checkpoint and when it was seen, in Unix time; 0: not known.
struct SeenCheckpoint {
  std::string note;
  Checkpoint checkpoint;
  int64_t seen_s = 0;
};

// Verifies no signature. INVALID_ARGUMENT: `text` is neither a signed note of a checkpoint nor what Save
// writes.
absl::StatusOr<SeenCheckpoint> ParseSeenCheckpoint(std::string_view text);

// Two checkpoints of which not both can be of one log.
struct LedgerConflict {
  SeenCheckpoint before;
  SeenCheckpoint now;
  std::string what;  // one line
};

// Held by one process at a time, so that nobody puts an older checkpoint in the place of a newer one, nor
// cosigns what another has found to be wrong. Not thread-safe. Errors name the file.
class LedgerState {
 public:
  // Waits for whoever has it. Makes its directory, mode 0700. INVALID_ARGUMENT: the file is something else,
  // and stays as it is.
  static absl::StatusOr<LedgerState> Open(const std::string& path);

  const std::string& path() const { return path_; }
  // nullopt: nothing was verified yet.
  const std::optional<SeenCheckpoint>& last() const { return last_; }

  // Replaces the file whole, mode 0600: after a crash it has the checkpoint before or this one.
  absl::Status Save(SeenCheckpoint now);

  std::string conflict_path() const { return path_ + ".conflict"; }
  // Keeps both notes as evidence in conflict_path(), mode 0600. False: there is an earlier conflict's file,
  // which stays as it is.
  absl::StatusOr<bool> KeepConflict(const LedgerConflict& conflict) const;

 private:
  LedgerState(std::string path, Fd lock) : path_(std::move(path)), lock_(std::move(lock)) {}

  std::string path_;
  Fd lock_;
  std::optional<SeenCheckpoint> last_;
};

}  // namespace coalition::cli
