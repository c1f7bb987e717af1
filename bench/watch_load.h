// Watches as clients, and what they are told.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "bench/load.h"
#include "coalition/v1/watch_service.grpc.pb.h"

namespace coalition::bench {

struct WatchShape {
  int watches = 1;
  int connections = 1;
  bool reads = true;  // else no response is ever read
  // From where; empty: from the beginning.
  std::string cursor = {};
  // Connects, and opens the watches only when Start is called.
  bool waits = false;
  // Notes in Told what came: else that would be part of what is measured.
  bool notes = false;
};

// What all watches of a load have been told.
struct Told {
  explicit Told(int all) : watches(all) {}
  const int watches;
  std::atomic<int> complete{0};      // watches that have had the snapshot
  std::atomic<int> watches_told{0};  // of the newest write; set to 0 by whoever writes
  std::atomic<int64_t> last_ns{0};   // when the last of those was, of the steady clock
  std::atomic<uint64_t> upserts{0};
  std::atomic<int> ended{0};
  std::mutex mutex;
  v1::WatchRecordsResponse tail;  // one after the snapshot, with events
  // If the shape notes them: of the newest response, before its records are in `upserts`; and the response
  // with the most events.
  std::string cursor;
  v1::WatchRecordsResponse largest;
};

// Opens them, and acknowledges what each has read as soon as its last acknowledgement is written.
class WatchLoad {
 public:
  WatchLoad(const Endpoint& endpoint, const WatchShape& shape);
  ~WatchLoad();  // cancels
  WatchLoad(const WatchLoad&) = delete;
  WatchLoad& operator=(const WatchLoad&) = delete;

  // Once, if the shape waits.
  void Start();
  Told& told() { return told_; }

 private:
  class Watch;
  const WatchShape shape_;
  Told told_;
  std::vector<std::unique_ptr<v1::WatchService::Stub>> stubs_;
  std::vector<std::unique_ptr<Watch>> watches_;
};

// A response of a new watch's snapshot, behind the first.
absl::StatusOr<v1::WatchRecordsResponse> SnapshotResponse(const Endpoint& endpoint);

// False: not within that time.
bool WaitFor(std::chrono::milliseconds time, const std::function<bool()>& condition);

}  // namespace coalition::bench
