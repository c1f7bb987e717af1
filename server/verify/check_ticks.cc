#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coalition/storage/v1/ledger.pb.h"
#include "common/ledger_leaf.h"
#include "server/ledger/days.h"
#include "server/ledger/entry.h"
#include "server/ledger/keys.h"
#include "server/ledger/log_tree.h"
#include "server/ledger/refusals.h"
#include "server/ledger/seal.h"
#include "server/ledger/shown_log.h"
#include "server/ledger/tick_rows.h"
#include "server/ledger/unsealed.h"
#include "server/store/prefix.h"
#include "server/verify/checks.h"

namespace coalition::verify {
namespace {

using ledger::UnsealedEntry;
using storage::v1::StoredLedgerEntry;
using storage::v1::StoredPartySlots;
using storage::v1::StoredTick;

constexpr std::string_view kTicksPrefix = "lt";
constexpr std::string_view kNodesPrefix = "lb";
constexpr std::string_view kTilesPrefix = "lh";
constexpr std::string_view kShowingsPrefix = "lf";

// nullopt: not a tick's key.
std::optional<uint64_t> TickOfKey(std::string_view key) {
  if (key.size() != kTicksPrefix.size() + sizeof(uint64_t)) return std::nullopt;
  uint64_t tick = 0;
  for (const char byte : key.substr(kTicksPrefix.size())) tick = tick << 8 | static_cast<uint8_t>(byte);
  return tick;
}

// The ticks in their order, each with its entries and the rows of its tree.
class TickCheck {
 public:
  TickCheck(Rows& rows, const Known& known, const ledger::EntryKeys& entry_keys, Counts* counts)
      : rows_(rows), known_(known), entry_keys_(entry_keys), counts_(*counts) {}

  void Run() {
    ReadCheckpoint();
    rows_.EachWith(kTicksPrefix, [&](const store::Entry& row) {
      StoredTick tick;
      const std::optional<uint64_t> number = TickOfKey(row.key);
      if (!number || !Parse(row.version.value, &tick))
        return rows_.Find(Subject::kRow, "is no tick", row.key);
      if (*number != next_) Gap(*number);
      ++counts_.ticks;
      CheckTick(*number, tick, row);
      before_ = std::move(tick);
      next_ = *number + 1;
    });
    if (rows_.stopped()) return;
    CheckRest();
    CheckCheckpoint();
  }

 private:
  void Wrong(std::string what, std::string_view key) { rows_.Find(Subject::kLedger, std::move(what), key); }

  void ReadCheckpoint() {
    const Rows::Row row = rows_.Read(std::string(ledger::kCheckpointKey));
    has_checkpoint_ = row.version && Parse(row.version->value, &checkpoint_);
    if (!has_checkpoint_ || checkpoint_.size() == 0) return;
    const Rows::Row last = rows_.Read(ledger::TickKey(checkpoint_.size() - 1));
    StoredTick tick;
    if (last.version && Parse(last.version->value, &tick)) open_day_ = ledger::DayOf(tick.time_ms());
  }

  // What comes behind it can't be told to be whole: neither the tree, nor where the next tick begins.
  void Gap(uint64_t number) {
    Wrong(absl::StrCat("ticks ", next_, " to ", number - 1, " are missing"), ledger::TickKey(next_));
    whole_ = false;
    begun_ = false;
  }

  void CheckTick(uint64_t number, const StoredTick& tick, const store::Entry& row) {
    if (next_ != 0 && begun_) {
      if (tick.last_revision() < before_.last_revision()) Wrong("ends before the tick before it", row.key);
      if (tick.time_ms() <= before_.time_ms()) Wrong("is not later than the tick before it", row.key);
    }
    const std::optional<Sha256Digest> leaf = ledger::LeafHashOfTick(number, tick);
    const bool is_leaf = leaf && ledger::ToDigest(tick.leaf_hash()) == leaf;
    if (!is_leaf) Wrong("has a leaf that is not of what it says", row.key);
    const std::vector<UnsealedEntry> entries = TakeEntries(tick.last_revision());
    // Which of them are of the ticks that are missing is not known.
    if (begun_) CheckEntries(number, tick, entries, row);
    begun_ = true;
    if (leaf && whole_) CheckTiles(tree_.Append(*leaf));
    whole_ &= leaf.has_value();
  }

  // Those up to that revision which were in no tick before.
  std::vector<UnsealedEntry> TakeEntries(store::Revision last) {
    std::vector<UnsealedEntry> entries;
    for (; const store::Entry* row = entries_.Peek(); entries_.Pop()) {
      const std::optional<ledger::EntryId> id = ledger::IdOfEntryKey(row->key);
      if (id && id->revision > last) break;
      std::optional<UnsealedEntry> entry = CheckEntry(*row);
      if (entry) entries.push_back(*std::move(entry));
    }
    return entries;
  }

