#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "coalition/storage/v1/ledger.pb.h"
#include "server/ledger/entry.h"
#include "server/ledger/keys.h"
#include "server/ledger/log_reader.h"
#include "server/verify/checks.h"

namespace coalition::verify {
namespace {

constexpr std::string_view kPartiesPrefix = "lp";
constexpr size_t kPartyAt = 2;
constexpr size_t kPartyBytes = 4;

// Of an entry whose contents have ended it may be that nobody is named any more.
bool MayOpen(const storage::v1::StoredLedgerEntry& entry, uint32_t party) {
  const auto& parties = entry.parties();
  if (parties.empty() && ledger::HasEnded(entry)) return true;
  return std::find(parties.begin(), parties.end(), party) != parties.end();
}

uint32_t PartyOf(std::string_view key) {
  uint32_t party = 0;
  for (const char byte : key.substr(kPartyAt, kPartyBytes)) party = party << 8 | static_cast<uint8_t>(byte);
  return party;
}

void CheckPartyRow(Rows& rows, const ledger::LogReader& log, const store::Entry& row) {
  const std::optional<uint64_t> tick = ledger::TickOfPartyKey(row.key);
  storage::v1::StoredPartySlots stored;
  const bool parsed = tick && Parse(row.version.value, &stored);
  const std::vector<uint32_t> slots(stored.slots().begin(), stored.slots().end());
  if (!parsed || slots.empty() || !std::is_sorted(slots.begin(), slots.end(), std::less_equal<>()))
    return rows.Find(Subject::kRow, "is no list of what a party may open", row.key);
  const auto entries = log.EntriesAt(*tick, slots);
  // An entry that is damaged is told elsewhere; that there is none is told here.
  if (!entries.ok()) return rows.Find(Subject::kLedger, "leads to entries that can't be opened", row.key);
  for (const ledger::SealedEntry& entry : *entries) {
    if (!MayOpen(entry.entry, PartyOf(row.key)))
      rows.Find(Subject::kLedger, "leads to an entry that the party may not open", row.key);
  }
}

}  // namespace

void CheckParties(Rows& rows) {
  const ledger::LogReader log(rows.store());
  rows.EachWith(kPartiesPrefix, [&](const store::Entry& row) { CheckPartyRow(rows, log, row); });
}

void CheckLedgerNotes(Rows& rows, const ledger::EntryKeys& entry_keys) {
  const auto check = [&rows](std::string_view key, auto parses) {
    const Rows::Row row = rows.Read(std::string(key));
    if (row.version && !parses(row.version->value)) rows.Find(Subject::kRow, "does not parse", key);
  };
  check(ledger::kCheckpointKey, [](std::string_view value) {
    storage::v1::StoredCheckpoint checkpoint;
    return Parse(value, &checkpoint);
  });
  check(ledger::kDayKey, [](std::string_view value) {
    storage::v1::StoredLedgerDay day;
    return Parse(value, &day);
  });
  check(ledger::kEndedKey,
        [](std::string_view value) { return ledger::RevisionOfEndedValue(value).has_value(); });
  rows.EachWith(ledger::kErasedPrefix, [&](const store::Entry& row) {
    const std::optional<uint64_t> key = ledger::KeyOfErasedKey(row.key);
    if (!key || !row.version.value.empty())
      return rows.Find(Subject::kRow, "is no note of a key that is destroyed", row.key);
    if (!entry_keys.IsDestroyed(*key)) rows.Find(Subject::kHead, kKeyIsThere, row.key);
  });
}

}  // namespace coalition::verify
