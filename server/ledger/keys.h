// Where the ledger lies in the store. The forms are durable: never change one, add another.
//
//   u member, record id                  StoredShown (shown_log.h)
//   l e revision, place                  StoredLedgerEntry: written with the act, sealed by the next tick
//   l t tick                             StoredTick
//   l b tick, level, index               StoredTickNodes: one subtree of the tick's tree over its entries
//   l h level, index                     StoredTile: 256 nodes of the log, and what is above them
//   l p party, tick                      StoredPartySlots: what of that tick the party may open
//   l f day, contributor, tick           StoredTickShowings, until the day's entries are made
//   l c                                  StoredCheckpoint, the newest
//   l d                                  StoredLedgerDay
//   l r                                  revision: of entries up to it the contents have ended
//   l z key                              empty: that key (entry_keys.h) is destroyed, or to be
//
// A party is a member's number, or 0: everybody. Integers are big-endian: 8 bytes a revision, tick, index of
// a tile, key; 4 a place, party, index in a tick, day; 1 a level.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/store/store.h"

namespace coalition::ledger {

// Which entry of which commit.
struct EntryId {
  store::Revision revision = 0;
  uint32_t place = 0;
  friend auto operator<=>(const EntryId&, const EntryId&) = default;
};

inline constexpr std::string_view kEntriesPrefix = "le";
std::string EntryKey(EntryId id);
// The first key of that revision's.
std::string EntriesFrom(store::Revision revision);
// nullopt: not an entry's key.
std::optional<EntryId> IdOfEntryKey(std::string_view key);

std::string TickKey(uint64_t tick);
std::string TickNodesKey(uint64_t tick, unsigned level, uint32_t index);
std::string TileKey(unsigned level, uint64_t index);
// `party`: a member's number, or kEverybody.
inline constexpr uint32_t kEverybody = 0;
std::string PartyKey(uint32_t party, uint64_t tick);
std::optional<uint64_t> TickOfPartyKey(std::string_view key);
// Days since 1970-01-01.
std::string DayPrefix(uint32_t day);
std::string ShowingsKey(uint32_t day, uint32_t contributor, uint64_t tick);
// Of one contributor on one day.
std::string ShowingsPrefix(uint32_t day, uint32_t contributor);
struct ShowingsId {
  uint32_t day = 0;
  uint32_t contributor = 0;
  uint64_t tick = 0;
};
// nullopt: not a key of showings.
std::optional<ShowingsId> IdOfShowingsKey(std::string_view key);
inline constexpr std::string_view kCheckpointKey = "lc";
inline constexpr std::string_view kDayKey = "ld";
inline constexpr std::string_view kEndedKey = "lr";
inline constexpr std::string_view kErasedPrefix = "lz";
std::string ErasedKey(uint64_t key);
// nullopt: not such a row's key.
std::optional<uint64_t> KeyOfErasedKey(std::string_view key);
std::string EndedValue(store::Revision revision);
// nullopt: no such value.
std::optional<store::Revision> RevisionOfEndedValue(std::string_view value);

}  // namespace coalition::ledger
