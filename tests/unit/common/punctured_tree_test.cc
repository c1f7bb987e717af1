// Keys of which any can be destroyed: no others are lost with them, and nothing that is kept leads back.
#include "common/punctured_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "common/big_endian.h"
#include "common/hash.h"
#include "common/random.h"

namespace coalition {
namespace {

using ::testing::HasSubstr;
using Key = PuncturedTree::Key;

constexpr std::string_view kHead = "coalition-punctured-tree/v1\n";
constexpr size_t kNodeBytes = 8 + 1 + 32;
// Whose leaves can all be looked at, and which is deeper than what is kept expanded in memory.
constexpr unsigned kBits = 16;
constexpr uint64_t kLeaves = uint64_t{1} << kBits;

class Counting final : public Random {
 public:
  void Fill(std::span<uint8_t> out) override {
    for (uint8_t& byte : out) byte = next_++;
  }

 private:
  uint8_t next_ = 1;
};

PuncturedTree Tree(unsigned bits) {
  Counting random;
  return PuncturedTree::Make(bits, random);
}

struct Node {
  uint64_t start;
  unsigned depth;
  std::string key;
};

// As a thief reads the file, who needs nothing of ours for it.
std::vector<Node> NodesOf(const std::string& file) {
  std::vector<Node> nodes;
  const std::string_view all = file;
  std::string_view rest = all.substr(kHead.size() + 1, file.size() - kHead.size() - 1 - 32);
  EXPECT_EQ(rest.size() % kNodeBytes, 0u);
  for (; rest.size() >= kNodeBytes; rest.remove_prefix(kNodeBytes)) {
    nodes.push_back(
        {ReadBigEndian<uint64_t>(rest), static_cast<uint8_t>(rest[8]), std::string(rest.substr(9, 32))});
  }
  return nodes;
}

std::string ChildOf(const std::string& key, unsigned number) {
  const char last = static_cast<char>(number);
  const Sha256Digest child = Sha256({key, std::string_view(&last, 1)});
  return std::string(Bytes(child));
}

// What the definition says, without the tree.
std::string LeafOf(std::string key, unsigned bits, uint64_t index) {
  for (unsigned shift = bits; shift > 0; shift -= 4) {
    key = ChildOf(key, static_cast<unsigned>(index >> (shift - 4) & 15));
  }
  return key;
}

// All keys that follow from that one, itself among them.
void CollectBelow(const std::string& key, unsigned levels, std::set<std::string>* keys) {
  keys->insert(key);
  if (levels == 0) return;
  for (unsigned number = 0; number < 16; ++number) CollectBelow(ChildOf(key, number), levels - 1, keys);
}

std::string Text(const Key& key) { return std::string(Bytes(key)); }

// The same but for `gone`.
void ExpectOnlyGone(const PuncturedTree& tree, const std::vector<uint64_t>& gone) {
  const PuncturedTree whole = Tree(kBits);
  const std::set<uint64_t> destroyed(gone.begin(), gone.end());
  for (uint64_t index = 0; index < kLeaves; ++index) {
    const std::optional<Key> leaf = tree.Leaf(index);
    if (destroyed.contains(index)) {
      ASSERT_FALSE(leaf.has_value()) << index;
    } else {
      ASSERT_EQ(leaf, whole.Leaf(index)) << index;
    }
  }
}

const std::vector<uint64_t> kGone = {0, 1, 0x00ff, 0x1234, 0x1235, 0x1334, 0x8000, 0xfffe, 0xffff};

TEST(PuncturedTree, ALeafIsWhatTheDefinitionSays) {
  for (const unsigned bits : {4u, 8u, 12u, 16u, 48u, 64u}) {
    const PuncturedTree tree = Tree(bits);
    EXPECT_EQ(tree.bits(), bits);
    const std::vector<Node> nodes = NodesOf(tree.Encode());
    ASSERT_EQ(nodes.size(), 1u);
    EXPECT_EQ(nodes[0].depth, 0u);
    const uint64_t last = bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
    for (const uint64_t index : {uint64_t{0}, uint64_t{1}, last / 3, last - 1, last}) {
      const std::optional<Key> leaf = tree.Leaf(index);
      ASSERT_TRUE(leaf.has_value()) << bits << " " << index;
      EXPECT_EQ(Text(*leaf), LeafOf(nodes[0].key, bits, index)) << bits << " " << index;
    }
    if (bits < 64) {
      EXPECT_FALSE(tree.Leaf(last + 1).has_value());
    }
  }
}

TEST(PuncturedTree, TreesDiffer) {
  SystemRandom random;
  EXPECT_NE(PuncturedTree::Make(48, random).Leaf(0), PuncturedTree::Make(48, random).Leaf(0));
}

TEST(PuncturedTree, WhatIsDestroyedIsGoneAndNothingElse) {
  const PuncturedTree whole = Tree(kBits);
  ExpectOnlyGone(whole.Without(kGone), kGone);
  ExpectOnlyGone(whole, {});
  const PuncturedTree kept = whole.Without(kGone);
  ExpectOnlyGone(*PuncturedTree::Decode(kept.Encode()), kGone);
}

TEST(PuncturedTree, NothingInTheFileLeadsToWhatIsDestroyed) {
  const std::string root = NodesOf(Tree(kBits).Encode()).at(0).key;
  std::set<std::string> found;
  for (const Node& node : NodesOf(Tree(kBits).Without(kGone).Encode())) {
    CollectBelow(node.key, kBits / 4 - node.depth, &found);
  }
  for (uint64_t index = 0; index < kLeaves; ++index) {
    const bool gone = std::find(kGone.begin(), kGone.end(), index) != kGone.end();
    ASSERT_EQ(found.contains(LeafOf(root, kBits, index)), !gone) << index;
  }
}

// The same thief finds everything in the file from before: what the test above looks for can be found.
TEST(PuncturedTree, TheFileFromBeforeLeadsToAll) {
  const std::string root = NodesOf(Tree(kBits).Encode()).at(0).key;
  std::set<std::string> found;
  CollectBelow(root, kBits / 4, &found);
  for (const uint64_t index : kGone) EXPECT_TRUE(found.contains(LeafOf(root, kBits, index)));
}

TEST(PuncturedTree, TheOrderDoesNotMatter) {
  const PuncturedTree whole = Tree(kBits);
  const std::string at_once = whole.Without(kGone).Encode();
  std::vector<uint64_t> order = kGone;
  for (int turn = 0; turn < 3; ++turn) {
    std::rotate(order.begin(), order.begin() + 4, order.end());
    PuncturedTree tree = whole;
    for (const uint64_t index : order) tree = tree.Without(std::span(&index, 1));
    EXPECT_EQ(tree.Encode(), at_once);
    EXPECT_EQ(tree.Without(order).Encode(), at_once);
    tree = *PuncturedTree::Decode(tree.Encode());
    EXPECT_EQ(tree.Encode(), at_once);
  }
  std::vector<uint64_t> twice = kGone;
  twice.insert(twice.end(), kGone.rbegin(), kGone.rend());
  EXPECT_EQ(whole.Without(twice).Encode(), at_once);
  EXPECT_NE(whole.Encode(), at_once);
  EXPECT_EQ(whole.Without({}).Encode(), whole.Encode());
}

TEST(PuncturedTree, IndicesThatItDoesNotHaveArePassedOver) {
  const PuncturedTree whole = Tree(kBits);
  const std::vector<uint64_t> beyond = {kLeaves, ~uint64_t{0}};
  EXPECT_EQ(whole.Without(beyond).Encode(), whole.Encode());
  EXPECT_EQ(whole.WithoutBelow(kLeaves, 2).Encode(), whole.Encode());
}

TEST(PuncturedTree, AllBelowANodeIsWhatItsLeavesAre) {
  const PuncturedTree some_gone = Tree(kBits).Without(kGone);
  for (unsigned depth = 0; depth <= kBits / 4; ++depth) {
    const uint64_t count = uint64_t{1} << (kBits - 4 * depth);
    std::vector<uint64_t> leaves;
    for (uint64_t i = 0; i < count; ++i) leaves.push_back((0x1234 & ~(count - 1)) + i);
    for (const PuncturedTree& tree : {Tree(kBits), some_gone}) {
      EXPECT_EQ(tree.WithoutBelow(0x1234, depth).Encode(), tree.Without(leaves).Encode()) << depth;
    }
    if (depth > 0) {
      ExpectOnlyGone(Tree(kBits).WithoutBelow(0x1234, depth), leaves);
    }
  }
  EXPECT_TRUE(NodesOf(some_gone.WithoutBelow(7, 0).Encode()).empty());
  const PuncturedTree wide = Tree(64);
  EXPECT_FALSE(wide.WithoutBelow(0x1234, 0).Leaf(~uint64_t{0}).has_value());
  EXPECT_FALSE(wide.WithoutBelow(~uint64_t{0}, 2).Leaf(uint64_t{0xff} << 56).has_value());
  EXPECT_EQ(wide.WithoutBelow(~uint64_t{0}, 2).Leaf(uint64_t{0xfe} << 56), wide.Leaf(uint64_t{0xfe} << 56));
}

TEST(PuncturedTree, AllCanBeDestroyed) {
  const PuncturedTree small = Tree(4);
  std::vector<uint64_t> all;
  for (uint64_t index = 0; index < 16; ++index) all.push_back(index);
  const PuncturedTree empty = small.Without(all);
  for (const uint64_t index : all) EXPECT_FALSE(empty.Leaf(index).has_value());
  const auto again = PuncturedTree::Decode(empty.Encode());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_FALSE(again->Leaf(3).has_value());
}

TEST(PuncturedTree, ALeafTakesItsSiblingsInTheFile) {
  const uint64_t index = 0x123456789abc;
  const PuncturedTree whole = Tree(48), tree = whole.Without(std::span(&index, 1));
  EXPECT_EQ(tree.Encode().size(), kHead.size() + 1 + 12 * 15 * kNodeBytes + 32);
  EXPECT_FALSE(tree.Leaf(index).has_value());
  for (unsigned bit = 0; bit < 48; ++bit) {
    const uint64_t near = index ^ uint64_t { 1 } << bit;
    EXPECT_EQ(tree.Leaf(near), whole.Leaf(near)) << bit;
  }
}

void ExpectDamaged(const std::string& bytes, const std::string& what) {
  const absl::Status status = PuncturedTree::Decode(bytes).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << what << ": " << status;
}

TEST(PuncturedTree, WhatWasCutOrChangedIsRefused) {
  const std::vector<uint64_t> gone = {3};
  const std::string bytes = Tree(8).Without(gone).Encode();
  ASSERT_TRUE(PuncturedTree::Decode(bytes).ok());
  for (size_t size = 0; size < bytes.size(); ++size) {
    ExpectDamaged(bytes.substr(0, size), "cut to " + std::to_string(size));
  }
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    ExpectDamaged(flipped, "bit " + std::to_string(bit));
  }
  ExpectDamaged(bytes + '\0', "longer");
  EXPECT_THAT(std::string(PuncturedTree::Decode("").status().message()),
              HasSubstr("not as they were written"));
}

// With a checksum that fits: of a file that somebody else has made.
TEST(PuncturedTree, NodesThatFitNoTreeAreRefused) {
  const auto file = [](unsigned bits, const std::vector<std::pair<uint64_t, unsigned>>& nodes) {
    std::string bytes(kHead);
    bytes += static_cast<char>(bits);
    for (const auto& [start, depth] : nodes) {
      AppendBigEndian(start, &bytes);
      bytes += static_cast<char>(depth);
      bytes.append(32, 'k');
    }
    const Sha256Digest sum = Sha256(bytes);
    bytes += Bytes(sum);
    return bytes;
  };
  EXPECT_TRUE(PuncturedTree::Decode(file(8, {{0x10, 1}, {0x20, 2}, {0x21, 2}, {0xf0, 1}})).ok());
  for (const unsigned bits : {0u, 3u, 5u, 68u, 255u}) ExpectDamaged(file(bits, {{0, 0}}), "bits");
  ExpectDamaged(file(8, {{0, 3}}), "too deep");
  ExpectDamaged(file(8, {{0x100, 1}}), "beyond the last");
  ExpectDamaged(file(8, {{0x11, 1}}), "begins within another");
  ExpectDamaged(file(8, {{0x10, 1}, {0x10, 1}}), "twice");
  ExpectDamaged(file(8, {{0x20, 1}, {0x10, 1}}), "in another order");
  ExpectDamaged(file(8, {{0x10, 1}, {0x1f, 2}}), "within the one before");
}

}  // namespace
}  // namespace coalition
