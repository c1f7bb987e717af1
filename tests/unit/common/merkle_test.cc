#include "common/merkle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <bit>
#include <limits>
#include <map>
#include <string>

#include "tests/unit/common/merkle_reference.h"

namespace coalition::merkle {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kSizeMax = std::numeric_limits<uint64_t>::max();

std::string Hex(const Sha256Digest& digest) { return HexEncode(Bytes(digest)); }

// The tree of Certificate Transparency's reference implementation, with the roots and proofs that are
// published with it.
const ReferenceTree& PublishedTree() {
  static const auto& tree = *[] {
    std::vector<std::string> data;
    for (const char* hex : {"", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                            "606162636465666768696a6b6c6d6e6f"}) {
      data.push_back(HexDecode(hex).value());
    }
    return new ReferenceTree(data);
  }();
  return tree;
}

constexpr const char* kPublishedRoots[] = {
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};

struct PublishedProof {
  uint64_t from;  // a leaf, counted from 0, or the old size
  uint64_t size;
  std::vector<const char*> hashes;
};

const PublishedProof kPublishedInclusions[] = {
    {0, 1, {}},
    {0,
     8,
     {"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}},
    {5,
     8,
     {"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}},
    {2, 3, {"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"}},
    {1,
     5,
     {"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"}}};

const PublishedProof kPublishedConsistencies[] = {
    {1, 1, {}},
    {1,
     8,
     {"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}},
    {6,
     8,
     {"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}},
    {2,
     5,
     {"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"}},
    {6,
     7,
     {"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
      "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}}};

Proof Digests(const std::vector<const char*>& hexes) {
  Proof proof;
  for (const char* hex : hexes) proof.push_back(Digest(hex));
  return proof;
}

TEST(Merkle, HashesThePublishedTree) {
  EXPECT_EQ(Hex(EmptyRoot()), kPublishedRoots[0]);
  EXPECT_EQ(Hex(HashLeaf("")), kPublishedRoots[1]);
  EXPECT_EQ(Hex(HashNode(HashLeaf(""), HashLeaf(std::string(1, '\0')))), kPublishedRoots[2]);
  for (uint64_t size = 0; size <= PublishedTree().size(); ++size) {
    EXPECT_EQ(Hex(RootOf(size, PublishedTree().Source(size)).value()), kPublishedRoots[size]);
  }
}

TEST(Merkle, MakesAndTakesThePublishedInclusionProofs) {
  for (const PublishedProof& published : kPublishedInclusions) {
    const Proof proof = Digests(published.hashes);
    EXPECT_EQ(InclusionProof(published.from, published.size, PublishedTree().Source(published.size)).value(),
              proof);
    const absl::Status verified =
        VerifyInclusion(PublishedTree().leaf(published.from), published.from, published.size, proof,
                        Digest(kPublishedRoots[published.size]));
    EXPECT_TRUE(verified.ok()) << verified;
  }
}

TEST(Merkle, MakesAndTakesThePublishedConsistencyProofs) {
  for (const PublishedProof& published : kPublishedConsistencies) {
    const Proof proof = Digests(published.hashes);
    EXPECT_EQ(
        ConsistencyProof(published.from, published.size, PublishedTree().Source(published.size)).value(),
        proof);
    const absl::Status verified =
        VerifyConsistency(published.from, Digest(kPublishedRoots[published.from]), published.size,
                          Digest(kPublishedRoots[published.size]), proof);
    EXPECT_TRUE(verified.ok()) << verified;
  }
}

TEST(Merkle, AgreesWithTheRfcsDefinition) {
  constexpr uint64_t kLeaves = 130;
  const ReferenceTree tree = ManyLeaves(kLeaves);
  for (uint64_t size = 1; size <= kLeaves; ++size) {
    const Sha256Digest root = tree.Root(size);
    ASSERT_EQ(RootOf(size, tree.Source(size)).value(), root);
    for (uint64_t index = 0; index < size; ++index) {
      const Proof proof = tree.Path(index, 0, size);
      ASSERT_EQ(InclusionProof(index, size, tree.Source(size)).value(), proof) << index << " of " << size;
      ASSERT_TRUE(VerifyInclusion(tree.leaf(index), index, size, proof, root).ok())
          << index << " of " << size;
    }
    for (uint64_t old_size = 1; old_size <= size; ++old_size) {
      const Proof proof = tree.SubProof(old_size, 0, size, true);
      ASSERT_EQ(ConsistencyProof(old_size, size, tree.Source(size)).value(), proof)
          << old_size << ", " << size;
      ASSERT_TRUE(VerifyConsistency(old_size, tree.Root(old_size), size, root, proof).ok())
          << old_size << ", " << size;
    }
  }
}

TEST(Merkle, RefusesEveryFlippedBitOfAnInclusion) {
  constexpr uint64_t kLeaves = 17;
  const ReferenceTree tree = ManyLeaves(kLeaves);
  for (uint64_t size = 1; size <= kLeaves; ++size) {
    for (uint64_t index = 0; index < size; ++index) {
      Proof parts = tree.Path(index, 0, size);
      parts.push_back(tree.leaf(index));
      parts.push_back(tree.Root(size));
      const auto verify = [&] {
        return VerifyInclusion(parts[parts.size() - 2], index, size,
                               std::span<const Sha256Digest>(parts).first(parts.size() - 2), parts.back());
      };
      ASSERT_TRUE(verify().ok());
      for (Sha256Digest& part : parts) FlipEachBit(part, [&] { ASSERT_TRUE(absl::IsDataLoss(verify())); });
    }
  }
}

TEST(Merkle, RefusesEveryFlippedBitOfAConsistency) {
  constexpr uint64_t kLeaves = 17;
  const ReferenceTree tree = ManyLeaves(kLeaves);
  for (uint64_t size = 1; size <= kLeaves; ++size) {
    for (uint64_t old_size = 1; old_size <= size; ++old_size) {
      Proof parts = tree.SubProof(old_size, 0, size, true);
      parts.push_back(tree.Root(old_size));
      parts.push_back(tree.Root(size));
      const auto verify = [&] {
        return VerifyConsistency(old_size, parts[parts.size() - 2], size, parts.back(),
                                 std::span<const Sha256Digest>(parts).first(parts.size() - 2));
      };
      ASSERT_TRUE(verify().ok());
      for (Sha256Digest& part : parts) FlipEachBit(part, [&] { ASSERT_TRUE(absl::IsDataLoss(verify())); });
    }
  }
}

TEST(Merkle, RefusesAnotherLeafOrAnotherTree) {
  constexpr uint64_t kLeaves = 33;
  const ReferenceTree tree = ManyLeaves(kLeaves);
  for (uint64_t size = 1; size <= kLeaves; ++size) {
    for (uint64_t index = 0; index < size; ++index) {
      const Proof proof = tree.Path(index, 0, size);
      for (uint64_t other = 0; other <= kLeaves; ++other) {
        if (other != index) {
          ASSERT_FALSE(VerifyInclusion(tree.leaf(index), other, size, proof, tree.Root(size)).ok())
              << index << " as " << other << " of " << size;
        }
        if (other != size) {
          ASSERT_FALSE(VerifyInclusion(tree.leaf(index), index, other, proof, tree.Root(other)).ok())
              << index << " of " << size << " as of " << other;
        }
      }
    }
  }
}

TEST(Merkle, RefusesTreesThatDoNotGoTogether) {
  constexpr uint64_t kLeaves = 33;
  const ReferenceTree tree = ManyLeaves(kLeaves);
  for (uint64_t size = 2; size <= kLeaves; ++size) {
    for (uint64_t old_size = 1; old_size < size; ++old_size) {
      const Proof proof = tree.SubProof(old_size, 0, size, true);
      const Sha256Digest old_root = tree.Root(old_size), root = tree.Root(size);
      EXPECT_FALSE(VerifyConsistency(old_size, root, size, old_root, proof).ok());
      for (uint64_t other = 1; other <= kLeaves; ++other) {
        if (other != old_size) {
          ASSERT_FALSE(VerifyConsistency(other, old_root, size, root, proof).ok());
        }
        if (other != size) {
          ASSERT_FALSE(VerifyConsistency(old_size, old_root, other, tree.Root(other), proof).ok());
        }
      }
    }
  }
}

// With one hash more or less, wherever it stands.
template <class Verify>
void ExpectItsLength(const Proof& proof, Verify verify) {
  for (size_t at = 0; at <= proof.size(); ++at) {
    Proof longer = proof;
    longer.insert(longer.begin() + static_cast<ptrdiff_t>(at), at == 0 ? EmptyRoot() : proof[at - 1]);
    EXPECT_TRUE(absl::IsInvalidArgument(verify(longer)));
    if (at == proof.size()) continue;
    Proof shorter = proof;
    shorter.erase(shorter.begin() + static_cast<ptrdiff_t>(at));
    EXPECT_TRUE(absl::IsInvalidArgument(verify(shorter)));
  }
}

TEST(Merkle, RefusesProofsOfAnotherLength) {
  const ReferenceTree tree = ManyLeaves(20);
  for (uint64_t size = 1; size <= tree.size(); ++size) {
    for (uint64_t from = 0; from < size; ++from) {
      ExpectItsLength(tree.Path(from, 0, size), [&](const Proof& proof) {
        return VerifyInclusion(tree.leaf(from), from, size, proof, tree.Root(size));
      });
      const Proof consistency = from == 0 ? Proof{} : tree.SubProof(from, 0, size, true);
      ExpectItsLength(consistency, [&](const Proof& proof) {
        return VerifyConsistency(from, tree.Root(from), size, tree.Root(size), proof);
      });
    }
  }
}

TEST(Merkle, RefusesWhatIsOutOfRange) {
  const NodeSource source = [](unsigned, uint64_t) -> absl::StatusOr<Sha256Digest> { return EmptyRoot(); };
  const Sha256Digest some = HashLeaf("some");
  for (const auto& [index, size] :
       {std::pair<uint64_t, uint64_t>{0, 0}, {1, 1}, {9, 8}, {kSizeMax, kSizeMax}}) {
    EXPECT_TRUE(absl::IsInvalidArgument(InclusionProof(index, size, source).status()));
    EXPECT_TRUE(absl::IsInvalidArgument(VerifyInclusion(some, index, size, {}, some)));
  }
  for (const auto& [old_size, size] :
       {std::pair<uint64_t, uint64_t>{1, 0}, {9, 8}, {kSizeMax, kSizeMax - 1}}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ConsistencyProof(old_size, size, source).status()));
    EXPECT_TRUE(absl::IsInvalidArgument(VerifyConsistency(old_size, some, size, some, {})));
  }
  EXPECT_THAT(std::string(VerifyInclusion(some, 9, 8, {}, some).message()),
              HasSubstr("no leaf 9 in a tree of 8"));
}

TEST(Merkle, ComparesTreesOfEqualAndOfNoSize) {
  const Sha256Digest some = HashLeaf("some"), other = HashLeaf("other");
  EXPECT_TRUE(VerifyConsistency(0, EmptyRoot(), 0, EmptyRoot(), {}).ok());
  EXPECT_TRUE(VerifyConsistency(0, EmptyRoot(), 5, some, {}).ok());
  EXPECT_TRUE(VerifyConsistency(5, some, 5, some, {}).ok());
  EXPECT_TRUE(absl::IsDataLoss(VerifyConsistency(5, some, 5, other, {})));
  EXPECT_TRUE(absl::IsInvalidArgument(VerifyConsistency(0, some, 0, some, {})));
  EXPECT_TRUE(absl::IsInvalidArgument(VerifyConsistency(0, some, 5, some, {})));
  const Proof proof = {some};
  EXPECT_TRUE(absl::IsInvalidArgument(VerifyConsistency(0, EmptyRoot(), 5, some, proof)));
  EXPECT_TRUE(absl::IsInvalidArgument(VerifyConsistency(5, some, 5, some, proof)));
}

TEST(Merkle, PassesOnWhatItsSourceSays) {
  const NodeSource broken = [](unsigned, uint64_t) -> absl::StatusOr<Sha256Digest> {
    return absl::UnavailableError("no disk");
  };
  EXPECT_TRUE(absl::IsUnavailable(RootOf(6, broken).status()));
  EXPECT_TRUE(absl::IsUnavailable(InclusionProof(2, 6, broken).status()));
  EXPECT_TRUE(absl::IsUnavailable(ConsistencyProof(3, 6, broken).status()));
  EXPECT_TRUE(absl::IsUnavailable(ConsistencyProof(4, 6, broken).status()));
  EXPECT_TRUE(absl::IsUnavailable(Frontier::Load(6, broken).status()));
}

TEST(Frontier, CompletesEachNodeOnceAndNeverChangesIt) {
  constexpr uint64_t kLeaves = 130;
  const ReferenceTree tree = ManyLeaves(kLeaves);
  std::map<std::pair<unsigned, uint64_t>, Sha256Digest> stored;
  const NodeSource source = [&](unsigned level, uint64_t index) -> absl::StatusOr<Sha256Digest> {
    const auto found = stored.find({level, index});
    if (found == stored.end()) return absl::InternalError("not stored");
    return found->second;
  };
  Frontier frontier;
  EXPECT_EQ(frontier.Root(), EmptyRoot());
  for (uint64_t size = 0; size < kLeaves; ++size) {
    ASSERT_EQ(Frontier::Load(size, source)->Append(tree.leaf(size)).value().size(),
              static_cast<size_t>(std::countr_one(size)) + 1);
    const std::vector<Node> completed = frontier.Append(tree.leaf(size)).value();
    for (const Node& node : completed) {
      EXPECT_TRUE(stored.emplace(std::pair(node.level, node.index), node.hash).second);
      EXPECT_EQ(node.hash, tree.Hash(node.index << node.level, (node.index + 1) << node.level));
    }
    EXPECT_EQ(frontier.size(), size + 1);
    ASSERT_EQ(frontier.Root(), tree.Root(size + 1));
    ASSERT_EQ(Frontier::Load(size + 1, source)->Root(), frontier.Root());
    ASSERT_EQ(InclusionProof(size / 3, size + 1, source).value(), tree.Path(size / 3, 0, size + 1));
  }
}

// All leaves are equal, so a subtree's root follows from its level: trees of any size without their leaves.
absl::StatusOr<Sha256Digest> UniformNode(unsigned level, uint64_t /*index*/) {
  static const auto& roots = *[] {
    auto* made = new std::vector<Sha256Digest>{HashLeaf("always the same")};
    while (made->size() < 64) made->push_back(HashNode(made->back(), made->back()));
    return made;
  }();
  if (level >= roots.size()) return absl::InternalError("no tree has such a node");
  return roots[level];
}

TEST(Frontier, EndsWithTheLargestTree) {
  Frontier frontier = Frontier::Load(kSizeMax - 1, UniformNode).value();
  ASSERT_TRUE(frontier.Append(*UniformNode(0, 0)).ok());
  EXPECT_EQ(frontier.size(), kSizeMax);
  EXPECT_EQ(frontier.Root(), RootOf(kSizeMax, UniformNode).value());
  EXPECT_EQ(frontier.Append(*UniformNode(0, 0)).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(frontier.size(), kSizeMax);
}

TEST(Merkle, ProvesInTreesOf64BitSizes) {
  constexpr uint64_t kHalf = uint64_t{1} << 63;
  for (const uint64_t size : {kHalf - 1, kHalf, kHalf + 1, kSizeMax - 1, kSizeMax}) {
    const Sha256Digest root = RootOf(size, UniformNode).value();
    for (const uint64_t from : {uint64_t{1}, kHalf / 2, kHalf - 2, size - 1}) {
      const Proof inclusion = InclusionProof(from, size, UniformNode).value();
      EXPECT_TRUE(VerifyInclusion(*UniformNode(0, 0), from, size, inclusion, root).ok())
          << from << ", " << size;
      EXPECT_LE(inclusion.size(), 64U);
      const Proof consistency = ConsistencyProof(from, size, UniformNode).value();
      EXPECT_TRUE(VerifyConsistency(from, RootOf(from, UniformNode).value(), size, root, consistency).ok())
          << from << ", " << size;
      EXPECT_LE(consistency.size(), 65U);
    }
  }
}

// Of any number of bits.
rc::Gen<uint64_t> AnySize() {
  return rc::gen::resize(
      rc::kNominalSize,
      rc::gen::map(rc::gen::pair(rc::gen::arbitrary<uint64_t>(), rc::gen::inRange(0, 64)),
                   [](const std::pair<uint64_t, int>& drawn) { return drawn.first >> drawn.second; }));
}

RC_GTEST_PROP(MerkleProperty, WhatIsProvenIsVerifiedAndNothingElse, ()) {
  const uint64_t a = *AnySize(), b = *AnySize();
  const uint64_t old_size = std::min(a, b), size = std::max(a, b);
  RC_PRE(old_size > 0 && old_size < size);
  const Sha256Digest root = RootOf(size, UniformNode).value(),
                     old_root = RootOf(old_size, UniformNode).value();
  Proof inclusion = InclusionProof(old_size, size, UniformNode).value();
  Proof consistency = ConsistencyProof(old_size, size, UniformNode).value();
  const auto is_included = [&] {
    return VerifyInclusion(*UniformNode(0, 0), old_size, size, inclusion, root).ok();
  };
  const auto is_consistent = [&] {
    return VerifyConsistency(old_size, old_root, size, root, consistency).ok();
  };
  RC_ASSERT(is_included() && is_consistent());
  const auto bit = *rc::gen::inRange<size_t>(0, 256);
  for (Proof* proof : {&inclusion, &consistency}) {
    Sha256Digest& changed = (*proof)[*rc::gen::inRange<size_t>(0, proof->size())];
    changed[bit / 8] = static_cast<uint8_t>(changed[bit / 8] ^ (1U << (bit % 8)));
  }
  RC_ASSERT(!is_included() && !is_consistent());
}

}  // namespace
}  // namespace coalition::merkle
