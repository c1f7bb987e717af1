// A hash table of 32-bit numbers, each of which stands for something that is kept elsewhere. For a mirror,
// where each look at memory counts: whether something is there is mostly decided by one cache line.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace coalition::client::internal {

// absl's tables take two lines for a miss and three for a hit, and up to twice the memory. Hashes must be
// well mixed in all of their bits. After many changes a look for what is not there takes some tens of lines.
// Not thread-safe.
class MirrorTable {
 public:
  // Its place; nullopt: nothing of that hash for which `is_it(number)`.
  template <class IsIt>
  std::optional<size_t> Find(uint64_t hash, const IsIt& is_it) const {
    if (lines_.empty()) return std::nullopt;
    const uint8_t tag = TagOf(hash);
    size_t at = HomeOf(hash);
    // Each may have been passed by something.
    for (size_t seen = 0; seen < lines_.size(); ++seen, at = After(at)) {
      const Line& line = lines_[at];
      for (size_t i = 0; i < kPerLine; ++i) {
        if (line.tags[i] == tag && is_it(line.numbers[i])) return at * kPerLine + i;
      }
      if (line.passed == 0) break;
    }
    return std::nullopt;
  }
  // The same hash.
  void Set(size_t place, uint32_t number) { lines_[place / kPerLine].numbers[place % kPerLine] = number; }

  bool HasRoom() const { return size_ < lines_.size() * kPerLine * 17 / 20; }
  // Room for a seventh more. `put_all` puts all that there was, by `put(hash, number)` for each.
  template <class PutAll>
  void Grow(const PutAll& put_all) {
    const size_t lines = lines_.size() * 8 / 7 + 1;
    lines_ = std::vector<Line>();  // never both
    lines_ = std::vector<Line>(lines);
    put_all([this](uint64_t hash, uint32_t number) { Put(hash, number); });
  }
  // What is not there yet, where there is room.
  void Insert(uint64_t hash, uint32_t number) {
    Put(hash, number);
    ++size_;
  }
  void Erase(uint64_t hash, size_t place) {
    lines_[place / kPerLine].tags[place % kPerLine] = 0;
    --size_;
    for (size_t at = HomeOf(hash); at != place / kPerLine; at = After(at)) --lines_[at].passed;
  }
  void Clear() {
    lines_ = std::vector<Line>();
    size_ = 0;
  }
  size_t size() const { return size_; }

 private:
  static constexpr size_t kPerLine = 12;
  struct alignas(64) Line {
    std::array<uint8_t, kPerLine> tags{};  // 0: free
    // How many numbers belong here or before and stand behind.
    uint32_t passed = 0;
    std::array<uint32_t, kPerLine> numbers{};
  };
  static_assert(sizeof(Line) == 64);

  static uint8_t TagOf(uint64_t hash) {
    const auto tag = static_cast<uint8_t>(hash);
    return tag == 0 ? uint8_t{1} : tag;
  }
  size_t HomeOf(uint64_t hash) const { return static_cast<size_t>((hash >> 32) * lines_.size() >> 32); }
  size_t After(size_t line) const { return line + 1 == lines_.size() ? 0 : line + 1; }

  void Put(uint64_t hash, uint32_t number) {
    for (size_t at = HomeOf(hash);; at = After(at)) {
      Line& line = lines_[at];
      for (size_t i = 0; i < kPerLine; ++i) {
        if (line.tags[i] != 0) continue;
        line.tags[i] = TagOf(hash);
        line.numbers[i] = number;
        return;
      }
      ++line.passed;
    }
  }

  std::vector<Line> lines_;
  size_t size_ = 0;
};

}  // namespace coalition::client::internal
