// One step along the log: from the checkpoint that was verified last to the newest one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "client/cli/ledger_state.h"
#include "client/client.h"
#include "common/signed_note.h"

namespace coalition::cli {

enum class LedgerStep {
  kFirst,     // nothing was verified before
  kSame,      // no tick was added
  kGrown,     // and begins with what was verified before
  kUnsigned,  // what the server shows is not signed with the pinned key
  kConflict,  // the log has shrunk, or was forked: nothing honest does that
};

struct LedgerFollowed {
  LedgerStep step = LedgerStep::kFirst;
  std::optional<SeenCheckpoint> before;
  // Without its checkpoint where it is kUnsigned.
  SeenCheckpoint now;
  // Of kUnsigned and kConflict: what was found.
  std::string what;
  // Where a newer key of the log says to have signed it: what to do (KeyChangeText).
  std::string key_change;
  // Of kConflict: false where an earlier one's evidence was there already, and this one's was not kept.
  bool kept = false;

  bool verified() const { return step != LedgerStep::kUnsigned && step != LedgerStep::kConflict; }
};

// Fetches the newest checkpoint, verifies its signature and that the log begins with the one of `state`, and
// keeps it there; where it does not verify, the state stays, and both notes of a conflict are kept. `key`:
// the log's, whose name is its origin. Errors are the server's, or Local: the state is another log's, or
// can't be written.
absl::StatusOr<LedgerFollowed> FollowLedger(client::Client& client, const VerifierKey& key,
                                            LedgerState& state, int64_t now_s);

// What was found, for people: a sentence or two.
std::string FollowedSentence(const LedgerFollowed& followed, const LedgerState& state);

// Why the log of `now` does not begin with that of `before`, by a proof that is fetched where one is larger;
// empty: it does. Errors are the server's.
absl::StatusOr<std::string> WhyNotGrown(client::Client& client, const Checkpoint& before,
                                        const Checkpoint& now);

// Its size is one that the API can name.
bool IsAskable(const Checkpoint& checkpoint);

}  // namespace coalition::cli
