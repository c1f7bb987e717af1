// A key for each of 2^bits indices, made of one seed, of which any can be destroyed for good: a GGM tree
// (Goldreich, Goldwasser and Micali, 1986) that is punctured, as in Green and Miers, "Forward Secure
// Asynchronous Messaging from Puncturable Encryption" (2015), and others since.
//
// A node's 16 children are SHA-256 of the node and the child's number, one byte. What is kept are the topmost
// nodes below which nothing was destroyed; to destroy a leaf, the node above it is replaced by the siblings
// of the path down to it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/random.h"

namespace coalition {

// Immutable; thread-safe. Its memory is wiped when it goes.
class PuncturedTree {
 public:
  static constexpr size_t kKeyBytes = 32;
  using Key = std::array<uint8_t, kKeyBytes>;

  // `bits`: 4 to 64, a multiple of 4.
  static PuncturedTree Make(unsigned bits, Random& random);

  // About a microsecond for 48 bits. nullopt: it was destroyed, or is no index below 2^bits.
  std::optional<Key> Leaf(uint64_t index) const;

  // Without these leaves. What was destroyed already is passed over. Up to 615 bytes for each level in
  // the file.
  PuncturedTree Without(std::span<const uint64_t> indices) const;
  // Without all leaves whose first `depth` groups of 4 bits (0 to bits / 4) are those of `index`.
  PuncturedTree WithoutBelow(uint64_t index, unsigned depth) const;

  unsigned bits() const { return bits_; }
  // The form of files: "coalition-punctured-tree/v1\n", bits, the nodes in ascending order, and SHA-256 of
  // all of it. Two trees of one seed without the same leaves have the same bytes, in whichever order they
  // were destroyed.
  std::string Encode() const;
  // DATA_LOSS: not what Encode gave; says so in words, without a file's name.
  static absl::StatusOr<PuncturedTree> Decode(std::string_view bytes);

 private:
  struct Node {
    uint64_t start = 0;  // the first index below it
    unsigned depth = 0;  // 0: the root
    Key key = {};
  };
  struct Range {
    uint64_t first, last;  // of all that is below one node
  };
  // A place in the topmost levels, kept in memory so that a leaf does not begin at the root.
  struct Cell {
    Key key = {};
    bool is_whole = false;        // nothing below it was destroyed: `key` is its node's
    uint32_t begin = 0, end = 0;  // else: of nodes_, those below it
  };
  static void Wipe(void* memory, size_t bytes);
  template <class T>
  struct Wiping {
    using value_type = T;
    Wiping() = default;
    template <class U>
    Wiping(const Wiping<U>&) {}  // NOLINT: as an allocator converts
    T* allocate(size_t count) { return std::allocator<T>().allocate(count); }
    void deallocate(T* memory, size_t count) {
      Wipe(memory, count * sizeof(T));
      std::allocator<T>().deallocate(memory, count);
    }
    template <class U>
    bool operator==(const Wiping<U>&) const {
      return true;
    }
  };
  using Nodes = std::vector<Node, Wiping<Node>>;

  explicit PuncturedTree(unsigned bits) : bits_(bits) {}
  unsigned Levels() const { return bits_ / 4; }
  unsigned CellDepth() const { return Levels() < 3 ? Levels() : 3; }
  unsigned CellShift() const { return bits_ - 4 * CellDepth(); }
  bool IsIndex(uint64_t index) const { return bits_ == 64 || index >> bits_ == 0; }
  // What indices below one node of that depth differ in.
  uint64_t MaskBelow(unsigned depth) const;
  uint64_t LastOf(const Node& node) const { return node.start | MaskBelow(node.depth); }
  Node ChildOf(const Node& node, unsigned number) const;
  // The leaf's key out of that of the node above it at `depth`.
  Key Descend(const Key& key, uint64_t index, unsigned depth) const;
  // Appends what is left of a node without `gone`, which all lie below it or cover it.
  void AppendRest(const Node& node, std::span<const Range> gone, Nodes* rest) const;
  PuncturedTree WithoutRanges(std::span<const Range> gone) const;
  // Makes cells_ of nodes_.
  void FillCells();
  void FillBelow(const Node& node);

  unsigned bits_;
  Nodes nodes_;  // ascending
  std::vector<Cell, Wiping<Cell>> cells_;
};

}  // namespace coalition
