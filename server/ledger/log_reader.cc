#include "server/ledger/log_reader.h"

#include <deque>
#include <functional>
#include <span>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/merkle.h"
#include "common/mutex.h"
#include "server/ledger/log_tree.h"
#include "server/ledger/tick_nodes.h"

namespace coalition::ledger {
namespace {

using storage::v1::StoredTick;
using storage::v1::StoredTickNodes;
using TileHashes = std::shared_ptr<const std::string>;

absl::Status Damaged(std::string_view what, uint64_t tick) {
  return absl::DataLossError(absl::StrCat("the ledger is damaged: ", std::string(what), " of tick ", tick,
                                          " is missing or not whole"));
}

// One row, parsed; nullopt: it is not there.
template <class Message>
absl::StatusOr<std::optional<Message>> FindRow(const store::Store& store, const std::string& key,
                                               const absl::Status& damaged) {
  const auto rows = store.Read(std::span(&key, 1), store.Head());
  if (!rows.ok()) return rows.status();
  if (!rows->front()) return std::nullopt;
  std::optional<Message> message(std::in_place);
  if (!message->ParseFromString(rows->front()->value)) return damaged;
  return message;
}

}  // namespace

// The newest right edge that was asked for, and tiles that were read. Thread-safe.
class LogReader::Kept {
 public:
  // Of a log of at least that size.
  absl::StatusOr<std::shared_ptr<const LogTree>> Tree(const store::Store& store, uint64_t size) {
    const MutexLock lock(mutex_);
    if (tree_ != nullptr && tree_->size() >= size) return tree_;
    // Where it has gone on for long, loading takes fewer rows than all that were added.
    if (tree_ == nullptr || size - tree_->size() > kTileNodes) {
      absl::StatusOr<LogTree> loaded = LogTree::Load(store, size);
      if (!loaded.ok()) return loaded.status();
      tree_ = std::make_shared<const LogTree>(*std::move(loaded));
      return tree_;
    }
    auto next = std::make_shared<LogTree>(*tree_);
    if (absl::Status appended = next->AppendFrom(store, size); !appended.ok()) return appended;
    tree_ = std::move(next);
    return tree_;
  }

  absl::StatusOr<TileHashes> Tile(const store::Store& store, unsigned level, uint64_t index) {
    const std::pair<unsigned, uint64_t> id(level, index);
    {
      const MutexLock lock(mutex_);
      if (const auto found = tiles_.find(id); found != tiles_.end()) return found->second;
    }
    absl::StatusOr<std::string> read = ReadTile(store, level, index);
    if (!read.ok()) return read.status();
    TileHashes tile = std::make_shared<const std::string>(*std::move(read));
    const MutexLock lock(mutex_);
    if (!tiles_.emplace(id, tile).second) return tile;
    oldest_.push_back(id);
    if (oldest_.size() > kTilesKept) {
      tiles_.erase(oldest_.front());
      oldest_.pop_front();
    }
    return tile;
  }

 private:
  // A megabyte.
  static constexpr size_t kTilesKept = 64;

  Mutex mutex_;
  std::shared_ptr<const LogTree> tree_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::pair<unsigned, uint64_t>, TileHashes> tiles_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::pair<unsigned, uint64_t>> oldest_ ABSL_GUARDED_BY(mutex_);
};

// The log's nodes for one proof. A tile that several of them are in is got once.
class LogReader::Nodes {
 public:
  static absl::StatusOr<Nodes> Of(const store::Store& store, Kept& kept, uint64_t size) {
    auto tree = kept.Tree(store, size);
    if (!tree.ok()) return tree.status();
    return Nodes(store, kept, *std::move(tree));
  }

  absl::StatusOr<Sha256Digest> operator()(unsigned level, uint64_t index) {
    const TileSpot spot = SpotOf(level, index);
    if (const Sha256Digest* node = tree_->Find(spot)) return *node;
    if (tile_ == nullptr || level_ != spot.level || index_ != spot.index) {
      absl::StatusOr<TileHashes> tile = kept_.Tile(store_, spot.level, spot.index);
      if (!tile.ok()) return tile.status();
      tile_ = *std::move(tile);
      level_ = spot.level;
      index_ = spot.index;
    }
    return NodeOfTile(*tile_, spot);
  }

