// What is proved about the ledger, for whoever has the log's key, which must not come from the server alone.
// docs/ledger.md is the specification. Every function is thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coalition/v1/ledger_service.pb.h"
#include "common/checkpoint.h"
#include "common/ledger_leaf.h"
#include "common/signed_note.h"
#include "google/protobuf/repeated_field.h"

namespace coalition::ledger {

// An entry, as far as its parts are opened.
struct OpenedEntry {
  std::optional<v1::LedgerContent> content;
  std::optional<v1::LedgerReserved> reserved;
};

// Reads the parts and verifies nothing: so says the server. INVALID_ARGUMENT: a part is neither opened nor
// closed, or does not hold its message.
absl::StatusOr<OpenedEntry> OpenEntry(const v1::LedgerEntry& entry);

struct VerifiedEntry {
  EntryPlace place;
  int64_t tick_time_ms = 0;
  OpenedEntry opened;
  coalition::OpenedCheckpoint checkpoint;
};

// Whether the entry stands at the place that its name says, in a log that the key's owner has signed. From
// both parts' commitments (computed where a part is opened, else as given) the way leads to the entry's leaf,
// the root of its tick's entries, the tick's leaf and the log's root, which the checkpoint's must be. The
// log's origin is the key's name.
//
// INVALID_ARGUMENT: something is missing or has not its form. FAILED_PRECONDITION: the checkpoint is another
// log's or not signed with this key. DATA_LOSS: something was changed, or was never in this log.
absl::StatusOr<VerifiedEntry> VerifyEntry(const v1::LedgerEntry& entry, const VerifierKey& log_key);

// A checkpoint of the log whose key that is: as coalition::OpenCheckpoint.
absl::StatusOr<coalition::OpenedCheckpoint> OpenLogCheckpoint(std::string_view note,
                                                              const VerifierKey& log_key);

// The hashes of a consistency proof, 32 bytes each.
using ProofHashes = google::protobuf::RepeatedPtrField<std::string>;

// Whether the log of `now` begins with that of `before`, of which both signatures were verified.
// FAILED_PRECONDITION: they are of different logs. OUT_OF_RANGE: the log has shrunk. DATA_LOSS: they are two
// histories. INVALID_ARGUMENT: the hashes are no proof between logs of these sizes.
absl::Status VerifyGrowth(const coalition::Checkpoint& before, const coalition::Checkpoint& now,
                          const ProofHashes& hashes);

}  // namespace coalition::ledger
