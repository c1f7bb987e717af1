// One call of Feed::Next: goes on from the feed's position, with a copy of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coalition/v1/watch_service.pb.h"
#include "server/exchange/exchange.h"
#include "server/exchange/row_source.h"
#include "server/ledger/shown_log.h"
#include "server/watch/change_log.h"
#include "server/watch/feed.h"
#include "server/watch/position.h"
#include "server/watch/states.h"
#include "server/watch/view.h"

namespace coalition::watch {

// Not thread-safe. References must outlive it.
class Feed::Step {
 public:
  Step(const Feed& feed, const exchange::CallContext& context, v1::WatchRecordsResponse* response,
       ledger::Disclosure* disclosure);

  absl::StatusOr<Progress> Run();

  // Once, after Run.
  FeedPosition TakePosition() { return std::move(position_); }
  State TakeState() { return std::move(state_); }
  std::vector<ledger::Recall> TakeRecalls() { return std::move(recalls_); }

 private:
  using Key = std::string;

  // The stages of a change, FeedPosition::stage; in cursors: never renumber.
  enum Stage : uint32_t {
    // Of one record: itself; of an opinion, the record that it is about; the records that refer to it, but
    // not where the reader sees as much of it as before (kSubjectOnly). And of the coalition: everything.
    kItself = 0,
    kSubject = 1,
    kReferring = 2,
    kSubjectOnly = 3,
    // Of a member's own policy: each of its records, with the same three stages, and the sellers whose
    // reports it has cleared.
    kTheirs = 4,
    kTheirSubject = 5,
    kTheirReferring = 6,
    kTheirCleared = 7,
  };
  // How a record is come upon.
  struct Comparing {
    bool created = false;  // there was nothing before
    bool removed = false;  // there is nothing after it, nor now
    bool once = false;     // nothing else of the change under way comes upon it
    uint32_t but_of = 0;   // not if it is this contributor's: those are come upon by themselves
  };

  bool Full() const {
    return looks_ >= limits_.looks || static_cast<size_t>(response_.events_size()) >= limits_.events ||
           bytes_ >= limits_.bytes;
  }
  uint32_t member() const { return context_.caller.member_number; }
  // The views right before the change under way, and right after it.
  const RecordViews& Before();
  const RecordViews& After();

  // Where the answer is a bool, false says that the response is full, and the position is where to go on.
  // Up to the context's moment.
  absl::StatusOr<bool> Tail();
  absl::StatusOr<bool> Take(const LoggedChange& change);
  absl::StatusOr<bool> TakeRecord(const LoggedChange::Record& record);
  absl::StatusOr<bool> TakeReferring(const exchange::RecordId& target, const std::string& place,
                                     Comparing how);
  // The records below `prefix`, or those that an index names there, in the order of the keys. The last one
  // done stands in FeedPosition::stage_after, behind `place`, without its first `implied` bytes.
  absl::StatusOr<bool> CompareAll(const std::string& prefix, size_t implied, const std::string& place,
                                  Comparing how);
  absl::Status Snapshot();

  // feed_sweep.cc
  absl::StatusOr<bool> TakeCoalition(const LoggedChange& change);
  absl::StatusOr<bool> SweepAll();
  absl::StatusOr<bool> SweepRecordsOf(uint32_t contributor);
  absl::StatusOr<bool> TakeTheirs(uint32_t contributor, const exchange::Row& row);
  absl::StatusOr<bool> SweepClearedBy(uint32_t contributor);

  // Tells of the record if its view before the change under way is not the one of now. Sets
  // `access_changed`, if that is asked for, where others' views may differ by this one.
  absl::Status Compare(const Key& key, Comparing how, bool* access_changed = nullptr);
  // Right after the change under way. `is_now`: it is the view of now too, and `shown` is noted.
  absl::StatusOr<RecordView> ViewAfter(const Key& key, bool* is_now, ledger::Disclosure* shown);
  absl::Status Tell(const exchange::RecordId& id, const Had& had, const Had& has, RecordView view,
                    const ledger::Disclosure& shown);
  absl::Status Note(const exchange::RecordId& id, const Had& has, const Had& before, const Had& after);
  void Upsert(RecordView view, const ledger::Disclosure& shown);
  bool Covered(const exchange::Position& at) const {
    return position_.snapshot_complete || at >= position_.covered;
  }

  const FeedRoom& room_;
  const FeedLimits& limits_;
  const exchange::RecordQuery& query_;
  const exchange::CallContext& context_;
  v1::WatchRecordsResponse& response_;
  ledger::Disclosure& disclosure_;
  const RecordViews now_, now_unexpired_;
  std::optional<RecordViews> before_, after_;
  State state_;        // at position_.done
  State state_after_;  // at position_.change
  FeedPosition position_;
  std::vector<ledger::Recall> recalls_;
  int looks_ = 0;
  size_t bytes_ = 0;
};

}  // namespace coalition::watch
