#include "client/cli/ledger_check.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cli/ledger_pin.h"
#include "client/cli/status.h"
#include "client/cli/text.h"
#include "common/ledger_verify.h"

namespace coalition::cli {
namespace {

using std::chrono::milliseconds;

constexpr char kName[] = "ledger";
constexpr milliseconds kAgeMax{60'000};
constexpr milliseconds kBetween{500};

Check Failed(std::string detail, std::string remedy) {
  return {kName, CheckState::kFailed, std::move(detail), std::move(remedy)};
}

struct Newest {
  uint64_t size = 0;
  std::string key_change;  // KeyChangeText
};

// Of the log, or the check that has failed.
absl::StatusOr<Newest> LookAtNewest(client::Client& client, const VerifierKey& key, Check* failed) {
  const absl::StatusOr<std::string> note = client.GetLedgerCheckpoint();
  if (!note.ok()) {
    const std::string remedy = Remedy(note.status());
    *failed = Failed(std::string(note.status().message()),
                     remedy.empty() ? "Ask the exchange's operator whether it keeps a ledger." : remedy);
    return note.status();
  }
  const auto opened = ledger::OpenLogCheckpoint(*note, key);
  const std::string key_change = KeyChangeText(*note, key, opened.ok());
  if (!opened.ok()) {
    *failed = Failed(
        absl::StrCat("the newest checkpoint does not verify with the pinned key: ",
                     opened.status().message()),
        key_change.empty()
            ? "Ask the coalition's office, not the server, for the ledger's key, and whether it has changed."
            : key_change);
    return opened.status();
  }
  return Newest{opened->checkpoint.size, key_change};
}

}  // namespace

Check CheckLedger(client::Client& client, const VerifierKey& key,
                  const std::function<void(milliseconds)>& sleep) {
  Check failed;
  const absl::StatusOr<Newest> first = LookAtNewest(client, key, &failed);
  if (!first.ok()) return failed;
  for (milliseconds waited{0}; waited < kAgeMax; waited += kBetween) {
    sleep(kBetween);
    const absl::StatusOr<Newest> now = LookAtNewest(client, key, &failed);
    if (!now.ok()) return failed;
    if (now->size < first->size) {
      return Failed(absl::StrCat("the log has shrunk from ", first->size, " ticks to ", now->size),
                    "Run `coalition ledger audit`, which keeps evidence.");
    }
    if (now->size == first->size) continue;
    return {kName, CheckState::kOk,
            absl::StrCat(WithThousands(now->size), " ticks, signed with the pinned key of ", key.name()),
            now->key_change};
  }
  return Failed("the newest checkpoint is more than a minute old: the log does not grow",
                "Tell the exchange's operator.");
}

}  // namespace coalition::cli
