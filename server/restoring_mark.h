// What a restore keeps in ledger.head_dir while it is under way: a mark, with which no server starts, and
// what was there before, to begin again from or to go back to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace coalition::server {

// Every function blocks on the disk; errors of the disk are those of common/file.h. Not thread-safe: whoever
// has the journal of denials open has the directory (denials/journal.h).
class RestoringMark {
 public:
  explicit RestoringMark(std::string head_dir) : dir_(std::move(head_dir)) {}

  // FAILED_PRECONDITION: a restore was begun and has not ended; says how to go on, and how to give it up.
  absl::Status CheckNone(const std::string& store_dir) const;

  // Whether a restore was begun and has not ended.
  bool IsThere() const;
  // Where that is so: the head becomes the one from before it. One that the restore itself wrote is moved
  // away.
  absl::Status PutBackHead(int64_t now_s) const;
  // Before anything is written: keeps the journal, if there was one, and says whether there is a head that
  // will be put aside. What an earlier restore has left stays, under another name.
  absl::Status Begin(const std::string& backup, bool has_head, bool has_journal, int64_t now_s) const;
  absl::Status PutAsideHead() const;
  // The store is whole.
  absl::Status End() const;

  std::string file() const { return dir_ + "/restoring"; }
  std::string kept_head() const { return dir_ + "/head-before-restore"; }
  std::string kept_journal() const { return dir_ + "/denials-before-restore"; }

 private:
  // nullopt: there is no mark.
  absl::StatusOr<std::optional<std::string>> Read() const;
  absl::Status MoveAway(const std::string& from, const std::string& to, int64_t now_s) const;

  const std::string dir_;
};

}  // namespace coalition::server
