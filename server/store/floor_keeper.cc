#include "server/store/floor_keeper.h"

#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "leveldb/iterator.h"
#include "server/store/engine.h"
#include "server/store/key_codec.h"
#include "server/store/value_codec.h"

namespace coalition::store {

struct FloorKeeper::Removal {
  // One walks the log, the other looks at versions.
  IteratorPool::Slot& log;
  IteratorPool::Slot& data;
  Limit limit;
  Progress progress;
  leveldb::WriteBatch batch;
  size_t items = 0;
  size_t bytes = 0;

  bool full() const { return items > 0 && (items >= limit.items || bytes >= limit.bytes); }
  void Remove(std::string_view physical, size_t value_bytes) {
    batch.Delete(Slice(physical));
    ++items;
    bytes += physical.size() + value_bytes;
  }
};

absl::StatusOr<size_t> FloorKeeper::Raise(Revision revision, Limit limit) {
  if (const Revision head = marks_.head(); revision > head) {
    return absl::InvalidArgumentError(absl::StrCat("revision ", revision, " is ahead of the newest, ", head));
  }
  const MutexLock lock(mutex_);
  if (revision > marks_.floor()) {
    if (absl::Status status = PersistFloor(revision); !status.ok()) return status;
    // Before anything is removed: a reader that finds something missing finds the floor raised.
    marks_.PublishFloor(revision);
  }
  const Revision floor = marks_.floor();
  const IteratorPool::Lease log = pool_.Acquire(floor);
  const IteratorPool::Lease data = pool_.Acquire(floor);
  Removal removal{.log = *log, .data = *data, .limit = limit, .progress = progress_, .batch = {}};
  if (absl::Status status = Collect(floor, removal); !status.ok()) return status;
  if (removal.items > 0) {
    probe_.BeforeDeletions();
    if (absl::Status status = sequencer_.WriteBatch(removal.batch, /*sync=*/false); !status.ok())
      return status;
  }
  progress_ = removal.progress;
  pool_.Clear();
  return removal.items;
}

absl::Status FloorKeeper::SkipTo(Revision revision) {
  const MutexLock lock(mutex_);
  if (revision <= marks_.head()) return absl::OkStatus();
  if (absl::Status status = PersistFloor(revision); !status.ok()) return status;
  marks_.PublishHead(revision);
  marks_.PublishFloor(revision);
  pool_.Clear();
  return absl::OkStatus();
}

absl::Status FloorKeeper::PersistFloor(Revision revision) {
  const std::string key = EncodeMetaKey(kFloorName, revision);
  std::string stored;
  EncodeValue(key, std::string_view(), stored);
  leveldb::WriteBatch batch;
  batch.Put(key, stored);
  return sequencer_.WriteBatch(batch, /*sync=*/true);
}

absl::Status FloorKeeper::Collect(Revision floor, Removal& removal) const {
  leveldb::Iterator& it = *removal.log.iterator;
  Revision revision = 0;
  it.Seek(EncodeLogKey(removal.progress.revision));
  for (; it.Valid() && DecodeLogKey(View(it.key()), revision) && revision <= floor; it.Next()) {
    if (removal.full()) return absl::OkStatus();
    if (revision != removal.progress.revision) removal.progress = {revision, 0};
    std::optional<std::string_view> key_list;
    absl::Status status = DecodeValue(View(it.key()), View(it.value()), key_list);
    if (!status.ok()) return status;
    status = CollectEntry(floor, key_list.value_or(std::string_view()), removal);
    if (!status.ok()) return status;
  }
  return ReadError(it.status());
}

absl::Status FloorKeeper::CollectEntry(Revision floor, std::string_view key_list, Removal& removal) const {
  std::vector<std::string_view> keys;
  if (!ParseKeyList(key_list, keys))
    return absl::DataLossError("the store is damaged: a malformed log entry");
  Progress& progress = removal.progress;
  for (; progress.key < keys.size(); ++progress.key) {
    if (removal.full()) return absl::OkStatus();
    if (absl::Status status = CollectSuperseded(keys[progress.key], removal); !status.ok()) return status;
  }
  if (removal.full() || progress.revision >= floor) return absl::OkStatus();
  // The entry at the floor stays: it is the change that made the oldest readable state.
  removal.Remove(EncodeLogKey(progress.revision), key_list.size());
  ++progress.revision;
  progress.key = 0;
  return absl::OkStatus();
}

// The log is walked from its oldest entry, so at most one version stands behind the one of the entry: what
// stood behind that was removed with an earlier entry.
absl::Status FloorKeeper::CollectSuperseded(std::string_view key, Removal& removal) const {
  leveldb::Iterator& it = *removal.data.iterator;
  if (removal.progress.revision == 0) return absl::OkStatus();
  EncodeDataKey(key, removal.progress.revision - 1, removal.data.from);
  it.Seek(removal.data.from);
  if (!it.Valid()) return ReadError(it.status());
  DataKey wanted;
  DataKey found;
  if (DecodeDataKey(removal.data.from, wanted) && DecodeDataKey(View(it.key()), found) &&
      found.escaped == wanted.escaped) {
    removal.Remove(View(it.key()), it.value().size());
  }
  return absl::OkStatus();
}

}  // namespace coalition::store
