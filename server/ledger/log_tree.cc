#include "server/ledger/log_tree.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "coalition/storage/v1/ledger.pb.h"
#include "common/ledger_leaf.h"
#include "server/ledger/keys.h"

namespace coalition::ledger {
namespace {

constexpr size_t kTileBytes = (2 * kTileNodes - 1) * sizeof(Sha256Digest);

// Where the nodes of a height begin in a tile.
size_t OffsetOf(unsigned height) { return 2 * kTileNodes - (2 * kTileNodes >> height); }

absl::Status DamagedTile(unsigned level, uint64_t index) {
  return absl::DataLossError(
      absl::StrCat("the ledger is damaged: tile ", index, " of level ", level, " is missing or not whole"));
}

absl::Status DamagedTick(uint64_t tick) {
  return absl::DataLossError(absl::StrCat("the ledger is damaged: tick ", tick, " is missing or not whole"));
}

// The hash that a row gives its parent tile, and nothing where the row is damaged.
std::optional<Sha256Digest> LeafOfTick(std::string_view value) {
  storage::v1::StoredTick tick;
  if (!tick.ParseFromArray(value.data(), static_cast<int>(value.size()))) return std::nullopt;
  return ToDigest(tick.leaf_hash());
}

std::optional<Sha256Digest> RootOfTile(std::string_view value) {
  storage::v1::StoredTile tile;
  if (!tile.ParseFromArray(value.data(), static_cast<int>(value.size()))) return std::nullopt;
  if (tile.hashes().size() != kTileBytes) return std::nullopt;
  return DigestAt(tile.hashes(), OffsetOf(kTileLevels));
}

}  // namespace

TileSpot SpotOf(unsigned level, uint64_t index) {
  TileSpot spot;
  spot.level = level / kTileLevels;
  spot.height = level % kTileLevels;
  const unsigned width = kTileLevels - spot.height;  // in bits
  spot.index = index >> width;
  spot.place = static_cast<size_t>(index & ((uint64_t{1} << width) - 1));
  return spot;
}

store::Write TileWrite(const Tile& tile) {
  storage::v1::StoredTile stored;
  stored.set_hashes(tile.hashes);
  return {TileKey(tile.level, tile.index), stored.SerializeAsString()};
}

absl::StatusOr<std::string> ReadTile(const store::Store& store, unsigned level, uint64_t index) {
  const std::string key = TileKey(level, index);
  const auto rows = store.Read(std::span(&key, 1), store.Head());
  if (!rows.ok()) return rows.status();
  storage::v1::StoredTile tile;
  const std::optional<store::Version>& row = rows->front();
  if (!row || !tile.ParseFromString(row->value) || tile.hashes().size() != kTileBytes) {
    return DamagedTile(level, index);
  }
  return std::move(*tile.mutable_hashes());
}

Sha256Digest NodeOfTile(const std::string& hashes, const TileSpot& spot) {
  return DigestAt(hashes, OffsetOf(spot.height) + spot.place);
}

const Sha256Digest* LogTree::Part::Add(const Sha256Digest& node) {
  nodes[0].push_back(node);
  for (unsigned height = 0; nodes[height].size() % 2 == 0; ++height) {
    const std::vector<Sha256Digest>& below = nodes[height];
    const Sha256Digest parent = merkle::HashNode(below[below.size() - 2], below.back());
    if (height + 1 == kTileLevels) {
      root = parent;
      return &root;
    }
    nodes[height + 1].push_back(parent);
  }
  return nullptr;
}

std::string LogTree::Part::Hashes() const {
  std::string hashes;
  hashes.reserve(kTileBytes);
  for (const std::vector<Sha256Digest>& level : nodes) {
    for (const Sha256Digest& hash : level) hashes += Bytes(hash);
  }
  hashes += Bytes(root);
  return hashes;
}

absl::StatusOr<LogTree> LogTree::Load(const store::Store& store, uint64_t size) {
  LogTree tree;
  tree.size_ = size;
  for (unsigned level = 0; level < kTileLevelsMax; ++level) {
    const uint64_t end = size >> (kTileLevels * level);
    if (end == 0) break;
    tree.parts_.emplace_back();
    absl::Status loaded = tree.LoadPart(store, level, end - end % kTileNodes, end);
    if (!loaded.ok()) return loaded;
  }
  return tree;
}

absl::Status LogTree::LoadPart(const store::Store& store, unsigned level, uint64_t first, uint64_t end) {
  if (first == end) return absl::OkStatus();
  const auto key_of = [level](uint64_t index) {
    return level == 0 ? TickKey(index) : TileKey(level - 1, index);
  };
  uint64_t next = first;
  bool whole = true;
  absl::Status read = store.ScanEach(key_of(first), key_of(end), store.Head(),
                                     [&](std::string_view key, std::string_view value, store::Revision) {
                                       const auto hash = level == 0 ? LeafOfTick(value) : RootOfTile(value);
                                       whole = hash && next < end && key == key_of(next);
                                       if (!whole) return false;
                                       parts_[level].Add(*hash);
                                       ++next;
                                       return true;
                                     });
  if (!read.ok()) return read;
  if (whole && next == end) return absl::OkStatus();
  return level == 0 ? DamagedTick(next) : DamagedTile(level - 1, next);
}

absl::Status LogTree::AppendFrom(const store::Store& store, uint64_t size) {
  bool whole = true;
  absl::Status read = store.ScanEach(TickKey(size_), TickKey(size), store.Head(),
                                     [&](std::string_view key, std::string_view value, store::Revision) {
                                       const auto hash = LeafOfTick(value);
                                       whole = hash && key == TickKey(size_);
                                       if (whole) Append(*hash);
                                       return whole;
                                     });
  if (!read.ok()) return read;
  return whole && size_ == size ? absl::OkStatus() : DamagedTick(size_);
}

std::vector<Tile> LogTree::Append(const Sha256Digest& leaf_hash) {
  std::vector<Tile> complete;
  ++size_;
  Sha256Digest node = leaf_hash;
  for (unsigned level = 0; level < kTileLevelsMax; ++level) {
    if (level == parts_.size()) parts_.emplace_back();
    const Sha256Digest* root = parts_[level].Add(node);
    if (root == nullptr) break;
    node = *root;
    const uint64_t index = (size_ >> (kTileLevels * (level + 1))) - 1;
    complete.push_back({level, index, parts_[level].Hashes()});
    parts_[level] = Part();
  }
  return complete;
}

Sha256Digest LogTree::Root() const {
  const auto root = merkle::RootOf(size_, [this](unsigned level, uint64_t index) {
    return absl::StatusOr<Sha256Digest>(*Find(SpotOf(level, index)));
  });
  return *root;
}

const Sha256Digest* LogTree::Find(const TileSpot& spot) const {
  if (spot.level >= parts_.size()) return nullptr;
  if (spot.index != size_ >> (kTileLevels * (spot.level + 1))) return nullptr;
  const std::vector<Sha256Digest>& nodes = parts_[spot.level].nodes[spot.height];
  return spot.place < nodes.size() ? &nodes[spot.place] : nullptr;
}

}  // namespace coalition::ledger
