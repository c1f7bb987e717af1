#include "server/ledger/tick_nodes.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "common/ledger_leaf.h"

namespace coalition::ledger {
namespace {

using merkle::SlotLeaf;
using merkle::Subtree;
using merkle::TickSecret;
using storage::v1::StoredTickNodes;
using Nodes = std::vector<SlotLeaf>;

constexpr uint32_t kBucketEntries = 8;
constexpr unsigned kCellBits = 4;
constexpr unsigned kRowLevelsMax = 5;

// The levels at which the rows of a tick of so many entries stand.
struct Shape {
  explicit Shape(uint32_t entries) {
    unsigned bits = 0;
    while (bits < kSlotDepth && (uint64_t{kBucketEntries} << bits) < entries) ++bits;
    bucket = kSlotDepth - bits;
    cell = bucket - std::min(bucket, kCellBits);
    // Rows of about equal height take the fewest hashes.
    const unsigned rows = (bits + kRowLevelsMax - 1) / kRowLevelsMax;
    for (unsigned row = 1; row <= rows; ++row) above.push_back(bucket + bits * row / rows);
  }

  unsigned bucket = 0;
  unsigned cell = 0;            // 0: cells would be the entries themselves, and are not kept
  std::vector<unsigned> above;  // ascending, the last one kSlotDepth; empty: the bucket's is the root
};

absl::Status Damaged() { return absl::DataLossError("the ledger is damaged: a row of a tick is not whole"); }

// Calls visit(index, first, end) for each subtree at `level` that has nodes of level `base`.
template <class Item, class Visit>
absl::Status ForEachSubtree(std::span<const Item> nodes, unsigned level, unsigned base, const Visit& visit) {
  for (size_t begin = 0; begin < nodes.size();) {
    const uint32_t index = nodes[begin].slot >> (level - base);
    size_t end = begin;
    while (end < nodes.size() && nodes[end].slot >> (level - base) == index) ++end;
    if (absl::Status visited = visit(index, nodes.subspan(begin, end - begin)); !visited.ok()) return visited;
    begin = end;
  }
  return absl::OkStatus();
}

// The roots of the subtrees at `level` over these nodes of level `base`.
absl::StatusOr<Nodes> RootsAt(unsigned level, TickSecret secret, std::span<const SlotLeaf> nodes,
                              unsigned base) {
  Nodes roots;
  absl::Status status =
      ForEachSubtree(nodes, level, base, [&](uint32_t index, std::span<const SlotLeaf> part) {
        const auto root = merkle::SubtreeRoot({level, index}, secret, part, base);
        if (root.ok()) roots.push_back({index, *root});
        return root.status();
      });
  if (!status.ok()) return status;
  return roots;
}

void AddNodes(std::span<const SlotLeaf> nodes, StoredTickNodes* row) {
  for (const SlotLeaf& node : nodes) {
    row->add_slots(node.slot);
    row->mutable_hashes()->append(Bytes(node.hash));
  }
}

// Makes the rows of one tick, level by level.
class Builder {
 public:
  Builder(uint64_t tick, TickSecret secret, std::span<const TickEntry> entries)
      : tick_(tick), secret_(secret), shape_(static_cast<uint32_t>(entries.size())) {}

  absl::StatusOr<Nodes> AddBuckets(std::span<const TickEntry> entries) {
    Nodes roots;
    absl::Status status = ForEachSubtree(
        entries, shape_.bucket, 0,
        [&](uint32_t index, std::span<const TickEntry> part) { return AddBucket(index, part, &roots); });
    if (!status.ok()) return status;
    return roots;
  }

  absl::StatusOr<Nodes> AddAbove(Nodes nodes) {
    unsigned base = shape_.bucket;
    for (const unsigned level : shape_.above) {
      absl::Status status = ForEachSubtree(std::span<const SlotLeaf>(nodes), level, base,
                                           [&](uint32_t index, std::span<const SlotLeaf> part) {
                                             StoredTickNodes row;
                                             AddNodes(part, &row);
                                             AddRow(level, index, row);
                                             return absl::OkStatus();
                                           });
      if (!status.ok()) return status;
      absl::StatusOr<Nodes> roots = RootsAt(level, secret_, nodes, base);
      if (!roots.ok()) return roots.status();
      nodes = *std::move(roots);
      base = level;
    }
    return nodes;
  }

  std::vector<store::Write> Rows() && { return std::move(rows_); }

 private:
  absl::Status AddBucket(uint32_t index, std::span<const TickEntry> entries, Nodes* roots) {
    StoredTickNodes row;
    Nodes leaves;
    for (const TickEntry& entry : entries) {
      leaves.push_back({entry.slot, entry.leaf});
      row.add_revisions(entry.id.revision);
      row.add_places(entry.id.place);
    }
    AddNodes(leaves, &row);
    const auto cells = RootsAt(shape_.cell, secret_, leaves, 0);
    if (!cells.ok()) return cells.status();
    if (shape_.cell > 0) {
      for (const SlotLeaf& cell : *cells) row.mutable_hashes()->append(Bytes(cell.hash));
    }
    const auto root = merkle::SubtreeRoot({shape_.bucket, index}, secret_, *cells, shape_.cell);
    if (!root.ok()) return root.status();
    roots->push_back({index, *root});
    AddRow(shape_.bucket, index, row);
    return absl::OkStatus();
  }

  void AddRow(unsigned level, uint32_t index, const StoredTickNodes& row) {
    rows_.push_back({TickNodesKey(tick_, level, index), row.SerializeAsString()});
  }

