// The key of the exchange's ledger as the settings have it, and where the last verified checkpoint is kept.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "client/cli/contexts.h"
#include "common/signed_note.h"

namespace coalition::cli {

// INVALID_ARGUMENT: it is no verifier key, or not one of a log.
absl::StatusOr<VerifierKey> ParseLedgerKey(const std::string& text);

// Flag over environment over the context. nullopt: no key is pinned. Errors are those of the settings.
absl::StatusOr<std::optional<VerifierKey>> PinnedLedgerKey(const Globals& globals);

// The same; FAILED_PRECONDITION, which says how to pin one, where none is.
absl::StatusOr<VerifierKey> RequiredLedgerKey(const Globals& globals);

// `flag`, else ledger/{context}.checkpoint beside the file of contexts. FAILED_PRECONDITION: there is
// neither.
absl::StatusOr<std::string> LedgerStatePath(const Globals& globals, const std::string& flag);

// What to say, in sentences, of a note of the pinned key's log that a newer key of the log says to have
// signed: a log signs with its newest key first. Empty: none says so. `verified`: the pinned key has signed
// it too.
std::string KeyChangeText(const std::string& note, const VerifierKey& pinned, bool verified);

}  // namespace coalition::cli
