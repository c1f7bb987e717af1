#include "server/ledger/keys.h"

namespace coalition::ledger {
namespace {

void Append(uint64_t number, size_t bytes, std::string* key) {
  for (size_t i = bytes; i-- > 0;) key->push_back(static_cast<char>(number >> (8 * i)));
}

uint64_t Number(std::string_view bytes) {
  uint64_t number = 0;
  for (const char byte : bytes) number = number << 8 | static_cast<unsigned char>(byte);
  return number;
}

std::string Key(char kind) { return {'l', kind}; }

bool Is(std::string_view key, char kind, size_t bytes) {
  return key.size() == 2 + bytes && key[0] == 'l' && key[1] == kind;
}

}  // namespace

std::string EntryKey(EntryId id) {
  std::string key = EntriesFrom(id.revision);
  Append(id.place, 4, &key);
  return key;
}

std::string EntriesFrom(store::Revision revision) {
  std::string key = Key('e');
  Append(revision, 8, &key);
  return key;
}

std::optional<EntryId> IdOfEntryKey(std::string_view key) {
  if (!Is(key, 'e', 12)) return std::nullopt;
  return EntryId{Number(key.substr(2, 8)), static_cast<uint32_t>(Number(key.substr(10)))};
}

std::string EndedValue(store::Revision revision) {
  std::string value;
  Append(revision, 8, &value);
  return value;
}

std::optional<store::Revision> RevisionOfEndedValue(std::string_view value) {
  return value.size() == 8 ? std::optional(Number(value)) : std::nullopt;
}

std::string TickKey(uint64_t tick) {
  std::string key = Key('t');
  Append(tick, 8, &key);
  return key;
}

std::string TickNodesKey(uint64_t tick, unsigned level, uint32_t index) {
  std::string key = Key('b');
  Append(tick, 8, &key);
  Append(level, 1, &key);
  Append(index, 4, &key);
  return key;
}

std::string TileKey(unsigned level, uint64_t index) {
  std::string key = Key('h');
  Append(level, 1, &key);
  Append(index, 8, &key);
  return key;
}

std::string PartyKey(uint32_t party, uint64_t tick) {
  std::string key = Key('p');
  Append(party, 4, &key);
  Append(tick, 8, &key);
  return key;
}

std::optional<uint64_t> TickOfPartyKey(std::string_view key) {
  return Is(key, 'p', 12) ? std::optional(Number(key.substr(6))) : std::nullopt;
}

std::string DayPrefix(uint32_t day) {
  std::string key = Key('f');
  Append(day, 4, &key);
  return key;
}

std::string ShowingsPrefix(uint32_t day, uint32_t contributor) {
  std::string key = DayPrefix(day);
  Append(contributor, 4, &key);
  return key;
}

std::string ShowingsKey(uint32_t day, uint32_t contributor, uint64_t tick) {
  std::string key = ShowingsPrefix(day, contributor);
  Append(tick, 8, &key);
  return key;
}

std::optional<ShowingsId> IdOfShowingsKey(std::string_view key) {
  if (!Is(key, 'f', 16)) return std::nullopt;
  return ShowingsId{static_cast<uint32_t>(Number(key.substr(2, 4))),
                    static_cast<uint32_t>(Number(key.substr(6, 4))), Number(key.substr(10))};
}

}  // namespace coalition::ledger
