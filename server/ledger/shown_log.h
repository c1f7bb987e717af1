// Which member was shown which record, and what it was told and has acknowledged since.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coalition/storage/v1/storage.pb.h"
#include "server/ledger/disclosures.h"
#include "server/ledger/entry_log.h"
#include "server/ledger/shown_pairs.h"
#include "server/store/commit_lane.h"
#include "server/store/store.h"

namespace coalition::ledger {

using RecordIdBytes = policy::RecordIdBytes;

// That a record which a member was shown is not to be used any more.
struct Recall {
  RecordIdBytes record{};
  v1::RetractionKind kind = v1::RETRACTION_KIND_UNSPECIFIED;
  friend bool operator==(const Recall&, const Recall&) = default;
};

// A member that was shown a record.
struct ShownTo {
  uint32_t member = 0;
  storage::v1::StoredShown shown;
};

// A record that a member was shown.
struct ShownRecord {
  RecordIdBytes record{};
  storage::v1::StoredShown shown;
};

// Of a row's key.
struct ShownId {
  uint32_t member = 0;
  RecordIdBytes record{};
};
inline constexpr std::string_view kShownPrefix = "u";
std::string ShownKey(const ShownId& id);
// nullopt: not a key of such a row.
std::optional<ShownId> IdOfShownKey(std::string_view key);

// Whether nothing is left to be dealt with for a member that does not see the record: it has acknowledged
// that it is gone, and, of one that was cleared, that too.
bool IsAcknowledged(const storage::v1::StoredShown& shown, v1::RetractionKind kind);

// Keeps, for each record and member, when the member was first shown the record, and has the entry of each
// disclosure written with that: durable before the record leaves. After a crash it may name somebody whom the
// record never reached, never leave one out. In the store, never changed in form:
//
//   u member, record id                  StoredShown
//
// Thread-safe. References must outlive it, and the lane must have been drained before it goes.
class ShownLog final : public DisclosureLog {
 public:
  // Passes each disclosure on to `next` once it is kept, by `run_later`, which is that of `entries` too.
  ShownLog(store::Store& store, store::CommitLane& lane, EntryLog& entries, DisclosureLog& next,
           RunLater run_later)
      : store_(store), lane_(lane), entries_(entries), next_(next), run_later_(std::move(run_later)) {}

  // What is disclosed without a view has its entry alone.
  void Record(Disclosure disclosure, std::function<void(absl::Status)> recorded) override;

  // The member is sent word. Does not wait; what is not kept, by a crash or since the lane is full, counts as
  // not told. One member's calls take effect in their order.
  void Told(uint32_t member, const std::vector<Recall>& recalls, int64_t time_s);
  enum class Acknowledging {
    kGoneNow,  // the caller has seen to it that the member does not see the records
    kTold,     // words that were sent a while ago: not of records that it was shown again since
  };
  // The member has dealt with them. `done` (may be null) is called once, on any thread, with OK when that is
  // durable. What the member was never shown is passed over.
  void Acknowledged(uint32_t member, std::vector<Recall> recalls, Acknowledging of, int64_t time_s,
                    std::function<void(absl::Status)> done);

  // What is kept of these records and the member, in their order; nullopt: it was not shown it. The store's
  // errors.
  absl::StatusOr<std::vector<std::optional<storage::v1::StoredShown>>> RowsOf(
      uint32_t member, const std::vector<Recall>& recalls, store::Revision at) const;

  // Which of the members 1 to `members` were shown the record, by number, as of that revision. Looks for
  // each: a screen that hits writes one row, not two, and who asks this waits a few microseconds for each
  // member. The store's errors.
  absl::StatusOr<std::vector<ShownTo>> WhoWasShown(const RecordIdBytes& record, uint32_t members,
                                                   store::Revision at) const;

  // What the member was shown, at most `count` records from `from` on (empty: the first); `next` is where to
  // go on, empty at the end. The store's errors.
  struct Page {
    std::vector<ShownRecord> records;
    std::string next;
  };
  absl::StatusOr<Page> WhatWasShown(uint32_t member, std::string_view from, size_t count,
                                    store::Revision at) const;

 private:
  // A record that is not known to be kept.
  struct Unknown {
    DisclosedRecord record;
    uint64_t changed_before;  // as ShownPairs::Misses
  };
  // What is to be written of records that were begun.
  struct Missing {
    std::vector<DisclosedRecord> first_showings;
    std::vector<store::Write> rows;  // of these
    std::shared_ptr<const std::vector<RecordIdBytes>> shown_before;
  };
  // Each once.
  std::vector<Unknown> UnknownOf(const Disclosure& disclosure);
  // Writes the entry, and what is missing of the rows of `records`, which were begun with `mine`; ends them.
  void Keep(const Disclosure& disclosure, const std::vector<Unknown>& records,
            const std::shared_ptr<KeptTogether>& mine);
  // They were shown again: that they were told or acknowledged is forgotten.
  void ShowAgain(uint32_t member, const std::shared_ptr<const std::vector<RecordIdBytes>>& records,
                 const std::function<void(const absl::Status&)>& done);
  absl::StatusOr<Missing> MissingOf(const Disclosure& disclosure, const std::vector<Unknown>& records);

  store::Store& store_;
  store::CommitLane& lane_;
  EntryLog& entries_;
  DisclosureLog& next_;
  const RunLater run_later_;
  ShownPairs known_;
};

}  // namespace coalition::ledger
