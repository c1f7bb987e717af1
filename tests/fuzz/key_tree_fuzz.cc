// Any bytes as a tree of keys, as they are and with a checksum that is right: refused, or written back as
// they were; and what was read can be used.
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "common/hash.h"
#include "common/punctured_tree.h"

namespace {

using coalition::PuncturedTree;

constexpr size_t kSumBytes = sizeof(coalition::Sha256Digest);

void Require(bool holds) {
  if (!holds) std::abort();
}

void TryTree(std::string_view bytes) {
  const auto tree = PuncturedTree::Decode(bytes);
  if (!tree.ok()) return Require(absl::IsDataLoss(tree.status()));
  Require(tree->Encode() == bytes);
  const uint64_t first = 0;
  const bool has_first = tree->Leaf(first).has_value();
  const uint64_t last = tree->bits() == 64 ? ~uint64_t{0} : (uint64_t{1} << tree->bits()) - 1;
  const auto last_leaf = tree->Leaf(last);
  const PuncturedTree without = tree->Without(std::span(&first, 1));
  Require(!without.Leaf(first) && without.Leaf(last) == last_leaf);
  Require(has_first || without.Encode() == bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  TryTree(bytes);
  // Else nothing that was changed would get beyond the checksum.
  std::string summed = bytes.substr(0, bytes.size() < kSumBytes ? 0 : bytes.size() - kSumBytes);
  const coalition::Sha256Digest sum = coalition::Sha256(summed);
  summed += coalition::Bytes(sum);
  TryTree(summed);
  return 0;
}
