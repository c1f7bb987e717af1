#include "server/watch/feed_step.h"

#include <algorithm>

#include "common/hash.h"
#include "server/exchange/access.h"
#include "server/exchange/keys.h"
#include "server/exchange/reader.h"
#include "server/watch/cursor.h"
#include "server/watch/recall_kind.h"

namespace coalition::watch {
namespace {

// Of FeedPosition::ahead: some 100 bytes each.
constexpr size_t kAheadMax = 8'192;
constexpr size_t kRecordsFromLog = 1'000;
// What building a state costs, about.
constexpr int kLooksOfAState = 50;
// Most commits that are read from the store concern nobody.
constexpr int kCommitsOfALook = 2;

Had HadOf(const RecordView& view) {
  if (!view.shown) return std::nullopt;
  const Sha256Digest whole = Sha256(view.bytes);
  Had had(std::in_place);
  std::copy_n(whole.begin(), had->size(), had->begin());
  return had;
}

}  // namespace

Feed::Step::Step(const Feed& feed, const exchange::CallContext& context, v1::WatchRecordsResponse* response,
                 ledger::Disclosure* disclosure)
    : room_(*feed.room_),
      limits_(feed.room_->limits),
      query_(feed.query_),
      context_(context),
      response_(*response),
      disclosure_(*disclosure),
      now_(room_.store, room_.keys, context.snapshot, context.settled, member(), context.now_s()),
      now_unexpired_(room_.store, room_.keys, context.snapshot, context.settled, member()),
      state_(feed.state_),
      position_(feed.position_) {}

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
      position_.index = 0;
      std::erase_if(position_.ahead, [](const auto& one) { return one.second.until_change_ends; });
    }
    position_.done = part->until;
    looks_ += part->commits_read / kCommitsOfALook;
    if (position_.done < context_.settled && Full()) return false;
  }
  return true;
}

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
  auto taken = TakeCoalition(change);
  if (taken.ok() && *taken) {
    position_.stage = kItself;
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
    const absl::Status status =
        Compare(record.key, {.created = record.created, .removed = record.removed}, &access_changed);
    if (!status.ok()) return status;
    // What refers to a record shows the reference to those who see the record.
    position_.stage = access_changed ? kSubject : kSubjectOnly;
  }
  if (position_.stage != kReferring) {
    if (Full()) return false;
    const store::Revision then = record.created ? position_.change : position_.change - 1;
    const auto subject = SubjectOf(room_.store, record.key, then);
    if (!subject.ok()) return exchange::FromStore(subject.status());
    if (!subject->empty()) {
      if (absl::Status status = Compare(*subject, {}); !status.ok()) return status;
    }
    if (position_.stage == kSubjectOnly) return true;
    position_.stage = kReferring;
  }
  return TakeReferring(*id, {}, {});
}

absl::StatusOr<bool> Feed::Step::TakeReferring(const exchange::RecordId& target, const std::string& place,
                                               Comparing how) {
  return CompareAll(exchange::BackReferencesPrefix(target), 0, place, how);
}

absl::StatusOr<bool> Feed::Step::CompareAll(const std::string& prefix, size_t implied,
                                            const std::string& place, Comparing how) {
  const std::string end = exchange::PrefixEnd(prefix);
  std::string from = prefix;
  if (position_.stage_after.starts_with(place)) {
    const std::string done = prefix.substr(0, implied) + position_.stage_after.substr(place.size());
    if (done >= end) return true;
    if (done.starts_with(prefix)) from = done + '\0';
  }
  for (;;) {
    auto page = room_.store.Scan(from, end, position_.change - 1, {.items = 64, .bytes = size_t{64} << 10});
    if (!page.ok()) return exchange::FromStore(page.status());
    for (const store::Entry& entry : page->items) {
      if (Full()) return false;
      const bool is_record = entry.key.starts_with(exchange::kRecordsPrefix);
      if (auto s = Compare(is_record ? entry.key : entry.version.value, how); !s.ok()) return s;
      position_.stage_after = place + entry.key.substr(implied);
    }
    if (!page->next) return true;
    from = *page->next;
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
    Had at_position = HadOf(*view);
    const Had has = view->erased ? Had() : at_position;
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

absl::Status Feed::Step::Compare(const Key& key, Comparing how, bool* access_changed) {
  ++looks_;
  const auto id = exchange::IdOfRecordKey(key);
  if (!id) return absl::OkStatus();
  ledger::Disclosure unused, shown;
  RecordView before;
  if (!how.created) {
    auto then = Before().Of(key, query_, &unused);
    if (!then.ok()) return then.status();
    before = *std::move(then);
  }
  bool is_now = how.removed;
  auto after = how.removed ? RecordView() : ViewAfter(key, &is_now, &shown);
  if (!after.ok()) return after.status();
  if (how.but_of != 0 && (after->id ? after->contributor : before.contributor) == how.but_of)
    return absl::OkStatus();
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
  // Erased between this moment and its removal, which is yet to come: it is not sent.
  const Had has = now->erased ? Had() : is_now ? at_position : HadOf(*now);
  // Of what nothing comes upon again, the client is as far as if the change had ended.
  const Had before_that = how.once ? at_position : HadOf(before);
  if (absl::Status noted = Note(*id, has, before_that, at_position); !noted.ok()) return noted;
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
  if (view.access.hidden() || view.erased) recalls_.push_back({id, *kind});
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

}  // namespace coalition::watch
