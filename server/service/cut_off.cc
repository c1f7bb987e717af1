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

void CutOffs::EndAll(const CutOffGates& gates) {
  const auto now = std::chrono::steady_clock::now();
  timers_.After(kGrace, [this, gates, now] {
    imports_.CutOff(gates, true);
    open_calls_.CancelOf(gates, now);
  });
  // Not before the administrator has its answer: a thousand streams take a tenth of a second to end, and none
  // of them is sent anything meanwhile.
  timers_.After(std::chrono::milliseconds(0), [this, gates] { imports_.CutOff(gates, false); });
}

int CutOffs::EndSome(const CutOffGates& gates) {
  timers_.After(kGrace, [this, gates] { imports_.CutOff(gates, true); });
  return static_cast<int>(imports_.CutOff(gates, false));
}

}  // namespace coalition::service
