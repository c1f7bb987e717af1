// The feed of one watch: what its member may see, as it is now, and then every change of it.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coalition/v1/watch_service.pb.h"
#include "common/sealed.h"
#include "server/exchange/exchange.h"
#include "server/exchange/record_query.h"
#include "server/ledger/shown_log.h"
#include "server/watch/change_log.h"
#include "server/watch/position.h"
#include "server/watch/shared_steps.h"
#include "server/watch/states.h"

namespace coalition::watch {

// What one response holds at most, but for one event that is larger; and how many records are looked at for
// it, so that a thread is not held.
struct FeedLimits {
  size_t events = 200;
  size_t bytes = size_t{96} << 10;
  int looks = 1'000;
};

// What all feeds share. References must outlive them.
struct FeedRoom {
  const store::Store& store;
  const exchange::ExchangeKeys& keys;
  ChangeLog& log;
  States& states;
  const Sealer& cursors;
  FeedLimits limits{};
  std::shared_ptr<SharedSteps> steps = std::make_shared<SharedSteps>();
};

// Of one member and one filter. Not thread-safe.
//
// Call the *view* of a record at revision r what the member sees of it at r, by the state of the coalition at
// r: nothing, or the bytes of its projection. A view changes only at *triggers*, which the log has in one
// order: changes of the record, of records that it refers to or that refer to it, and of the coalition.
// Expiry comes into the log when the sweeper removes the row (exchange/expiry.h); until then nothing that has
// expired is sent.
//
// The feed takes the triggers one after the other. At each it compares the view right before it with the view
// now, which is that of the moment of sending: newest record, newest state. If they differ, the client is
// told the one of now. So nothing is ever sent by an older policy or in an older form, however far behind a
// watch is. And so the client is now and then ahead of the position: it has the view of some later moment,
// where the view at the position is another one. FeedPosition::ahead has exactly those records; by it each
// change is told once, and what came and went in between is not told at all. At the newest trigger nothing is
// ahead, but for what has expired and is not yet removed.
//
// Watches of one member with one filter, which most of the time are at the same place, share what their steps
// find. What they are told depends on nothing else (StepKey): each is still judged for itself, by the state
// that is the newest when it is.
//
// The snapshot goes backward in listing order while the tail goes on: each part of it is what there is at a
// position at which everything before it has been caught up with.
class Feed {
 public:
  // INVALID_ARGUMENT: the filter, or the cursor. OUT_OF_RANGE, CURSOR_TOO_OLD.
  static absl::StatusOr<Feed> Start(const FeedRoom& room, const exchange::CallContext& context,
                                    const v1::WatchStart& start);

  enum class Progress {
    kCaughtUp,  // nothing is missing at the context's moment
    kMore,      // call again; the response may be empty
  };
  // Finds what comes next, by the context as of `settled`. Notes in `disclosure` what is shown of others.
  // Nothing counts as sent before Sent is called; called again without that, it begins again where it was.
  // Errors: OUT_OF_RANGE CURSOR_TOO_OLD, or as of the exchange's reads.
  absl::StatusOr<Progress> Next(const exchange::CallContext& context, ledger::Disclosure* disclosure);
  // Of what Next found, until Sent: the events, and whether the snapshot is complete with them.
  const v1::WatchRecordsResponse& response() const { return next_->response; }
  // That with the cursor, serialised, once for all watches that share it. A message that is serialised behind
  // it is merged into it.
  std::shared_ptr<const std::string> Bytes() const;
  // Behind it; empty: this is no place to go on from (MakeCursor).
  std::string Cursor() const;
  // The records that the member sees no more, and not those that have only left the filter.
  const std::vector<ledger::Recall>& recalls() const { return next_->recalls; }
  // The response is on its way, or what Next found was empty.
  void Sent();

 private:
  class Step;
  absl::StatusOr<std::shared_ptr<FoundStep>> Find(const exchange::CallContext& context) const;
  // Whether others may stand at the same place: not within a snapshot, nor ahead of more than a cursor holds.
  bool MayShare() const;
  Feed(const FeedRoom& room, uint32_t member, exchange::RecordQuery query, State state, FeedPosition position)
      : room_(&room),
        member_(member),
        query_(std::move(query)),
        filter_(query_.filter.SerializeAsString()),
        state_(std::move(state)),
        position_(std::move(position)) {}

  const FeedRoom* room_;
  uint32_t member_;
  exchange::RecordQuery query_;
  std::string filter_;  // its bytes: equal ones are equal filters
  State state_;         // at position_.done
  FeedPosition position_;
  std::shared_ptr<FoundStep> next_;  // what Next found
};

}  // namespace coalition::watch