 private:
  Nodes(const store::Store& store, Kept& kept, std::shared_ptr<const LogTree> tree)
      : store_(store), kept_(kept), tree_(std::move(tree)) {}

  const store::Store& store_;
  Kept& kept_;
  std::shared_ptr<const LogTree> tree_;
  // The last one.
  TileHashes tile_;
  unsigned level_ = 0;
  uint64_t index_ = 0;
};

LogReader::LogReader(const store::Store& store) : store_(store), kept_(std::make_shared<Kept>()) {}

absl::StatusOr<std::optional<StoredTick>> LogReader::FindTick(uint64_t tick) const {
  return FindRow<StoredTick>(store_, TickKey(tick), Damaged("the row", tick));
}

absl::StatusOr<uint64_t> LogReader::FirstTickFrom(int64_t time_ms, uint64_t size) const {
  uint64_t from = 0;
  for (uint64_t to = size; from < to;) {
    const uint64_t middle = from + (to - from) / 2;
    const auto tick = FindTick(middle);
    if (!tick.ok()) return tick.status();
    if (!*tick) return Damaged("the row", middle);
    if ((*tick)->time_ms() < time_ms) {
      from = middle + 1;
    } else {
      to = middle;
    }
  }
  return from;
}

absl::StatusOr<std::optional<SealedEntry>> LogReader::FindEntry(EntryPlace place) const {
  if (place.slot >= kSlots) return std::nullopt;
  const auto tick = FindTick(place.tick);
  if (!tick.ok()) return tick.status();
  if (!*tick) return std::nullopt;
  const auto bucket = FindRow<StoredTickNodes>(store_, BucketKey(place.tick, (*tick)->entries(), place.slot),
                                               Damaged("a row", place.tick));
  if (!bucket.ok()) return bucket.status();
  if (!*bucket) return std::nullopt;
  const auto id = FindInBucket(**bucket, place.slot);
  if (!id.ok()) return id.status();
  if (!*id) return std::nullopt;
  auto entries = ReadEntries(place.tick, {place.slot}, {**id});
  if (!entries.ok()) return entries.status();
  return std::move(entries->front());
}

absl::StatusOr<std::vector<SealedEntry>> LogReader::EntriesAt(uint64_t tick,
                                                              const std::vector<uint32_t>& slots) const {
  const auto found = FindTick(tick);
  if (!found.ok()) return found.status();
  if (!*found) return Damaged("the row", tick);
  // Slots of one bucket are neighbours.
  std::vector<std::string> keys;
  std::vector<size_t> bucket_of;
  for (const uint32_t slot : slots) {
    std::string key = BucketKey(tick, (*found)->entries(), slot);
    if (keys.empty() || keys.back() != key) keys.push_back(std::move(key));
    bucket_of.push_back(keys.size() - 1);
  }
  const auto rows = store_.Read(keys, store_.Head());
  if (!rows.ok()) return rows.status();
  std::vector<StoredTickNodes> buckets(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    if (!(*rows)[i] || !buckets[i].ParseFromString((*rows)[i]->value)) return Damaged("a row", tick);
  }
  std::vector<EntryId> ids;
  for (size_t i = 0; i < slots.size(); ++i) {
    const auto id = FindInBucket(buckets[bucket_of[i]], slots[i]);
    if (!id.ok()) return id.status();
    if (!*id) return Damaged("a row", tick);
    ids.push_back(**id);
  }
  return ReadEntries(tick, slots, ids);
}

absl::StatusOr<std::vector<SealedEntry>> LogReader::ReadEntries(uint64_t tick,
                                                                const std::vector<uint32_t>& slots,
                                                                const std::vector<EntryId>& ids) const {
  std::vector<std::string> keys;
  keys.reserve(ids.size());
  for (const EntryId& id : ids) keys.push_back(EntryKey(id));
  const auto rows = store_.Read(keys, store_.Head());
  if (!rows.ok()) return rows.status();
  std::vector<SealedEntry> entries(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    entries[i].place = {tick, slots[i]};
    entries[i].id = ids[i];
    if (!(*rows)[i] || !entries[i].entry.ParseFromString((*rows)[i]->value)) return Damaged("an entry", tick);
  }
  return entries;
}

absl::StatusOr<std::vector<LogReader::PartyTick>> LogReader::TicksOf(uint32_t party, uint64_t from,
                                                                     uint64_t before, size_t count) const {
  std::vector<PartyTick> ticks;
  if (from >= before || count == 0) return ticks;
  absl::Status damaged;
  absl::Status read =
      store_.ScanEach(PartyKey(party, from), PartyKey(party, before), store_.Head(),
                      [&](std::string_view key, std::string_view value, store::Revision) {
                        const std::optional<uint64_t> tick = TickOfPartyKey(key);
                        storage::v1::StoredPartySlots row;
                        if (!tick || !row.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
                          damaged = Damaged("a row", tick.value_or(from));
                          return false;
                        }
                        ticks.push_back({*tick, {row.slots().begin(), row.slots().end()}});
                        return ticks.size() < count;
                      });
  read.Update(damaged);
  if (!read.ok()) return read;
  return ticks;
}

absl::StatusOr<std::optional<std::vector<StoredTickNodes>>> LogReader::PathRows(uint64_t tick,
                                                                                uint32_t entries,
                                                                                uint32_t slot) const {
  const std::vector<std::string> keys = PathKeys(tick, entries, slot);
  const auto rows = store_.Read(keys, store_.Head());
  if (!rows.ok()) return rows.status();
  if (!rows->front()) return std::nullopt;
  std::vector<StoredTickNodes> parsed(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    if (!(*rows)[i] || !parsed[i].ParseFromString((*rows)[i]->value)) return Damaged("a row", tick);
  }
  return parsed;
}

absl::StatusOr<std::vector<Sha256Digest>> LogReader::SlotPath(EntryPlace place) const {
  const auto none = [&place] {
    return absl::NotFoundError(absl::StrCat("there is no entry ", FormatEntryName(place)));
  };
  if (place.slot >= kSlots) return none();
  const auto tick = FindTick(place.tick);
  if (!tick.ok()) return tick.status();
  if (!*tick) return none();
  const uint32_t entries = (*tick)->entries();
  const std::optional<merkle::TickSecret> secret = SecretOf(**tick);
  if (!secret) return Damaged("the row", place.tick);
  const auto rows = PathRows(place.tick, entries, place.slot);
  if (!rows.ok()) return rows.status();
  if (!*rows) return none();
  const auto id = FindInBucket((*rows)->front(), place.slot);
  if (!id.ok()) return id.status();
  if (!*id) return none();
  return PathFromRows(entries, *secret, place.slot, **rows);
}

absl::StatusOr<std::vector<Sha256Digest>> LogReader::LogPath(uint64_t tick, uint64_t size) const {
  if (tick >= size) {
    return absl::InvalidArgumentError(absl::StrCat("a log of size ", size, " has no tick ", tick));
  }
  auto nodes = Nodes::Of(store_, *kept_, size);
  if (!nodes.ok()) return nodes.status();
  return merkle::InclusionProof(tick, size, std::ref(*nodes));
}

absl::StatusOr<std::vector<Sha256Digest>> LogReader::ConsistencyPath(uint64_t old_size,
                                                                     uint64_t new_size) const {
  if (old_size == 0 || old_size > new_size) {
    return absl::InvalidArgumentError(
        absl::StrCat("a log of size ", new_size, " does not begin with one of size ", old_size));
  }
  auto nodes = Nodes::Of(store_, *kept_, new_size);
  if (!nodes.ok()) return nodes.status();
  return merkle::ConsistencyProof(old_size, new_size, std::ref(*nodes));
}

absl::StatusOr<Sha256Digest> LogReader::RootOf(uint64_t size) const {
  auto nodes = Nodes::Of(store_, *kept_, size);
  if (!nodes.ok()) return nodes.status();
  return merkle::RootOf(size, std::ref(*nodes));
}

}  // namespace coalition::ledger
