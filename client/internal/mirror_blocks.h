// What a mirror keeps of its records in memory, by keys of 79 bits, so that a look is one wait for memory.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "common/ids.h"

namespace coalition::client::internal {

using RecordIdBytes = std::array<uint8_t, kRecordIdBytes>;

// Well mixed in all bits but the lowest of `most`, which is set: no key is 0, which stands for what is free.
struct MirrorKey {
  MirrorKey(uint64_t most_bits, uint8_t other_bits) : most(most_bits | 1), rest(other_bits) {}
  // Of the row that begins here, whose keys are as far apart from each other as any two.
  MirrorKey Next(uint64_t steps = 1) const { return {most + steps * kStep, rest}; }
  MirrorKey Before() const { return {most - kStep, rest}; }
  friend bool operator==(const MirrorKey&, const MirrorKey&) = default;

  uint64_t most;
  uint8_t rest;

 private:
  // Twice an odd number: a row has 2^63 keys, all of them odd.
  static constexpr uint64_t kStep = 0x9e3779b97f4a7c16;
};

// Of one record.
struct MirrorEntry {
  RecordIdBytes id{};
  uint32_t create_s = 0;
  uint16_t flags = 0;
};

// A hash table in memory that it does not own. The cache lines of a block are asked for at once, for that
// takes no longer than one. What finds its block full is in one of the next, and comes back when there is
// room: nothing is behind a block that has some. Not thread-safe.
class MirrorBlocks {
 public:
  static constexpr size_t kPerBlock = 8;
  struct alignas(256) Block {
    std::array<uint64_t, kPerBlock> keys{};  // 0: free
    std::array<RecordIdBytes, kPerBlock> ids{};
    std::array<uint32_t, kPerBlock> create_s{};
    std::array<uint16_t, kPerBlock> flags{};
    std::array<uint8_t, kPerBlock> rests{};
    // How many of each kind belong here or before and are behind, so that few look there in vain. At the
    // most, for good.
    std::array<uint8_t, kPerBlock> passed{};
  };
  static_assert(sizeof(Block) == 256);
  // Until something is erased.
  struct Place {
    size_t block;
    size_t slot;
  };
  // The bits of a key that alone say in which blocks it may be.
  static constexpr int kHomeBits = 24;
  static uint32_t HomeBits(const MirrorKey& key) { return HomeBits(key.most); }

  // Without room.
  MirrorBlocks() = default;
  // All of them zero.
  explicit MirrorBlocks(std::span<Block> blocks) : blocks_(blocks) {}
  // Of blocks, with room for a fourteenth more than `size`.
  static size_t CountFor(size_t size) { return size * 10 / (7 * kPerBlock) + 2; }

  size_t size() const { return size_; }
  const Block* end() const { return blocks_.data() + blocks_.size(); }
  // For one more. What is fuller is slow.
  bool HasRoom() const { return size_ < blocks_.size() * kPerBlock * 3 / 4; }

  // nullopt: it is not there.
  std::optional<Place> Find(const MirrorKey& key) const {
    return Walk(HomeBits(key), [&key](const Block& block) {
      // Without a branch for each, which nobody could guess.
      unsigned same = 0;
      for (size_t i = 0; i < kPerBlock; ++i) {
        const auto same_most = static_cast<unsigned>(block.keys[i] == key.most);
        same |= (same_most & static_cast<unsigned>(block.rests[i] == key.rest)) << i;
      }
      return same == 0 ? kPerBlock : static_cast<size_t>(std::countr_zero(same));
    });
  }
  // The record's, if its key has these home bits: not if it is only met on the way.
  std::optional<Place> FindRecord(uint32_t home_bits, const RecordIdBytes& id) const {
    return Walk(home_bits, [&](const Block& block) {
      const auto is_it = [&](size_t slot) {
        return block.ids[slot] == id && block.keys[slot] != 0 && HomeBits(block.keys[slot]) == home_bits;
      };
      size_t slot = 0;
      while (slot < kPerBlock && !is_it(slot)) ++slot;
      return slot;
    });
  }
  MirrorKey KeyAt(const Place& place) const {
    const Block& block = blocks_[place.block];
    return {block.keys[place.slot], block.rests[place.slot]};
  }
  MirrorEntry At(const Place& place) const {
    const Block& block = blocks_[place.block];
    return {block.ids[place.slot], block.create_s[place.slot], block.flags[place.slot]};
  }
  template <class See>
  void ForEach(const See& see) const {
    for (Place at{0, 0}; at.block < blocks_.size(); ++at.block) {
      for (at.slot = 0; at.slot < kPerBlock; ++at.slot) {
        if (blocks_[at.block].keys[at.slot] != 0) see(KeyAt(at), At(at));
      }
    }
  }

