// coalition.v1.ExchangeService: gRPC to the exchange room and back, and nothing else.
#pragma once

#include <vector>

#include "server/exchange/exchange.h"
#include "server/service/unary.h"

namespace coalition::service {

// Thread-safe. The exchange must outlive what is served by these; each may be served by several servers.
std::vector<Route> ExchangeRoutes(exchange::Exchange& exchange);

}  // namespace coalition::service
