// What a change of the coalition does to what the member sees.
#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/exchange/access.h"
#include "server/exchange/keys.h"
#include "server/exchange/record_query.h"
#include "server/exchange/taken_back.h"
#include "server/membership/stored_state.h"
#include "server/watch/feed_step.h"

namespace coalition::watch {
namespace {

// Passing over rows reads a page of each index at most.
constexpr int kLooksOfSkipping = 4;

// Whether there are few records to go through by the filter itself.
bool IsNarrow(const exchange::RecordQuery& query) {
  return !query.filter.external_id().empty() || !query.filter.seller().seller_id().empty() ||
         query.refers_to.has_value();
}

// Where a sweep of one contributor is: what FeedPosition::stage_after begins with. Its length says nothing,
// since a cursor's length shows it. And it is not a position alone: versions that go through everything for
// such a change have that in their cursors. Neither they nor this one goes on from the other's, but begins
// the change anew; what was told in it is noted with their cursors.
constexpr char kPlace = 1;
constexpr size_t kPlaceBytes = 1 + exchange::kPositionBytes;
std::string PlaceOf(exchange::Position at) { return kPlace + exchange::EncodePosition(at); }

// Of a clearance of the record with that id, by which the rest of its key is found.
constexpr size_t kClearancePlaceBytes = kPlaceBytes + sizeof(exchange::RecordId);
std::string PlaceOf(std::string_view clearance_key, std::string_view id) {
  std::string place(1, kPlace);
  place += clearance_key.substr(clearance_key.size() - exchange::kPositionBytes);
  place += id;
  return place;
}

std::optional<exchange::RecordId> ToId(std::string_view bytes) {
  exchange::RecordId id{};
  if (bytes.size() != id.size()) return std::nullopt;
  std::copy(bytes.begin(), bytes.end(), id.begin());
  return id;
}

// From where to go on at such a place: that clearance, or behind it if nothing follows its place. Of none,
// and of one that is not found, the first: whatever is come upon again is noted.
absl::StatusOr<std::string> ClearancesFrom(const store::Store& store, std::string_view place,
                                           store::Revision at) {
  std::string first(exchange::kClearancesPrefix);
  if (place.size() < kClearancePlaceBytes) return first;
  const auto id = ToId(place.substr(kPlaceBytes, sizeof(exchange::RecordId)));
  const std::string pointer = exchange::IdKey(*id);
  const auto read = store.Read(std::span(&pointer, 1), at);
  if (!read.ok()) return exchange::FromStore(read.status());
  const auto seller = (*read)[0] ? exchange::SellerOfRecordKey((*read)[0]->value) : std::nullopt;
  if (!seller) return first;
  std::string key = exchange::ClearancePrefix(seller->platform, seller->token);
  key += place.substr(1, exchange::kPositionBytes);
  return place.size() == kClearancePlaceBytes ? key + '\0' : key;
}

exchange::Position Above(exchange::Position position) {
  if (position.ordinal == std::numeric_limits<uint32_t>::max()) return {position.made + 1, 0};
  return {position.made, position.ordinal + 1};
}

// For each clearance, who made it; 0: not known.
absl::StatusOr<std::vector<uint32_t>> ContributorsOf(const store::Store& store,
                                                     const std::vector<store::Entry>& clearances,
                                                     store::Revision at) {
  std::vector<std::string> keys;
  for (const store::Entry& clearance : clearances) {
    const auto id = ToId(clearance.version.value);
    if (!id) return exchange::Corrupt();
    keys.push_back(exchange::TakenBackKey(*id));
  }
  const auto read = store.Read(keys, at);
  if (!read.ok()) return exchange::FromStore(read.status());
  std::vector<uint32_t> contributors;
  for (const auto& value : *read) {
    const auto taken_back = exchange::ParseTakenBack(value);
    if (!taken_back.ok()) return taken_back.status();
    contributors.push_back(taken_back->has_value() ? (*taken_back)->contributor() : 0);
  }
  return contributors;
}

}  // namespace

absl::StatusOr<bool> Feed::Step::TakeCoalition(const LoggedChange& change) {
  if (membership::DecideAlike(state_->stored(), state_after_->stored())) return true;
  const uint32_t contributor = change.own_policy_of;
  if (contributor == 0 || !change.records.empty() || IsNarrow(query_)) return SweepAll();
  // Its own policy is not for itself.
  if (contributor == member()) return true;
  if (position_.stage != kTheirCleared) {
    auto swept = SweepRecordsOf(contributor);
    if (!swept.ok() || !*swept) return swept;
    position_.stage = kTheirCleared;
    position_.stage_after.clear();
  }
  return SweepClearedBy(contributor);
}

// Every record that was there for the member right before or is right after: by its old groups and its new
// ones.
absl::StatusOr<bool> Feed::Step::SweepAll() {
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
    if (auto s = Compare((*row)->record_key, {.once = true}); !s.ok()) return s;
    position_.stage_after = exchange::EncodePosition((*row)->position);
  }
}

