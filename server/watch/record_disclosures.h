// Whom a contributor's records were shown to.
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coalition/v1/ledger_service.pb.h"
#include "server/exchange/exchange.h"
#include "server/exchange/reader.h"
#include "server/ledger/shown_log.h"
#include "server/store/store.h"

namespace coalition::watch {

// Whether the entry of a disclosure names an opinion, or what may be one. An answer can show an opinion and
// not what it is about, or that a record is disputed and not by which opinions; its entry has both, so
// whoever was shown it is not to open it. The store's errors, as callers see them.
absl::StatusOr<bool> NamesAnOpinion(const exchange::Reader& reader, const v1::LedgerDisclosure& disclosure);

// Requests come unchecked. Thread-safe. References must outlive it.
class RecordDisclosures {
 public:
  RecordDisclosures(const store::Store& store, const exchange::ExchangeKeys& keys,
                    const ledger::ShownLog& shown)
      : store_(store), keys_(keys), shown_(shown) {}

  // NOT_FOUND unless the record is, or was at last, the caller's member's. INVALID_FIELD.
  absl::Status List(const exchange::CallContext& context, const v1::ListDisclosuresRequest& request,
                    v1::ListDisclosuresResponse* response) const;

  // The same, by the caller's state.
  absl::StatusOr<bool> NamesAnOpinion(const exchange::CallContext& context,
                                      const v1::LedgerDisclosure& disclosure) const;

 private:
  const store::Store& store_;
  const exchange::ExchangeKeys& keys_;
  const ledger::ShownLog& shown_;
};

}  // namespace coalition::watch
