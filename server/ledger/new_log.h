// What becomes of a log whose store is restored from a backup: a log has one history, so a new one begins,
// and seals the entries again.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/checkpoint.h"
#include "server/ledger/entry_keys.h"
#include "server/ledger/keys.h"
#include "server/ledger/log_tree.h"

namespace coalition::ledger {

// Takes the rows of a backup in the order of their keys. Not thread-safe.
class FormerLog {
 public:
  // `checkpoint`: of the former log, whose root its ticks must have. Entries of before `contents_from_s`
  // (Unix time) go, for the contents of entries so old have ended; and those whose keys are destroyed.
  FormerLog(std::optional<coalition::Checkpoint> checkpoint, int64_t contents_from_s,
            std::shared_ptr<const EntryKeys> keys)
      : checkpoint_(std::move(checkpoint)), contents_from_s_(contents_from_s), keys_(std::move(keys)) {}

  // What is to be written under that key, which begins with `l`. nullopt: nothing. Entries stay, as long as
  // they have their contents, and which keys are to be destroyed; and all else goes: ticks, trees,
  // checkpoint; which slots a party may open, and how far days were done and contents have ended, the new log
  // finds anew. An entry of a day that is done loses what the entries of that day were made of, so that they
  // are not made twice. (Of the day that was being worked on when the backup was made they may be: the same,
  // said twice.) DATA_LOSS: a row is damaged.
  absl::StatusOr<std::optional<std::string>> Take(std::string_view key, std::string_view value);

  // When all were taken. DATA_LOSS: the ticks do not have the checkpoint's root.
  absl::Status Prove() const;
  // Where an entry stands that the new log is to seal in its first tick.
  EntryId FirstPlace() const { return {1, first_place_}; }
  uint64_t entries() const { return entries_; }

 private:
  absl::StatusOr<std::optional<std::string>> TakeEntry(EntryId id, std::string_view value);
  absl::Status TakeTick(std::string_view key, std::string_view value);

  const std::optional<coalition::Checkpoint> checkpoint_;
  const int64_t contents_from_s_;
  const std::shared_ptr<const EntryKeys> keys_;
  LogTree tree_;
  std::optional<Sha256Digest> root_;  // at the checkpoint's size
  int64_t days_done_ = 0;
  uint32_t first_place_ = 0;
  uint64_t entries_ = 0;
};

}  // namespace coalition::ledger
