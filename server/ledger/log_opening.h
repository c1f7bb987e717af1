// What is checked before a log is gone on with.
#pragma once

#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/ledger/head.h"
#include "server/ledger/seal.h"
#include "server/store/store.h"

namespace coalition::ledger {

// Whether the store has no log: no checkpoint was ever written.
absl::StatusOr<bool> LogIsEmpty(const store::Store& store);

// The log's newest state, checked: that its ticks lead to the root of its checkpoint, and that `signer` has
// signed that. The work does not grow with the log. nullopt: there is no log yet. FAILED_PRECONDITION: it has
// another name or another key; says what to do. DATA_LOSS: it is damaged. And the store's errors.
absl::StatusOr<std::optional<LogState>> LoadLog(const store::Store& store, const LogSigner& signer);

// Whether the store is at or ahead of the head in `dir`. `log`: nullopt, there is none. Logs when it adopts a
// log on the operator's word. FAILED_PRECONDITION: there is a log and no head, the head is another log's, or
// the store is behind it; says what to do. DATA_LOSS: the head's file is damaged. And errors of the disk and
// the store.
absl::Status CheckHead(const HeadDir& dir, const store::Store& store, const LogSigner& signer,
                       const std::optional<LogState>& log);

}  // namespace coalition::ledger
