// The Merkle tree of RFC 6962 §2.1, and the proofs that a leaf is in a tree (inclusion) and that a tree
// begins with an older one (consistency): made as RFC 6962 §2.1.1 and §2.1.2 define them, judged as RFC 9162
// §2.1.3.2 and §2.1.4.2 do. Sizes are any number of 64 bits; a proof has at most 65 hashes. Every function is
// thread-safe.
//
// A root does not tell the size of its tree, and some wrong sizes lead along the same path: size and root
// must come from one place, a signed checkpoint.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/hash.h"

namespace coalition::merkle {

// SHA-256(0x00 || data)
Sha256Digest HashLeaf(std::string_view data);
// SHA-256(0x01 || left || right)
Sha256Digest HashNode(const Sha256Digest& left, const Sha256Digest& right);
// Of the tree without leaves: SHA-256 of nothing.
Sha256Digest EmptyRoot();

// Whether leaf `index`, counted from 0, of the tree of `size` leaves with that root is the one of that hash.
// INVALID_ARGUMENT: the tree has no such leaf, or the proof another number of hashes than such a proof has.
// DATA_LOSS: it leads to another root, so something was changed.
absl::Status VerifyInclusion(const Sha256Digest& leaf_hash, uint64_t index, uint64_t size,
                             std::span<const Sha256Digest> proof, const Sha256Digest& root);

// Whether the tree of `new_size` leaves begins with the one of `old_size`. Every tree begins with the empty
// one, and equal sizes mean equal roots, both with an empty proof. INVALID_ARGUMENT: the old tree is the
// larger one, the root of a tree of size 0 is not EmptyRoot(), or the proof has another number of hashes than
// such a proof has. DATA_LOSS: the roots do not go together; says which of them the proof does not lead to.
absl::Status VerifyConsistency(uint64_t old_size, const Sha256Digest& old_root, uint64_t new_size,
                               const Sha256Digest& new_root, std::span<const Sha256Digest> proof);

// Looks up the root of leaves [index << level, (index + 1) << level), a complete subtree. Level 0: a leaf's
// hash. What follows asks only for subtrees that are complete in the tree that it is asked about, each once,
// and returns the source's errors as they are.
using NodeSource = std::function<absl::StatusOr<Sha256Digest>(unsigned level, uint64_t index)>;

// Asks for one node for each bit that is set in `size`.
absl::StatusOr<Sha256Digest> RootOf(uint64_t size, const NodeSource& source);
// INVALID_ARGUMENT: the tree has no such leaf.
absl::StatusOr<std::vector<Sha256Digest>> InclusionProof(uint64_t index, uint64_t size,
                                                         const NodeSource& source);
// Empty where `old_size` is 0 or `new_size`. INVALID_ARGUMENT: the old tree is the larger one.
absl::StatusOr<std::vector<Sha256Digest>> ConsistencyProof(uint64_t old_size, uint64_t new_size,
                                                           const NodeSource& source);

// A complete subtree.
struct Node {
  unsigned level = 0;
  uint64_t index = 0;
  Sha256Digest hash{};
  friend bool operator==(const Node&, const Node&) = default;
};

// The right edge of a tree, which is all that it takes to append: the roots of the complete subtrees that it
// is made of, at most 64. Not thread-safe.
class Frontier {
 public:
  // The empty tree's.
  Frontier() = default;
  // Asks for one node for each bit that is set in `size`.
  static absl::StatusOr<Frontier> Load(uint64_t size, const NodeSource& source);

  // The subtrees that the new leaf completes, the leaf itself first, each the right child of the next: they
  // are to be stored, and none of them ever changes. OUT_OF_RANGE: the tree has 2^64 - 1 leaves.
  absl::StatusOr<std::vector<Node>> Append(const Sha256Digest& leaf_hash);

  uint64_t size() const { return size_; }
  // Hashes once for each bit that is set in size(), less one.
  Sha256Digest Root() const;

 private:
  uint64_t size_ = 0;
  std::vector<Sha256Digest> roots_;  // of the bits of size_, the highest first
};

}  // namespace coalition::merkle
