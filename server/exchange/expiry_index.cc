#include "server/exchange/expiry_index.h"

#include <optional>
#include <span>
#include <string>
#include <utility>

#include "server/exchange/keys.h"
#include "server/exchange/stored_record.h"
#include "server/store/commit_writes.h"

namespace coalition::exchange {
namespace {

using Writes = std::vector<store::Write>;

constexpr size_t kCommitKeys = 10'000;

// The entry of the record under that key; nullopt: it was removed, or is damaged.
absl::StatusOr<std::optional<store::Write>> EntryOf(const store::Store& store, const std::string& record_key,
                                                    store::Revision at) {
  std::optional<store::Write> none;
  const auto read = store.Read(std::span(&record_key, 1), at);
  if (absl::IsDataLoss(read.status())) return none;
  if (!read.ok()) return read.status();
  const auto id = IdOfRecordKey(record_key);
  if (!id || !(*read)[0].has_value()) return none;
  const auto stored = ParseStoredRecord((*read)[0]->value);
  if (!stored) return none;
  return store::Write{ExpiryKey(stored->header.expire_time_s(), *id), record_key};
}

// By the ids, and not by a scan of the records: that would end at the first damaged one.
absl::Status IndexAll(store::Store& store) {
  const store::Revision at = store.Head();
  const std::string end = PrefixEnd(kIdsPrefix);
  std::optional<std::string> from{kIdsPrefix};
  Writes writes;
  while (from.has_value()) {
    auto page = store.Scan(*from, end, at, {});
    if (!page.ok()) return page.status();
    for (const store::Entry& id : page->items) {
      auto entry = EntryOf(store, id.version.value, at);
      if (!entry.ok()) return entry.status();
      if (entry->has_value()) writes.push_back(**std::move(entry));
    }
    from = std::move(page->next);
    if (writes.size() < kCommitKeys && from.has_value()) continue;
    const auto made = store::CommitWrites(store, std::exchange(writes, {}));
    if (!made.ok()) return made.status();
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Writes> IndexExpiry(store::Store& store) {
  const std::string noted(kExpiryIndexKey);
  const auto read = store.Read(std::span(&noted, 1), store.Head());
  if (!read.ok()) return read.status();
  if ((*read)[0].has_value()) return Writes();
  if (absl::Status indexed = IndexAll(store); !indexed.ok()) return indexed;
  return Writes{{noted, std::string()}};
}

}  // namespace coalition::exchange
