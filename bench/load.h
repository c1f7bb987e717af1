// The clients that load a server: over mutual TLS, in this process, on the same cores.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coalition/v1/exchange_service.grpc.pb.h"
#include "tests/support/certificates.h"

namespace coalition::bench {

// Where a server is, and as whom to call it.
struct Endpoint {
  int port = 0;
  std::string ca_pem;
  testing::Identity client;
};

// A channel with a connection of its own.
std::shared_ptr<grpc::Channel> Connect(const Endpoint& endpoint);

// The same code and message.
absl::Status FromGrpc(const grpc::Status& status);

struct ScreenShape {
  int connections = 4;
  int in_flight = 32;    // calls at once, of each connection
  int sellers = 1;       // of each call
  double listed = 0.01;  // share of the sellers asked for that are listed
  uint64_t records = 0;  // listed sellers are drawn from the first so many records
  bool check = true;     // count the answers' verdicts
};

// What happened between a start and an end.
struct Segment {
  uint64_t calls = 0;
  uint64_t sellers = 0;
  double seconds = 0;
  uint64_t asked_listed = 0;
  uint64_t answered_listed = 0;
  std::vector<double> latencies_s;
  std::vector<std::chrono::steady_clock::time_point> starts;  // of the same calls
  absl::Status status;                                        // the first call that failed

  double calls_per_s() const { return static_cast<double>(calls) / seconds; }
};

// Closed loop: as soon as a call is answered the next one starts. Not thread-safe.
class ScreenLoad {
 public:
  ScreenLoad(const Endpoint& endpoint, const ScreenShape& shape, uint64_t seed);
  ~ScreenLoad();

  // Calls for that long and waits for the answers under way.
  Segment Run(std::chrono::duration<double> duration);

 private:
  struct Call;
  struct Lane;
  void StartCall(Lane* lane, Call* call);
  void RunLane(Lane* lane, std::chrono::steady_clock::time_point end, Segment* segment);

  ScreenShape shape_;
  std::vector<std::unique_ptr<Lane>> lanes_;
};

// One screening of the given sellers; the bytes that an echo must answer to be equal.
absl::StatusOr<v1::ScreenSellersResponse> ScreenOnce(const Endpoint& endpoint,
                                                     const v1::ScreenSellersRequest& request);

struct ImportShape {
  int streams = 2;
  int window = 4;  // messages sent and not answered, of each stream
};

struct ImportResultCounts {
  uint64_t created = 0;
  uint64_t unchanged = 0;
  double seconds = 0;
  absl::Status status;  // the first failure, also of one item
};

// Sends what `next` returns until it returns nullptr; `next` is called from several threads, and the message
// must live until the call returns.
ImportResultCounts ImportAll(const Endpoint& endpoint, const ImportShape& shape,
                             const std::function<const v1::ImportRecordsRequest*()>& next);

// Sends these messages.
ImportResultCounts ImportMessages(const Endpoint& endpoint,
                                  const std::vector<v1::ImportRecordsRequest>& messages);

// Imports the reports [from, from + count), made as they are sent.
ImportResultCounts ImportReports(const Endpoint& endpoint, const ImportShape& shape, uint64_t from,
                                 uint64_t count, const std::atomic<bool>* stop = nullptr);

}  // namespace coalition::bench
