#include "server/exchange/take_back_batch.h"

#include <algorithm>
#include <utility>

#include "common/errors.h"
#include "server/exchange/access.h"
#include "server/exchange/draft.h"

namespace coalition::exchange {
namespace {

// Looked up together: few reads, and rows in memory for as long as these take alone.
constexpr size_t kNamesAtOnce = 64;

using Value = absl::StatusOr<std::optional<store::Version>>;

// The values of `keys`, in one read; where one of them is damaged each by itself.
absl::StatusOr<std::vector<Value>> ReadEach(const store::Store& store, const std::vector<std::string>& keys,
                                            store::Revision at) {
  std::vector<Value> values;
  values.reserve(keys.size());
  auto all = store.Read(keys, at);
  if (all.ok()) {
    for (std::optional<store::Version>& value : *all) values.emplace_back(std::move(value));
    return values;
  }
  if (!absl::IsDataLoss(all.status())) return FromStore(all.status());
  for (const std::string& key : keys) {
    auto one = store.Read(std::span(&key, 1), at);
    if (!one.ok() && !absl::IsDataLoss(one.status())) return FromStore(one.status());
    one.ok() ? values.emplace_back(std::move((*one)[0])) : values.emplace_back(Corrupt());
  }
  return values;
}

// Where a record lies. Who asks for one that is not there has another one read, so that it takes about as
// long as for one that is hidden.
struct Place {
  std::string record_key;
  absl::StatusOr<bool> is_it;
};

absl::StatusOr<std::vector<Place>> PlacesOf(const store::Store& store, std::span<const NamedRecord> names,
                                            store::Revision at) {
  std::vector<std::string> keys;
  for (const NamedRecord& name : names) keys.push_back(IdKey(name.id));
  auto pointers = ReadEach(store, keys, at);
  if (!pointers.ok()) return pointers.status();
  const auto is_absent = [](const Value& pointer) { return pointer.ok() && !pointer->has_value(); };
  const auto first = std::find_if(pointers->begin(), pointers->end(), is_absent);
  const auto absent = static_cast<size_t>(std::count_if(first, pointers->end(), is_absent));
  const size_t from = first == pointers->end() ? 0 : static_cast<size_t>(first - pointers->begin());
  auto others = store.Scan(keys[from], PrefixEnd(kIdsPrefix), at, {.items = std::max(absent, size_t{1})});
  if (!others.ok() && !absl::IsDataLoss(others.status())) return FromStore(others.status());
  std::vector<Place> places;
  size_t next = 0;
  for (size_t i = 0; i < names.size(); ++i) {
    Value& pointer = (*pointers)[i];
    if (pointer.ok() && pointer->has_value()) {
      places.push_back({std::move((*pointer)->value), true});
    } else if (others.ok() && next < others->items.size()) {
      places.push_back({std::move(others->items[next++].version.value), false});
    } else {
      places.push_back({RecordKey("", "", names[i].id), false});
    }
    if (!pointer.ok()) places.back().is_it = pointer.status();
  }
  return places;
}

// What the store has under one name.
struct Found {
  Place place;
  Value row;
  Value taken_back;
};

absl::StatusOr<std::vector<Found>> FindAll(const store::Store& store, std::span<const NamedRecord> names,
                                           store::Revision at) {
  auto places = PlacesOf(store, names, at);
  if (!places.ok()) return places.status();
  std::vector<std::string> rows, taken_back;
  for (size_t i = 0; i < names.size(); ++i) {
    rows.push_back((*places)[i].record_key);
    taken_back.push_back(TakenBackKey(names[i].id));
  }
  auto of_rows = ReadEach(store, rows, at);
  if (!of_rows.ok()) return of_rows.status();
  auto of_taken_back = ReadEach(store, taken_back, at);
  if (!of_taken_back.ok()) return of_taken_back.status();
  std::vector<Found> found;
  found.reserve(names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    found.push_back({std::move((*places)[i]), std::move((*of_rows)[i]), std::move((*of_taken_back)[i])});
  }
  return found;
}

// Of a record that is not there any more. OK: its contributor has taken it back so before.
absl::Status JudgeGone(const Value& value, uint32_t member, bool clears) {
  if (!value.ok()) return value.status();
  const auto gone = ParseTakenBack(*value);
  if (!gone.ok()) return gone.status();
  if (!gone->has_value() || (*gone)->contributor() != member) return NotFound();
  return clears && (*gone)->kind() != v1::RETRACTION_KIND_CLEARED ? NotFound() : absl::OkStatus();
}

// nullopt: it was taken back before.
absl::StatusOr<std::optional<Removal>> Judge(const contents::ContentKeys& contents, const Found& found,
                                             const Contributor& contributor, const TakingBack& how,
                                             int place) {
  const bool clears = how.kind == v1::RETRACTION_KIND_CLEARED;
  if (!found.place.is_it.ok()) return found.place.is_it.status();
  if (*found.place.is_it) {
    if (!found.row.ok()) return found.row.status();
    const auto stored = found.row->has_value() ? ParseStoredRecord((*found.row)->value) : std::nullopt;
    if (stored && stored->header.contributor() == contributor.member) {
      if (stored->header.LiveAt(contributor.now_s())) {
        auto removal = RemovalOf(contents, found.place.record_key, *stored, how, FieldOfName(place));
        if (!removal.ok()) return removal.status();
        return std::optional(*std::move(removal));
      }
      // It has expired, and its row is still there.
      if (clears) return NotFound();
      return std::optional<Removal>();
    }
  }
  if (absl::Status gone = JudgeGone(found.taken_back, contributor.member, clears); !gone.ok()) return gone;
  return std::optional<Removal>();
}

}  // namespace

std::string FieldOfName(int place) { return "names[" + std::to_string(place) + "]"; }

absl::StatusOr<TakeBackBatch> TakeBackBatch::Read(const Room& room, const Contributor& contributor,
                                                  const TakingBack& how, std::span<const NamedRecord> names) {
  TakeBackBatch batch;
  while (batch.names() < names.size() && batch.bytes_ <= kBatchBytesMax) {
    const auto left = names.subspan(batch.names());
    const absl::Status added =
        batch.Add(room, contributor, how, left.first(std::min(left.size(), kNamesAtOnce)));
    if (!added.ok()) return added;
  }
  return batch;
}

absl::Status TakeBackBatch::Add(const Room& room, const Contributor& contributor, const TakingBack& how,
                                std::span<const NamedRecord> names) {
  auto found = FindAll(room.store, names, contributor.at);
  if (!found.ok()) return found.status();
  for (size_t i = 0; i < names.size() && bytes_ <= kBatchBytesMax; ++i) {
    Found& one = (*found)[i];
    auto removal = Judge(*room.keys.contents, one, contributor, how, names[i].place);
    if (!removal.ok() || !removal->has_value()) {
      answers_.push_back({names[i].place, removal.status()});
      continue;
    }
    const store::Version& row = **one.row;
    bytes_ += row.value.size() + (*removal)->bytes();
    items_.push_back({names[i], std::move(one.place.record_key), row.revision, **std::move(removal)});
  }
  return absl::OkStatus();
}

void TakeBackBatch::AppendReads(std::vector<std::string>* reads) const {
  for (const Item& item : items_) reads->push_back(item.key);
}

std::vector<NamedRecord> TakeBackBatch::AppendWrites(store::Revision revision,
                                                     std::span<const std::optional<store::Version>> values,
                                                     std::vector<store::Write>* writes) const {
  std::vector<NamedRecord> changed;
  for (size_t i = 0; i < items_.size(); ++i) {
    const Item& item = items_[i];
    if (values[i].has_value() && values[i]->revision == item.revision) {
      item.removal.AppendTo(revision, static_cast<uint32_t>(i), writes);
    } else {
      changed.push_back(item.name);
    }
  }
  return changed;
}

}  // namespace coalition::exchange
