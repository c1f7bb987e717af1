#include "client/cli/ledger_pin.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/file.h"

namespace coalition::cli {

absl::StatusOr<VerifierKey> ParseLedgerKey(const std::string& text) {
  absl::StatusOr<VerifierKey> key = VerifierKey::Parse(text);
  if (!key.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("the ledger's key: ", key.status().message()));
  }
  if (key->algorithm() != NoteAlgorithm::kEd25519) {
    return absl::InvalidArgumentError(
        "the ledger's key: that one is of another algorithm, as witnesses have it; a log's is Ed25519 (1)");
  }
  return key;
}

absl::StatusOr<std::optional<VerifierKey>> PinnedLedgerKey(const Globals& globals) {
  std::string text = globals.ledger_key;
  if (text.empty()) {
    const absl::StatusOr<std::optional<config::v1::Context>> context = ChosenContext(globals);
    if (!context.ok()) return context.status();
    if (context->has_value()) text = (*context)->ledger_key();
  }
  if (text.empty()) return std::nullopt;
  absl::StatusOr<VerifierKey> key = ParseLedgerKey(text);
  if (!key.ok()) return key.status();
  return *std::move(key);
}

absl::StatusOr<VerifierKey> RequiredLedgerKey(const Globals& globals) {
  absl::StatusOr<std::optional<VerifierKey>> key = PinnedLedgerKey(globals);
  if (!key.ok()) return key.status();
  if (key->has_value()) return **std::move(key);
  return absl::FailedPreconditionError(
      "no key of the ledger is pinned, so there is nothing to verify against: get it from the coalition's "
      "office, not from the server, and pin it with `coalition ledger pin KEY`, or give --ledger-key");
}

absl::StatusOr<std::string> LedgerStatePath(const Globals& globals, const std::string& flag) {
  if (!flag.empty()) return flag;
  const absl::StatusOr<std::optional<config::v1::Context>> context = ChosenContext(globals);
  if (!context.ok()) return context.status();
  if (!context->has_value()) {
    return absl::FailedPreconditionError(
        "no context is in use: say with --state which file is to keep the last checkpoint that was verified");
  }
  return ResolvePath(ConfigPath(globals), absl::StrCat("ledger/", (*context)->name(), ".checkpoint"));
}

std::string KeyChangeText(const std::string& note, const VerifierKey& pinned, bool verified) {
  const absl::StatusOr<SignedNote> parsed = ParseNote(note);
  if (!parsed.ok()) return "";
  const auto newest = std::find_if(parsed->signatures.begin(), parsed->signatures.end(),
                                   [&](const NoteSignature& one) { return one.name == pinned.name(); });
  if (newest == parsed->signatures.end() || newest->key_id == pinned.id()) return "";
  const std::string id = absl::StrFormat("%08x", newest->key_id);
  if (verified) {
    return absl::StrCat(
        "The log has a newer key, ", id,
        ", and the pinned one signs beside it for a while only. The act that names the new one "
        "is in the log: `coalition ledger list --kind act --limit 0 | grep +",
        id,
        "+` finds it, `coalition ledger verify ENTRY` proves it with the pinned key, and "
        "`coalition ledger pin KEY --replace` pins the new one.");
  }
  return absl::StrCat(
      "It says that another key of this log, ", id,
      ", has signed it. If the log's key was changed, get the new one from the coalition's "
      "office, not from the server, and pin it with `coalition ledger pin KEY --replace`; what "
      "was signed before is verified with the former one, --ledger-key KEY.");
}

}  // namespace coalition::cli
