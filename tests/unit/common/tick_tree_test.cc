#include "common/tick_tree.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <map>
#include <set>
#include <string>

#include "common/merkle.h"

namespace coalition::merkle {
namespace {

using Secret = std::array<uint8_t, kTickSecretBytes>;
using Path = std::vector<Sha256Digest>;

// 0, 1, 2, ... 31
constexpr Secret kSecret = [] {
  Secret secret{};
  for (size_t i = 0; i < secret.size(); ++i) secret[i] = static_cast<uint8_t>(i);
  return secret;
}();

std::string Hex(const Sha256Digest& digest) { return HexEncode(Bytes(digest)); }

SlotLeaf Leaf(uint32_t slot) { return {slot, HashLeaf(std::string(1, static_cast<char>(slot)))}; }

std::vector<SlotLeaf> Leaves(const std::set<uint32_t>& slots) {
  std::vector<SlotLeaf> leaves;
  for (const uint32_t slot : slots) leaves.push_back(Leaf(slot));
  return leaves;
}

// From the bottom up, level by level; what is above no leaf is a pad.
struct Reference {
  Reference(unsigned tree_depth, const std::vector<SlotLeaf>& leaves) : depth(tree_depth), levels(depth + 1) {
    for (const SlotLeaf& leaf : leaves) levels[0][leaf.slot] = leaf.hash;
    for (unsigned level = 0; level < depth; ++level) {
      for (const auto& [index, hash] : levels[level]) {
        const uint32_t parent = index / 2;
        levels[level + 1][parent] = HashNode(At(level, 2 * parent), At(level, 2 * parent + 1));
      }
    }
  }
  Sha256Digest At(unsigned level, uint32_t index) const {
    const auto found = levels[level].find(index);
    if (found != levels[level].end()) return found->second;
    std::string big_endian(8, '\0');
    for (size_t i = 0; i < 4; ++i) big_endian[7 - i] = static_cast<char>((index >> (8 * i)) & 0xff);
    return Sha256({"\x02", Bytes(kSecret), std::string(1, static_cast<char>(level)), big_endian});
  }
  Path PathOf(uint32_t slot) const {
    Path path;
    for (unsigned level = 0; level < depth; ++level) path.push_back(At(level, (slot >> level) ^ 1));
    return path;
  }

