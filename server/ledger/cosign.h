// Cosignatures of witnesses (c2sp.org/tlog-cosignature) on the log's newest checkpoint.
#pragma once

#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/signed_note.h"

namespace coalition::ledger {

// FAILED_PRECONDITION STATE_CONFLICT: what was cosigned is not the newest checkpoint.
absl::Status CheckpointSuperseded();

// `newest`, a checkpoint's note, with the cosignatures by `witnesses` that `given` has; an earlier one of the
// same witness makes way. Signatures by others are passed over. FAILED_PRECONDITION STATE_CONFLICT: `given`
// is of another checkpoint of this log. INVALID_ARGUMENT: it is none, no witness has signed it, or a
// signature is wrong. Thread-safe.
absl::StatusOr<std::string> WithCosignatures(const std::string& newest, const std::string& given,
                                             std::span<const VerifierKey> witnesses);

}  // namespace coalition::ledger