  // What is not there yet, where there is room.
  void Insert(const MirrorKey& key, const MirrorEntry& entry) {
    const size_t home = HomeOf(HomeBits(key));
    Place place{home, FreeIn(blocks_[home])};
    while (place.slot == kPerBlock) {
      place.block = After(place.block);
      place.slot = FreeIn(blocks_[place.block]);
    }
    NotePassed(HomeBits(key), home, place.block, 1);
    Fill(place, key.most, key.rest, entry);
    ++size_;
  }
  // Another entry of the same key.
  void Set(const Place& place, const MirrorEntry& entry) {
    Block& block = blocks_[place.block];
    block.ids[place.slot] = entry.id;
    block.create_s[place.slot] = entry.create_s;
    block.flags[place.slot] = entry.flags;
  }
  void Erase(Place place) {
    const uint32_t home_bits = HomeBits(KeyAt(place));
    NotePassed(home_bits, HomeOf(home_bits), place.block, -1);
    while (const std::optional<Place> behind = FindPassed(place.block)) {
      const MirrorKey key = KeyAt(*behind);
      NotePassed(HomeBits(key), place.block, behind->block, -1);
      Fill(place, key.most, key.rest, At(*behind));
      place = *behind;
    }
    Fill(place, 0, 0, {});
    --size_;
  }

 private:
  static constexpr uint8_t kPassedMax = 255;

  static uint32_t HomeBits(uint64_t most) { return static_cast<uint32_t>(most >> (64 - kHomeBits)); }
  static size_t KindOf(uint32_t home_bits) { return home_bits % kPerBlock; }
  static size_t FreeIn(const Block& block) {
    size_t slot = 0;
    while (slot < kPerBlock && block.keys[slot] != 0) ++slot;
    return slot;
  }
  size_t HomeOf(uint32_t home_bits) const { return uint64_t{home_bits} * blocks_.size() >> kHomeBits; }
  size_t After(size_t block) const { return block + 1 == blocks_.size() ? 0 : block + 1; }
  size_t Distance(size_t from, size_t to) const {
    return to >= from ? to - from : to + blocks_.size() - from;
  }

  // `slot_in(block)`: the slot, or kPerBlock.
  template <class SlotIn>
  std::optional<Place> Walk(uint32_t home_bits, const SlotIn& slot_in) const {
    if (blocks_.empty()) return std::nullopt;
    size_t at = HomeOf(home_bits);
    // And the keys of the next block, which every tenth needs.
    const char* lines = reinterpret_cast<const char*>(&blocks_[at]);
    for (size_t byte = 64; byte <= sizeof(Block); byte += 64) __builtin_prefetch(lines + byte);
    // Each may have been passed by something.
    for (size_t seen = 0; seen < blocks_.size(); ++seen, at = After(at)) {
      const size_t slot = slot_in(blocks_[at]);
      if (slot != kPerBlock) return Place{at, slot};
      if (blocks_[at].passed[KindOf(home_bits)] == 0) break;
    }
    return std::nullopt;
  }
  void Fill(const Place& place, uint64_t most, uint8_t rest, const MirrorEntry& entry) {
    blocks_[place.block].keys[place.slot] = most;
    blocks_[place.block].rests[place.slot] = rest;
    Set(place, entry);
  }
  // That one more, or less, has passed the blocks from `from` until `to`, where it is.
  void NotePassed(uint32_t home_bits, size_t from, size_t to, int change) {
    for (; from != to; from = After(from)) {
      uint8_t& passed = blocks_[from].passed[KindOf(home_bits)];
      if (passed != kPassedMax) passed = static_cast<uint8_t>(passed + change);
    }
  }
  // The nearest that has passed it.
  std::optional<Place> FindPassed(size_t block) const {
    if (blocks_[block].passed == std::array<uint8_t, kPerBlock>{}) return std::nullopt;
    for (Place at{After(block), 0}; at.block != block; at.block = After(at.block)) {
      for (at.slot = 0; at.slot < kPerBlock; ++at.slot) {
        if (blocks_[at.block].keys[at.slot] == 0) continue;
        const size_t home = HomeOf(HomeBits(KeyAt(at)));
        if (Distance(home, at.block) >= Distance(block, at.block)) return at;
      }
    }
    return std::nullopt;
  }

  std::span<Block> blocks_;
  size_t size_ = 0;
};

}  // namespace coalition::client::internal
