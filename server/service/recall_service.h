// WatchService but for its streams: recalls.
#pragma once

#include <vector>

#include "server/service/unary.h"
#include "server/watch/recalls.h"

namespace coalition::service {

// `recalls` must outlive the routes.
std::vector<Route> RecallRoutes(const watch::Recalls& recalls);

}  // namespace coalition::service
