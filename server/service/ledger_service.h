// coalition.v1.LedgerService: gRPC to the ledger's entries and proofs, and to whom records were shown, and
// back.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "coalition/v1/ledger_service.pb.h"
#include "common/sealed.h"
#include "server/exchange/exchange.h"
#include "server/ledger/entries.h"
#include "server/service/pages.h"
#include "server/service/unary.h"
#include "server/watch/record_disclosures.h"

namespace coalition::service {

// Thread-safe. References must outlive the service, the service what is served by its routes. The newest
// checkpoint is given in place; all else is done on workers, which may read from disk.
class LedgerService {
 public:
  // Adds witnesses' signatures to the newest checkpoint: as ledger::Sealer.
  using AddCosignatureTo = std::function<absl::Status(const std::string& note)>;

  LedgerService(const ledger::Entries& entries, const watch::RecordDisclosures& disclosures,
                AddCosignatureTo add_cosignature, const Sealer& sealer, PageOptions pages)
      : entries_(entries),
        disclosures_(disclosures),
        add_cosignature_(std::move(add_cosignature)),
        sealer_(sealer),
        pages_(pages) {}

  std::vector<Route> Routes() const;

  // What the routes serve; requests come unchecked.
  absl::Status GetCheckpoint(const exchange::CallContext& context, const v1::GetCheckpointRequest& asked,
                             v1::GetCheckpointResponse* answer) const;
  absl::Status GetConsistencyProof(const exchange::CallContext& context,
                                   const v1::GetConsistencyProofRequest& asked,
                                   v1::GetConsistencyProofResponse* answer) const;
  absl::Status ListLedgerEntries(const exchange::CallContext& context,
                                 const v1::ListLedgerEntriesRequest& asked,
                                 v1::ListLedgerEntriesResponse* answer) const;
  absl::Status GetLedgerEntry(const exchange::CallContext& context, const v1::GetLedgerEntryRequest& asked,
                              v1::GetLedgerEntryResponse* answer) const;
  absl::Status AddCosignature(const exchange::CallContext& context, const v1::AddCosignatureRequest& asked,
                              v1::AddCosignatureResponse* answer) const;

 private:
  absl::StatusOr<ledger::EntryQuery> ReadQuery(const exchange::CallContext& context,
                                               const v1::ListLedgerEntriesRequest& asked,
                                               const std::string& binding) const;

  // Whether the entry, which the caller may open, is withheld from it all the same: of what it was shown
  // itself, where that names an opinion (watch::RecordDisclosures).
  absl::StatusOr<bool> IsWithheld(const exchange::CallContext& context, const v1::LedgerEntry& entry) const;

  const ledger::Entries& entries_;
  const watch::RecordDisclosures& disclosures_;
  const AddCosignatureTo add_cosignature_;
  const Sealer& sealer_;
  const PageOptions pages_;
};

}  // namespace coalition::service
