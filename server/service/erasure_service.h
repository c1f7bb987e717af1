// coalition.v1.ErasureService/EraseRecords: gRPC to the exchange room and back, and nothing else.
#pragma once

#include <vector>

#include "server/exchange/exchange.h"
#include "server/service/unary.h"

namespace coalition::service {

// For the administration's listener alone. Thread-safe. The exchange must outlive what is served by these.
std::vector<Route> ErasureRoutes(exchange::Exchange& exchange);

}  // namespace coalition::service
