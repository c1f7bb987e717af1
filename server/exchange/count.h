// What a change of policy or of members would do to a contributor's own records, counted.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "server/exchange/exchange.h"
#include "server/exchange/reader.h"

namespace coalition::exchange {

// As Exchange::CountAffected.
absl::Status CountAffectedRecords(const Reader& reader, const policy::State& before,
                                  const policy::State& after, v1::OwnRecordCounts* counts);

// As Exchange::CountImpact. `before`: the state now.
absl::Status CountImpactOnRecords(const Reader& reader, const policy::State& before,
                                  const policy::State& after, const std::vector<uint32_t>& gainers,
                                  store::Revision made_after, v1::ProposalImpact* impact);

}  // namespace coalition::exchange
