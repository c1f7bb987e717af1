// What the ledger hashes: entries, and the ticks that seal them. docs/ledger.md is the specification. Every
// function is thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/hash.h"
#include "common/tick_tree.h"

namespace coalition::ledger {

// Of the tree over one tick's entries: it has 2^20 places.
inline constexpr unsigned kSlotDepth = 20;
inline constexpr uint64_t kSlots = uint64_t{1} << kSlotDepth;
inline constexpr size_t kPartSaltBytes = 16;

// To one part of an entry: SHA-256(0x04 || salt || content). The salt is kPartSaltBytes long, so nothing
// need separate the two.
Sha256Digest CommitmentOf(std::string_view salt, std::string_view content);

// Of an entry in the tree of its tick: SHA-256(0x00 || commitment to the open part || to the reserved one).
Sha256Digest EntryLeafHash(const Sha256Digest& open, const Sha256Digest& reserved);

// What keeps a tick's leaf from being guessed where there are no entries; shown with every proof from it:
// SHA-256(0x05 || secret).
Sha256Digest TickSaltOf(merkle::TickSecret secret);

// What the leaf of a tick is of: "coalition-tick/v1\n", the tick's number and time (ms since 1970), eight
// bytes big-endian each, its salt and the root of its entries.
std::string TickLeaf(uint64_t tick, int64_t time_ms, const Sha256Digest& salt,
                     const Sha256Digest& entries_root);

// Where an entry stands.
struct EntryPlace {
  uint64_t tick = 0;
  uint32_t slot = 0;
  friend auto operator<=>(const EntryPlace&, const EntryPlace&) = default;
};
// ledgerEntries/{tick}-{slot}, decimal.
std::string FormatEntryName(EntryPlace place);
// INVALID_ARGUMENT: that is no such name. Each place has one spelling.
absl::StatusOr<EntryPlace> ParseEntryName(std::string_view name);

// nullopt: not 32 bytes.
std::optional<Sha256Digest> ToDigest(std::string_view bytes);
// The one at that place, which must be there, of digests that stand one after the other.
Sha256Digest DigestAt(std::string_view digests, size_t place);

}  // namespace coalition::ledger
