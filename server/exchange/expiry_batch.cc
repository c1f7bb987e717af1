#include "server/exchange/expiry_batch.h"

#include <utility>

#include "server/exchange/access.h"
#include "server/exchange/draft.h"
#include "server/exchange/stored_record.h"

namespace coalition::exchange {

absl::StatusOr<ExpiryBatch> ExpiryBatch::Read(const Room& room, const std::string& from, int64_t now_s) {
  const store::Revision at = room.store.Head();
  const store::Limit limit{.items = static_cast<size_t>(room.options.expired_per_commit)};
  auto page = room.store.Scan(from, ExpiryPrefix(now_s + 1), at, limit);
  if (!page.ok()) return FromStore(page.status());
  ExpiryBatch batch;
  batch.next_ = std::move(page->next);
  for (const store::Entry& entry : page->items) {
    if (batch.bytes_ > kBatchBytesMax) {
      batch.next_ = entry.key;
      break;
    }
    if (absl::Status added = batch.Add(room, entry, at, now_s); !added.ok()) return added;
  }
  return batch;
}

absl::Status ExpiryBatch::Add(const Room& room, const store::Entry& entry, store::Revision at,
                              int64_t now_s) {
  Item item;
  const auto expiring = ParseExpiryKey(entry.key);
  const auto id = IdOfRecordKey(entry.version.value);
  if (!expiring || !id || *id != expiring->id) {
    // It names no record of its own.
    item = {entry.key, entry.version.revision, {{entry.key, std::nullopt}}, false};
  } else {
    // A stale entry beside the right one: two removals would write the same keys.
    if (keys_.contains(entry.version.value)) return absl::OkStatus();
    const std::string& key = entry.version.value;
    const auto read = room.store.Read(std::span(&key, 1), at);
    if (!read.ok() && !absl::IsDataLoss(read.status())) return FromStore(read.status());
    if (!read.ok() || !Judge(*room.keys.contents, entry, *expiring, (*read)[0], now_s, &item)) {
      ++damaged_;
      return absl::OkStatus();
    }
  }
  keys_.insert(item.key);
  bytes_ += BytesOf(item.writes);
  items_.push_back(std::move(item));
  return absl::OkStatus();
}

bool ExpiryBatch::Judge(const contents::ContentKeys& contents, const store::Entry& entry,
                        const Expiring& expiring, const std::optional<store::Version>& record, int64_t now_s,
                        Item* item) {
  item->key = entry.version.value;
  if (!record.has_value()) {
    item->writes.push_back({entry.key, std::nullopt});
    return true;
  }
  item->revision = record->revision;
  const auto stored = ParseStoredRecord(record->value);
  if (!stored) return false;
  const int64_t expire_time_s = stored->header.expire_time_s();
  item->removes = expire_time_s <= now_s;
  if (item->removes) {
    if (!AppendRemoval(contents, item->key, *stored, GoneAt(expire_time_s), &item->writes).ok()) return false;
  } else {
    item->writes.push_back({ExpiryKey(expire_time_s, expiring.id), item->key});
  }
  if (expire_time_s != expiring.expire_time_s) item->writes.push_back({entry.key, std::nullopt});
  return true;
}

void ExpiryBatch::AppendReads(std::vector<std::string>* reads) const {
  for (const Item& item : items_) reads->push_back(item.key);
}

uint64_t ExpiryBatch::AppendWrites(std::span<const std::optional<store::Version>> values,
                                   std::vector<store::Write>* writes) const {
  uint64_t removed = 0;
  for (size_t i = 0; i < items_.size(); ++i) {
    const Item& item = items_[i];
    if ((values[i].has_value() ? values[i]->revision : 0) != item.revision) continue;
    writes->insert(writes->end(), item.writes.begin(), item.writes.end());
    if (item.removes) ++removed;
  }
  return removed;
}

}  // namespace coalition::exchange
