// What the feed is measured against: watches that are told prepared responses, judged by nothing.
#pragma once

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <mutex>
#include <unordered_set>

#include "coalition/v1/watch_service.grpc.pb.h"

namespace coalition::bench {

// Sends each watch `snapshot` so many times, that the snapshot is complete, and then `tail` whenever TellAll
// is called. Reads acknowledgements, and waits for none. Thread-safe.
class WatchEcho final : public v1::WatchService::CallbackService {
 public:
  WatchEcho(v1::WatchRecordsResponse snapshot, uint64_t copies, v1::WatchRecordsResponse tail);
  ~WatchEcho() override;

  grpc::ServerBidiReactor<v1::WatchRecordsRequest, v1::WatchRecordsResponse>* WatchRecords(
      grpc::CallbackServerContext* context) override;
  void TellAll();

 private:
  class Stream;
  const v1::WatchRecordsResponse snapshot_, tail_;
  v1::WatchRecordsResponse complete_;
  const uint64_t copies_;
  std::mutex mutex_;
  std::unordered_set<Stream*> streams_;
};

}  // namespace coalition::bench
