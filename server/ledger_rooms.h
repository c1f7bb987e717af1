// The ledger's rooms, put together.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "coalition/config/v1/server_config.pb.h"
#include "common/clock.h"
#include "common/random.h"
#include "server/exchange/exchange.h"
#include "server/ledger/entry_eraser.h"
#include "server/ledger/entry_keys.h"
#include "server/ledger/entry_log.h"
#include "server/ledger/refusals.h"
#include "server/ledger/sealer.h"
#include "server/ledger/shown_log.h"
#include "server/membership/directory.h"
#include "server/store/commit_lane.h"
#include "server/store/store.h"

namespace coalition::server {

// The log's name in a coalition of that trust domain.
std::string LogOriginOf(const config::v1::Ledger& config, const std::string& trust_domain);

// Thread-safe.
class LedgerRooms {
 public:
  // What they work with; all must outlive them.
  struct Needs {
    store::Store& store;
    store::CommitLane& lane;
    const membership::Directory& directory;
    const exchange::ExchangeKeys& keys;
    const Clock& clock;
    Random& random;
    ledger::DisclosureLog& next;  // behind the ledger
    ledger::RunLater run_later;
    // That the ledger's entries are sealed with. Never null.
    std::shared_ptr<ledger::EntryKeys> entry_keys;
  };

  // Errors: of Sealer::Open and of the key.
  static absl::StatusOr<std::unique_ptr<LedgerRooms>> Open(const config::v1::ServerConfig& config,
                                                           const Needs& needs);

  ledger::ShownLog& shown() { return shown_; }
  ledger::Refusals& refusals() { return refusals_; }
  ledger::EntryEraser& eraser() { return eraser_; }
  ledger::Sealer& sealer() { return *sealer_; }
  const ledger::Sealer& sealer() const { return *sealer_; }
  const ledger::EntryLog& entries() const { return entries_; }

 private:
  LedgerRooms(const Needs& needs, const ledger::Names& names, ledger::ReceiverOpens receiver_opens);

  ledger::EntryLog entries_;
  ledger::ShownLog shown_;
  ledger::Refusals refusals_;
  ledger::EntryEraser eraser_;
  std::unique_ptr<ledger::Sealer> sealer_;  // last: its thread flushes the refusals
};

}  // namespace coalition::server
