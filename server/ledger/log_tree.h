// The log's Merkle tree as it is stored: complete tiles in the store, and what is not in one yet here.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/hash.h"
#include "common/merkle.h"
#include "server/store/store.h"

namespace coalition::ledger {

// A tile has kTileNodes nodes of one level of the tree, and all that are above them, kTileLevels levels up to
// its root, which is a node of the next tile level.
inline constexpr unsigned kTileLevels = 8;
inline constexpr size_t kTileNodes = size_t{1} << kTileLevels;
// Of a log that grows by a million leaves each second that is two thousand years.
inline constexpr unsigned kTileLevelsMax = 7;

// Which tile a node is in, and where.
struct TileSpot {
  unsigned level = 0;   // of the tile
  uint64_t index = 0;   // of the tile
  unsigned height = 0;  // of the node above the tile's lowest; below kTileLevels
  size_t place = 0;     // of the node among those of its height
};
TileSpot SpotOf(unsigned level, uint64_t index);

// A complete tile, as it is stored.
struct Tile {
  unsigned level = 0;
  uint64_t index = 0;
  std::string hashes;  // level by level from below
};
store::Write TileWrite(const Tile& tile);
// The hashes of a complete tile. DATA_LOSS: it is not there, or not whole. And the store's errors.
absl::StatusOr<std::string> ReadTile(const store::Store& store, unsigned level, uint64_t index);
// `spot` must be of that tile.
Sha256Digest NodeOfTile(const std::string& hashes, const TileSpot& spot);

// All nodes that are in no complete tile: at most kTileNodes of each tile level. Not thread-safe; a copy
// costs as much as 16 KB for each level.
class LogTree {
 public:
  // Of an empty log.
  LogTree() = default;
  // The log's first `size` leaves, from the rows of ticks and of tiles: at most kTileNodes of each level,
  // however long the log is. DATA_LOSS: one of them is missing or not whole. And the store's errors.
  static absl::StatusOr<LogTree> Load(const store::Store& store, uint64_t size);
  // Appends the ticks from size() to before `size`. As Load.
  absl::Status AppendFrom(const store::Store& store, uint64_t size);

  // The tiles that the leaf completes: they are to be stored.
  std::vector<Tile> Append(const Sha256Digest& leaf_hash);

  uint64_t size() const { return size_; }
  Sha256Digest Root() const;
  // nullptr: it is in a complete tile, or the tree has no such node.
  const Sha256Digest* Find(const TileSpot& spot) const;

 private:
  // The part of a tile that there is: of each height the nodes that are complete.
  struct Part {
    std::array<std::vector<Sha256Digest>, kTileLevels> nodes;
    size_t count() const { return nodes[0].size(); }
    // The tile's root, when that completes it.
    const Sha256Digest* Add(const Sha256Digest& node);
    std::string Hashes() const;
    Sha256Digest root{};
  };

  absl::Status LoadPart(const store::Store& store, unsigned level, uint64_t first, uint64_t end);

  uint64_t size_ = 0;
  std::vector<Part> parts_;  // by tile level
};

}  // namespace coalition::ledger
