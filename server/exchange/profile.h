// All that the asker may see of one seller, as one picture.
#pragma once

#include "absl/status/status.h"
#include "server/exchange/exchange.h"
#include "server/exchange/reader.h"

namespace coalition::exchange {

// As Exchange::Profile, for a caller that may read.
absl::Status GetSellerProfile(const Reader& reader, const ExchangeOptions& options,
                              const v1::GetSellerProfileRequest& request,
                              v1::GetSellerProfileResponse* response, ledger::Disclosure* disclosure);

}  // namespace coalition::exchange
