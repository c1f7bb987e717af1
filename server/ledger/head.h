// The head: what the store was last known to hold, in a directory of its own. A store that is behind it was
// truncated, rolled back or is another one.
//
// One file, `head`, rewritten whole each time:
//
//   coalition-head/v1
//   sha256 HEX           of what follows this line
//   revision DECIMAL     the last one that the checkpoint has sealed
//   (a blank line)
//   the checkpoint's signed note
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/store/store.h"

namespace coalition::ledger {

struct Head {
  store::Revision revision = 0;
  std::string note;
  friend bool operator==(const Head&, const Head&) = default;
};

// Every function blocks on the disk; errors of the disk are those of common/file.h. Not thread-safe: one
// sealer has the directory.
class HeadDir {
 public:
  explicit HeadDir(std::string path) : path_(std::move(path)) {}

  // Makes the directory, mode 0700, if it is not there.
  absl::Status Make() const;
  // nullopt: there is none. DATA_LOSS: the file is damaged; says what to do.
  absl::StatusOr<std::optional<Head>> Read() const;
  // Durable when it returns OK.
  absl::Status Write(const Head& head) const;

  // Whether the operator has put a file `adopt` here: the log that the store has is to be taken as it is.
  absl::StatusOr<bool> MayAdopt() const;
  // Removes that word, so that it holds once.
  absl::Status EndAdopting() const;

  const std::string& path() const { return path_; }
  std::string file() const { return path_ + "/head"; }
  std::string adopt_file() const { return path_ + "/adopt"; }

 private:
  std::string path_;
};

}  // namespace coalition::ledger
