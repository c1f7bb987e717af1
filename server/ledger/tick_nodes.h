// The tree over one tick's entries as it is stored: rows of StoredTickNodes, such that the path of an entry
// takes a few small rows and about fifty hashes, however many entries the tick has.
//
// The tree's leaves are cut into 2^k buckets, those that share their top k bits, such that a bucket has 4 to
// 8 entries on average (all, where there are no more than 8). The row of a bucket is the subtree at level
// kSlotDepth - k: its entries, and behind their hashes, in `hashes`, the roots of those of its cells (16,
// each a subtree) in which there are entries, ascending. Most cells have one entry, so nothing but empty
// subtrees is hashed up to there. Above the buckets, up to the root, come rows of subtrees of at most five
// levels, with the roots of the rows below as their nodes. Rows without nodes are not there. All of this
// follows from the number of entries, which StoredTick has.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coalition/storage/v1/ledger.pb.h"
#include "common/hash.h"
#include "common/tick_tree.h"
#include "server/ledger/keys.h"
#include "server/store/store.h"

namespace coalition::ledger {

// nullopt: it is not whole. Lives as long as the tick.
std::optional<merkle::TickSecret> SecretOf(const storage::v1::StoredTick& tick);

// An entry of a tick, where it stands.
struct TickEntry {
  uint32_t slot = 0;
  Sha256Digest leaf{};
  EntryId id;
};

struct TickTree {
  Sha256Digest root{};
  std::vector<store::Write> rows;
};

// `entries`: all of the tick, in the order of their slots; else INVALID_ARGUMENT.
absl::StatusOr<TickTree> BuildTickTree(uint64_t tick, merkle::TickSecret secret,
                                       std::span<const TickEntry> entries);

// The row that the entry at `slot` is in, of a tick of so many entries, if there is such an entry.
std::string BucketKey(uint64_t tick, uint32_t entries, uint32_t slot);
// The same, and the rows above it, from below to the root.
std::vector<std::string> PathKeys(uint64_t tick, uint32_t entries, uint32_t slot);

// Which entry stands at `slot`, of its bucket's row. nullopt: none. DATA_LOSS: the row is not whole.
absl::StatusOr<std::optional<EntryId>> FindInBucket(const storage::v1::StoredTickNodes& bucket,
                                                    uint32_t slot);
// The path from the entry at `slot` to the root of the tick, kSlotDepth hashes, from the rows of PathKeys.
// DATA_LOSS: there is no such entry, or a row is not whole.
absl::StatusOr<std::vector<Sha256Digest>> PathFromRows(uint32_t entries, merkle::TickSecret secret,
                                                       uint32_t slot,
                                                       std::span<const storage::v1::StoredTickNodes> rows);

}  // namespace coalition::ledger
