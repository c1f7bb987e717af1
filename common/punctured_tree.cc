#include "common/punctured_tree.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/big_endian.h"
#include "common/hash.h"
#include "common/strings.h"

namespace coalition {
namespace {

constexpr std::string_view kHead = "coalition-punctured-tree/v1\n";
constexpr unsigned kChildren = 16;
constexpr unsigned kBitsMax = 64;
// Of a node in a file: where it begins, its depth, its key.
constexpr size_t kNodeBytes = sizeof(uint64_t) + 1 + PuncturedTree::kKeyBytes;
constexpr size_t kSumBytes = sizeof(Sha256Digest);

bool IsWidth(unsigned bits) { return bits >= 4 && bits <= kBitsMax && bits % 4 == 0; }

// A node's key and the number of one of its children: what that child's key is SHA-256 of.
using Step = std::array<uint8_t, PuncturedTree::kKeyBytes + 1>;

void StepDown(unsigned number, Step* node) {
  node->back() = static_cast<uint8_t>(number);
  const Sha256Digest child = Sha256(Bytes(*node));
  std::copy(child.begin(), child.end(), node->begin());
}

absl::Status Damaged(std::string_view why) {
  return absl::DataLossError(absl::StrCat("these keys are not as they were written: ", Absl(why)));
}

}  // namespace

void PuncturedTree::Wipe(void* memory, size_t bytes) { OPENSSL_cleanse(memory, bytes); }

uint64_t PuncturedTree::MaskBelow(unsigned depth) const {
  const unsigned below = bits_ - 4 * depth;
  return below == 64 ? ~uint64_t{0} : (uint64_t{1} << below) - 1;
}

PuncturedTree::Node PuncturedTree::ChildOf(const Node& node, unsigned number) const {
  Node child{0, node.depth + 1, {}};
  child.start = node.start | uint64_t{number} << (bits_ - 4 * child.depth);
  Step step;
  std::copy(node.key.begin(), node.key.end(), step.begin());
  StepDown(number, &step);
  std::copy_n(step.begin(), kKeyBytes, child.key.begin());
  Wipe(step.data(), step.size());
  return child;
}

PuncturedTree::Key PuncturedTree::Descend(const Key& key, uint64_t index, unsigned depth) const {
  Step step;
  std::copy(key.begin(), key.end(), step.begin());
  for (unsigned shift = bits_ - 4 * depth; shift > 0; shift -= 4) {
    StepDown(static_cast<unsigned>(index >> (shift - 4) & (kChildren - 1)), &step);
  }
  Key leaf;
  std::copy_n(step.begin(), kKeyBytes, leaf.begin());
  Wipe(step.data(), step.size());
  return leaf;
}

PuncturedTree PuncturedTree::Make(unsigned bits, Random& random) {
  if (!IsWidth(bits)) {
    std::fputs("fatal: a tree of keys has 4 to 64 bits, a multiple of 4\n", stderr);
    std::abort();
  }
  PuncturedTree tree(bits);
  tree.nodes_.resize(1);
  random.Fill(tree.nodes_[0].key);
  tree.FillCells();
  return tree;
}

std::optional<PuncturedTree::Key> PuncturedTree::Leaf(uint64_t index) const {
  if (!IsIndex(index)) return std::nullopt;
  const Cell& cell = cells_[index >> CellShift()];
  if (cell.is_whole) return Descend(cell.key, index, CellDepth());
  const auto begin = nodes_.begin() + cell.begin;
  const auto after = std::upper_bound(begin, nodes_.begin() + cell.end, index,
                                      [](uint64_t wanted, const Node& node) { return wanted < node.start; });
  if (after == begin) return std::nullopt;
  const Node& node = *std::prev(after);
  if (index > LastOf(node)) return std::nullopt;
  return Descend(node.key, index, node.depth);
}

void PuncturedTree::FillCells() {
  cells_.assign(size_t{1} << (4 * CellDepth()), Cell());
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i].depth <= CellDepth()) {
      FillBelow(nodes_[i]);
      continue;
    }
    Cell& cell = cells_[nodes_[i].start >> CellShift()];
    if (cell.end == 0) cell.begin = static_cast<uint32_t>(i);
    cell.end = static_cast<uint32_t>(i + 1);
  }
}

