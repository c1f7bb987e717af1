// Seals: from what was written, the next tick's rows and the checkpoint that it makes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coalition/storage/v1/ledger.pb.h"
#include "common/ed25519.h"
#include "common/hash.h"
#include "common/random.h"
#include "common/signed_note.h"
#include "server/ledger/log_reader.h"
#include "server/ledger/log_tree.h"
#include "server/ledger/unsealed.h"
#include "server/store/store.h"

namespace coalition::ledger {

// The log's private key.
using LogKey = Ed25519Key;

// Who signs: a key, and the log's name. Where the key was changed, the former one beside it, for a while:
// whoever knows that one alone can go on, and learns the new one from a log that it has signed.
struct LogSigner {
  std::string origin;
  LogKey key;
  std::optional<LogKey> former = {};

  // What verifies notes of this log: of either key.
  absl::StatusOr<std::vector<VerifierKey>> Verifiers() const;
  // The first signature is that of `key`, by which others know which is the newer one.
  absl::StatusOr<Checkpoint> Sign(uint64_t size, const Sha256Digest& root) const;
};

// The newest state of a log, as the store has it.
struct LogState {
  LogTree tree;
  storage::v1::StoredTick last;  // tick tree.size() - 1
  Checkpoint checkpoint;         // of tree.size()
};

store::Write TickWrite(uint64_t tick, const storage::v1::StoredTick& row);
store::Write CheckpointWrite(const Checkpoint& checkpoint);

// The hash of the leaf of a tick, from what its row says it is of. nullopt: the row is not whole.
std::optional<Sha256Digest> LeafHashOfTick(uint64_t tick, const storage::v1::StoredTick& row);

// A tick that was not written yet.
struct SealedTick {
  LogState state;                    // after it
  std::vector<store::Write> writes;  // all of it
};

// The tick that follows `tree`, at `time_ms`, of these entries, whose slots and padding come from 32 bytes of
// chance. A tick without entries is one, too. What Random and the key can go wrong with, and OUT_OF_RANGE:
// more entries than a tick has slots.
absl::StatusOr<SealedTick> SealTick(const LogSigner& signer, LogTree tree, int64_t time_ms,
                                    const Unsealed& unsealed, Random& random);

}  // namespace coalition::ledger