  unsigned depth;
  std::vector<std::map<uint32_t, Sha256Digest>> levels;
};

// Made with another implementation of what tick_tree.h says.
TEST(TickTree, HashesAsItsHeaderSays) {
  EXPECT_EQ(Hex(SparseRoot(3, kSecret, {}).value()),
            "4655a447cb857d060bec314e4eb07effd7e1057cf34dab71acf3286b2f7eab1f");
  EXPECT_EQ(Hex(SparseRoot(3, kSecret, Leaves({2, 5, 6})).value()),
            "2826dc16df883973cf15a0e4be4367edce3d6ac33ce8e30c8e6ebcf64165730b");
  EXPECT_EQ(Hex(SparseRoot(20, kSecret, Leaves({5})).value()),
            "8690330cd6b94aed6f448c790a875326f27deba7d8dbb19b49a811dfd4dbb25a");
}

// All 256 ways to fill eight places.
TEST(TickTree, IsItsReferenceHoweverItIsFilled) {
  constexpr unsigned kDepth = 3;
  for (unsigned filled = 0; filled < 256; ++filled) {
    std::set<uint32_t> slots;
    for (uint32_t slot = 0; slot < 8; ++slot) {
      if ((filled >> slot & 1) != 0) slots.insert(slot);
    }
    const std::vector<SlotLeaf> leaves = Leaves(slots);
    const Reference reference(kDepth, leaves);
    const Sha256Digest root = SparseRoot(kDepth, kSecret, leaves).value();
    ASSERT_EQ(root, reference.At(kDepth, 0)) << filled;
    for (uint32_t slot = 0; slot < 8; ++slot) {
      const absl::StatusOr<Path> path = SparsePath(kDepth, kSecret, leaves, slot);
      if (slots.count(slot) == 0) {
        EXPECT_TRUE(absl::IsInvalidArgument(path.status()));
        continue;
      }
      ASSERT_EQ(path.value(), reference.PathOf(slot)) << filled;
      ASSERT_TRUE(VerifyInclusion(Leaf(slot).hash, slot, 1 << kDepth, *path, root).ok());
    }
  }
}

TEST(TickTree, OneLeafIsProvenInTheWidestTree) {
  constexpr uint32_t kSlot = 0xabcdef;
  const std::vector<SlotLeaf> leaves = {Leaf(kSlot)};
  const Sha256Digest root = SparseRoot(kTickDepthMax, kSecret, leaves).value();
  const Path path = SparsePath(kTickDepthMax, kSecret, leaves, kSlot).value();
  EXPECT_EQ(path, Reference(kTickDepthMax, leaves).PathOf(kSlot));
  EXPECT_TRUE(VerifyInclusion(leaves[0].hash, kSlot, uint64_t{1} << kTickDepthMax, path, root).ok());
  const std::vector<SlotLeaf> alone = {Leaf(0)};
  EXPECT_EQ(SparseRoot(0, kSecret, alone).value(), alone[0].hash);
  EXPECT_TRUE(SparsePath(0, kSecret, alone, 0)->empty());
}

// Its pads are the secret's: whoever does not know it learns nothing from them.
TEST(TickTree, DependsOnTheSecret) {
  Secret other = kSecret;
  other[31] ^= 1;
  const std::vector<SlotLeaf> leaves = Leaves({2, 5, 6});
  EXPECT_NE(SparseRoot(3, kSecret, {}).value(), SparseRoot(3, other, {}).value());
  EXPECT_NE(SparseRoot(3, kSecret, leaves).value(), SparseRoot(3, other, leaves).value());
  std::set<Sha256Digest> pads;
  for (unsigned level = 0; level <= 3; ++level) {
    for (uint32_t index = 0; index < (8U >> level); ++index) {
      EXPECT_TRUE(pads.insert(SubtreeRoot({level, index}, kSecret, {}).value()).second);
    }
  }
}

TEST(TickTree, RefusesWhatIsNoSuchTree) {
  const std::vector<SlotLeaf> leaves = Leaves({2, 5, 6});
  const std::vector<SlotLeaf> unordered = {Leaf(5), Leaf(2)}, twice = {Leaf(5), Leaf(5)};
  const auto refused = [](const auto& result) { return absl::IsInvalidArgument(result.status()); };
  EXPECT_TRUE(refused(SparseRoot(kTickDepthMax + 1, kSecret, leaves)));
  EXPECT_TRUE(refused(SparseRoot(64, kSecret, leaves)));
  EXPECT_TRUE(refused(SparseRoot(3, kSecret, unordered)));
  EXPECT_TRUE(refused(SparseRoot(3, kSecret, twice)));
  EXPECT_TRUE(refused(SparsePath(3, kSecret, unordered, 5)));
  EXPECT_TRUE(refused(SparseRoot(2, kSecret, leaves)));
  EXPECT_TRUE(refused(SparsePath(3, kSecret, leaves, 8)));
  EXPECT_TRUE(refused(SubtreeRoot({2, 0}, kSecret, leaves)));
  EXPECT_TRUE(refused(SubtreeRoot({3, 1U << 21}, kSecret, {})));
  EXPECT_TRUE(refused(SubtreeRoot({3, 0xffffffff}, kSecret, {})));
  EXPECT_TRUE(refused(SubtreeRoot({2, 0}, kSecret, {}, 3)));
  EXPECT_TRUE(refused(PathWithin({2, 1}, kSecret, leaves, 5)));
}

// As a store does that keeps the entries of a tick in buckets: a path from one bucket and the roots of all.
RC_GTEST_PROP(TickTreeProperty, IsPutTogetherFromBuckets, ()) {
  const auto depth = *rc::gen::inRange<unsigned>(1, kTickDepthMax + 1);
  const auto base = *rc::gen::inRange<unsigned>(0, depth + 1);
  const auto drawn = *rc::gen::nonEmpty(
      rc::gen::container<std::vector<uint32_t>>(rc::gen::inRange<uint32_t>(0, uint32_t{1} << depth)));
  const std::vector<SlotLeaf> leaves = Leaves({drawn.begin(), drawn.end()});
  std::map<uint32_t, std::vector<SlotLeaf>> buckets;
  for (const SlotLeaf& leaf : leaves) buckets[leaf.slot >> base].push_back(leaf);
  std::vector<SlotLeaf> roots;
  for (const auto& [bucket, within] : buckets) {
    roots.push_back({bucket, SubtreeRoot({base, bucket}, kSecret, within).value()});
  }
  const Sha256Digest root = SparseRoot(depth, kSecret, leaves).value();
  RC_ASSERT(SubtreeRoot({depth, 0}, kSecret, roots, base).value() == root);
  for (const SlotLeaf& leaf : leaves) {
    const uint32_t bucket = leaf.slot >> base;
    Path path = PathWithin({base, bucket}, kSecret, buckets[bucket], leaf.slot).value();
    const Path above = PathWithin({depth, 0}, kSecret, roots, bucket, base).value();
    path.insert(path.end(), above.begin(), above.end());
    RC_ASSERT(path == SparsePath(depth, kSecret, leaves, leaf.slot).value());
    RC_ASSERT(path.size() == depth);
    RC_ASSERT(VerifyInclusion(leaf.hash, leaf.slot, uint64_t{1} << depth, path, root).ok());
  }
}

}  // namespace
}  // namespace coalition::merkle
