#include "server/ledger/seal.h"

#include <utility>

#include "common/checkpoint.h"
#include "common/ledger_leaf.h"
#include "common/merkle.h"
#include "server/ledger/days.h"
#include "server/ledger/keys.h"
#include "server/ledger/tick_rows.h"

namespace coalition::ledger {
namespace {

using storage::v1::StoredTick;

void Append(std::vector<store::Write> more, std::vector<store::Write>* writes) {
  for (store::Write& write : more) writes->push_back(std::move(write));
}

}  // namespace

absl::StatusOr<std::vector<VerifierKey>> LogSigner::Verifiers() const {
  std::vector<VerifierKey> keys;
  for (const LogKey* one : {&key, former ? &*former : nullptr}) {
    if (one == nullptr) continue;
    auto verifier = VerifierKey::Make(origin, NoteAlgorithm::kEd25519, one->public_key());
    if (!verifier.ok()) return verifier.status();
    keys.push_back(*std::move(verifier));
  }
  return keys;
}

absl::StatusOr<Checkpoint> LogSigner::Sign(uint64_t size, const Sha256Digest& root) const {
  const coalition::Checkpoint checkpoint{origin, size, root, {}};
  absl::StatusOr<std::string> note = SignCheckpoint(checkpoint, key);
  if (!note.ok()) return note.status();
  if (former) {
    const absl::StatusOr<std::string> text = FormatCheckpoint(checkpoint);
    if (!text.ok()) return text.status();
    const absl::StatusOr<NoteSignature> second = SignText(*text, origin, *former);
    if (!second.ok()) return second.status();
    note = AddSignature(*note, *second);
    if (!note.ok()) return note.status();
  }
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
  const std::optional<merkle::TickSecret> secret = SecretOf(row);
  if (!root || !secret) return std::nullopt;
  return merkle::HashLeaf(TickLeaf(tick, row.time_ms(), TickSaltOf(*secret), *root));
}

absl::StatusOr<SealedTick> SealTick(const LogSigner& signer, LogTree tree, int64_t time_ms,
                                    const Unsealed& unsealed, Random& random) {
  const uint64_t number = tree.size();
  SealedTick sealed;
  StoredTick& tick = sealed.state.last;
  tick.set_secret(random.Bytes(merkle::kTickSecretBytes));
  const merkle::TickSecret secret = *SecretOf(tick);
  absl::StatusOr<TickTree> entries = RowsOfTick(number, secret, unsealed.entries);
  if (!entries.ok()) return entries.status();

  tick.set_time_ms(time_ms);
  tick.set_last_revision(unsealed.last_revision);
  tick.set_entries(static_cast<uint32_t>(unsealed.entries.size()));
  tick.set_entries_root(std::string(Bytes(entries->root)));
  const Sha256Digest leaf = LeafHashOfTick(number, tick).value();
  tick.set_leaf_hash(std::string(Bytes(leaf)));

  sealed.writes = std::move(entries->rows);
  for (const Tile& tile : tree.Append(leaf)) sealed.writes.push_back(TileWrite(tile));
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
