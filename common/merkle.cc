#include "common/merkle.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "absl/strings/str_cat.h"

namespace coalition::merkle {
namespace {

constexpr char kLeafPrefix = 0;
constexpr char kNodePrefix = 1;

// Visits the siblings on the way from a node up to the root, `last` being the last node of its level:
// visit(level, sibling, whether it is the left one). A last node without a sibling is carried up as it is.
template <class Visit>
void ForEachSibling(unsigned level, uint64_t node, uint64_t last, Visit visit) {
  for (; last > 0; ++level, node >>= 1, last >>= 1) {
    if ((node & 1) != 0) {
      visit(level, node - 1, true);
    } else if (node < last) {
      visit(level, node + 1, false);
    }
  }
}

size_t CountSiblings(uint64_t node, uint64_t last) {
  size_t count = 0;
  ForEachSibling(0, node, last, [&](unsigned, uint64_t, bool) { ++count; });
  return count;
}

// The largest complete subtree that ends the tree of `size` leaves, size > 0. From there up both trees of a
// consistency proof are walked.
struct Start {
  explicit Start(uint64_t size) : node(size - 1) {
    for (; (node & 1) != 0; node >>= 1) ++level;
  }
  // The old tree is this subtree, so its root is known and no proof has it.
  bool whole() const { return node == 0; }

  unsigned level = 0;
  uint64_t node;
};

// The root of leaves [begin, end), begin < end, where begin is a multiple of 2^l, 2^l >= end - begin: of the
// complete subtrees that they consist of, the smallest, which is the last one, first.
absl::StatusOr<Sha256Digest> RootOfRange(uint64_t begin, uint64_t end, const NodeSource& source) {
  const uint64_t count = end - begin;
  std::optional<Sha256Digest> root;
  for (unsigned level = 0; level < 64 && (count >> level) != 0; ++level) {
    if (((count >> level) & 1) == 0) continue;
    absl::StatusOr<Sha256Digest> node = source(level, (begin >> level) + ((count >> level) - 1));
    if (!node.ok()) return node.status();
    root = root ? HashNode(*node, *root) : *node;
  }
  return *root;
}

// Appends to `proof` the siblings of ForEachSibling in the tree of `size` leaves.
absl::Status AddSiblings(unsigned level, uint64_t node, uint64_t size, const NodeSource& source,
                         std::vector<Sha256Digest>& proof) {
  const uint64_t last = (size - 1) >> level;
  absl::Status status;
  ForEachSibling(level, node, last, [&](unsigned at, uint64_t sibling, bool) {
    if (!status.ok()) return;
    // Only the last node of a level may be incomplete.
    const bool is_last = sibling == (size - 1) >> at;
    absl::StatusOr<Sha256Digest> hash =
        is_last ? RootOfRange(sibling << at, size, source) : source(at, sibling);
    if (hash.ok()) {
      proof.push_back(*hash);
    } else {
      status = hash.status();
    }
  });
  return status;
}

absl::Status CheckLeaf(uint64_t index, uint64_t size) {
  if (index < size) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("there is no leaf ", index, " in a tree of ", size, size == 1 ? " leaf" : " leaves"));
}

absl::Status CheckSizes(uint64_t old_size, uint64_t new_size) {
  if (old_size <= new_size) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("a tree of ", new_size, " leaves can't begin with one of ", old_size));
}

absl::Status CheckCount(size_t count, size_t expected) {
  if (count == expected) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("the proof has ", count, " hashes instead of ", expected));
}

// Where the proof is empty.
absl::Status VerifyTrivially(uint64_t old_size, const Sha256Digest& old_root, uint64_t new_size,
                             const Sha256Digest& new_root, size_t proof_size) {
  if (absl::Status count = CheckCount(proof_size, 0); !count.ok()) return count;
  if ((old_size == 0 && old_root != EmptyRoot()) || (new_size == 0 && new_root != EmptyRoot())) {
    return absl::InvalidArgumentError("the root of an empty tree is SHA-256 of nothing, this is another");
  }
  if (old_size == 0 || old_root == new_root) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("there are two different trees of ", new_size, " leaves"));
}

}  // namespace

Sha256Digest HashLeaf(std::string_view data) {
  return Sha256({std::string_view(&kLeafPrefix, sizeof(kLeafPrefix)), data});
}

Sha256Digest HashNode(const Sha256Digest& left, const Sha256Digest& right) {
  // In one piece: handing OpenSSL each part costs more than copying them.
  std::array<char, 1 + 2 * sizeof(Sha256Digest)> bytes;
  bytes[0] = kNodePrefix;
  std::copy(left.begin(), left.end(), bytes.begin() + 1);
  std::copy(right.begin(), right.end(), bytes.begin() + 1 + sizeof(Sha256Digest));
  return Sha256(std::string_view(bytes.data(), bytes.size()));
}

Sha256Digest EmptyRoot() { return Sha256(""); }

