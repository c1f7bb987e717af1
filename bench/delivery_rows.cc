// What one watch is sent at most, what busy watches cost others, and what one costs that does not read.
#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bench/generator.h"
#include "bench/rows.h"
#include "bench/statistics.h"
#include "bench/watch_load.h"

namespace coalition::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kBusyWatches = 8;
constexpr int kSlowReaders = 8;
constexpr std::chrono::seconds kOpening(60);
// Until the windows of watches that are not read, and TCP's, are full.
constexpr std::chrono::seconds kFilling(3);
// More than are sent while it is measured.
constexpr uint64_t kEndless = uint64_t{1} << 40;

double Seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

// Records a second that a new watch is told, from its first on.
absl::StatusOr<double> DeliveryRate(const Endpoint& reader, double seconds) {
  WatchLoad load(reader, {});
  Told& told = load.told();
  if (!WaitFor(kOpening, [&] { return told.upserts > 0; })) {
    return absl::DeadlineExceededError("the watch is told nothing");
  }
  const Clock::time_point begin = Clock::now();
  const uint64_t before = told.upserts;
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  const auto records = static_cast<double>(told.upserts - before);
  const double took = Seconds(Clock::now() - begin);
  if (told.complete > 0) return absl::FailedPreconditionError("too few --records for so many --seconds");
  return records / took;
}

// Seconds that each call took, one after the other: a GetRecord of a record that the watch was told, and a
// ScreenSellers of a seller that is listed, in turn.
absl::StatusOr<std::vector<double>> UnaryCalls(const Endpoint& reader, const v1::WatchRecordsResponse& told,
                                               double seconds) {
  const auto stub = v1::ExchangeService::NewStub(Connect(reader));
  const Clock::time_point end =
      Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  std::vector<double> latencies;
  for (int i = 0; Clock::now() < end; ++i) {
    const v1::Record& record = told.events(i / 2 % told.events_size()).upsert();
    grpc::ClientContext context;
    const Clock::time_point begin = Clock::now();
    grpc::Status status;
    if (i % 2 == 0) {
      v1::GetRecordRequest request;
      request.set_name(record.name());
      v1::GetRecordResponse response;
      status = stub->GetRecord(&context, request, &response);
    } else {
      v1::ScreenSellersRequest request;
      *request.add_sellers() = record.seller();
      v1::ScreenSellersResponse response;
      status = stub->ScreenSellers(&context, request, &response);
    }
    if (!status.ok()) return FromGrpc(status);
    // The first calls make the connection.
    if (i > 1) latencies.push_back(Seconds(Clock::now() - begin));
  }
  return latencies;
}

// The same beside these watches, and alone, in turn: the calls of all rounds.
struct Beside {
  std::vector<double> beside, alone;
  double p99_ms() const { return Quantile(beside, 0.99) * 1e3; }
  double alone_p99_ms() const { return Quantile(alone, 0.99) * 1e3; }
};

absl::StatusOr<Beside> CallsBeside(const Endpoint& reader, const WatchShape& shape,
                                   const Settings& settings) {
  const auto told = SnapshotResponse(reader);
  if (!told.ok()) return told.status();
  // Unmeasured: the first calls read from the disk.
  if (auto cold = UnaryCalls(reader, *told, settings.seconds); !cold.ok()) return cold.status();
  Beside calls;
  for (int round = 0; round < settings.rounds; ++round) {
    // The same rest before both.
    std::this_thread::sleep_for(kFilling);
    auto alone = UnaryCalls(reader, *told, settings.seconds);
    if (!alone.ok()) return alone.status();
    calls.alone.insert(calls.alone.end(), alone->begin(), alone->end());
    WatchLoad load(reader, shape);
    if (shape.reads) {
      WaitFor(kOpening, [&] { return load.told().upserts > 0; });
    } else {
      std::this_thread::sleep_for(kFilling);
    }
    auto beside = UnaryCalls(reader, *told, settings.seconds);
    if (!beside.ok()) return beside.status();
    calls.beside.insert(calls.beside.end(), beside->begin(), beside->end());
    if (load.told().ended > 0) return absl::InternalError("a watch has ended");
  }
  return calls;
}