  const uint64_t tick_;
  const TickSecret secret_;
  const Shape shape_;
  std::vector<store::Write> rows_;
};

// The nodes of a row, and in a bucket the cells.
struct Row {
  Nodes nodes;
  Nodes cells;
};

absl::StatusOr<Row> Parse(const StoredTickNodes& row, unsigned cell) {
  Row parsed;
  for (const uint32_t slot : row.slots()) {
    parsed.nodes.push_back({slot, {}});
    if (cell > 0 && (parsed.cells.empty() || parsed.cells.back().slot != slot >> cell)) {
      parsed.cells.push_back({slot >> cell, {}});
    }
  }
  if (row.hashes().size() != (parsed.nodes.size() + parsed.cells.size()) * sizeof(Sha256Digest)) {
    return Damaged();
  }
  size_t place = 0;
  for (SlotLeaf& node : parsed.nodes) node.hash = DigestAt(row.hashes(), place++);
  for (SlotLeaf& node : parsed.cells) node.hash = DigestAt(row.hashes(), place++);
  return parsed;
}

// Adds the siblings from `slot` of level `base` to the root of the subtree at `level` that it is in.
absl::Status AddPath(unsigned level, unsigned base, TickSecret secret, std::span<const SlotLeaf> nodes,
                     uint32_t slot, std::vector<Sha256Digest>* path) {
  const Subtree subtree{level, slot >> (level - base)};
  const auto siblings = merkle::PathWithin(subtree, secret, nodes, slot, base);
  if (!siblings.ok()) return Damaged();
  path->insert(path->end(), siblings->begin(), siblings->end());
  return absl::OkStatus();
}

absl::Status AddBucketPath(const Shape& shape, TickSecret secret, uint32_t slot, const StoredTickNodes& row,
                           std::vector<Sha256Digest>* path) {
  const auto bucket = Parse(row, shape.cell);
  if (!bucket.ok()) return bucket.status();
  if (shape.cell == 0) return AddPath(shape.bucket, 0, secret, bucket->nodes, slot, path);
  const uint32_t cell = slot >> shape.cell;
  Nodes in_cell;
  for (const SlotLeaf& node : bucket->nodes) {
    if (node.slot >> shape.cell == cell) in_cell.push_back(node);
  }
  if (absl::Status added = AddPath(shape.cell, 0, secret, in_cell, slot, path); !added.ok()) return added;
  return AddPath(shape.bucket, shape.cell, secret, bucket->cells, cell, path);
}

}  // namespace

std::optional<TickSecret> SecretOf(const storage::v1::StoredTick& tick) {
  if (tick.secret().size() != merkle::kTickSecretBytes) return std::nullopt;
  return TickSecret(reinterpret_cast<const uint8_t*>(tick.secret().data()), merkle::kTickSecretBytes);
}

absl::StatusOr<TickTree> BuildTickTree(uint64_t tick, TickSecret secret, std::span<const TickEntry> entries) {
  TickTree tree;
  Builder builder(tick, secret, entries);
  absl::StatusOr<Nodes> nodes = builder.AddBuckets(entries);
  if (nodes.ok()) nodes = builder.AddAbove(*std::move(nodes));
  if (!nodes.ok()) return nodes.status();
  // The root over the roots is itself; over none it is the empty tree's.
  const auto root = merkle::SubtreeRoot({kSlotDepth, 0}, secret, *nodes, kSlotDepth);
  if (!root.ok()) return root.status();
  tree.root = *root;
  tree.rows = std::move(builder).Rows();
  return tree;
}

std::string BucketKey(uint64_t tick, uint32_t entries, uint32_t slot) {
  const Shape shape(entries);
  return TickNodesKey(tick, shape.bucket, slot >> shape.bucket);
}

std::vector<std::string> PathKeys(uint64_t tick, uint32_t entries, uint32_t slot) {
  const Shape shape(entries);
  std::vector<std::string> keys = {TickNodesKey(tick, shape.bucket, slot >> shape.bucket)};
  for (const unsigned level : shape.above) keys.push_back(TickNodesKey(tick, level, slot >> level));
  return keys;
}

absl::StatusOr<std::optional<EntryId>> FindInBucket(const StoredTickNodes& bucket, uint32_t slot) {
  if (bucket.revisions_size() != bucket.slots_size() || bucket.places_size() != bucket.slots_size()) {
    return Damaged();
  }
  const auto found = std::lower_bound(bucket.slots().begin(), bucket.slots().end(), slot);
  if (found == bucket.slots().end() || *found != slot) return std::nullopt;
  const auto at = static_cast<int>(found - bucket.slots().begin());
  return EntryId{bucket.revisions(at), bucket.places(at)};
}

absl::StatusOr<std::vector<Sha256Digest>> PathFromRows(uint32_t entries, TickSecret secret, uint32_t slot,
                                                       std::span<const StoredTickNodes> rows) {
  const Shape shape(entries);
  if (rows.size() != 1 + shape.above.size()) return Damaged();
  std::vector<Sha256Digest> path;
  path.reserve(kSlotDepth);
  absl::Status added = AddBucketPath(shape, secret, slot, rows[0], &path);
  unsigned base = shape.bucket;
  for (size_t i = 0; i < shape.above.size() && added.ok(); ++i) {
    const auto row = Parse(rows[i + 1], 0);
    added = row.ok() ? AddPath(shape.above[i], base, secret, row->nodes, slot >> base, &path) : row.status();
    base = shape.above[i];
  }
  if (!added.ok()) return added;
  return path;
}

}  // namespace coalition::ledger