absl::Status VerifyInclusion(const Sha256Digest& leaf_hash, uint64_t index, uint64_t size,
                             std::span<const Sha256Digest> proof, const Sha256Digest& root) {
  if (absl::Status leaf = CheckLeaf(index, size); !leaf.ok()) return leaf;
  if (absl::Status count = CheckCount(proof.size(), CountSiblings(index, size - 1)); !count.ok())
    return count;
  Sha256Digest hash = leaf_hash;
  auto sibling = proof.begin();
  ForEachSibling(0, index, size - 1, [&](unsigned, uint64_t, bool is_left) {
    hash = is_left ? HashNode(*sibling, hash) : HashNode(hash, *sibling);
    ++sibling;
  });
  if (hash == root) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("the proof of leaf ", index,
                                          " does not lead to the root of the tree of ", size,
                                          " leaves: the leaf, the proof or the root was changed"));
}

absl::Status VerifyConsistency(uint64_t old_size, const Sha256Digest& old_root, uint64_t new_size,
                               const Sha256Digest& new_root, std::span<const Sha256Digest> proof) {
  if (absl::Status sizes = CheckSizes(old_size, new_size); !sizes.ok()) return sizes;
  if (old_size == 0 || old_size == new_size) {
    return VerifyTrivially(old_size, old_root, new_size, new_root, proof.size());
  }
  const Start start(old_size);
  const uint64_t last = (new_size - 1) >> start.level;
  const size_t expected = CountSiblings(start.node, last) + (start.whole() ? 0 : 1);
  if (absl::Status count = CheckCount(proof.size(), expected); !count.ok()) return count;
  auto sibling = proof.begin();
  Sha256Digest from_old = start.whole() ? old_root : *sibling++;
  Sha256Digest from_new = from_old;
  ForEachSibling(start.level, start.node, last, [&](unsigned, uint64_t, bool is_left) {
    // What is to the left was there already when the old tree ended.
    if (is_left) from_old = HashNode(*sibling, from_old);
    from_new = is_left ? HashNode(*sibling, from_new) : HashNode(from_new, *sibling);
    ++sibling;
  });
  if (from_old == old_root && from_new == new_root) return absl::OkStatus();
  const uint64_t size = from_old == old_root ? new_size : old_size;
  return absl::DataLossError(absl::StrCat(
      "the proof does not lead to the root of the tree of ", size, " leaves: the one of ", new_size,
      " does not begin with the one of ", old_size, ", or the proof or a root was changed"));
}

absl::StatusOr<Sha256Digest> RootOf(uint64_t size, const NodeSource& source) {
  if (size == 0) return EmptyRoot();
  return RootOfRange(0, size, source);
}

absl::StatusOr<std::vector<Sha256Digest>> InclusionProof(uint64_t index, uint64_t size,
                                                         const NodeSource& source) {
  if (absl::Status leaf = CheckLeaf(index, size); !leaf.ok()) return leaf;
  std::vector<Sha256Digest> proof;
  if (absl::Status added = AddSiblings(0, index, size, source, proof); !added.ok()) return added;
  return proof;
}

absl::StatusOr<std::vector<Sha256Digest>> ConsistencyProof(uint64_t old_size, uint64_t new_size,
                                                           const NodeSource& source) {
  if (absl::Status sizes = CheckSizes(old_size, new_size); !sizes.ok()) return sizes;
  std::vector<Sha256Digest> proof;
  if (old_size == 0 || old_size == new_size) return proof;
  const Start start(old_size);
  if (!start.whole()) {
    absl::StatusOr<Sha256Digest> hash = source(start.level, start.node);
    if (!hash.ok()) return hash.status();
    proof.push_back(*hash);
  }
  absl::Status added = AddSiblings(start.level, start.node, new_size, source, proof);
  if (!added.ok()) return added;
  return proof;
}

absl::StatusOr<Frontier> Frontier::Load(uint64_t size, const NodeSource& source) {
  Frontier frontier;
  frontier.size_ = size;
  for (unsigned level = 64; level-- > 0;) {
    if (((size >> level) & 1) == 0) continue;
    absl::StatusOr<Sha256Digest> root = source(level, (size >> level) - 1);
    if (!root.ok()) return root.status();
    frontier.roots_.push_back(*root);
  }
  return frontier;
}

absl::StatusOr<std::vector<Node>> Frontier::Append(const Sha256Digest& leaf_hash) {
  if (size_ == std::numeric_limits<uint64_t>::max()) {
    return absl::OutOfRangeError("the tree has as many leaves as it can have");
  }
  std::vector<Node> completed = {{0, size_, leaf_hash}};
  for (uint64_t rest = size_; (rest & 1) != 0; rest >>= 1) {
    const Node& child = completed.back();
    completed.push_back({child.level + 1, rest >> 1, HashNode(roots_.back(), child.hash)});
    roots_.pop_back();
  }
  roots_.push_back(completed.back().hash);
  ++size_;
  return completed;
}

Sha256Digest Frontier::Root() const {
  if (roots_.empty()) return EmptyRoot();
  Sha256Digest root = roots_.back();
  for (auto left = roots_.rbegin() + 1; left != roots_.rend(); ++left) root = HashNode(*left, root);
  return root;
}

}  // namespace coalition::merkle
