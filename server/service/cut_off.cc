#include "server/service/cut_off.h"

#include <chrono>

namespace coalition::service {
namespace {

// Whoever reads has read by then.
constexpr std::chrono::milliseconds kGrace(100);

}  // namespace

v1::CutOff CutOffs::Count(const CutOffGates& gates) const {
  v1::CutOff count;
  count.set_calls(static_cast<int32_t>(open_calls_.CountOf(gates)));
  count.set_streams(static_cast<int32_t>(imports_.CountOf(gates)));
  return count;
}

int CutOffs::End(const CutOffGates& gates, bool all_calls) {
  const auto now = std::chrono::steady_clock::now();
  timers_.After(kGrace, [this, gates, now, all_calls] {
    imports_.CutOff(gates, true);
    if (all_calls) open_calls_.CancelOf(gates, now);
  });
  if (!all_calls) return static_cast<int>(imports_.CutOff(gates, false));
  // Not before the administrator has its answer: a thousand streams take a tenth of a second to end, and none
  // of them is sent anything meanwhile.
  timers_.After(std::chrono::milliseconds(0), [this, gates] { imports_.CutOff(gates, false); });
  return 0;
}

}  // namespace coalition::service
