// What a mirror answers from, in memory: of each record, what a verdict needs.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "client/internal/mirror_blocks.h"
#include "client/internal/mirror_region.h"
#include "client/internal/mirror_table.h"
#include "client/mirror.h"
#include "coalition/v1/record.pb.h"
#include "common/ids.h"
#include "common/keyed_hash.h"
#include "common/random.h"
#include "common/seller.h"

namespace coalition::client::internal {

// nullopt: not "records/{record}".
std::optional<RecordIdBytes> IdOfRecordName(std::string_view name);

// Sellers are known by 79 bits of two keyed hashes and not by their names: that is smaller, and two of a
// billion sellers are taken for each other with a probability of one in a million, whoever chose them.
//
// Readers and the writer meet at one of 256 locks, chosen by the seller, which each holds for some hundred
// nanoseconds: a change of one record is seen whole or not at all.
class MirrorIndex {
 public:
  MirrorIndex();
  // The keys of its hashes, which nobody else is to know, are drawn from `random`.
  explicit MirrorIndex(Random& random);
  ~MirrorIndex();
  MirrorIndex(const MirrorIndex&) = delete;
  MirrorIndex& operator=(const MirrorIndex&) = delete;

  // By one thread at a time.
  void Put(const RecordIdBytes& id, const v1::Record& record);
  // Of what is not there: nothing.
  void Remove(const RecordIdBytes& id);
  void Clear();

  // Thread-safe. As ScreenSellers: reports decide, outcomes match too. Of a seller as NormalizeSeller leaves
  // it.
  MirrorAnswer Look(const SellerKeyView& seller) const;
  uint64_t records() const { return records_.load(std::memory_order_relaxed); }
  // With at least one match.
  uint64_t sellers() const { return sellers_.load(std::memory_order_relaxed); }

 private:
  static constexpr size_t kShards = 256;
  // The entries of some sellers, and of what has no seller.
  struct Shard;
  // Where something is, or belongs.
  struct Spot {
    uint8_t shard;
    MirrorKey key;
  };
  struct Held {
    size_t place;  // of `ids_`
    Spot spot;
  };

  uint64_t HashOf(const RecordIdBytes& id) const;
  // What `ids_` has of a record: it may be that of others too.
  static uint32_t NumberOf(const Spot& spot);
  Spot SpotOf(std::string_view text) const;
  Spot SpotOf(const SellerKeyView& seller) const;
  // The spot of the seller's first.
  Spot Fill(const RecordIdBytes& id, const v1::Record& record, MirrorEntry* entry) const;
  std::optional<Held> Find(const RecordIdBytes& id) const;
  // For one more.
  void MakeRoom(uint8_t shard);
  // Gives every shard the room that it needs. Readers wait only for the exchange of theirs for its copy.
  void Spread();
  // Of the same seller.
  static MirrorKey LastOf(const MirrorBlocks& blocks, const MirrorKey& key);
  // Behind the last of the seller, whose first is in `spot`. The number of where it is then.
  uint32_t Add(Spot spot, const MirrorEntry& entry, MirrorBlocks& blocks);
  // The last of its seller comes in its place.
  void Take(const Spot& spot, MirrorBlocks& blocks);
  void TakeLocked(const Spot& spot);
  void Replace(const Held& held, const Spot& spot, MirrorEntry entry);

  KeyedHash first_;
  KeyedHash second_;
  const std::unique_ptr<Shard[]> shards_;
  // All shards' blocks, one shard after the other.
  MirrorRegion region_;
  MirrorTable ids_;  // the writer's
  std::atomic<uint64_t> records_{0};
  std::atomic<uint64_t> sellers_{0};
};

}  // namespace coalition::client::internal
