// What a mirror answers from, in memory: of each record, what a verdict needs.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "client/internal/mirror_table.h"
#include "client/mirror.h"
#include "coalition/v1/record.pb.h"
#include "common/ids.h"
#include "common/keyed_hash.h"
#include "common/random.h"
#include "common/seller.h"

namespace coalition::client::internal {

using RecordIdBytes = std::array<uint8_t, kRecordIdBytes>;
// nullopt: not "records/{record}".
std::optional<RecordIdBytes> IdOfRecordName(std::string_view name);

// Sellers are known by 80 bits of two keyed hashes and not by their names: that is smaller, and two of a
// billion sellers are taken for each other with a probability of one in a million, whoever chose them.
//
// Readers and the writer meet at one of 256 locks, chosen by the seller, which each holds for some hundred
// nanoseconds: a change of one record is seen whole or not at all. At most 477 million records.
class MirrorIndex {
 public:
  MirrorIndex();
  ~MirrorIndex();
  MirrorIndex(const MirrorIndex&) = delete;
  MirrorIndex& operator=(const MirrorIndex&) = delete;

  // By one thread at a time.
  void Put(const RecordIdBytes& id, const v1::Record& record);
  // Of what is not there: nothing.
  void Remove(const RecordIdBytes& id);
  void Clear();

  // Thread-safe. As ScreenSellers: reports decide, outcomes match too.
  MirrorAnswer Look(const SellerKeyView& seller) const;
  uint64_t records() const { return records_.load(std::memory_order_relaxed); }
  // With at least one match.
  uint64_t sellers() const { return sellers_.load(std::memory_order_relaxed); }

 private:
  static constexpr size_t kShards = 256;
  // All that is kept of one record.
  struct Entry;
  // Where the entries of some sellers begin.
  struct Shard;
  class Entries;
  using Seller = std::array<uint16_t, 5>;

  static uint64_t HashOf(const RecordIdBytes& id);
  static uint64_t HashOf(const Seller& seller);
  Seller Digest(const SellerKeyView& seller) const;
  void Fill(const RecordIdBytes& id, const v1::Record& record, Entry* entry) const;
  void Replace(uint32_t number, const Entry& entry);
  // Into the seller's entries, and out of them.
  void Link(uint32_t number);
  void Unlink(uint32_t number);
  Shard& ShardOf(const Seller& seller) const;

  KeyedHash first_;
  KeyedHash second_;
  const std::unique_ptr<Shard[]> shards_;
  const std::unique_ptr<Entries> entries_;
  MirrorTable ids_;  // the writer's
  std::atomic<uint64_t> records_{0};
  std::atomic<uint64_t> sellers_{0};
};

}  // namespace coalition::client::internal