  // nullopt: it is none, which is told.
  std::optional<UnsealedEntry> CheckEntry(const store::Entry& row) {
    ++counts_.entries;
    StoredLedgerEntry stored;
    std::optional<UnsealedEntry> entry;
    if (Parse(row.version.value, &stored) && ledger::HasEnded(stored)) {
      entry = EndedEntry(row.key, stored);
    } else {
      entry = ledger::CheckEntry(row.key, row.version.value);
    }
    if (!entry || !ledger::ContentOf(stored)) {
      rows_.Find(Subject::kRow, "is no entry", row.key);
      return std::nullopt;
    }
    for (const uint32_t party : entry->parties) {
      if (party != ledger::kEverybody && party != ledger::kAuditors && !known_.IsMember(party))
        Wrong("is an entry for nobody", row.key);
    }
    CheckShowings(*entry, row.key);
    CheckParts(stored, row.key);
    return entry;
  }

  // What was hashed are the commitments.
  void CheckParts(const StoredLedgerEntry& stored, std::string_view key) {
    const absl::StatusOr<std::optional<ledger::EntryParts>> parts = ledger::PartsOf(entry_keys_, stored);
    if (!parts.ok()) return Wrong("says what does not open with its key", key);
    if (!*parts) return;
    const auto says = [](const ledger::EntryPart& part, const std::string& commitment) {
      return commitment == Bytes(ledger::CommitmentOf(part.salt, part.content));
    };
    if (!says((*parts)->open, stored.open()) || !says((*parts)->reserved, stored.reserved()))
      Wrong("does not say what it is committed to", key);
  }

  std::optional<UnsealedEntry> EndedEntry(std::string_view key, const StoredLedgerEntry& stored) {
    const std::optional<ledger::EntryId> id = ledger::IdOfEntryKey(key);
    if (!id || !ledger::ContentOf(stored)) return std::nullopt;
    UnsealedEntry entry{
        *id, ledger::LeafHashOf(stored), {stored.parties().begin(), stored.parties().end()}, {}};
    std::sort(entry.parties.begin(), entry.parties.end());
    entry.parties.erase(std::unique(entry.parties.begin(), entry.parties.end()), entry.parties.end());
    return entry;
  }

  // Whoever was shown a record for the first time is noted beside the record.
  void CheckShowings(const UnsealedEntry& entry, std::string_view key) {
    for (const storage::v1::StoredFirstShowing& showing : entry.first.showings) {
      ledger::ShownId id{entry.first.member, {}};
      std::copy(showing.record().begin(), showing.record().end(), id.record.begin());
      if (rows_.Read(ledger::ShownKey(id)).absent())
        rows_.Find(Subject::kShown, "tells of a record that was shown, and nothing is kept of that", key);
    }
  }

  void CheckEntries(uint64_t number, const StoredTick& tick, const std::vector<UnsealedEntry>& entries,
                    const store::Entry& row) {
    if (entries.size() != tick.entries())
      Wrong(absl::StrCat("is of ", tick.entries(), " entries, and there are ", entries.size()), row.key);
    const auto secret = ledger::SecretOf(tick);
    if (!secret) return;  // is told: it has no leaf
    // Most ticks are idle.
    const absl::StatusOr<ledger::TickTree> tree = entries.empty()
                                                      ? ledger::BuildTickTree(number, *secret, {})
                                                      : ledger::RowsOfTick(number, *secret, entries);
    if (!tree.ok()) return Wrong(std::string(tree.status().message()), row.key);
    if (ledger::ToDigest(tick.entries_root()) != tree->root)
      Wrong("has a root that its entries do not lead to", row.key);
    std::vector<store::Write> nodes;
    for (const store::Write& write : tree->rows) {
      write.key.starts_with(kNodesPrefix) ? nodes.push_back(write) : CheckParty(write);
    }
    CheckNodes(number, std::move(nodes));
    for (const store::Write& write : ledger::ShowingsRows(number, entries)) CheckShowingsRow(write);
  }

  // Exactly these are there of that tick.
  void CheckNodes(uint64_t number, std::vector<store::Write> expected) {
    std::sort(expected.begin(), expected.end(),
              [](const store::Write& a, const store::Write& b) { return a.key < b.key; });
    const std::string end = ledger::TickNodesKey(number + 1, 0, 0);
    auto next = expected.begin();
    for (; const store::Entry* row = nodes_.Peek(); nodes_.Pop()) {
      if (row->key >= end) break;
      for (; next != expected.end() && next->key < row->key; ++next) MissingNodes(next->key);
      if (next == expected.end() || next->key != row->key) {
        Wrong("is of no tick that has such a row", row->key);
      } else if (row->version.value != (next++)->value) {
        Wrong("is not what the entries of its tick lead to", row->key);
      }
    }
    for (; next != expected.end(); ++next) MissingNodes(next->key);
  }
  void MissingNodes(const std::string& key) {
    if (!rows_.Read(key).unreadable) Wrong("is missing, and an entry can't be proved without it", key);
  }

