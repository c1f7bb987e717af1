// The tree over the entries of one tick: of a constant depth, so that neither its root nor a proof from it
// tells how many entries the tick has. Nodes are hashed as RFC 6962 hashes them, so merkle::VerifyInclusion
// verifies a path with size 2^depth. A subtree without entries has no leaves to hash: its root is
//
//   SHA-256(0x02 || secret || level, one byte || index, eight bytes big-endian)
//
// which nobody without the tick's secret can tell from another node. Sparse all the way: an empty subtree
// costs this one hash, whatever its size. Every function is thread-safe.
//
// Whoever stores a tick in buckets, those slots that share their top bits, computes a path from one of them
// and from the roots of all, without reading the others: PathWithin({b, bucket}, ...), followed by
// PathWithin({depth, 0}, ...) with the buckets' roots as nodes of base level b.
//
// Errors are INVALID_ARGUMENT: a level is over kTickDepthMax or below the base, an index is beyond the tree's
// width at its level, or the nodes are not in strictly ascending order or not all in the subtree.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "common/hash.h"

namespace coalition::merkle {

inline constexpr unsigned kTickDepthMax = 24;
inline constexpr size_t kTickSecretBytes = 32;
// Chosen by chance for each tick, and shown to nobody.
using TickSecret = std::span<const uint8_t, kTickSecretBytes>;

// An entry's place among the leaves and its hash; or, above a base level, a node's index at that level.
struct SlotLeaf {
  uint32_t slot = 0;
  Sha256Digest hash{};
  friend bool operator==(const SlotLeaf&, const SlotLeaf&) = default;
};

// The node at `level`, counted from the leaves, and what is below it.
struct Subtree {
  unsigned level = 0;
  uint32_t index = 0;
};

// `leaves`: all entries of the tick, in the order of their slots.
absl::StatusOr<Sha256Digest> SparseRoot(unsigned depth, TickSecret secret, std::span<const SlotLeaf> leaves);

// The `depth` siblings from the leaf to the root, lowest first. INVALID_ARGUMENT also where the slot has no
// entry: there is no leaf to prove.
absl::StatusOr<std::vector<Sha256Digest>> SparsePath(unsigned depth, TickSecret secret,
                                                     std::span<const SlotLeaf> leaves, uint32_t slot);

// The same of a subtree. `nodes`: all nodes of level `base` below it that are not empty. Their slots count
// from the tree's first node at that level, not from the subtree's.
absl::StatusOr<Sha256Digest> SubtreeRoot(Subtree subtree, TickSecret secret, std::span<const SlotLeaf> nodes,
                                         unsigned base = 0);

// The siblings from the node `slot` of level `base` up to the subtree's root: subtree.level - base of them.
absl::StatusOr<std::vector<Sha256Digest>> PathWithin(Subtree subtree, TickSecret secret,
                                                     std::span<const SlotLeaf> nodes, uint32_t slot,
                                                     unsigned base = 0);

}  // namespace coalition::merkle