void PuncturedTree::FillBelow(const Node& node) {
  if (node.depth == CellDepth()) {
    Cell& cell = cells_[node.start >> CellShift()];
    cell.key = node.key;
    cell.is_whole = true;
    return;
  }
  for (unsigned number = 0; number < kChildren; ++number) FillBelow(ChildOf(node, number));
}

// A range is all that is below one node: it covers this one, or one of its children, or lies below one.
void PuncturedTree::AppendRest(const Node& node, std::span<const Range> gone, Nodes* rest) const {
  const uint64_t last = LastOf(node);
  const auto begin = std::partition_point(gone.begin(), gone.end(),
                                          [&](const Range& range) { return range.last < node.start; });
  const auto end =
      std::partition_point(begin, gone.end(), [&](const Range& range) { return range.first <= last; });
  if (begin == end) {
    rest->push_back(node);
    return;
  }
  if (begin->first <= node.start && begin->last >= last) return;
  for (unsigned number = 0; number < kChildren; ++number) {
    AppendRest(ChildOf(node, number), std::span<const Range>(begin, end), rest);
  }
}

PuncturedTree PuncturedTree::WithoutRanges(std::span<const Range> gone) const {
  PuncturedTree tree(bits_);
  tree.nodes_.reserve(nodes_.size());
  for (const Node& node : nodes_) AppendRest(node, gone, &tree.nodes_);
  tree.FillCells();
  return tree;
}

PuncturedTree PuncturedTree::Without(std::span<const uint64_t> indices) const {
  std::vector<uint64_t> ascending(indices.begin(), indices.end());
  std::sort(ascending.begin(), ascending.end());
  ascending.erase(std::unique(ascending.begin(), ascending.end()), ascending.end());
  std::vector<Range> gone;
  gone.reserve(ascending.size());
  for (const uint64_t index : ascending) {
    if (IsIndex(index)) gone.push_back({index, index});
  }
  return WithoutRanges(gone);
}

PuncturedTree PuncturedTree::WithoutBelow(uint64_t index, unsigned depth) const {
  if (!IsIndex(index)) return *this;
  const uint64_t below = MaskBelow(std::min(depth, Levels()));
  const Range gone{index & ~below, index | below};
  return WithoutRanges(std::span(&gone, 1));
}

std::string PuncturedTree::Encode() const {
  std::string bytes;
  // At once: what a string grows out of is not wiped.
  bytes.reserve(kHead.size() + 1 + nodes_.size() * kNodeBytes + kSumBytes);
  bytes += kHead;
  bytes += static_cast<char>(bits_);
  for (const Node& node : nodes_) {
    AppendBigEndian(node.start, &bytes);
    bytes += static_cast<char>(node.depth);
    bytes += Bytes(node.key);
  }
  const Sha256Digest sum = Sha256(bytes);
  bytes += Bytes(sum);
  return bytes;
}

absl::StatusOr<PuncturedTree> PuncturedTree::Decode(std::string_view bytes) {
  if (bytes.size() < kHead.size() + 1 + kSumBytes || !bytes.starts_with(kHead))
    return Damaged("they begin otherwise, or are cut off");
  const std::string_view summed = bytes.substr(0, bytes.size() - kSumBytes);
  if (Bytes(Sha256(summed)) != bytes.substr(summed.size())) return Damaged("the checksum is another");
  PuncturedTree tree(static_cast<uint8_t>(summed[kHead.size()]));
  std::string_view rest = summed.substr(kHead.size() + 1);
  if (!IsWidth(tree.bits_) || rest.size() % kNodeBytes != 0) return Damaged("their number is another");
  tree.nodes_.reserve(rest.size() / kNodeBytes);
  for (; !rest.empty(); rest.remove_prefix(kNodeBytes)) {
    Node node{ReadBigEndian<uint64_t>(rest), static_cast<uint8_t>(rest[sizeof(uint64_t)]), {}};
    if (node.depth > tree.Levels() || !tree.IsIndex(node.start) ||
        (node.start & tree.MaskBelow(node.depth)) != 0 ||
        (!tree.nodes_.empty() && node.start <= tree.LastOf(tree.nodes_.back()))) {
      return Damaged("a node is out of place");
    }
    const std::string_view key = rest.substr(sizeof(uint64_t) + 1, kKeyBytes);
    std::copy(key.begin(), key.end(), node.key.begin());
    tree.nodes_.push_back(node);
  }
  tree.FillCells();
  return tree;
}

}  // namespace coalition
