#include "server/denials/opening.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/strings.h"
#include "server/denials/classify.h"
#include "server/denials/journaled_store.h"
#include "server/exchange/keys.h"
#include "server/exchange/taken_back.h"
#include "server/store/prefix.h"

namespace coalition::denials {
namespace {

using storage::v1::DeniedRecord;
using storage::v1::DeniedRow;
using storage::v1::StoredDenials;
using Versions = std::vector<std::optional<store::Version>>;

constexpr size_t kKeysPerRead = 1'000;
constexpr size_t kFrameBytes = size_t{4} << 20;
constexpr store::Limit kLogPage{.items = 256, .bytes = size_t{4} << 20};

absl::Status Behind(std::string_view why) { return absl::FailedPreconditionError(Absl(why)); }

// Calls `visit` with each item and what the store has under its key, until it answers an error.
template <class Item, class KeyOf, class Visit>
absl::Status ReadEach(const store::Store& store, std::span<const Item* const> items, const KeyOf& key_of,
                      const Visit& visit) {
  for (size_t from = 0; from < items.size(); from += kKeysPerRead) {
    const auto part = items.subspan(from, std::min(kKeysPerRead, items.size() - from));
    std::vector<std::string> keys;
    keys.reserve(part.size());
    for (const Item* item : part) keys.push_back(key_of(*item));
    const auto values = store.Read(keys, store.Head());
    if (!values.ok()) return values.status();
    for (size_t i = 0; i < part.size(); ++i) {
      if (absl::Status status = visit(*part[i], (*values)[i]); !status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

template <class Map>
auto PointersTo(const Map& map) {
  std::vector<const typename Map::mapped_type*> items;
  items.reserve(map.size());
  for (const auto& entry : map) items.push_back(&entry.second);
  return items;
}

absl::Status CheckRow(const DeniedRow& row, const std::optional<store::Version>& has) {
  const store::Revision at = has ? has->revision : 0;
  if (has && at > row.revision()) return absl::OkStatus();
  if (row.removed() ? !has : has && at == row.revision() && has->value == row.value())
    return absl::OkStatus();
  return Behind(absl::StrCat("of ", Quoted(row.key()), " it has what was written at ", at,
                             ", and was written again at ", row.revision()));
}

absl::Status CheckRows(const Denied& denied, const store::Store& store) {
  const auto rows = PointersTo(denied.rows);
  return ReadEach<DeniedRow>(
      store, rows, [](const DeniedRow& row) { return row.key(); }, CheckRow);
}

absl::Status CheckRecords(const Denied& denied, const store::Store& store) {
  auto records = PointersTo(denied.records);
  const size_t count = std::min(records.size(), kRecordsCheckedMax);
  std::partial_sort(
      records.begin(), std::next(records.begin(), static_cast<ptrdiff_t>(count)), records.end(),
      [](const DeniedRecord* a, const DeniedRecord* b) { return a->revision() > b->revision(); });
  records.resize(count);
  const auto id_key = [](const DeniedRecord& record) {
    return std::string(exchange::kIdsPrefix) + record.id();
  };
  return ReadEach<DeniedRecord>(
      store, records, id_key,
      [&store](const DeniedRecord& record, const std::optional<store::Version>& place) -> absl::Status {
        if (!place) return absl::OkStatus();
        const auto has = store.Read(std::span(&place->value, 1), store.Head());
        if (!has.ok()) return has.status();
        if (!has->front() || has->front()->revision >= record.revision()) return absl::OkStatus();
        return Behind(absl::StrCat("it has a record as it was at ", has->front()->revision,
                                   ", which was changed or taken back at ", record.revision()));
      });
}

// Collects frames, and appends them when they are large.
class Frames {
 public:
  explicit Frames(Journal& journal) : journal_(journal) {}
  StoredDenials& next() { return next_; }
  absl::Status EndIfLarge() { return next_.ByteSizeLong() < kFrameBytes ? absl::OkStatus() : End(); }
  absl::Status End() {
    absl::Status appended = IsEmpty(next_) ? absl::OkStatus() : journal_.Append(next_);
    next_.Clear();
    return appended;
  }

 private:
  Journal& journal_;
  StoredDenials next_;
};

// All in one frame: a journal has all rows of a state or none.
absl::Status CatchUpRows(const Journal& journal, const store::Store& store, StoredDenials* to) {
  const auto& known = journal.denied().rows;
  const auto visit = [&](std::string_view key, std::string_view value, store::Revision revision) {
    if (!IsJournalled(key)) return true;
    const auto row = known.find(key);
    if (row != known.end() && row->second.revision() >= revision) return true;
    AppendRow(revision, {std::string(key), std::string(value)}, to);
    return true;
  };
  const store::Revision head = store.Head();
  for (const std::string_view prefix : kJournalledPrefixes) {
    if (absl::Status scanned = store.ScanEach(prefix, store::PrefixEnd(prefix), head, visit); !scanned.ok())
      return scanned;
  }
  return absl::OkStatus();
}

absl::Status CatchUpRecords(const store::Store& store, store::Revision after, Frames* frames) {
  for (after = std::max(after, store.Floor());;) {
    const auto page = store.ReadLog(after, kLogPage);
    if (!page.ok()) return page.status();
    if (page->empty()) return absl::OkStatus();
    for (const store::Change& change : *page) {
      after = change.revision;
      std::optional<std::string> value;
      const auto before = [&](std::string_view key) -> std::optional<std::string_view> {
        const std::string wanted(key);
        const auto found = store.Read(std::span(&wanted, 1), change.revision - 1);
        if (!found.ok() || !found->front()) return std::nullopt;
        value = found->front()->value;
        return *value;
      };
      StoredDenials denials;
      AppendDenials(change.revision, change.writes, before, &denials);
      frames->next().set_revision(change.revision);
      for (auto& record : *denials.mutable_records()) *frames->next().add_records() = std::move(record);
      if (absl::Status ended = frames->EndIfLarge(); !ended.ok()) return ended;
    }
  }
}

// What a journal that is new can't know otherwise. All in one frame, since the next opening asks for no more.
absl::Status CatchUpErased(const store::Store& store, StoredDenials* to) {
  const auto visit = [to](std::string_view key, std::string_view value, store::Revision revision) {
    const store::Write write{std::string(key), std::string(value)};
    AppendDenials(
        revision, std::span(&write, 1), [](std::string_view) { return std::nullopt; }, to);
    return true;
  };
  return store.ScanEach(exchange::kTakenBackPrefix, store::PrefixEnd(exchange::kTakenBackPrefix),
                        store.Head(), visit);
}

}  // namespace

absl::Status CheckStore(const Journal& journal, const store::Store& store) {
  const Denied& denied = journal.denied();
  if (store.Head() < denied.revision) {
    return Behind(absl::StrCat("it is at revision ", store.Head(), ", and was at ", denied.revision,
                               " when the last denial was kept"));
  }
  const std::string mark(kJournalKey);
  const auto marked = store.Read(std::span(&mark, 1), store.Head());
  if (!marked.ok()) return marked.status();
  if (marked->front() && denied.revision == 0) {
    return Behind("it has had a journal of denials, which is missing");
  }
  if (absl::Status rows = CheckRows(denied, store); !rows.ok()) return rows;
  return CheckRecords(denied, store);
}

absl::Status CatchUp(Journal& journal, const store::Store& store, store::Revision after) {
  Frames frames(journal);
  if (journal.denied().revision == 0) {
    if (absl::Status erased = CatchUpErased(store, &frames.next()); !erased.ok()) return erased;
  }
  if (absl::Status records = CatchUpRecords(store, after, &frames); !records.ok()) return records;
  if (absl::Status rows = CatchUpRows(journal, store, &frames.next()); !rows.ok()) return rows;
  frames.next().set_revision(store.Head());
  return frames.End();
}

}  // namespace coalition::denials
