#include "common/tick_tree.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/merkle.h"

namespace coalition::merkle {
namespace {

using Nodes = std::span<const SlotLeaf>;

constexpr char kPadPrefix = 2;

// Computes nodes of one tick's tree above the level `base`.
class Hasher {
 public:
  Hasher(TickSecret secret, unsigned base) : base_(base) {
    pad_[0] = kPadPrefix;
    std::copy(secret.begin(), secret.end(), pad_.begin() + 1);
  }
  ~Hasher() { OPENSSL_cleanse(pad_.data(), pad_.size()); }
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;

  // `nodes` are those below it. Calls itself at most kTickDepthMax deep.
  Sha256Digest Root(Subtree subtree, Nodes nodes) {
    if (nodes.empty()) return Pad(subtree);
    if (subtree.level == base_) return nodes.front().hash;
    const auto [left, right] = Split(subtree, nodes);
    const Sha256Digest left_root = Root(Child(subtree, 0), left);
    return HashNode(left_root, Root(Child(subtree, 1), right));
  }

  // `slot` is below it.
  std::vector<Sha256Digest> Path(Subtree subtree, Nodes nodes, uint32_t slot) {
    std::vector<Sha256Digest> path(subtree.level - base_);
    while (subtree.level > base_) {
      const auto [left, right] = Split(subtree, nodes);
      const bool to_right = slot >= Middle(subtree);
      path[subtree.level - base_ - 1] = Root(Child(subtree, to_right ? 0 : 1), to_right ? left : right);
      nodes = to_right ? right : left;
      subtree = Child(subtree, to_right ? 1 : 0);
    }
    return path;
  }

 private:
  static Subtree Child(Subtree parent, uint32_t side) { return {parent.level - 1, parent.index * 2 + side}; }

  // The first slot of its right half.
  uint32_t Middle(Subtree subtree) const {
    const Subtree right = Child(subtree, 1);
    return right.index << (right.level - base_);
  }

  std::pair<Nodes, Nodes> Split(Subtree subtree, Nodes nodes) const {
    const auto middle =
        std::lower_bound(nodes.begin(), nodes.end(), Middle(subtree),
                         [](const SlotLeaf& node, uint32_t slot) { return node.slot < slot; });
    const auto count = static_cast<size_t>(middle - nodes.begin());
    return {nodes.first(count), nodes.subspan(count)};
  }

  Sha256Digest Pad(Subtree subtree) {
    auto* at = pad_.data() + 1 + kTickSecretBytes;
    *at++ = static_cast<char>(subtree.level);
    for (int shift = 56; shift >= 0; shift -= 8) {
      *at++ = static_cast<char>((uint64_t{subtree.index} >> shift) & 0xff);
    }
    return Sha256(std::string_view(pad_.data(), pad_.size()));
  }

  const unsigned base_;
  std::array<char, 1 + kTickSecretBytes + 1 + 8> pad_;  // prefix, secret, level, index
};

absl::Status Check(Subtree subtree, Nodes nodes, unsigned base) {
  if (subtree.level > kTickDepthMax || base > subtree.level) {
    return absl::InvalidArgumentError(absl::StrCat("there is no subtree of level ", subtree.level,
                                                   " above level ", base, ": a tick's tree has at most ",
                                                   kTickDepthMax, " levels"));
  }
  if (subtree.index >> (kTickDepthMax - subtree.level) != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("subtree ", subtree.index, " of level ", subtree.level, " is in no tick's tree"));
  }
  for (size_t i = 0; i < nodes.size(); ++i) {
    const uint32_t slot = nodes[i].slot;
    if (i > 0 && slot <= nodes[i - 1].slot) {
      return absl::InvalidArgumentError(absl::StrCat("slot ", slot, " stands behind ", nodes[i - 1].slot));
    }
    if (slot >> (subtree.level - base) != subtree.index) {
      return absl::InvalidArgumentError(
          absl::StrCat("slot ", slot, " is not in subtree ", subtree.index, " of level ", subtree.level));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Sha256Digest> SubtreeRoot(Subtree subtree, TickSecret secret, Nodes nodes, unsigned base) {
  if (absl::Status status = Check(subtree, nodes, base); !status.ok()) return status;
  return Hasher(secret, base).Root(subtree, nodes);
}

absl::StatusOr<std::vector<Sha256Digest>> PathWithin(Subtree subtree, TickSecret secret, Nodes nodes,
                                                     uint32_t slot, unsigned base) {
  if (absl::Status status = Check(subtree, nodes, base); !status.ok()) return status;
  const bool occupied =
      std::binary_search(nodes.begin(), nodes.end(), SlotLeaf{slot, {}},
                         [](const SlotLeaf& a, const SlotLeaf& b) { return a.slot < b.slot; });
  if (!occupied) return absl::InvalidArgumentError(absl::StrCat("nothing is in slot ", slot));
  return Hasher(secret, base).Path(subtree, nodes, slot);
}

absl::StatusOr<Sha256Digest> SparseRoot(unsigned depth, TickSecret secret, Nodes leaves) {
  return SubtreeRoot({depth, 0}, secret, leaves);
}

absl::StatusOr<std::vector<Sha256Digest>> SparsePath(unsigned depth, TickSecret secret, Nodes leaves,
                                                     uint32_t slot) {
  return PathWithin({depth, 0}, secret, leaves, slot);
}

}  // namespace coalition::merkle
