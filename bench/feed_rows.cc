// A thousand watches, and what they are told of a record; and how fast a new watch has everything.
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "bench/generator.h"
#include "bench/rows.h"
#include "bench/statistics.h"
#include "coalition/v1/watch_service.grpc.pb.h"

namespace coalition::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

constexpr int kWatches = 1000;
constexpr int kConnections = 50;
constexpr int kWrites = 200;
constexpr std::chrono::milliseconds kBetweenWrites(100);
constexpr std::chrono::seconds kOpening(60);
constexpr std::chrono::seconds kLast(10);
// Of the records that are written while it is measured: no others are like them.
constexpr uint64_t kFirstWritten = 900'000'000;

// What all watches have been told.
struct Told {
  std::atomic<int> complete{0};      // watches that have had the snapshot
  std::atomic<int> watches_told{0};  // of the newest write
  std::atomic<int64_t> last_ns{0};   // when the last of those was
  std::atomic<uint64_t> upserts{0};
  std::atomic<int> ended{0};
};

// Acknowledges what it has read as soon as its last acknowledgement is written.
class Watch final : public grpc::ClientBidiReactor<v1::WatchRecordsRequest, v1::WatchRecordsResponse> {
 public:
  Watch(v1::WatchService::Stub& stub, Told& told) : told_(told) {
    start_.mutable_start();
    stub.async()->WatchRecords(&context_, this);
    StartRead(&response_);
    StartWrite(&start_);
    StartCall();
  }
  void Cancel() { context_.TryCancel(); }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    for (const v1::WatchEvent& event : response_.events()) {
      if (event.has_upsert()) told_.upserts.fetch_add(1, std::memory_order_relaxed);
    }
    if (complete_ && response_.events_size() > 0 && told_.watches_told.fetch_add(1) == kWatches - 1) {
      told_.last_ns.store(Clock::now().time_since_epoch().count());
    }
    if (response_.snapshot_complete()) {
      complete_ = true;
      told_.complete.fetch_add(1);
    }
    read_.fetch_add(1);
    StartRead(&response_);
    WriteNext();
  }
  void OnWriteDone(bool ok) override {
    writing_.store(false);
    if (ok) WriteNext();
  }
  void OnDone(const grpc::Status&) override { told_.ended.fetch_add(1); }

 private:
  // One at a time: whoever finds that nothing is being written writes.
  void WriteNext() {
    if (read_.load() == acknowledged_.load() || writing_.exchange(true)) return;
    const int64_t read = read_.load();
    if (read == acknowledged_.load()) {
      writing_.store(false);
      return;
    }
    acknowledged_.store(read);
    acknowledgement_.mutable_acknowledgement()->set_responses(read);
    StartWrite(&acknowledgement_);
  }

  Told& told_;
  grpc::ClientContext context_;
  v1::WatchRecordsRequest start_, acknowledgement_;
  v1::WatchRecordsResponse response_;
  bool complete_ = false;
  std::atomic<bool> writing_{true};  // the start
  std::atomic<int64_t> read_{0}, acknowledged_{0};
};

