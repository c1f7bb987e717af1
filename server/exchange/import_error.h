// What is wrong with one of many, as its result says it.
#pragma once

#include "absl/status/status.h"
#include "coalition/v1/exchange_service.pb.h"

namespace coalition::exchange {

// Of a refusal; of several fields at fault it names the first.
v1::ImportError ImportErrorOf(const absl::Status& status);

}  // namespace coalition::exchange
