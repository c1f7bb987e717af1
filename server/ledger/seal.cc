#include "server/ledger/seal.h"

#include <algorithm>
#include <map>
#include <utility>

#include "common/checkpoint.h"
#include "common/ledger_leaf.h"
#include "common/merkle.h"
#include "common/slot_permutation.h"
#include "server/ledger/days.h"
#include "server/ledger/keys.h"
#include "server/ledger/tick_nodes.h"

namespace coalition::ledger {
namespace {

using storage::v1::StoredTick;

merkle::TickSecret SecretOf(const std::string& bytes) {
  return merkle::TickSecret(reinterpret_cast<const uint8_t*>(bytes.data()), merkle::kTickSecretBytes);
}

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

void Append(std::vector<store::Write> more, std::vector<store::Write>* writes) {
  for (store::Write& write : more) writes->push_back(std::move(write));
}

}  // namespace

absl::StatusOr<Checkpoint> LogSigner::Sign(uint64_t size, const Sha256Digest& root) const {
  absl::StatusOr<std::string> note = SignCheckpoint({origin, size, root, {}}, key);
  if (!note.ok()) return note.status();
  return Checkpoint{size, root, *std::move(note)};
}

store::Write TickWrite(uint64_t tick, const StoredTick& row) {
  return {TickKey(tick), row.SerializeAsString()};
}

store::Write CheckpointWrite(const Checkpoint& checkpoint) {
  storage::v1::StoredCheckpoint row;
  row.set_size(checkpoint.size);
  row.set_root(std::string(Bytes(checkpoint.root)));
  row.set_note(checkpoint.note);
  return {std::string(kCheckpointKey), row.SerializeAsString()};
}

std::optional<Sha256Digest> LeafHashOfTick(uint64_t tick, const StoredTick& row) {
  const std::optional<Sha256Digest> root = ToDigest(row.entries_root());
  if (!root || row.secret().size() != merkle::kTickSecretBytes) return std::nullopt;
  return merkle::HashLeaf(TickLeaf(tick, row.time_ms(), TickSaltOf(SecretOf(row.secret())), *root));
}

absl::StatusOr<SealedTick> SealTick(const LogSigner& signer, LogTree tree, int64_t time_ms,
                                    const Unsealed& unsealed, Random& random) {
  const uint64_t number = tree.size();
  const std::string secret = random.Bytes(merkle::kTickSecretBytes);
  const auto slots = SlotsOf(unsealed.entries, SecretOf(secret));
  if (!slots.ok()) return slots.status();
  absl::StatusOr<TickTree> entries =
      BuildTickTree(number, SecretOf(secret), BySlot(unsealed.entries, *slots));
  if (!entries.ok()) return entries.status();

  SealedTick sealed;
  StoredTick& tick = sealed.state.last;
  tick.set_time_ms(time_ms);
  tick.set_last_revision(unsealed.last_revision);
  tick.set_entries(static_cast<uint32_t>(unsealed.entries.size()));
  tick.set_secret(secret);
  tick.set_entries_root(std::string(Bytes(entries->root)));
  const Sha256Digest leaf = LeafHashOfTick(number, tick).value();
  tick.set_leaf_hash(std::string(Bytes(leaf)));

  sealed.writes = std::move(entries->rows);
  for (const Tile& tile : tree.Append(leaf)) sealed.writes.push_back(TileWrite(tile));
  AddPartyRows(number, unsealed.entries, *slots, &sealed.writes);
  Append(ShowingsRows(number, unsealed.entries), &sealed.writes);
  absl::StatusOr<Checkpoint> checkpoint = signer.Sign(tree.size(), tree.Root());
  if (!checkpoint.ok()) return checkpoint.status();
  sealed.state.checkpoint = *std::move(checkpoint);
  sealed.writes.push_back(TickWrite(number, tick));
  sealed.writes.push_back(CheckpointWrite(sealed.state.checkpoint));
  sealed.state.tree = std::move(tree);
  return sealed;
}

}  // namespace coalition::ledger
