#include "server/watch/feed.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/errors.h"
#include "common/hash.h"
#include "server/exchange/access.h"
#include "server/exchange/keys.h"
#include "server/exchange/reader.h"
#include "server/membership/stored_state.h"
#include "server/watch/cursor.h"
#include "server/watch/recall_kind.h"
#include "server/watch/view.h"

namespace coalition::watch {
namespace {

// Of FeedPosition::ahead: some 100 bytes each.
constexpr size_t kAheadMax = 8'192;
constexpr size_t kRecordsFromLog = 1'000;
// What building a state costs, about.
constexpr int kLooksOfAState = 50;

// The stages of a change of one record: itself; of an opinion, the record that it is about; the records that
// refer to it, but not where the reader sees as much of it as before (kSubjectOnly). In cursors: never
// renumber.
enum Stage : uint32_t { kItself = 0, kSubject = 1, kReferring = 2, kSubjectOnly = 3 };

constexpr v1::RecordClass kReferringClasses[] = {v1::RECORD_CLASS_TAKEDOWN_NOTICE,
                                                 v1::RECORD_CLASS_TAKEDOWN_OUTCOME, v1::RECORD_CLASS_OPINION};

Had HadOf(const RecordView& view) {
  if (!view.shown) return std::nullopt;
  const Sha256Digest whole = Sha256(view.bytes);
  Had had(std::in_place);
  std::copy_n(whole.begin(), had->size(), had->begin());
  return had;
}

}  // namespace

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

// One call of Next: moves a copy of the position.
class Feed::Step {
 public:
  Step(const Feed& feed, const exchange::CallContext& context, v1::WatchRecordsResponse* response,
       ledger::Disclosure* disclosure)
      : room_(*feed.room_),
        limits_(feed.room_->limits),
        query_(feed.query_),
        context_(context),
        response_(*response),
        disclosure_(*disclosure),
        now_(room_.store, room_.keys, context.snapshot, context.settled, context.caller.member_number,
             context.now_s()),
        now_unexpired_(room_.store, room_.keys, context.snapshot, context.settled,
                       context.caller.member_number),
        state_(feed.state_),
        position_(feed.position_) {}

  absl::StatusOr<Progress> Run();

  FeedPosition TakePosition() { return std::move(position_); }
  State TakeState() { return std::move(state_); }
  std::vector<ledger::Recall> TakeRecalls() { return std::move(recalls_); }

 private:
  using Key = std::string;

  bool Full() const {
    return looks_ >= limits_.looks || static_cast<size_t>(response_.events_size()) >= limits_.events ||
           bytes_ >= limits_.bytes;
  }
  // The views right before the change under way, and right after it.
  const RecordViews& Before();
  const RecordViews& After();

  absl::StatusOr<bool> Tail();
  absl::StatusOr<bool> Take(const LoggedChange& change);
  absl::StatusOr<bool> TakeRecord(const LoggedChange::Record& record);
  absl::StatusOr<bool> TakeReferring(const exchange::RecordId& target);
  absl::StatusOr<bool> TakeCoalition();
  absl::Status Snapshot();

