#include "client/cli/ledger_follow.h"

#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cli/ledger_pin.h"
#include "client/cli/ledger_text.h"
#include "client/cli/status.h"
#include "client/cli/text.h"
#include "client/cli/values.h"
#include "common/ledger_verify.h"
#include "common/strings.h"

namespace coalition::cli {
namespace {

absl::StatusOr<LedgerFollowed> Conflict(LedgerFollowed followed, const LedgerState& state) {
  followed.step = LedgerStep::kConflict;
  const absl::StatusOr<bool> kept = state.KeepConflict({*followed.before, followed.now, followed.what});
  if (!kept.ok()) return Local(kept.status());
  followed.kept = *kept;
  return followed;
}

}  // namespace

bool IsAskable(const Checkpoint& checkpoint) {
  return checkpoint.size >= 1 && checkpoint.size <= uint64_t{std::numeric_limits<int64_t>::max()};
}

absl::StatusOr<std::string> WhyNotGrown(client::Client& client, const Checkpoint& before,
                                        const Checkpoint& now) {
  absl::StatusOr<v1::GetConsistencyProofResponse> proof = v1::GetConsistencyProofResponse();
  // There is a proof to ask for.
  if (before.size < now.size) {
    proof = client.GetConsistencyProof(static_cast<int64_t>(before.size), static_cast<int64_t>(now.size));
  }
  if (!proof.ok()) return proof.status();
  return std::string(ledger::VerifyGrowth(before, now, proof->hashes()).message());
}

absl::StatusOr<LedgerFollowed> FollowLedger(client::Client& client, const VerifierKey& key,
                                            LedgerState& state, int64_t now_s) {
  if (state.last() && state.last()->checkpoint.origin != key.name()) {
    return Local(absl::FailedPreconditionError(absl::StrCat(
        state.path(), " keeps a checkpoint of the log ", Quoted(state.last()->checkpoint.origin),
        ", and the key that is pinned is of ", Quoted(key.name()), ": name another file with --state")));
  }
  LedgerFollowed followed;
  followed.before = state.last();
  absl::StatusOr<std::string> note = client.GetLedgerCheckpoint();
  if (!note.ok()) return note.status();
  followed.now = {*std::move(note), {}, now_s};
  absl::StatusOr<OpenedCheckpoint> opened = ledger::OpenLogCheckpoint(followed.now.note, key);
  if (opened.ok() && !IsAskable(opened->checkpoint))
    opened = absl::InvalidArgumentError("a log has 1 to 2^63 - 1 ticks");
  followed.key_change = KeyChangeText(followed.now.note, key, opened.ok());
  if (!opened.ok()) {
    followed.step = LedgerStep::kUnsigned;
    followed.what = std::string(opened.status().message());
    return followed;
  }
  followed.now.checkpoint = std::move(opened->checkpoint);
  if (followed.before) {
    absl::StatusOr<std::string> what =
        WhyNotGrown(client, followed.before->checkpoint, followed.now.checkpoint);
    if (!what.ok()) return what.status();
    followed.what = *std::move(what);
    if (!followed.what.empty()) return Conflict(std::move(followed), state);
    const bool same = followed.before->checkpoint.size == followed.now.checkpoint.size;
    followed.step = same ? LedgerStep::kSame : LedgerStep::kGrown;
  }
  if (absl::Status saved = state.Save(followed.now); !saved.ok()) return Local(saved);
  return followed;
}

namespace {

std::string StepSentence(const LedgerFollowed& followed, const LedgerState& state) {
  const Checkpoint& now = followed.now.checkpoint;
  const std::string since = followed.before ? SecondsText(followed.before->seen_s) : "";
  switch (followed.step) {
    case LedgerStep::kFirst:
      return absl::StrCat("The log ", now.origin, " has ", TicksText(now),
                          ", signed with the pinned key. None of it was verified before: from now on it is "
                          "held against this.");
    case LedgerStep::kSame:
      return absl::StrCat("The log has ", TicksText(now), ", as it had at ", since, "; nothing was added.");
    case LedgerStep::kGrown:
      return absl::StrCat("The log grew from ", WithThousands(followed.before->checkpoint.size), " to ",
                          TicksText(now), " since ", since, "; nothing before was changed.");
    case LedgerStep::kUnsigned:
      return absl::StrCat("The checkpoint that the server shows does not verify: ", followed.what,
                          ". What was verified before stays.");
    default:
      return absl::StrCat(
          "CONFLICT: the log that the server shows is not the one that was verified at ", since, ": ",
          followed.what, ". ",
          followed.kept
              ? absl::StrCat("Both checkpoints are kept in ", state.conflict_path(), ".")
              : absl::StrCat(state.conflict_path(), " has an earlier conflict and was left as it is."),
          " Nothing else was changed.");
  }
}

}  // namespace

std::string FollowedSentence(const LedgerFollowed& followed, const LedgerState& state) {
  const char* const between = followed.key_change.empty() ? "" : " ";
  return absl::StrCat(StepSentence(followed, state), between, followed.key_change);
}

}  // namespace coalition::cli
