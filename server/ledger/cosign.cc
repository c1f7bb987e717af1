#include "server/ledger/cosign.h"

#include <algorithm>
#include <utility>

#include "common/checkpoint.h"
#include "common/errors.h"
#include "common/strings.h"

namespace coalition::ledger {
namespace {

absl::Status Invalid(std::string_view what) {
  FieldViolations violations;
  violations.Add("note", what);
  return violations.ToStatus();
}

// What another text than the newest checkpoint's is.
absl::Status OtherText(const std::string& newest, const std::string& given) {
  const absl::StatusOr<coalition::Checkpoint> ours = ParseCheckpoint(newest);
  const absl::StatusOr<coalition::Checkpoint> theirs = ParseCheckpoint(given);
  if (!ours.ok()) return ours.status();
  if (!theirs.ok()) return Invalid(Std(theirs.status().message()));
  if (theirs->origin != ours->origin) return Invalid("it is a checkpoint of another log");
  return CheckpointSuperseded();
}

}  // namespace

absl::Status CheckpointSuperseded() {
  return Error(v1::ERROR_REASON_STATE_CONFLICT,
               "that is not the newest checkpoint: get that one, verify it and cosign it",
               {{"state", "SUPERSEDED"}});
}

absl::StatusOr<std::string> WithCosignatures(const std::string& newest, const std::string& given,
                                             std::span<const VerifierKey> witnesses) {
  const absl::StatusOr<SignedNote> kept = ParseNote(newest);
  if (!kept.ok()) return kept.status();
  const absl::StatusOr<SignedNote> note = ParseNote(given);
  if (!note.ok()) return Invalid(Std(note.status().message()));
  if (note->text != kept->text) return OtherText(kept->text, note->text);
  const absl::StatusOr<OpenedNote> opened = OpenNote(given, witnesses);
  if (absl::IsFailedPrecondition(opened.status())) {
    return Invalid("it has no signature by any witness that this server is set to know");
  }
  if (!opened.ok()) return Invalid(Std(opened.status().message()));
  // What is there already makes no new note, so that sending it again costs no commit.
  std::string result = newest;
  for (const NoteEndorsement& endorsement : opened->endorsements) {
    const VerifierKey& witness = witnesses[endorsement.key];
    // The first by that name and id is the one that was verified.
    const auto signature = std::find_if(
        note->signatures.begin(), note->signatures.end(),
        [&](const NoteSignature& one) { return one.key_id == witness.id() && one.name == witness.name(); });
    if (std::find(kept->signatures.begin(), kept->signatures.end(), *signature) != kept->signatures.end()) {
      continue;
    }
    absl::StatusOr<std::string> added = AddSignature(result, *signature);
    if (!added.ok()) return added.status();
    result = *std::move(added);
  }
  return result;
}

}  // namespace coalition::ledger
