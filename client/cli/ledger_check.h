// The doctor's look at the ledger.
#pragma once

#include <chrono>
#include <functional>

#include "client/cli/doctor.h"
#include "client/client.h"
#include "common/signed_note.h"

namespace coalition::cli {

// Check "ledger": the newest checkpoint is signed with the pinned key, and a minute does not pass without a
// newer one, since none says itself how old it is. Returns as soon as there is one, most often within a
// second. `sleep` waits; replaced in tests.
Check CheckLedger(client::Client& client, const VerifierKey& key,
                  const std::function<void(std::chrono::milliseconds)>& sleep);

}  // namespace coalition::cli
