#include "server/ledger/tick_rows.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <utility>

#include "coalition/storage/v1/ledger.pb.h"
#include "common/ledger_leaf.h"
#include "common/slot_permutation.h"
#include "server/ledger/keys.h"

namespace coalition::ledger {
namespace {

// Where the entries stand, in their own order.
absl::StatusOr<std::vector<uint32_t>> SlotsOf(const std::vector<UnsealedEntry>& entries,
                                              merkle::TickSecret secret) {
  absl::StatusOr<merkle::SlotPermutation> permutation = merkle::SlotPermutation::Make(kSlotDepth, secret);
  if (!permutation.ok()) return permutation.status();
  std::vector<uint32_t> slots;
  slots.reserve(entries.size());
  for (size_t i = 0; i < entries.size(); ++i) {
    const absl::StatusOr<uint32_t> slot = permutation->SlotOf(i);
    if (!slot.ok()) return slot.status();
    slots.push_back(*slot);
  }
  return slots;
}

std::vector<TickEntry> BySlot(const std::vector<UnsealedEntry>& entries, const std::vector<uint32_t>& slots) {
  std::vector<TickEntry> sorted;
  sorted.reserve(entries.size());
  for (size_t i = 0; i < entries.size(); ++i) sorted.push_back({slots[i], entries[i].leaf, entries[i].id});
  std::sort(sorted.begin(), sorted.end(),
            [](const TickEntry& a, const TickEntry& b) { return a.slot < b.slot; });
  return sorted;
}

void AddPartyRows(uint64_t tick, const std::vector<UnsealedEntry>& entries,
                  const std::vector<uint32_t>& slots, std::vector<store::Write>* writes) {
  std::map<uint32_t, std::vector<uint32_t>> slots_of;
  for (size_t i = 0; i < entries.size(); ++i) {
    for (const uint32_t party : entries[i].parties) slots_of[party].push_back(slots[i]);
  }
  for (auto& [party, of] : slots_of) {
    std::sort(of.begin(), of.end());
    storage::v1::StoredPartySlots row;
    row.mutable_slots()->Add(of.begin(), of.end());
    writes->push_back({PartyKey(party, tick), row.SerializeAsString()});
  }
}

}  // namespace

absl::StatusOr<TickTree> RowsOfTick(uint64_t tick, merkle::TickSecret secret,
                                    const std::vector<UnsealedEntry>& entries) {
  const auto slots = SlotsOf(entries, secret);
  if (!slots.ok()) return slots.status();
  absl::StatusOr<TickTree> tree = BuildTickTree(tick, secret, BySlot(entries, *slots));
  if (tree.ok()) AddPartyRows(tick, entries, *slots, &tree->rows);
  return tree;
}

}  // namespace coalition::ledger
