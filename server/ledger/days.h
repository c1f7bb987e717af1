// Makes the entries from which a contributor learns who saw its records: of each day that is over, and not
// before, so that nothing of them tells at what time of the day that was.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coalition/storage/v1/ledger.pb.h"
#include "coalition/v1/member.pb.h"
#include "common/random.h"
#include "server/ledger/entry_log.h"
#include "server/ledger/unsealed.h"
#include "server/store/commit_lane.h"
#include "server/store/store.h"

namespace coalition::ledger {

// What entries say of members. Thread-safe, and of what never changes.
struct MemberFacts {
  Names names;
  std::function<v1::MemberKind(uint32_t number)> kind;
  // Whether the policy has members of that kind told by their kind alone: each of their records has an entry
  // of its own then. May be empty: none.
  std::function<bool(v1::MemberKind)> by_kind = {};
  // Whether the contributor may learn that the member was shown that record, which may be gone. May be empty:
  // of all. Reads from disk; an error stops the day's entries, and they are tried again.
  std::function<absl::StatusOr<bool>(uint32_t contributor, uint32_t member, const policy::RecordIdBytes&)>
      may_tell = {};
};

// Records of one entry.
inline constexpr size_t kRecordsPerDayEntry = 500;
// Before a day's entries are made, calls that had begun on it get so long to be sealed.
inline constexpr int64_t kDayGraceMs = 60'000;

// Days since 1970-01-01, UTC.
int64_t DayOf(int64_t time_ms);

// The rows that a tick's first showings are kept in until the day is over: one for each day and contributor.
std::vector<store::Write> ShowingsRows(uint64_t tick, const std::vector<UnsealedEntry>& entries);
// The earliest day of them. nullopt: there are none.
std::optional<int64_t> FirstDayOf(const std::vector<UnsealedEntry>& entries);

// Not thread-safe. The entries of a contributor and a member on one day have up to kRecordsPerDayEntry
// records each, shuffled, from rows in an order that is shuffled too. A commit makes entries and removes the
// rows that they are of, so after a crash it goes on with what is left: nothing is lost or made twice.
//
// The contributor opens both parts of an entry, and nobody else but auditors. Where the policy has the
// contributor learn the member's kind alone, or an authority's showings only after a time, whoever reads
// entries for callers withholds that: the policy may change, an entry does not.
class Days {
 public:
  // References must outlive it.
  Days(store::Store& store, store::CommitLane& lane, Random& random, MemberFacts facts);

  // Reads how far it has come. To be called first. DATA_LOSS: that is missing, beside a log, or damaged.
  absl::Status Load(bool log_is_empty);

  // What days_done() becomes with a tick on `day` that has first showings from `first_showing` on: each day
  // that has rows is to come. nullopt: it stays.
  std::optional<int64_t> DoneWith(int64_t day, std::optional<int64_t> first_showing) const;
  static store::Write DoneWrite(int64_t days_done);
  // That tick has been written, with what DoneWith said of it.
  void TickWritten(std::optional<int64_t> days_done, std::optional<int64_t> first_showing);

  // One piece of the work on days before `today`: at most one commit, of some megabytes.
  // False: nothing is left to do. DATA_LOSS: a row is damaged. FAILED_PRECONDITION: somebody else is at this
  // store. And the store's errors. After an error it goes on with what the store then has.
  absl::StatusOr<bool> Step(int64_t today);

  // The last day, of all up to which nothing is left to do.
  int64_t days_done() const { return days_done_.value_or(0); }

 private:
  struct Row {
    uint64_t tick = 0;
    size_t bytes = 0;
  };
  // Of one contributor on one day.
  struct Group {
    uint32_t day = 0;
    uint32_t contributor = 0;
    std::string from;  // where listing goes on
    std::string end;
    bool listed = false;
    std::vector<Row> rows;
  };

  void SetDone(int64_t days_done);
  // Looks at all that is left anew.
  void StartAgain();
  absl::StatusOr<bool> Continue(int64_t today);
  absl::Status FindGroup(int64_t today);
  absl::Status ListRows();
  absl::Status MakeEntries();
  absl::Status Advance(int64_t days_done);
  // The keys of the group's next rows, for one commit, from its end; at least one.
  std::vector<std::string> NextRows() const;
  using ByMember = std::map<uint32_t, std::vector<storage::v1::StoredFirstShowing>>;
  // The showings in these rows; of one that has more than a commit takes, those that chance chooses, and in
  // `left` the row with the others.
  absl::StatusOr<ByMember> ShowingsIn(const std::vector<std::string>& rows,
                                      std::optional<std::string>* left) const;
  // Serialised, of those that the contributor may learn of.
  absl::StatusOr<std::vector<std::string>> EntriesOf(ByMember&& by_member) const;
  absl::StatusOr<bool> MayTell(uint32_t member, const storage::v1::StoredFirstShowing& showing) const;
  storage::v1::StoredLedgerEntry EntryOf(uint32_t member,
                                         std::span<const storage::v1::StoredFirstShowing> showings) const;

  store::Store& store_;
  store::CommitLane& lane_;
  Random& random_;
  const MemberFacts facts_;
  std::optional<int64_t> days_done_;  // nullopt: before the first tick
  int64_t today_ = 0;                 // of the last step
  std::string from_;                  // no rows before this key
  std::optional<Group> group_;
};

}  // namespace coalition::ledger
