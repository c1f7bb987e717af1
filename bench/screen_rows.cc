#include <atomic>
#include <thread>

#include "bench/generator.h"
#include "bench/rows.h"
#include "bench/statistics.h"

namespace coalition::bench {
namespace {

constexpr ScreenShape kBatches = {.connections = 2, .in_flight = 2, .sellers = 1000};

absl::StatusOr<v1::ScreenSellersResponse> AnswerFor(const Endpoint& endpoint, int sellers, int listed,
                                                    uint64_t records) {
  v1::ScreenSellersRequest request;
  for (int i = 0; i < sellers; ++i) {
    if (i < listed) {
      SetListedSeller(Mix(static_cast<uint64_t>(i)) % records, request.add_sellers());
    } else {
      SetUnlistedSeller(static_cast<uint64_t>(i), request.add_sellers());
    }
  }
  return ScreenOnce(endpoint, request);
}

std::string Bytes(const v1::ScreenSellersResponse& response) {
  return std::to_string(response.ByteSizeLong());
}

// Sellers a CPU-second of the server.
absl::StatusOr<double> SellersPerCpuSecond(ScreenLoad& load, const testing::Process& process,
                                           double seconds) {
  const double before = process.CpuSeconds();
  const Segment segment = load.Run(std::chrono::duration<double>(seconds));
  if (!segment.status.ok()) return segment.status;
  return static_cast<double>(segment.sellers) / (process.CpuSeconds() - before);
}

Rows MeasureBatch(Workspace& workspace, const Settings& settings, const std::string& name, double listed,
                  double target) {
  const auto home = workspace.HomeWith(settings.records);
  if (!home.ok()) return home.status();
  auto server = workspace.StartServer(*home);
  if (!server.ok()) return server.status();
  const auto answer = AnswerFor(server->reader, kBatches.sellers, static_cast<int>(listed * kBatches.sellers),
                                settings.records);
  if (!answer.ok()) return answer.status();
  auto echo = workspace.StartEcho(*answer, *answer, 0);
  if (!echo.ok()) return echo.status();

  ScreenShape shape = kBatches;
  shape.listed = listed;
  shape.records = settings.records;
  ScreenLoad load(server->reader, shape, 1);
  shape.check = false;
  ScreenLoad echo_load(echo->reader, shape, 1);
  load.Run(std::chrono::seconds(1));
  echo_load.Run(std::chrono::seconds(1));
  std::vector<double> measured, baseline;
  for (int round = 0; round < settings.rounds; ++round) {
    const auto a = SellersPerCpuSecond(load, *server->process, settings.seconds);
    if (!a.ok()) return a.status();
    const auto b = SellersPerCpuSecond(echo_load, *echo->process, settings.seconds);
    if (!b.ok()) return b.status();
    measured.push_back(*a);
    baseline.push_back(*b);
  }
  const double value = Median(measured);
  return std::vector<Row>{
      {.name = name,
       .measured = FormatRate(measured, "/CPU s"),
       .baseline = FormatRate(baseline, "/CPU s"),
       .ratio = MedianRatio(measured, baseline),
       .target = ">= " + FormatNumber(target) + "/CPU s",
       .ok = value >= target,
       .note =
           "sellers per CPU-second of the server process; baseline: the echo with answers of equal bytes (" +
           Bytes(*answer) + "); measured / target = " + FormatNumber(value / target) + "; store " +
           workspace.store_origin(),
       .measured_value = value,
       .baseline_value = Median(baseline)}};
}

// One caller that asks for one listed seller after the other.
constexpr ScreenShape kHits = {.connections = 1, .in_flight = 1, .sellers = 1, .listed = 1};

}  // namespace

Rows ScreenUnary(Workspace& workspace, const Settings& settings) {
  const auto home = workspace.HomeWith(settings.records);
  if (!home.ok()) return home.status();
  auto server = workspace.StartServer(*home);
  if (!server.ok()) return server.status();
  const auto miss = AnswerFor(server->reader, 1, 0, settings.records);
  if (!miss.ok()) return miss.status();
  const auto hit = AnswerFor(server->reader, 1, 1, settings.records);
  if (!hit.ok()) return hit.status();
  auto echo = workspace.StartEcho(*miss, *hit, 100);
  if (!echo.ok()) return echo.status();

  ScreenShape shape{.records = settings.records};
  ScreenLoad load(server->reader, shape, 1);
  shape.check = false;
  ScreenLoad echo_load(echo->reader, shape, 1);
  load.Run(std::chrono::seconds(1));
  echo_load.Run(std::chrono::seconds(1));
  std::vector<double> measured, baseline, cpu, echo_cpu, p99;
  for (int round = 0; round < settings.rounds; ++round) {
    double before = server->process->CpuSeconds();
    const Segment a = load.Run(std::chrono::duration<double>(settings.seconds));
    if (!a.status.ok()) return a.status;
    cpu.push_back((server->process->CpuSeconds() - before) / static_cast<double>(a.calls) * 1e6);
    before = echo->process->CpuSeconds();
    const Segment b = echo_load.Run(std::chrono::duration<double>(settings.seconds));
    if (!b.status.ok()) return b.status;
    echo_cpu.push_back((echo->process->CpuSeconds() - before) / static_cast<double>(b.calls) * 1e6);
    measured.push_back(a.calls_per_s());
    baseline.push_back(b.calls_per_s());
    p99.push_back(Quantile(a.latencies_s, 0.99) * 1e3);
  }
  const double ratio = MedianRatio(measured, baseline);
  return std::vector<Row>{{.name = "screen_unary",
                           .measured = FormatRate(measured, "/s"),
                           .baseline = FormatRate(baseline, "/s"),
                           .ratio = ratio,
                           .target = ">= 0.9",
                           .ok = ratio >= 0.9,
                           .note = "calls of one seller, 1 % listed, 4 connections x 32; baseline: the echo "
                                   "with answers of equal bytes (" +
                                   Bytes(*miss) + ", listed " + Bytes(*hit) + "); server CPU " +
                                   FormatNumber(Median(cpu)) + " us a call, echo " +
                                   FormatNumber(Median(echo_cpu)) + " us; p99 " + FormatNumber(Median(p99)) +
                                   " ms; store " + workspace.store_origin(),
                           .measured_value = Median(measured),
                           .baseline_value = Median(baseline)}};
}

Rows ScreenBatch(Workspace& workspace, const Settings& settings) {
  return MeasureBatch(workspace, settings, "screen_batch", 0.01, 1'000'000);
}

Rows ScreenBatchTenPercent(Workspace& workspace, const Settings& settings) {
  return MeasureBatch(workspace, settings, "screen_batch_10pct", 0.1, 500'000);
}

Rows ScreenDuringImport(Workspace& workspace, const Settings& settings) {
  const auto kept = workspace.HomeWith(settings.records);
  if (!kept.ok()) return kept.status();
  const auto home = workspace.CopyHome(*kept, "during-import");
  if (!home.ok()) return home.status();
  auto server = workspace.StartServer(*home);
  if (!server.ok()) return server.status();

  ScreenShape shape = kHits;
  shape.records = settings.records;
  ScreenLoad load(server->reader, shape, 1);
  load.Run(std::chrono::seconds(1));
  std::vector<double> measured, baseline, worst, import_rate;
  uint64_t next = settings.records;
  for (int round = 0; round < settings.rounds; ++round) {
    const Segment alone = load.Run(std::chrono::duration<double>(settings.seconds));
    if (!alone.status.ok()) return alone.status;
    baseline.push_back(Quantile(alone.latencies_s, 0.99) * 1e3);

    std::atomic<bool> stop = false;
    ImportResultCounts imported;
    std::thread importer(
        [&] { imported = ImportReports(server->contributor, {}, next, uint64_t{1} << 40, &stop); });
    const Segment beside = load.Run(std::chrono::duration<double>(settings.seconds));
    stop = true;
    importer.join();
    if (!beside.status.ok()) return beside.status;
    if (!imported.status.ok()) return imported.status;
    next += imported.created;
    measured.push_back(Quantile(beside.latencies_s, 0.99) * 1e3);
    worst.push_back(Quantile(beside.latencies_s, 1) * 1e3);
    import_rate.push_back(static_cast<double>(imported.created) / imported.seconds);
  }
  const double value = Median(measured);
  return std::vector<Row>{
      {.name = "screen_during_import",
       .measured = FormatRate(measured, " ms"),
       .baseline = FormatRate(baseline, " ms"),
       .ratio = MedianRatio(measured, baseline),
       .target = "<= 50 ms",
       .ok = value <= 50,
       .note = "p99 of a screening of one listed seller, one at a time, beside two import streams (" +
               FormatNumber(Median(import_rate)) + " records/s); baseline: without them; slowest of all " +
               FormatNumber(Quantile(worst, 1)) + " ms",
       .measured_value = value,
       .baseline_value = Median(baseline)}};
}

}  // namespace coalition::bench
