// What the ledger has sealed, read back: ticks, entries, and the proofs that they are in the log.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coalition/storage/v1/ledger.pb.h"
#include "common/hash.h"
#include "common/ledger_leaf.h"
#include "server/ledger/keys.h"
#include "server/store/store.h"

namespace coalition::ledger {

// The newest state of the log: of ticks 0 to size - 1.
struct Checkpoint {
  uint64_t size = 0;
  Sha256Digest root{};
  std::string note;  // signed
};

// An entry that was sealed, as it lies in the store, and the rest of what a proof is made of.
struct SealedEntry {
  EntryPlace place;
  EntryId id;
  storage::v1::StoredLedgerEntry entry;
};

// Reads at the store's newest revision: what is sealed never changes, but that contents end. Thread-safe; may
// read from disk. Copies share what they keep in memory: the log's right edge, which is in no tile yet, and
// some tiles, a megabyte. Errors: the store's; DATA_LOSS: what is there is not whole. The store must outlive
// it.
class LogReader {
 public:
  explicit LogReader(const store::Store& store);

  // nullopt: not sealed yet.
  absl::StatusOr<std::optional<storage::v1::StoredTick>> FindTick(uint64_t tick) const;
  // The first tick whose time is at or after that; the log's size, if none is.
  absl::StatusOr<uint64_t> FirstTickFrom(int64_t time_ms, uint64_t size) const;

  // nullopt: there is no entry at that place.
  absl::StatusOr<std::optional<SealedEntry>> FindEntry(EntryPlace place) const;
  // Entries of one tick at those slots, which must be ascending; DATA_LOSS where there is none.
  absl::StatusOr<std::vector<SealedEntry>> EntriesAt(uint64_t tick, const std::vector<uint32_t>& slots) const;

  // What a party may open: one tick's slots.
  struct PartyTick {
    uint64_t tick = 0;
    std::vector<uint32_t> slots;  // ascending
  };
  // Of ticks from `from` to before `before`, ascending, at most `count` of them.
  absl::StatusOr<std::vector<PartyTick>> TicksOf(uint32_t party, uint64_t from, uint64_t before,
                                                 size_t count) const;

  // kSlotDepth hashes from the entry's leaf to the root of its tick's entries. NOT_FOUND: there is no entry.
  absl::StatusOr<std::vector<Sha256Digest>> SlotPath(EntryPlace place) const;
  // From the tick's leaf to the root of the log of that size. INVALID_ARGUMENT: it has no such leaf.
  absl::StatusOr<std::vector<Sha256Digest>> LogPath(uint64_t tick, uint64_t size) const;
  // INVALID_ARGUMENT: old_size is 0 or larger than new_size.
  absl::StatusOr<std::vector<Sha256Digest>> ConsistencyPath(uint64_t old_size, uint64_t new_size) const;
  absl::StatusOr<Sha256Digest> RootOf(uint64_t size) const;

 private:
  class Kept;
  class Nodes;

  // The rows of the path from the entry to the tick's root, the first one its bucket's. nullopt: the bucket
  // has no row, so there is no entry.
  absl::StatusOr<std::optional<std::vector<storage::v1::StoredTickNodes>>> PathRows(uint64_t tick,
                                                                                    uint32_t entries,
                                                                                    uint32_t slot) const;
  absl::StatusOr<std::vector<SealedEntry>> ReadEntries(uint64_t tick, const std::vector<uint32_t>& slots,
                                                       const std::vector<EntryId>& ids) const;

  const store::Store& store_;
  std::shared_ptr<Kept> kept_;
};

}  // namespace coalition::ledger
