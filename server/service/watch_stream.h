// The watches: a feed for each, sent no faster than it is acknowledged.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "grpcpp/server_context.h"
#include "server/exchange/expiry.h"
#include "server/ledger/shown_log.h"
#include "server/service/call_kit.h"
#include "server/service/stream_end.h"
#include "server/service/stream_registry.h"
#include "server/service/watch_window.h"
#include "server/watch/feed.h"

namespace coalition::service {

class WatchStream;

struct WatchOptions {
  WindowSize window;         // of one watch
  WindowSize member_window;  // of all of one member
  std::chrono::milliseconds unacknowledged_max{30'000};
  // How often a watch is told until when it is complete.
  std::chrono::milliseconds checkpoint{1'000};
  // Of one record, for the room that a response may take.
  int64_t record_bytes_max = 64 << 10;
};

// All watches that are open. Thread-safe. Outlives the grpc::Server.
class WatchStreams final : public CutOffStreams {
 public:
  // `recalls` is told of those that were sent and acknowledged. A watch is complete only as far as `expiry`
  // is: what has expired and is not removed is not retracted. References must outlive it.
  WatchStreams(const watch::FeedRoom& feeds, ledger::ShownLog& recalls, const exchange::Expiry& expiry,
               const WatchOptions& options);
  ~WatchStreams() override;

  // The reactor of a new watch, which owns itself. One that only refuses if the call may not come in. `kit`
  // must outlive the watch.
  StreamReactor* Open(CallKit& kit, grpc::CallbackServerContext* call);

  // Something has changed that somebody may see.
  void Wake();
  // Watches end with UNAVAILABLE SHUTTING_DOWN.
  void Drain();

  size_t CutOff(const CutOffGates& gates, bool now) override;
  size_t CountOf(const CutOffGates& gates) const override;

  size_t open() const { return streams_.size(); }

 private:
  friend class WatchStream;
  const watch::FeedRoom& feeds_;
  ledger::ShownLog& recalls_;
  const exchange::Expiry& expiry_;
  const WatchOptions options_;
  MemberWindows windows_;
  StreamRegistry<WatchStream> streams_;
};

}  // namespace coalition::service
