// Listing: the asker's indexes merged, newest first, filtered on what the asker sees.
#pragma once

#include "absl/status/status.h"
#include "common/sealed.h"
#include "server/exchange/exchange.h"
#include "server/exchange/reader.h"

namespace coalition::exchange {

// As Exchange::List, for a caller that may read.
absl::Status ListRecords(const Reader& reader, const ExchangeOptions& options, const Sealer& page_tokens,
                         const v1::ListRecordsRequest& request, v1::ListRecordsResponse* response,
                         ledger::Disclosure* disclosure);

}  // namespace coalition::exchange
