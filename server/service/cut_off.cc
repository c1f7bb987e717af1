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
  size_t streams = 0;
  for (const CutOffStreams* of_one_kind : streams_) streams += of_one_kind->CountOf(gates);
  count.set_streams(static_cast<int32_t>(streams));
  return count;
}

size_t CutOffs::EndStreams(const CutOffGates& gates, bool now) {
  size_t ended = 0;
  for (CutOffStreams* of_one_kind : streams_) ended += of_one_kind->CutOff(gates, now);
  return ended;
}

void CutOffs::EndAll(const CutOffGates& gates) {
  const auto now = std::chrono::steady_clock::now();
  timers_.After(kGrace, [this, gates, now] {
    EndStreams(gates, true);
    open_calls_.CancelOf(gates, now);
  });
  // Not before the administrator has its answer: a thousand streams take a tenth of a second to end, and none
  // of them is sent anything meanwhile.
  timers_.After(std::chrono::milliseconds(0), [this, gates] { EndStreams(gates, false); });
}

int CutOffs::EndSome(const CutOffGates& gates) {
  timers_.After(kGrace, [this, gates] { EndStreams(gates, true); });
  return static_cast<int>(EndStreams(gates, false));
}

}  // namespace coalition::service
