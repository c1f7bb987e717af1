#include "server/ledger/unsealed.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "server/ledger/entry.h"

namespace coalition::ledger {
namespace {

using storage::v1::StoredLedgerEntry;

// About what an entry takes in the rows of its tick: its slot, hashes and id, and its slot for each party.
constexpr size_t kEntryBytes = 88;
constexpr size_t kPartyBytes = 4;
constexpr size_t kShowingBytes = 32;
constexpr size_t kRecordIdBytes = 16;

bool IsShowing(const storage::v1::StoredFirstShowing& showing) {
  return showing.record().size() == kRecordIdBytes && showing.contributor() != 0;
}

// Nothing where it is not the entry of a disclosure to one member.
std::optional<CallShowings> ShowingsOf(const StoredLedgerEntry& entry) {
  CallShowings first;
  if (entry.first_showings().empty()) return first;
  if (entry.shown_day() == 0 || entry.full_parties_size() != 1 ||
      !std::all_of(entry.first_showings().begin(), entry.first_showings().end(), IsShowing)) {
    return std::nullopt;
  }
  first.member = entry.full_parties(0);
  if (first.member == 0) return std::nullopt;
  first.day = entry.shown_day();
  first.showings.assign(entry.first_showings().begin(), entry.first_showings().end());
  return first;
}

size_t BytesOf(const UnsealedEntry& entry) {
  return kEntryBytes + kPartyBytes * entry.parties.size() + kShowingBytes * entry.first.showings.size();
}

absl::Status Damaged(std::string_view key) {
  const EntryId id = IdOfEntryKey(key).value_or(EntryId{});
  return absl::DataLossError(
      absl::StrCat("entry ", id.place, " of revision ", id.revision,
                   " is damaged in the store: the ledger can't be sealed. Restore the store from a backup."));
}

}  // namespace

std::optional<UnsealedEntry> CheckEntry(std::string_view key, std::string_view value) {
  StoredLedgerEntry stored;
  const std::optional<EntryId> id = IdOfEntryKey(key);
  if (!id || !stored.ParseFromArray(value.data(), static_cast<int>(value.size()))) return std::nullopt;
  if (!IsWhole(stored) || HasEnded(stored)) return std::nullopt;
  std::optional<CallShowings> first = ShowingsOf(stored);
  if (!first) return std::nullopt;
  UnsealedEntry entry{
      *id, LeafHashOf(stored), {stored.parties().begin(), stored.parties().end()}, *std::move(first)};
  std::sort(entry.parties.begin(), entry.parties.end());
  entry.parties.erase(std::unique(entry.parties.begin(), entry.parties.end()), entry.parties.end());
  return entry;
}

absl::StatusOr<Unsealed> ReadUnsealed(const store::Store& store, store::Revision after, store::Revision at,
                                      size_t bytes_max) {
  Unsealed unsealed;
  unsealed.last_revision = at;
  size_t bytes = 0;
  absl::Status damaged;
  absl::Status read = store.ScanEach(EntriesFrom(after + 1), EntriesFrom(at + 1), at,
                                     [&](std::string_view key, std::string_view value, store::Revision) {
                                       std::optional<UnsealedEntry> entry = CheckEntry(key, value);
                                       if (!entry) {
                                         damaged = Damaged(key);
                                         return false;
                                       }
                                       const bool first_of_revision =
                                           unsealed.entries.empty() ||
                                           unsealed.entries.back().id.revision != entry->id.revision;
                                       if (first_of_revision && bytes >= bytes_max) {
                                         unsealed.last_revision = unsealed.entries.back().id.revision;
                                         return false;
                                       }
                                       bytes += BytesOf(*entry);
                                       unsealed.entries.push_back(*std::move(entry));
                                       return true;
                                     });
  read.Update(damaged);
  if (!read.ok()) return read;
  return unsealed;
}

}  // namespace coalition::ledger
