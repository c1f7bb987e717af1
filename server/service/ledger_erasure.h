// EraseLedgerEntries: who may, what is said of it in the ledger, and gRPC to the ledger room and back.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "coalition/v1/erasure_service.pb.h"
#include "common/hash.h"
#include "server/exchange/exchange.h"
#include "server/ledger/entry_eraser.h"
#include "server/membership/directory.h"
#include "server/service/unary.h"

namespace coalition::service {

// For the administration's listener alone. Thread-safe. References must outlive it, and it what is served by
// its routes.
class LedgerErasure {
 public:
  // In one call.
  static constexpr int kNamesMax = 250;

  // `keys_digest`: as EntryKeys::Digest.
  LedgerErasure(const membership::Directory& directory, ledger::EntryEraser& eraser,
                std::function<Sha256Digest()> keys_digest)
      : directory_(directory), eraser_(eraser), keys_digest_(std::move(keys_digest)) {}

  std::vector<Route> Routes() const;

  // What the route serves; requests come unchecked. Blocks.
  absl::Status EraseLedgerEntries(const exchange::CallContext& context,
                                  const v1::EraseLedgerEntriesRequest& asked,
                                  v1::EraseLedgerEntriesResponse* answer) const;

 private:
  // And who may, by the newest state. `entries`: that are erased, or were looked at.
  absl::Status AddAct(const exchange::CallContext& context, const v1::EraseLedgerEntriesRequest& asked,
                      size_t entries, store::Revision revision, std::vector<store::Write>* writes) const;

  const membership::Directory& directory_;
  ledger::EntryEraser& eraser_;
  const std::function<Sha256Digest()> keys_digest_;
};

}  // namespace coalition::service
