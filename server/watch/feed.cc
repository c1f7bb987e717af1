#include "server/watch/feed.h"

#include <utility>

#include "common/errors.h"
#include "server/exchange/access.h"
#include "server/membership/stored_state.h"
#include "server/watch/cursor.h"
#include "server/watch/feed_step.h"

namespace coalition::watch {

absl::StatusOr<Feed> Feed::Start(const FeedRoom& room, const exchange::CallContext& context,
                                 const v1::WatchStart& start) {
  if (absl::Status may = exchange::CheckMayRead(context); !may.ok()) return may;
  FieldViolations violations;
  exchange::RecordQuery query = exchange::CheckFilter(start.filter(), &violations);
  if (absl::Status status = violations.ToStatus(); !status.ok()) return status;
  const uint32_t member = context.caller.member_number;
  if (start.cursor().empty()) {
    FeedPosition position;
    position.done = context.settled;
    position.covered = {context.settled + 1, 0};
    return Feed(room, member, std::move(query), context.snapshot, std::move(position));
  }
  auto position = ReadCursor(room.cursors, member, query.filter, start.cursor());
  if (!position.ok()) return position.status();
  // Ahead of the store: it was restored from a copy of before.
  if (position->done > context.settled || position->done < room.store.Floor()) return CursorTooOld();
  State state = context.snapshot;
  if (state->stored().revision > position->done) {
    auto then = room.states.AsOf(position->done);
    if (absl::IsOutOfRange(then.status())) return CursorTooOld();
    if (!then.ok()) return exchange::FromStore(then.status());
    state = *std::move(then);
  }
  return Feed(room, member, std::move(query), std::move(state), *std::move(position));
}

bool Feed::MayShare() const {
  return position_.snapshot_complete && position_.ahead.size() <= kAheadInCursorMax;
}

absl::StatusOr<std::shared_ptr<FoundStep>> Feed::Find(const exchange::CallContext& context) const {
  StepKey key;
  if (MayShare()) {
    FeedPosition position = position_;
    position.done = room_->log.AnchorOf(position_.done);
    position.covered = {};  // everything
    key = {.position = PositionBytes(position),
           .settled = room_->log.AnchorOf(context.settled),
           .member = context.caller.member_number,
           .now_s = context.now_s(),
           .state = state_,
           .newest = context.snapshot,
           .filter = filter_};
    if (auto kept = room_->steps->Find(key)) return kept;
  }
  auto found = std::make_shared<FoundStep>();
  ledger::Disclosure disclosure;
  Step step(*this, context, &found->response, &disclosure);
  const auto progress = step.Run();
  // What it goes through was given up meanwhile.
  if (!progress.ok() && position_.done < room_->store.Floor()) return CursorTooOld();
  if (!progress.ok()) return progress.status();
  found->caught_up = *progress == Progress::kCaughtUp;
  found->disclosed = std::move(disclosure.records);
  found->recalls = step.TakeRecalls();
  found->position = step.TakePosition();
  found->state = step.TakeState();
  if (MayShare()) room_->steps->Keep(std::move(key), found);
  return found;
}

absl::StatusOr<Feed::Progress> Feed::Next(const exchange::CallContext& context,
                                          ledger::Disclosure* disclosure) {
  if (absl::Status may = exchange::CheckMayRead(context); !may.ok()) return may;
  auto found = Find(context);
  if (!found.ok()) return found.status();
  next_ = *std::move(found);
  disclosure->records = next_->disclosed;
  return next_->caught_up ? Progress::kCaughtUp : Progress::kMore;
}

void Feed::Sent() {
  position_ = next_->position;
  state_ = next_->state;
  next_ = nullptr;  // of a thousand watches none keeps what it has sent
}

std::string Feed::Cursor() const { return next_->Cursor(room_->cursors, member_, query_.filter); }
std::shared_ptr<const std::string> Feed::Bytes() const {
  return next_->Bytes(room_->cursors, member_, query_.filter);
}

}  // namespace coalition::watch
