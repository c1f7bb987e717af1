#include "server/exchange/erase_batch.h"

#include <algorithm>
#include <utility>

#include "server/exchange/access.h"
#include "server/exchange/draft.h"
#include "server/exchange/erasures.h"
#include "server/exchange/taken_back.h"

namespace coalition::exchange {
namespace {

using Values = std::span<const std::optional<store::Version>>;

// Looked up together, and the most that one act of the ledger names.
constexpr size_t kNamesAtOnce = 100;

// What one call found of a record: its row, and how it was taken back.
absl::Status Judge(const Room& room, const Contributor& contributor, const std::optional<store::Version>& row,
                   const std::optional<store::Version>& gone, EraseBatch::Item* item) {
  const auto taken_back = ParseTakenBack(gone);
  if (!taken_back.ok()) return taken_back.status();
  if (taken_back->has_value()) {
    item->contributor = (*taken_back)->contributor();
    item->erased_before = (*taken_back)->erased();
  }
  if (!row.has_value()) return absl::OkStatus();
  const auto stored = ParseStoredRecord(row->value);
  if (!stored) return Corrupt();
  TakingBack how = GoneAt(contributor.now_s());
  how.erased = true;
  auto removal = RemovalOf(*room.keys.contents, item->key, *stored, how, "names");
  if (!removal.ok()) return removal.status();
  item->removal = *std::move(removal);
  item->revision = row->revision;
  item->contributor = stored->header.contributor();
  item->was_live = stored->header.LiveAt(contributor.now_s());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<EraseBatch> EraseBatch::Read(const Room& room, const Contributor& contributor,
                                            std::span<const NamedRecord> names) {
  EraseBatch batch;
  const absl::Status added = batch.Add(room, contributor, names.first(std::min(names.size(), kNamesAtOnce)));
  if (!added.ok()) return added;
  return batch;
}

absl::Status EraseBatch::Add(const Room& room, const Contributor& contributor,
                             std::span<const NamedRecord> names) {
  std::vector<std::string> ids, keys;
  for (const NamedRecord& name : names) ids.push_back(IdKey(name.id));
  auto places = room.store.Read(ids, contributor.at);
  if (!places.ok()) return FromStore(places.status());
  for (size_t i = 0; i < names.size(); ++i) {
    if (!(*places)[i].has_value()) return NotFound();
    keys.push_back(std::move((*places)[i]->value));
    keys.push_back(TakenBackKey(names[i].id));
  }
  const auto values = room.store.Read(keys, contributor.at);
  if (!values.ok()) return FromStore(values.status());
  for (size_t i = 0; i < names.size() && bytes_ <= kBatchBytesMax; ++i) {
    Item item{.name = names[i], .key = std::move(keys[2 * i]), .removal = {}};
    const std::optional<store::Version>& row = (*values)[2 * i];
    if (absl::Status judged = Judge(room, contributor, row, (*values)[2 * i + 1], &item); !judged.ok())
      return judged;
    bytes_ += (row ? row->value.size() : 0) + (item.removal ? item.removal->bytes() : 0);
    items_.push_back(std::move(item));
  }
  return absl::OkStatus();
}

bool EraseBatch::HasWork() const {
  return std::any_of(items_.begin(), items_.end(),
                     [](const Item& item) { return item.removal || !item.erased_before; });
}

void EraseBatch::AppendReads(std::vector<std::string>* reads) const {
  for (const Item& item : items_) {
    reads->push_back(item.key);
    reads->push_back(TakenBackKey(item.name.id));
  }
}

absl::StatusOr<EraseBatch::Outcome> EraseBatch::AppendWrites(store::Revision revision, Values values,
                                                             std::vector<store::Write>* writes) const {
  Outcome outcome;
  for (size_t i = 0; i < items_.size(); ++i) {
    const Item& item = items_[i];
    const std::optional<store::Version>& row = values[2 * i];
    if ((row ? row->revision : 0) != item.revision) {
      outcome.changed.push_back(item.name);
      continue;
    }
    if (item.removal) {
      item.removal->AppendTo(revision, static_cast<uint32_t>(i), writes);
    } else {
      auto gone = ParseTakenBack(values[2 * i + 1]);
      if (!gone.ok()) return gone.status();
      if (gone->has_value() && (*gone)->erased()) continue;
      storage::v1::StoredTakenBack how;
      how.set_kind(v1::RETRACTION_KIND_GONE);
      writes->push_back(ErasedWrite(item.name.id, gone->value_or(std::move(how))));
    }
    writes->push_back({ErasureKey(item.name.id), std::string()});
    outcome.done.push_back(&item);
  }
  return outcome;
}

}  // namespace coalition::exchange
