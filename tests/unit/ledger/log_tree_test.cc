// The log's tree in tiles, and a tick's in rows, give the roots and proofs that RFC 6962 has for them.
#include "server/ledger/log_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/ledger_leaf.h"
#include "common/merkle.h"
#include "server/ledger/keys.h"
#include "server/ledger/log_reader.h"
#include "server/ledger/tick_nodes.h"
#include "server/store/commit_writes.h"
#include "tests/support/store/forwarding_store.h"
#include "tests/support/store/memory_store.h"

namespace coalition::testing {
namespace {

using ledger::LogTree;

Sha256Digest LeafOf(uint64_t tick) { return Sha256(std::to_string(tick)); }

// Writes the rows of a log of `size` ticks that have nothing but their leaves' hashes, and answers the roots
// of all complete subtrees, by level.
class LongLog {
 public:
  explicit LongLog(uint64_t size) {
    std::vector<store::Write> writes;
    for (uint64_t tick = 0; tick < size; ++tick) {
      storage::v1::StoredTick row;
      row.set_leaf_hash(std::string(Bytes(LeafOf(tick))));
      writes.push_back({ledger::TickKey(tick), row.SerializeAsString()});
      for (const ledger::Tile& tile : tree.Append(LeafOf(tick))) writes.push_back(TileWrite(tile));
      AddNodes(0, LeafOf(tick));
      if (writes.size() >= 10'000 || tick + 1 == size) Commit(std::exchange(writes, {}));
    }
  }
  merkle::NodeSource Nodes() const {
    return
        [this](unsigned level, uint64_t index) { return absl::StatusOr<Sha256Digest>(nodes_[level][index]); };
  }

  MemoryStore store;
  LogTree tree;

 private:
  void AddNodes(unsigned level, const Sha256Digest& node) {
    if (level == nodes_.size()) nodes_.emplace_back();
    nodes_[level].push_back(node);
    const size_t count = nodes_[level].size();
    if (count % 2 == 0) AddNodes(level + 1, merkle::HashNode(nodes_[level][count - 2], node));
  }
  void Commit(std::vector<store::Write> writes) {
    if (!store::CommitWrites(store, std::move(writes)).ok()) std::abort();
  }
  std::vector<std::vector<Sha256Digest>> nodes_;
};

// Three levels of tiles.
TEST(LogTreeTest, ALongLogsProofsAreThoseOfItsTree) {
  constexpr uint64_t kSize = 66'000;
  const LongLog log(kSize);
  const ledger::LogReader reader(log.store);
  std::mt19937_64 random(5);
  std::vector<uint64_t> sizes = {1,   2,   3,      255,    256,    257,    511,   512,
                                 513, 768, 65'535, 65'536, 65'537, 65'792, kSize, 65'791};
  for (int i = 0; i < 30; ++i) sizes.push_back(1 + random() % kSize);
  for (const uint64_t size : sizes) {
    // A reader that knows nothing yet, and one that knows the end of another size.
    for (const ledger::LogReader& one : {ledger::LogReader(log.store), reader}) {
      EXPECT_EQ(one.RootOf(size).value(), merkle::RootOf(size, log.Nodes()).value()) << size;
      for (const uint64_t tick : {uint64_t{0}, size / 2, size - 1, random() % size}) {
        EXPECT_EQ(one.LogPath(tick, size).value(), merkle::InclusionProof(tick, size, log.Nodes()).value());
        EXPECT_EQ(one.ConsistencyPath(tick + 1, size).value(),
                  merkle::ConsistencyProof(tick + 1, size, log.Nodes()).value());
      }
    }
  }
}

TEST(LogTreeTest, IsLoadedAsItWasAppended) {
  constexpr uint64_t kSize = 66'000;
  const LongLog log(kSize);
  EXPECT_EQ(log.tree.Root(), merkle::RootOf(kSize, log.Nodes()).value());
  for (const uint64_t size :
       {uint64_t{0}, uint64_t{1}, uint64_t{256}, uint64_t{600}, uint64_t{65'536}, kSize}) {
    auto loaded = LogTree::Load(log.store, size);
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    EXPECT_EQ(loaded->size(), size);
    EXPECT_EQ(loaded->Root(), merkle::RootOf(size, log.Nodes()).value());
    // It goes on as the log did, tiles too.
    LogTree& tree = *loaded;
    for (uint64_t tick = size; tick < std::min(kSize, size + 300); ++tick) {
      for (const ledger::Tile& tile : tree.Append(LeafOf(tick))) {
        EXPECT_EQ(tile.hashes, ledger::ReadTile(log.store, tile.level, tile.index).value());
      }
    }
    EXPECT_EQ(tree.Root(), merkle::RootOf(tree.size(), log.Nodes()).value());
  }
  EXPECT_TRUE(absl::IsDataLoss(LogTree::Load(log.store, kSize + 1).status()));
  EXPECT_TRUE(absl::IsDataLoss(ledger::ReadTile(log.store, 0, kSize).status()));
}

// Opening and proving read a bounded number of rows, whatever the log's size.
TEST(LogTreeTest, ReadsFewRows) {
  class Counting final : public ForwardingStore {
   public:
    using ForwardingStore::ForwardingStore;
    absl::StatusOr<std::vector<std::optional<store::Version>>> Read(std::span<const std::string> keys,
                                                                    store::Revision at) const override {
      rows += keys.size();
      return ForwardingStore::Read(keys, at);
    }
    absl::Status ScanEach(std::string_view from, std::string_view to, store::Revision at,
                          const Visitor& visit) const override {
      return ForwardingStore::ScanEach(from, to, at,
                                       [&](std::string_view key, std::string_view value, store::Revision r) {
                                         ++rows;
                                         return visit(key, value, r);
                                       });
    }
    mutable size_t rows = 0;
  };
  LongLog log(66'000);
  Counting counting(log.store);
  ASSERT_TRUE(LogTree::Load(counting, 65'999).ok());
  EXPECT_LE(counting.rows, 3 * ledger::kTileNodes);
  const ledger::LogReader reader(counting);
  ASSERT_TRUE(reader.LogPath(5, 65'999).ok());
  counting.rows = 0;
  ASSERT_TRUE(reader.LogPath(40'000, 66'000).ok());
  EXPECT_LE(counting.rows, 4) << "the new tick, and a tile of each level";
  counting.rows = 0;
  ASSERT_TRUE(reader.LogPath(40'001, 66'000).ok());
  EXPECT_EQ(counting.rows, 0) << "a tile that was read just now";
}

// The rows of a tick: their number, and that each is small.
TEST(TickNodesTest, PathsTakeFewSmallRows) {
  std::mt19937 random(3);
  for (const uint32_t count : {1u, 8u, 9u, 64u, 1000u, 30'000u}) {
    std::set<uint32_t> slots;
    while (slots.size() < count) slots.insert(static_cast<uint32_t>(random() % ledger::kSlots));
    std::vector<ledger::TickEntry> entries;
    for (const uint32_t slot : slots) entries.push_back({slot, LeafOf(slot), {slot + uint64_t{1}, 7}});
    std::array<uint8_t, merkle::kTickSecretBytes> secret{9};
    const auto tree = ledger::BuildTickTree(5, secret, entries);
    ASSERT_TRUE(tree.ok()) << tree.status();
    EXPECT_LE(tree->rows.size(), 1 + count / 2);
    std::map<std::string, std::string> rows;
    for (const store::Write& write : tree->rows) rows[write.key] = *write.value;
    EXPECT_EQ(rows.size(), tree->rows.size());
    for (size_t i = 0; i < entries.size(); i += 1 + entries.size() / 50) {
      const uint32_t slot = entries[i].slot;
      std::vector<storage::v1::StoredTickNodes> path_rows;
      for (const std::string& key : ledger::PathKeys(5, count, slot)) {
        ASSERT_TRUE(rows.contains(key));
        EXPECT_LT(rows[key].size(), 3000);
        ASSERT_TRUE(path_rows.emplace_back().ParseFromString(rows[key]));
      }
      EXPECT_LE(path_rows.size(), 5);
      EXPECT_EQ(ledger::BucketKey(5, count, slot), ledger::PathKeys(5, count, slot).front());
      EXPECT_EQ(ledger::FindInBucket(path_rows[0], slot).value(), entries[i].id);
      const auto path = ledger::PathFromRows(count, secret, slot, path_rows);
      ASSERT_TRUE(path.ok()) << path.status();
      EXPECT_TRUE(merkle::VerifyInclusion(entries[i].leaf, slot, ledger::kSlots, *path, tree->root).ok());
    }
  }
}

TEST(TickNodesTest, RowsThatAreNotWholeAreDamage) {
  const std::vector<ledger::TickEntry> entries = {{5, LeafOf(1), {1, 0}}, {9, LeafOf(2), {2, 0}}};
  std::array<uint8_t, merkle::kTickSecretBytes> secret{1};
  const auto tree = ledger::BuildTickTree(0, secret, entries);
  ASSERT_TRUE(tree.ok()) << tree.status();
  ASSERT_EQ(tree->rows.size(), 1);
  std::vector<storage::v1::StoredTickNodes> rows(1);
  ASSERT_TRUE(rows[0].ParseFromString(*tree->rows[0].value));
  ASSERT_TRUE(ledger::PathFromRows(2, secret, 5, rows).ok());
  EXPECT_TRUE(absl::IsDataLoss(ledger::PathFromRows(2, secret, 6, rows).status()));
  EXPECT_TRUE(absl::IsDataLoss(ledger::PathFromRows(2, secret, 5, {}).status()));
  EXPECT_EQ(ledger::FindInBucket(rows[0], 6).value(), std::nullopt);
  storage::v1::StoredTickNodes row = rows[0];
  row.mutable_places()->RemoveLast();
  EXPECT_TRUE(absl::IsDataLoss(ledger::FindInBucket(row, 5).status()));
  rows[0].mutable_hashes()->pop_back();
  EXPECT_TRUE(absl::IsDataLoss(ledger::PathFromRows(2, secret, 5, rows).status()));
  // Not in order.
  EXPECT_TRUE(absl::IsInvalidArgument(
      ledger::BuildTickTree(0, secret, std::vector{entries[1], entries[0]}).status()));
}

}  // namespace
}  // namespace coalition::testing
