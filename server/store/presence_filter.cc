#include "server/store/presence_filter.h"

#include <algorithm>
#include <vector>

namespace coalition::store {
namespace {

constexpr size_t kWordsPerBlock = 8;
constexpr size_t kBitsPerBlock = 512;
constexpr size_t kCapacityMin = size_t{1} << 16;
// 16 bits: 0.10 % false positives when full; 20: 0.035 %; 24: 0.014 %; 32: 0.003 %.
constexpr std::array<size_t, 4> kBitsPerKey = {16, 20, 24, 32};

uint64_t Bit(uint64_t mixed, size_t word) { return uint64_t{1} << (mixed >> (6 * word) & 63); }

}  // namespace

class PresenceFilter::Generation {
 public:
  Generation(size_t capacity, size_t bits_per_key)
      : capacity_(capacity), blocks_(capacity * bits_per_key / kBitsPerBlock + 1) {}

  size_t capacity() const { return capacity_; }
  size_t MemoryBytes() const { return blocks_.size() * sizeof(Block); }

  bool Contains(uint64_t hash) const {
    const Block& block = blocks_[Index(hash)];
    const uint64_t mixed = Mix(hash);
    for (size_t i = 0; i < kWordsPerBlock; ++i) {
      if ((block.words[i].load(std::memory_order_relaxed) & Bit(mixed, i)) == 0) return false;
    }
    return true;
  }

  void Prefetch(uint64_t hash) const { __builtin_prefetch(&blocks_[Index(hash)]); }

  void Set(uint64_t hash) {
    Block& block = blocks_[Index(hash)];
    const uint64_t mixed = Mix(hash);
    for (size_t i = 0; i < kWordsPerBlock; ++i) {
      block.words[i].fetch_or(Bit(mixed, i), std::memory_order_release);
    }
  }

 private:
  struct alignas(64) Block {
    std::array<std::atomic<uint64_t>, kWordsPerBlock> words = {};
  };

  size_t Index(uint64_t hash) const { return static_cast<size_t>((hash >> 32) * blocks_.size() >> 32); }
  // 48 bits for the place within the block, independent of the block's number.
  static uint64_t Mix(uint64_t hash) { return (hash ^ hash >> 32) * 0x9E3779B97F4A7C15U >> 16; }

  const size_t capacity_;
  std::vector<Block> blocks_;
};

PresenceFilter::PresenceFilter(size_t expected) {
  const MutexLock lock(mutex_);
  Grow(std::max(expected, kCapacityMin));
}

PresenceFilter::~PresenceFilter() {
  for (std::atomic<Generation*>& generation : generations_) delete generation.load();
}

void PresenceFilter::Grow(size_t capacity) {
  const size_t number = count_.load(std::memory_order_relaxed);
  // Beyond the last generation, which no machine can hold, the last one takes all.
  room_ = capacity;
  if (number == kGenerationsMax) return;
  const size_t bits = kBitsPerKey[std::min(number, kBitsPerKey.size() - 1)];
  generations_[number].store(new Generation(capacity, bits), std::memory_order_release);
  count_.store(number + 1, std::memory_order_release);
}

void PresenceFilter::Add(uint64_t hash) {
  const MutexLock lock(mutex_);
  if (MayContain(hash)) return;
  if (room_ == 0) Grow(Size());
  generations_[count_.load(std::memory_order_relaxed) - 1].load(std::memory_order_relaxed)->Set(hash);
  --room_;
  size_.fetch_add(1, std::memory_order_relaxed);
}

bool PresenceFilter::MayContain(uint64_t hash) const {
  const size_t count = count_.load(std::memory_order_acquire);
  for (size_t i = 0; i < count; ++i) {
    if (generations_[i].load(std::memory_order_relaxed)->Contains(hash)) return true;
  }
  return false;
}

void PresenceFilter::Prefetch(uint64_t hash) const {
  const size_t count = count_.load(std::memory_order_acquire);
  for (size_t i = 0; i < count; ++i) generations_[i].load(std::memory_order_relaxed)->Prefetch(hash);
}

size_t PresenceFilter::MemoryBytes() const {
  size_t bytes = 0;
  const size_t count = count_.load(std::memory_order_acquire);
  for (size_t i = 0; i < count; ++i) bytes += generations_[i].load(std::memory_order_relaxed)->MemoryBytes();
  return bytes;
}

}  // namespace coalition::store
