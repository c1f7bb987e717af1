// What every call needs besides its own room.
#pragma once

#include <chrono>

#include "server/ledger/disclosures.h"
#include "server/ledger/refusals.h"
#include "server/service/executor.h"
#include "server/service/guard.h"
#include "server/service/metrics.h"
#include "server/service/open_calls.h"
#include "server/service/timers.h"

namespace coalition::service {

// Of unary calls, whatever their clients ask, and of streams without a message.
struct CallDurations {
  std::chrono::milliseconds unary_max{30'000};
  std::chrono::milliseconds stream_idle_max{60'000};
};

// References to what the server owns. Outlives every call.
struct CallKit {
  CallGuard& guard;
  ledger::DisclosureLog& disclosures;
  ledger::Refusals& refusals;
  Executor& executor;
  Executor& cut_off_executor;  // of methods that cut off
  Timers& timers;
  CallMetrics& metrics;
  OpenCalls& open_calls;
  CallDurations durations;
};

}  // namespace coalition::service