absl::StatusOr<Row> Delivery(Workspace& workspace, const Server& server, const Settings& settings) {
  const auto response = SnapshotResponse(server.reader);
  if (!response.ok()) return response.status();
  const auto echo = workspace.StartWatchEcho(*response, kEndless, {});
  if (!echo.ok()) return echo.status();
  std::vector<double> measured, baseline;
  for (int round = 0; round < settings.rounds; ++round) {
    const auto rate = DeliveryRate(server.reader, settings.seconds);
    if (!rate.ok()) return rate.status();
    measured.push_back(*rate);
    const auto bare = DeliveryRate(echo->reader, settings.seconds);
    if (!bare.ok()) return bare.status();
    baseline.push_back(*bare);
  }
  const double ratio = MedianRatio(measured, baseline);
  return Row{.name = "feed_delivery",
             .measured = FormatRate(measured, "/s"),
             .baseline = FormatRate(baseline, "/s"),
             .ratio = ratio,
             .target = ">= 0.6",
             .ok = ratio >= 0.6,
             .note = "records of the snapshot to one watch; baseline: an echo that sends one response of " +
                     std::to_string(response->events_size()) + " records and " +
                     std::to_string(response->ByteSizeLong()) + " bytes again and again",
             .measured_value = Median(measured),
             .baseline_value = Median(baseline)};
}

Row UnaryRow(const Beside& calls) {
  return {.name = "feed_delivery_unary",
          .measured = FormatNumber(calls.p99_ms()) + " ms",
          .baseline = FormatNumber(calls.alone_p99_ms()) + " ms",
          .ratio = calls.p99_ms() / calls.alone_p99_ms(),
          .target = "<= 100 ms",
          .ok = calls.p99_ms() <= 100,
          .note = "p99 of " + std::to_string(calls.beside.size()) +
                  " calls of GetRecord and ScreenSellers, one after the other, beside " +
                  std::to_string(kBusyWatches) +
                  " watches that take in the snapshot as fast as they can, each on its own connection; "
                  "baseline: without them",
          .measured_value = calls.p99_ms(),
          .baseline_value = calls.alone_p99_ms()};
}

// Bytes that the server keeps for a watch that is not read.
absl::StatusOr<double> SlowReaderBytes(const Server& server) {
  if (absl::Status rested = server.process->WaitIdle(kOpening); !rested.ok()) return rested;
  const uint64_t before = server.process->MemoryBytes("RssAnon");
  WatchLoad load(server.reader, {.watches = kSlowReaders, .connections = kSlowReaders, .reads = false});
  std::this_thread::sleep_for(kFilling);
  if (load.told().ended > 0) return absl::InternalError("a watch has ended");
  const uint64_t after = server.process->MemoryBytes("RssAnon");
  return (static_cast<double>(after) - static_cast<double>(before)) / kSlowReaders;
}

}  // namespace

Rows FeedDelivery(Workspace& workspace, const Settings& settings) {
  const auto home = workspace.HomeWith(settings.records);
  if (!home.ok()) return home.status();
  const auto server = workspace.StartServer(*home);
  if (!server.ok()) return server.status();
  auto delivery = Delivery(workspace, *server, settings);
  if (!delivery.ok()) return delivery.status();
  const auto calls =
      CallsBeside(server->reader, {.watches = kBusyWatches, .connections = kBusyWatches}, settings);
  if (!calls.ok()) return calls.status();
  return std::vector<Row>{*std::move(delivery), UnaryRow(*calls)};
}

Rows FeedSlowReader(Workspace& workspace, const Settings& settings) {
  const auto home = workspace.HomeWith(settings.records);
  if (!home.ok()) return home.status();
  const auto server = workspace.StartServer(*home);
  if (!server.ok()) return server.status();
  const auto calls = CallsBeside(server->reader, {.reads = false}, settings);
  if (!calls.ok()) return calls.status();
  const auto bytes = SlowReaderBytes(*server);
  if (!bytes.ok()) return bytes.status();
  const double ratio = calls->p99_ms() / calls->alone_p99_ms();
  return std::vector<Row>{{.name = "feed_slow_reader",
                           .measured = FormatNumber(calls->p99_ms()) + " ms",
                           .baseline = FormatNumber(calls->alone_p99_ms()) + " ms",
                           .ratio = ratio,
                           .target = "<= 1.1",
                           .ok = ratio <= 1.1,
                           .note = "p99 of calls as in feed_delivery_unary, beside one watch that reads "
                                   "nothing; baseline: without it",
                           .measured_value = calls->p99_ms(),
                           .baseline_value = calls->alone_p99_ms()},
                          {.name = "feed_slow_reader_memory",
                           .measured = FormatNumber(*bytes / 1024) + " KiB",
                           .baseline = "",
                           .ratio = std::nullopt,
                           .target = "<= 1 MiB",
                           .ok = *bytes <= 1 << 20,
                           .note = "more anonymous memory (RssAnon) of the server for each of " +
                                   std::to_string(kSlowReaders) + " watches that read nothing",
                           .measured_value = *bytes,
                           .baseline_value = 0}};
}

}  // namespace coalition::bench
