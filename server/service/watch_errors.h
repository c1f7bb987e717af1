// Why a watch ends.
#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace coalition::service {

// ABORTED, WATCH_BEHIND.
absl::Status WatchBehind();
// INVALID_ARGUMENT, with the field and what is wrong with it.
absl::Status WrongWatchRequest(std::string_view field, std::string_view what);

}  // namespace coalition::service