  // That a party finds what it may open. That it finds no more: CheckParties.
  void CheckParty(const store::Write& expected) {
    const Rows::Row row = rows_.Read(expected.key);
    if (row.unreadable) return;
    StoredPartySlots slots, stored;
    const bool parsed = row.version && Parse(row.version->value, &stored) && Parse(*expected.value, &slots);
    if (!parsed || !std::includes(stored.slots().begin(), stored.slots().end(), slots.slots().begin(),
                                  slots.slots().end())) {
      Wrong("does not lead to all entries that the party may open", expected.key);
    }
  }

  // Until their day is over; then they become entries and go, little by little.
  void CheckShowingsRow(const store::Write& expected) {
    const auto id = ledger::IdOfShowingsKey(expected.key);
    if (!open_day_ || !id || id->day < *open_day_) return;
    ++open_showings_;
    const Rows::Row row = rows_.Read(expected.key);
    if (!row.unreadable && (!row.version || row.version->value != expected.value))
      Wrong("is not what was shown in that tick, and the contributor would not be told", expected.key);
  }

  void CheckTiles(const std::vector<ledger::Tile>& tiles) {
    for (const ledger::Tile& tile : tiles) {
      ++tiles_;
      const store::Write expected = ledger::TileWrite(tile);
      const Rows::Row row = rows_.Read(expected.key);
      if (!row.unreadable && (!row.version || row.version->value != expected.value))
        Wrong("is not what the ticks lead to", expected.key);
    }
  }

  // What no tick accounts for.
  void CheckRest() {
    for (; const store::Entry* row = entries_.Peek(); entries_.Pop()) CheckEntry(*row);
    for (; const store::Entry* row = nodes_.Peek(); nodes_.Pop()) Wrong("is of no tick", row->key);
    uint64_t tiles = 0;
    rows_.EachWith(kTilesPrefix, [&](const store::Entry&) { ++tiles; });
    if (whole_ && tiles > tiles_)
      Wrong(absl::StrCat("there are ", tiles, " tiles, and the ticks make ", tiles_), kTilesPrefix);
    uint64_t showings = 0;
    rows_.EachWith(kShowingsPrefix, [&](const store::Entry& row) {
      storage::v1::StoredTickShowings stored;
      const auto id = ledger::IdOfShowingsKey(row.key);
      if (!id || !Parse(row.version.value, &stored))
        return rows_.Find(Subject::kRow, "is no showings of a day", row.key);
      if (id->tick >= next_ || !known_.IsMember(id->contributor))
        Wrong("is of no tick, or of nobody", row.key);
      if (open_day_ && id->day >= *open_day_) ++showings;
    });
    if (begun_ && whole_ && showings > open_showings_)
      Wrong(absl::StrCat("there are ", showings, " rows of first showings, and the entries make ",
                         open_showings_),
            kShowingsPrefix);
  }

  void CheckCheckpoint() {
    if (!has_checkpoint_ || !whole_) return;
    if (checkpoint_.size() != tree_.size()) {
      Wrong(absl::StrCat("is of ", checkpoint_.size(), " ticks, and there are ", tree_.size()),
            ledger::kCheckpointKey);
    } else if (tree_.size() > 0 && ledger::ToDigest(checkpoint_.root()) != tree_.Root()) {
      Wrong("has a root that the ticks do not lead to", ledger::kCheckpointKey);
    }
  }

  Rows& rows_;
  const Known& known_;
  const ledger::EntryKeys& entry_keys_;
  Counts& counts_;
  Cursor entries_{rows_, ledger::kEntriesPrefix, store::PrefixEnd(ledger::kEntriesPrefix)};
  Cursor nodes_{rows_, kNodesPrefix, store::PrefixEnd(kNodesPrefix)};
  uint64_t next_ = 0;  // tick
  StoredTick before_;
  bool begun_ = true;  // it is known where the next tick's entries begin
  bool whole_ = true;  // the tree is that of all ticks
  ledger::LogTree tree_;
  uint64_t tiles_ = 0;
  bool has_checkpoint_ = false;
  storage::v1::StoredCheckpoint checkpoint_;
  std::optional<int64_t> open_day_;  // from this day on nothing has become of what was shown
  uint64_t open_showings_ = 0;
};

}  // namespace

void CheckTicks(Rows& rows, const Known& known, const ledger::EntryKeys& entry_keys, Counts* counts) {
  TickCheck(rows, known, entry_keys, counts).Run();
}

}  // namespace coalition::verify
