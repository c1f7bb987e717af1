#include "server/ledger/keys.h"

#include "common/big_endian.h"

namespace coalition::ledger {
namespace {

std::string Key(char kind) { return {'l', kind}; }

bool Is(std::string_view key, char kind, size_t bytes) {
  return key.size() == 2 + bytes && key[0] == 'l' && key[1] == kind;
}

}  // namespace

std::string EntryKey(EntryId id) {
  std::string key = EntriesFrom(id.revision);
  AppendBigEndian<uint32_t>(id.place, &key);
  return key;
}

std::string EntriesFrom(store::Revision revision) {
  std::string key(kEntriesPrefix);
  AppendBigEndian<uint64_t>(revision, &key);
  return key;
}

std::optional<EntryId> IdOfEntryKey(std::string_view key) {
  if (!Is(key, 'e', 12)) return std::nullopt;
  return EntryId{ReadBigEndian<uint64_t>(key.substr(2)), ReadBigEndian<uint32_t>(key.substr(10))};
}

std::string ErasedKey(uint64_t key) {
  std::string row(kErasedPrefix);
  AppendBigEndian<uint64_t>(key, &row);
  return row;
}

std::optional<uint64_t> KeyOfErasedKey(std::string_view key) {
  return Is(key, 'z', 8) ? std::optional(ReadBigEndian<uint64_t>(key.substr(2))) : std::nullopt;
}

std::string EndedValue(store::Revision revision) {
  std::string value;
  AppendBigEndian<uint64_t>(revision, &value);
  return value;
}

std::optional<store::Revision> RevisionOfEndedValue(std::string_view value) {
  return value.size() == 8 ? std::optional(ReadBigEndian<uint64_t>(value)) : std::nullopt;
}

std::string TickKey(uint64_t tick) {
  std::string key = Key('t');
  AppendBigEndian<uint64_t>(tick, &key);
  return key;
}

std::string TickNodesKey(uint64_t tick, unsigned level, uint32_t index) {
  std::string key = Key('b');
  AppendBigEndian<uint64_t>(tick, &key);
  AppendBigEndian(static_cast<uint8_t>(level), &key);
  AppendBigEndian<uint32_t>(index, &key);
  return key;
}

std::string TileKey(unsigned level, uint64_t index) {
  std::string key = Key('h');
  AppendBigEndian(static_cast<uint8_t>(level), &key);
  AppendBigEndian<uint64_t>(index, &key);
  return key;
}

std::string PartyKey(uint32_t party, uint64_t tick) {
  std::string key = Key('p');
  AppendBigEndian<uint32_t>(party, &key);
  AppendBigEndian<uint64_t>(tick, &key);
  return key;
}

std::optional<uint64_t> TickOfPartyKey(std::string_view key) {
  return Is(key, 'p', 12) ? std::optional(ReadBigEndian<uint64_t>(key.substr(6))) : std::nullopt;
}

std::string DayPrefix(uint32_t day) {
  std::string key = Key('f');
  AppendBigEndian<uint32_t>(day, &key);
  return key;
}

std::string ShowingsPrefix(uint32_t day, uint32_t contributor) {
  std::string key = DayPrefix(day);
  AppendBigEndian<uint32_t>(contributor, &key);
  return key;
}

std::string ShowingsKey(uint32_t day, uint32_t contributor, uint64_t tick) {
  std::string key = ShowingsPrefix(day, contributor);
  AppendBigEndian<uint64_t>(tick, &key);
  return key;
}

std::optional<ShowingsId> IdOfShowingsKey(std::string_view key) {
  if (!Is(key, 'f', 16)) return std::nullopt;
  return ShowingsId{ReadBigEndian<uint32_t>(key.substr(2)), ReadBigEndian<uint32_t>(key.substr(6)),
                    ReadBigEndian<uint64_t>(key.substr(10))};
}

}  // namespace coalition::ledger