// Those of its records that are there for the member: they are in both indexes. Whatever the filter says, for
// what refers to them may match it, and however far the snapshot is, for that may be covered. The change
// writes no record, and makes nobody another one: the indexes are the same right before and right after.
absl::StatusOr<bool> Feed::Step::SweepRecordsOf(uint32_t contributor) {
  std::optional<exchange::Position> from;
  if (position_.stage_after.size() >= kPlaceBytes) {
    from = exchange::DecodePosition(position_.stage_after.substr(1, exchange::kPositionBytes));
    from = Above(*from);
  }
  const auto theirs =
      exchange::IndexRows(room_.store, position_.change, exchange::OwnerPrefix(contributor), from);
  const auto seen = exchange::RowsFor(After().reader(), exchange::RecordQuery(), from);
  if (!seen.ok()) return seen.status();
  auto their = theirs->Next(), any = (*seen)->Next();
  for (;;) {
    if (!their.ok()) return their.status();
    if (!any.ok()) return any.status();
    if (!their->has_value() || !any->has_value()) return true;
    const exchange::Position their_at = (*their)->position, any_at = (*any)->position;
    const exchange::Position to = std::min(their_at, any_at);
    const std::string place = PlaceOf(to);
    if (!position_.stage_after.starts_with(place)) {
      position_.stage = kTheirs;
      position_.stage_after = place;
    }
    if (Full()) return false;
    if (their_at == any_at) {
      auto taken = TakeTheirs(contributor, **their);
      if (!taken.ok() || !*taken) return taken;
      their = theirs->Next();
      any = (*seen)->Next();
      continue;
    }
    looks_ += kLooksOfSkipping;
    exchange::RowSource& ahead = their_at > any_at ? *theirs : **seen;
    if (absl::Status skipped = ahead.SkipTo(to); !skipped.ok()) return skipped;
    (their_at > any_at ? their : any) = ahead.Next();
  }
}

// As TakeRecord, but that nothing of the record itself is another: where the member sees as much of it as
// before, nothing else looks otherwise for it.
absl::StatusOr<bool> Feed::Step::TakeTheirs(uint32_t contributor, const exchange::Row& row) {
  const auto id = exchange::IdOfRecordKey(row.record_key);
  if (!id) return true;
  const Comparing others{.but_of = contributor};
  if (position_.stage == kTheirs) {
    bool access_changed = false;
    if (auto s = Compare(row.record_key, {.once = true}, &access_changed); !s.ok()) return s;
    if (!access_changed) return true;
    position_.stage = kTheirSubject;
  }
  if (position_.stage == kTheirSubject) {
    if (Full()) return false;
    const auto subject = SubjectOf(room_.store, row.record_key, position_.change);
    if (!subject.ok()) return exchange::FromStore(subject.status());
    if (!subject->empty()) {
      if (auto s = Compare(*subject, others); !s.ok()) return s;
    }
    position_.stage = kTheirReferring;
  }
  return TakeReferring(*id, PlaceOf(row.position), others);
}

// Others' reports about a seller show which were cleared before, to those who could see them. Of those that
// are gone nothing says whose they were but what is kept of each clearance: all of them are looked at.
absl::StatusOr<bool> Feed::Step::SweepClearedBy(uint32_t contributor) {
  auto from = ClearancesFrom(room_.store, position_.stage_after, position_.change);
  if (!from.ok()) return from.status();
  for (;;) {
    auto page = room_.store.Scan(*from, exchange::PrefixEnd(exchange::kClearancesPrefix), position_.change,
                                 {.items = 64, .bytes = size_t{64} << 10});
    if (!page.ok()) return exchange::FromStore(page.status());
    const auto contributors = ContributorsOf(room_.store, page->items, position_.change);
    if (!contributors.ok()) return contributors.status();
    for (size_t i = 0; i < page->items.size(); ++i) {
      if (Full()) return false;
      const store::Entry& clearance = page->items[i];
      const std::string place = PlaceOf(clearance.key, clearance.version.value);
      const auto seller = exchange::SellerOfClearanceKey(clearance.key);
      if (seller && (*contributors)[i] == contributor) {
        const std::string prefix = exchange::SellerPrefix(seller->platform, seller->token);
        auto taken = CompareAll(prefix, prefix.size(), place, {.but_of = contributor});
        if (!taken.ok() || !*taken) return taken;
      }
      ++looks_;
      position_.stage_after = place;
    }
    if (!page->next) return true;
    *from = *page->next;
  }
}

}  // namespace coalition::watch
