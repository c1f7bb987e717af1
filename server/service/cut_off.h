// Ends what is under way of credentials that may see nothing any more.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "coalition/v1/membership_service.pb.h"
#include "common/clock.h"
#include "server/service/open_calls.h"
#include "server/service/stream_registry.h"
#include "server/service/timers.h"

namespace coalition::service {

// Thread-safe. References must outlive it and the timers.
class CutOffs {
 public:
  CutOffs(OpenCalls& open_calls, std::vector<CutOffStreams*> streams, Timers& timers, const Clock& clock)
      : open_calls_(open_calls), streams_(std::move(streams)), timers_(timers), clock_(clock) {}

  const Clock& clock() const { return clock_; }

  // What is under way. Just before the gates are shut: from then on it is refused, and may end.
  v1::CutOff Count(const CutOffGates& gates) const;
  // Both end streams with the answer that says why, and calls get it when their work is done. Streams that do
  // not read it within a tenth of a second are cancelled.
  //
  // Of credentials that can do nothing any more: so are calls whose clients have not read their answers, and
  // the streams end after this has returned.
  void EndAll(const CutOffGates& gates);
  // Of credentials some of whose certificates, or methods, go on: only streams that may not. How many those
  // are.
  int EndSome(const CutOffGates& gates);

 private:
  size_t EndStreams(const CutOffGates& gates, bool now);

  OpenCalls& open_calls_;
  const std::vector<CutOffStreams*> streams_;  // of every kind
  Timers& timers_;
  const Clock& clock_;
};

}  // namespace coalition::service
