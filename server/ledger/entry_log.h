// Writes what is disclosed into the ledger, before it leaves.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
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
  // `record`: an id's 16 bytes.
  void Add(std::string_view record, policy::ViewSet views);

 private:
  const Names& names_;
  google::protobuf::RepeatedPtrField<v1::LedgerShown>& to_;
  std::map<policy::ViewSet, v1::LedgerShown*> by_views_;
};

// Thread-safe. References must outlive it, and the lane must have been drained before it goes.
class EntryLog {
 public:
  EntryLog(store::CommitLane& lane, Names names) : lane_(lane), names_(std::move(names)) {}

  // Writes the disclosure's entry, and `beside` in the same commit, which must read nothing and be written by
  // nobody else. `done` is called once, on the lane's thread or, if it was refused at once, on the caller's;
  // with OK when all of it is durable. Errors: CommitLane's.
  void Append(const Disclosure& disclosure, const std::vector<DisclosedRecord>& first_showings,
              std::vector<store::Write> beside, std::function<void(absl::Status)> done);

  // Entries that were written, for the metrics.
  uint64_t appended() const { return appended_.load(std::memory_order_relaxed); }

 private:
  store::CommitLane& lane_;
  const Names names_;
  std::atomic<uint64_t> appended_{0};
};

// Lines of the lane beside the members' own: what is noted of a member's reading does not wait behind what it
// writes.
inline constexpr uint32_t kNotesLine = uint32_t{1} << 31;

}  // namespace coalition::ledger