  // Tells of the record if its view before the change under way is not the one of now. Sets
  // `access_changed`, if that is asked for, where others' views may differ by this one.
  absl::Status Compare(const Key& key, bool created = false, bool* access_changed = nullptr);
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

absl::StatusOr<Feed::Progress> Feed::Step::Run() {
  for (;;) {
    auto caught_up = Tail();
    if (!caught_up.ok()) return caught_up.status();
    if (!*caught_up) return Progress::kMore;
    // The same by contract (Moment::settled), and watches that are at the same place now share it.
    if (position_.done == context_.settled) state_ = context_.snapshot;
    if (position_.snapshot_complete) return Progress::kCaughtUp;
    if (absl::Status status = Snapshot(); !status.ok()) return status;
    if (!position_.snapshot_complete) return Progress::kMore;
    response_.set_snapshot_complete(true);
  }
}

const RecordViews& Feed::Step::Before() {
  const store::Revision revision = position_.change - 1;
  if (!before_ || before_->at() != revision) {
    before_.emplace(room_.store, room_.keys, state_, revision, context_.caller.member_number);
  }
  return *before_;
}

const RecordViews& Feed::Step::After() {
  if (!after_ || after_->at() != position_.change) {
    after_.emplace(room_.store, room_.keys, state_after_, position_.change, context_.caller.member_number);
  }
  return *after_;
}

// Up to the context's moment, or until the response is full. True: it has come there.
absl::StatusOr<bool> Feed::Step::Tail() {
  while (position_.done < context_.settled) {
    auto part = room_.log.Read(position_.done, context_.settled, kRecordsFromLog);
    if (!part.ok()) return exchange::FromStore(part.status());
    for (const auto& change : part->changes) {
      auto taken = Take(*change);
      if (!taken.ok()) return taken.status();
      if (!*taken) return false;
      position_.done = change->revision;
      position_.change = 0;
      std::erase_if(position_.ahead, [](const auto& one) { return one.second.until_change_ends; });
    }
    position_.done = part->until;
  }
  return true;
}

// False: the response is full, and the position is where to go on.
absl::StatusOr<bool> Feed::Step::Take(const LoggedChange& change) {
  if (position_.change != change.revision) {
    position_.change = change.revision;
    position_.index = 0;
    position_.stage = kItself;
    position_.stage_after.clear();
  }
  state_after_ = state_;
  if (change.coalition) {
    auto behind = room_.states.AsOf(change.revision);
    if (!behind.ok()) return exchange::FromStore(behind.status());
    state_after_ = *std::move(behind);
  }
  for (; position_.index < change.records.size(); ++position_.index) {
    auto taken = TakeRecord(change.records[position_.index]);
    if (!taken.ok() || !*taken) return taken;
    position_.stage = kItself;
    position_.stage_after.clear();
  }
  if (!change.coalition) return true;
  auto taken = TakeCoalition();
  if (taken.ok() && *taken) {
    position_.stage_after.clear();
    state_ = state_after_;
    looks_ += kLooksOfAState;
  }
  return taken;
}

absl::StatusOr<bool> Feed::Step::TakeRecord(const LoggedChange::Record& record) {
  if (Full()) return false;
  const auto id = exchange::IdOfRecordKey(record.key);
  if (!id) return true;
  if (position_.stage == kItself) {
    bool access_changed = false;
    if (absl::Status status = Compare(record.key, record.created, &access_changed); !status.ok())
      return status;
    // What refers to a record shows the reference to those who see the record.
    position_.stage = access_changed ? kSubject : kSubjectOnly;
  }
  if (position_.stage != kReferring) {
    if (Full()) return false;
    const store::Revision then = record.created ? position_.change : position_.change - 1;
    const auto subject = SubjectOf(room_.store, record.key, then);
    if (!subject.ok()) return exchange::FromStore(subject.status());
    if (!subject->empty()) {
      if (absl::Status status = Compare(*subject); !status.ok()) return status;
    }
    if (position_.stage == kSubjectOnly) return true;
    position_.stage = kReferring;
  }
  return TakeReferring(*id);
}

absl::StatusOr<bool> Feed::Step::TakeReferring(const exchange::RecordId& target) {
  for (const v1::RecordClass of : kReferringClasses) {
    const std::string prefix = exchange::BackReferencePrefix(target, of);
    const std::string end = exchange::PrefixEnd(prefix);
    std::string from = prefix;
    if (position_.stage_after >= end) continue;
    if (position_.stage_after.starts_with(prefix)) from = position_.stage_after + '\0';
    for (;;) {
      auto page = room_.store.Scan(from, end, position_.change - 1, {.items = 64, .bytes = size_t{64} << 10});
      if (!page.ok()) return exchange::FromStore(page.status());
      for (const store::Entry& entry : page->items) {
        if (Full()) return false;
        if (auto s = Compare(entry.version.value); !s.ok()) return s;
        position_.stage_after = entry.key;
      }
      if (!page->next) break;
      from = *page->next;
    }
  }
  return true;
}

// Every record that was there for the member right before or is right after: by its old groups and its new
// ones.
absl::StatusOr<bool> Feed::Step::TakeCoalition() {
  if (membership::DecideAlike(state_->stored(), state_after_->stored())) return true;
  const std::optional<exchange::Position> from = exchange::DecodePosition(position_.stage_after);
  std::vector<std::unique_ptr<exchange::RowSource>> sources;
  for (const RecordViews* views : {&Before(), &After()}) {
    auto rows = exchange::RowsFor(views->reader(), query_, from);
    if (!rows.ok()) return rows.status();
    sources.push_back(*std::move(rows));
  }
  const auto rows = exchange::MergedRows(std::move(sources));
  for (;;) {
    if (Full()) return false;
    const auto row = rows->Next();
    if (!row.ok()) return row.status();
    if (!row->has_value() || !Covered((*row)->position)) return true;
    if (auto s = Compare((*row)->record_key); !s.ok()) return s;
    position_.stage_after = exchange::EncodePosition((*row)->position);
  }
}

absl::Status Feed::Step::Snapshot() {
  // What has expired too: its row will be removed, which is then no news.
  auto rows = exchange::RowsFor(now_unexpired_.reader(), query_, position_.covered);
  if (!rows.ok()) return rows.status();
  while (!Full()) {
    auto row = (*rows)->Next();
    if (!row.ok()) return row.status();
    if (!row->has_value()) {
      position_.snapshot_complete = true;
      return absl::OkStatus();
    }
    ++looks_;
    ledger::Disclosure shown, unused;
    auto view = now_.Of((*row)->record_key, query_, &shown);
    if (!view.ok()) return view.status();
    position_.covered = (*row)->position;
    if (!view->id) continue;
    const exchange::RecordId id = *view->id;
    const Had has = HadOf(*view);
    Had at_position = has;
    if (view->met_expired) {
      const auto unexpired = now_unexpired_.Of((*row)->record_key, query_, &unused);
      if (!unexpired.ok()) return unexpired.status();
      at_position = HadOf(*unexpired);
    }
    if (absl::Status noted = Note(id, has, at_position, at_position); !noted.ok()) return noted;
    if (absl::Status told = Tell(id, std::nullopt, has, *std::move(view), shown); !told.ok()) return told;
  }
  return absl::OkStatus();
}

absl::Status Feed::Step::Compare(const Key& key, bool created, bool* access_changed) {
  ++looks_;
  const auto id = exchange::IdOfRecordKey(key);
  if (!id) return absl::OkStatus();
  ledger::Disclosure unused, shown;
  RecordView before;
  if (!created) {
    auto then = Before().Of(key, query_, &unused);
    if (!then.ok()) return then.status();
    before = *std::move(then);
  }
  bool is_now = false;
  auto after = ViewAfter(key, &is_now, &shown);
  if (!after.ok()) return after.status();
  if (access_changed != nullptr) *access_changed = before.access != after->access;
  const auto ahead = position_.ahead.find(*id);
  const Had had = ahead == position_.ahead.end() ? HadOf(before) : ahead->second.had;
  const Had at_position = HadOf(*after);
  // This change is none of its view, and what the client has stays what it is.
  if (ahead == position_.ahead.end() && had == at_position) return absl::OkStatus();
  const std::optional<exchange::Position> at = after->id ? after->at : before.at;
  if (at && !Covered(*at)) return absl::OkStatus();
  auto now = is_now ? std::move(after) : now_.Of(key, query_, &shown);
  if (!now.ok()) return now.status();
  const Had has = is_now ? at_position : HadOf(*now);
  if (absl::Status noted = Note(*id, has, HadOf(before), at_position); !noted.ok()) return noted;
  return Tell(*id, had, has, *std::move(now), shown);
}

absl::StatusOr<RecordView> Feed::Step::ViewAfter(const Key& key, bool* is_now, ledger::Disclosure* shown) {
  // At the newest change they differ only by what has expired.
  if (position_.change == room_.log.AnchorOf(context_.settled) && state_after_ == context_.snapshot) {
    auto now = now_.Of(key, query_, shown);
    *is_now = now.ok() && !now->met_expired;
    if (*is_now || !now.ok()) return now;
    shown->records.clear();
  }
  ledger::Disclosure unused;
  return After().Of(key, query_, &unused);
}

absl::Status Feed::Step::Tell(const exchange::RecordId& id, const Had& had, const Had& has, RecordView view,
                              const ledger::Disclosure& shown) {
  if (had == has) return absl::OkStatus();
  if (has) {
    Upsert(std::move(view), shown);
    return absl::OkStatus();
  }
  const auto kind = RecallKindOf(room_.store, id, context_.settled);
  if (!kind.ok()) return kind.status();
  v1::Retraction* retraction = response_.add_events()->mutable_retract();
  retraction->set_name(exchange::NameOf(id));
  retraction->set_kind(*kind);
  bytes_ += retraction->ByteSizeLong();
  if (view.access.hidden()) recalls_.push_back({id, *kind});
  return absl::OkStatus();
}

// Whoever has something else than the view at the position is ahead of it: that before the change under way
// until it ends, and then that after it.
absl::Status Feed::Step::Note(const exchange::RecordId& id, const Had& has, const Had& before,
                              const Had& after) {
  if (has == before && has == after) {
    position_.ahead.erase(id);
    return absl::OkStatus();
  }
  position_.ahead[id] = {has, has == after};
  return position_.ahead.size() > kAheadMax ? CursorTooOld() : absl::OkStatus();
}

void Feed::Step::Upsert(RecordView view, const ledger::Disclosure& shown) {
  bytes_ += view.bytes.size();
  *response_.add_events()->mutable_upsert() = std::move(view.record);
  disclosure_.records.insert(disclosure_.records.end(), shown.records.begin(), shown.records.end());
}

absl::StatusOr<std::shared_ptr<FoundStep>> Feed::Find(const exchange::CallContext& context) const {
  StepKey key;
  if (IsPlain()) {
    key = {.done = room_->log.AnchorOf(position_.done),
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
  if (IsPlain()) room_->steps->Keep(std::move(key), found);
  return found;
}

absl::StatusOr<Feed::Progress> Feed::Next(const exchange::CallContext& context,
                                          v1::WatchRecordsResponse* response,
                                          ledger::Disclosure* disclosure) {
  if (absl::Status may = exchange::CheckMayRead(context); !may.ok()) return may;
  auto found = Find(context);
  if (!found.ok()) return found.status();
  next_ = *std::move(found);
  // Of a snapshot it is nobody else's, and large.
  if (IsPlain()) {
    *response = next_->response;
  } else {
    *response = std::move(next_->response);
  }
  disclosure->records = next_->disclosed;
  return next_->caught_up ? Progress::kCaughtUp : Progress::kMore;
}

void Feed::Sent() {
  position_ = next_->position;
  state_ = next_->state;
}

std::string Feed::Cursor() const { return next_->Cursor(room_->cursors, member_, query_.filter); }

}  // namespace coalition::watch
