// A thousand watches, and what they are told of a record; and how fast a new watch has everything.
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "bench/generator.h"
#include "bench/rows.h"
#include "bench/statistics.h"
#include "bench/watch_load.h"

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

// From the write's beginning to its answer, and to when the last watch was told, in milliseconds; and what a
// write with all of that takes the server, of its CPU.
struct Fanout {
  std::vector<double> written, told;
  double cpu_ms = 0;
  v1::WatchRecordsResponse tail;  // what a watch was told
};

absl::Status Write(const Endpoint& writer, Told& told, Fanout* fanout) {
  const auto stub = v1::ExchangeService::NewStub(Connect(writer));
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
    fanout->written.push_back(since(Clock::now()));
    if (!WaitFor(kLast, [&] { return told.watches_told >= kWatches; })) {
      return absl::DeadlineExceededError("not every watch was told");
    }
    fanout->told.push_back(since(Time(Clock::duration(told.last_ns.load()))));
    std::this_thread::sleep_until(begin + kBetweenWrites);
  }
  return absl::OkStatus();
}

absl::StatusOr<Fanout> Measure(const Server& server) {
  WatchLoad watches(server.reader, {.watches = kWatches, .connections = kConnections});
  Told& told = watches.told();
  if (!WaitFor(kOpening, [&] { return told.complete == kWatches; })) {
    return absl::DeadlineExceededError("the watches did not open");
  }
  Fanout fanout;
  const double cpu = server.process->CpuSeconds();
  if (absl::Status status = Write(server.contributor, told, &fanout); !status.ok()) return status;
  fanout.cpu_ms = (server.process->CpuSeconds() - cpu) / kWrites * 1e3;
  const std::lock_guard lock(told.mutex);
  fanout.tail = told.tail;
  return fanout;
}

}  // namespace

Rows FeedFanout(Workspace& workspace, const Settings&) {
  const auto home = workspace.MakeHome("feed");
  if (!home.ok()) return home.status();
  auto server = workspace.StartServer(*home);
  if (!server.ok()) return server.status();
  const auto fanout = Measure(*server);
  if (!fanout.ok()) return fanout.status();
  server->process.reset();
  const auto echo = workspace.StartWatchEcho({}, 0, fanout->tail);
  if (!echo.ok()) return echo.status();
  const auto bare = Measure(*echo);
  if (!bare.ok()) return bare.status();
  const double p99 = Quantile(fanout->told, 0.99), bare_p99 = Quantile(bare->told, 0.99);
  return std::vector<Row>{
      {.name = "feed_fanout",
       .measured = FormatNumber(p99) + " ms",
       .baseline = FormatNumber(bare_p99) + " ms",
       .ratio = p99 / bare_p99,
       .target = "<= 50 ms",
       .ok = p99 <= 50,
       .note =
           "p99 of " + std::to_string(kWrites) +
           " writes, 10 in a second: from the beginning of the write to when the last of 1,000 watches on 50 "
           "connections, on the same cores, has read it; the medians are " +
           FormatNumber(Median(fanout->told)) + " and " + FormatNumber(Median(bare->told)) +
           " ms; the write itself took " + FormatNumber(Quantile(fanout->written, 0.99)) +
           " ms at the p99; a write, and telling all of it, takes the server " +
           FormatNumber(fanout->cpu_ms) + " ms of CPU, the echo " + FormatNumber(bare->cpu_ms),
       .measured_value = p99,
       .baseline_value = bare_p99}};
}

Rows FeedSnapshot(Workspace& workspace, const Settings& settings) {
  const auto home = workspace.HomeWith(settings.records);
  if (!home.ok()) return home.status();
  auto server = workspace.StartServer(*home);
  if (!server.ok()) return server.status();
  const Time begin = Clock::now();
  WatchLoad watches(server->reader, {});
  Told& told = watches.told();
  if (!WaitFor(std::chrono::minutes(10), [&] { return told.complete == 1 || told.ended == 1; }) ||
      told.ended == 1) {
    return absl::DeadlineExceededError("the snapshot was not completed");
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  const double per_million = seconds * 1e6 / static_cast<double>(told.upserts.load());
  return std::vector<Row>{
      {.name = "feed_snapshot",
       .measured = FormatNumber(per_million) + " s",
       .baseline = "",
       .ratio = std::nullopt,
       .target = "<= 60 s",
       .ok = per_million <= 60,
       .note = "for 1,000,000 records to a new watch; of " + std::to_string(told.upserts.load()) + " records",
       .measured_value = per_million,
       .baseline_value = 0}};
}

}  // namespace coalition::bench
