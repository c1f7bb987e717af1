// Writes what is disclosed into the ledger, before it leaves.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "common/mutex.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "server/ledger/disclosures.h"
#include "server/ledger/entry.h"
#include "server/store/commit_lane.h"

namespace coalition::ledger {

// What entries are written with: names, of what never gets another one, and keys. Thread-safe.
struct Names {
  std::function<std::string(uint32_t number)> member;  // members/{member}
  std::function<std::vector<std::string>(policy::ViewSet)> views;
  std::shared_ptr<EntryKeys> keys;  // never null
};

// Names records by the views that they were shown through. Not thread-safe; both must outlive it.
class ShownByViews {
 public:
  ShownByViews(const Names& names, google::protobuf::RepeatedPtrField<v1::LedgerShown>* to)
      : names_(names), to_(*to) {}
  // `record`: an id's 16 bytes. `answers`: as LedgerShown.
  void Add(std::string_view record, policy::ViewSet views, int32_t answers = 0);

 private:
  const Names& names_;
  google::protobuf::RepeatedPtrField<v1::LedgerShown>& to_;
  std::map<std::pair<policy::ViewSet, int32_t>, v1::LedgerShown*> by_views_;
};

// Answers of one method to one credential that wait for the disk at the same time become one entry: a
// thousand watches that are told the same, or screenings beside each other, cost what one costs. Not where an
// opinion may be among the records, since that withholds the entry from its receiver.
//
// Thread-safe. References must outlive it, and the lane must have been drained before it goes.
class EntryLog {
 public:
  EntryLog(store::CommitLane& lane, Names names, RunLater run_later)
      : lane_(lane), names_(std::move(names)), run_later_(std::move(run_later)) {}

  // Records of an entry of several answers, each counted for each answer; and of an answer that shares one:
  // more of them are worth an entry, which is made by the one who shows them, not by the lane.
  static constexpr size_t kJoinedRecordsMax = 1000, kAnswerRecordsMax = 16;
  // About what has joined and is not yet written: the lane has counted the first answers alone, and what it
  // takes at once must stay below what the store takes as one commit.
  static constexpr size_t kJoinedBytesMax = size_t{8} << 20;

  // Writes the disclosure's entry, or what it adds to one, and `beside` in the same commit, which must read
  // nothing and be written by nobody else. `done` is called once, by `run_later`, with OK when all of it is
  // durable. Errors: CommitLane's.
  void Append(const Disclosure& disclosure, const std::vector<DisclosedRecord>& first_showings,
              std::vector<store::Write> beside, std::function<void(absl::Status)> done);

  // Entries that were written, for the metrics.
  uint64_t appended() const { return appended_.load(std::memory_order_relaxed); }

 private:
  // All that an entry says of its answers beside what they showed: those that agree in it may share one.
  struct Scope {
    uint32_t member = 0;
    std::string credential;
    std::string method;
    uint64_t epoch = 0;
    // Not in the entry: within an epoch, a member's own policy that decided otherwise.
    uint64_t state_revision = 0;
    int64_t day = 0;
    friend bool operator==(const Scope&, const Scope&) = default;
    template <class H>
    friend H AbslHashValue(H h, const Scope& of) {
      return H::combine(std::move(h), of.member, of.credential, of.method, of.epoch, of.state_revision,
                        of.day);
    }
  };
  // What becomes one entry. Grows under mutex_ until it is closed, then it is the lane's.
  struct Gathered {
    int64_t time_ns = 0;  // of the earliest answer
    int answers = 1;
    size_t joined_bytes = 0;               // about, of all but the first
    std::vector<DisclosedRecord> records;  // of each answer each once for each set of views
    std::vector<DisclosedRecord> first_showings;
    std::vector<store::Write> beside;
    std::vector<std::function<void(absl::Status)>> done;
  };

  // Whether it became part of another's entry; else it is untouched.
  bool Join(const Scope& scope, Gathered& one);
  // Nothing is added any more.
  void Close(const Scope& scope, const Gathered& gathered);
  storage::v1::StoredLedgerEntry EntryOf(const Scope& scope, const Gathered& gathered) const;
  void Answer(const Scope& scope, const std::shared_ptr<Gathered>& gathered, const absl::Status& status);

  store::CommitLane& lane_;
  const Names names_;
  const RunLater run_later_;
  Mutex mutex_;
  absl::flat_hash_map<Scope, std::shared_ptr<Gathered>> open_ ABSL_GUARDED_BY(mutex_);
  size_t joined_bytes_ ABSL_GUARDED_BY(mutex_) = 0;  // of all that is not yet answered
  std::atomic<uint64_t> appended_{0};
};

// Lines of the lane beside the members' own: what is noted of a member's reading does not wait behind what it
// writes.
inline constexpr uint32_t kNotesLine = uint32_t{1} << 31;

}  // namespace coalition::ledger