template <class Condition>
bool WaitFor(std::chrono::milliseconds time, const Condition& condition) {
  const Time end = Clock::now() + time;
  while (!condition()) {
    if (Clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  return true;
}

class Watches {
 public:
  Watches(const Endpoint& endpoint, int watches, int connections) {
    for (int i = 0; i < connections; ++i) stubs_.push_back(v1::WatchService::NewStub(Connect(endpoint)));
    for (int i = 0; i < watches; ++i) {
      watches_.push_back(std::make_unique<Watch>(*stubs_[static_cast<size_t>(i % connections)], told));
    }
  }
  ~Watches() {
    for (const auto& watch : watches_) watch->Cancel();
    WaitFor(kOpening, [&] { return told.ended == static_cast<int>(watches_.size()); });
  }
  Told told;

 private:
  std::vector<std::unique_ptr<v1::WatchService::Stub>> stubs_;
  std::vector<std::unique_ptr<Watch>> watches_;
};

// From the write's beginning to its answer, and to when the last watch was told, in milliseconds.
struct Fanout {
  std::vector<double> written, told;
};

absl::StatusOr<Fanout> Measure(const Endpoint& writer, Told& told) {
  const auto stub = v1::ExchangeService::NewStub(Connect(writer));
  Fanout fanout;
  for (int i = 0; i < kWrites; ++i) {
    const Time begin = Clock::now();
    told.watches_told = 0;
    v1::CreateRecordRequest request;
    SetReport(kFirstWritten + static_cast<uint64_t>(i), request.mutable_record());
    v1::CreateRecordResponse response;
    grpc::ClientContext context;
    if (absl::Status s = FromGrpc(stub->CreateRecord(&context, request, &response)); !s.ok()) return s;
    const auto since = [begin](Time time) {
      return std::chrono::duration<double, std::milli>(time - begin).count();
    };
    fanout.written.push_back(since(Clock::now()));
    if (!WaitFor(kLast, [&] { return told.watches_told >= kWatches; })) {
      return absl::DeadlineExceededError("not every watch was told");
    }
    fanout.told.push_back(since(Time(Clock::duration(told.last_ns.load()))));
    std::this_thread::sleep_until(begin + kBetweenWrites);
  }
  return fanout;
}

}  // namespace

Rows FeedFanout(Workspace& workspace, const Settings&) {
  const auto home = workspace.MakeHome("feed");
  if (!home.ok()) return home.status();
  auto server = workspace.StartServer(*home);
  if (!server.ok()) return server.status();
  Watches watches(server->reader, kWatches, kConnections);
  if (!WaitFor(kOpening, [&] { return watches.told.complete == kWatches; })) {
    return absl::DeadlineExceededError("the watches did not open");
  }
  const auto fanout = Measure(server->contributor, watches.told);
  if (!fanout.ok()) return fanout.status();
  const double p99 = Quantile(fanout->told, 0.99);
  return std::vector<Row>{
      {.name = "feed_fanout",
       .measured = FormatNumber(p99) + " ms",
       .baseline = FormatNumber(Median(fanout->told)) + " ms",
       .ratio = std::nullopt,
       .target = "<= 50 ms",
       .ok = p99 <= 50,
       .note =
           "p99 of " + std::to_string(kWrites) +
           " writes, 10 in a second: from the beginning of the write to when the last of 1,000 watches on 50 "
           "connections, on the same cores, has read it; the write itself took " +
           FormatNumber(Quantile(fanout->written, 0.99)) + " ms at the p99; baseline: the median",
       .measured_value = p99,
       .baseline_value = Median(fanout->told)}};
}

Rows FeedSnapshot(Workspace& workspace, const Settings& settings) {
  const auto home = workspace.HomeWith(settings.records);
  if (!home.ok()) return home.status();
  auto server = workspace.StartServer(*home);
  if (!server.ok()) return server.status();
  const Time begin = Clock::now();
  Watches watches(server->reader, 1, 1);
  if (!WaitFor(std::chrono::minutes(10),
               [&] { return watches.told.complete == 1 || watches.told.ended == 1; }) ||
      watches.told.ended == 1) {
    return absl::DeadlineExceededError("the snapshot was not completed");
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  const double per_million = seconds * 1e6 / static_cast<double>(watches.told.upserts.load());
  return std::vector<Row>{{.name = "feed_snapshot",
                           .measured = FormatNumber(per_million) + " s",
                           .baseline = "",
                           .ratio = std::nullopt,
                           .target = "<= 60 s",
                           .ok = per_million <= 60,
                           .note = "for 1,000,000 records to a new watch; of " +
                                   std::to_string(watches.told.upserts.load()) + " records",
                           .measured_value = per_million,
                           .baseline_value = 0}};
}

}  // namespace coalition::bench
