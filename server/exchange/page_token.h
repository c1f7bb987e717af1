// Page tokens: a sealed position, bound to the member and the query that it was made for. They grant nothing:
// every page is judged anew.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "coalition/v1/exchange_service.pb.h"
#include "common/sealed.h"
#include "server/exchange/keys.h"

namespace coalition::exchange {

// What a sealed token is bound to: whom and which question it is for. `method`: "ListRecords".
std::string QueryBinding(std::string_view method, uint32_t member, const v1::RecordFilter& filter);

// `position`: of the last record of the page. All tokens have one length.
std::string MakePageToken(const Sealer& sealer, uint32_t member, const v1::RecordFilter& filter,
                          Position position);

// PAGE_TOKEN_INVALID for whatever this server did not make for this member and this filter.
absl::StatusOr<Position> ReadPageToken(const Sealer& sealer, uint32_t member, const v1::RecordFilter& filter,
                                       std::string_view token);

}  // namespace coalition::exchange
