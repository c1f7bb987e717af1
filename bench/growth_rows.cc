#include "bench/generator.h"
#include "bench/rows.h"
#include "bench/statistics.h"

namespace coalition::bench {
namespace {

// Sellers a CPU-second of the server, and the sellers a second beside it.
struct BatchRate {
  double per_cpu_second = 0;
  double per_second = 0;
};

absl::StatusOr<BatchRate> MeasureBatches(ScreenLoad& load, const testing::Process& process, double seconds) {
  const double before = process.CpuSeconds();
  const Segment segment = load.Run(std::chrono::duration<double>(seconds));
  if (!segment.status.ok()) return segment.status;
  const auto sellers = static_cast<double>(segment.sellers);
  return BatchRate{.per_cpu_second = sellers / (process.CpuSeconds() - before),
                   .per_second = sellers / segment.seconds};
}

std::string Mebibytes(double bytes) { return FormatNumber(bytes / (1 << 20)) + " MiB"; }

Row OpenRow(const Server& large, const Server& small, const std::string& note) {
  return {.name = "open_10m",
          .measured = FormatNumber(large.open_seconds) + " s",
          .baseline = FormatNumber(small.open_seconds) + " s",
          .ratio = large.open_seconds / small.open_seconds,
          .target = "< 4 s",
          .ok = large.open_seconds < 4,
          .note =
              "from the start of the process to its first answer, files in the page cache; baseline: 1 M "
              "records; " +
              note,
          .measured_value = large.open_seconds,
          .baseline_value = small.open_seconds};
}

Row MemoryRow(const Server& large, const Server& small) {
  const auto anonymous = static_cast<double>(large.process->MemoryBytes("RssAnon"));
  const auto baseline = static_cast<double>(small.process->MemoryBytes("RssAnon"));
  return {.name = "growth_10m_memory",
          .measured = Mebibytes(anonymous),
          .baseline = Mebibytes(baseline),
          .ratio = anonymous / baseline,
          .target = "< 512 MiB",
          .ok = anonymous < 512.0 * (1 << 20),
          .note = "RssAnon after the screenings; baseline: 1 M records; with mapped tables " +
                  Mebibytes(static_cast<double>(large.process->MemoryBytes("VmRSS"))) + " resident",
          .measured_value = anonymous,
          .baseline_value = baseline};
}

}  // namespace

Rows Growth(Workspace& workspace, const Settings& settings) {
  const auto small_home = workspace.HomeWith(settings.records);
  if (!small_home.ok()) return small_home.status();
  const auto large_home = workspace.HomeWith(settings.records_large);
  if (!large_home.ok()) return large_home.status();
  const std::string origin = "store of " +
                             FormatNumber(static_cast<double>(workspace.StoreBytes(*large_home)) / 1e9) +
                             " GB " + workspace.store_origin();
  auto small = workspace.StartServer(*small_home);
  if (!small.ok()) return small.status();
  auto large = workspace.StartServer(*large_home);
  if (!large.ok()) return large.status();

  ScreenShape shape{.connections = 2, .in_flight = 2, .sellers = 1000, .records = settings.records};
  ScreenLoad small_load(small->reader, shape, 1);
  shape.records = settings.records_large;
  ScreenLoad large_load(large->reader, shape, 1);
  small_load.Run(std::chrono::seconds(1));
  large_load.Run(std::chrono::seconds(5));
  std::vector<double> measured, baseline, rate;
  for (int round = 0; round < settings.rounds; ++round) {
    const auto a = MeasureBatches(large_load, *large->process, settings.seconds);
    if (!a.ok()) return a.status();
    const auto b = MeasureBatches(small_load, *small->process, settings.seconds);
    if (!b.ok()) return b.status();
    measured.push_back(a->per_cpu_second);
    baseline.push_back(b->per_cpu_second);
    rate.push_back(a->per_second);
  }
  const double ratio = MedianRatio(measured, baseline);
  return std::vector<Row>{{.name = "growth_10m",
                           .measured = FormatRate(measured, "/CPU s"),
                           .baseline = FormatRate(baseline, "/CPU s"),
                           .ratio = ratio,
                           .target = "> 0.8",
                           .ok = ratio > 0.8,
                           .note = "sellers per CPU-second of the server, batches of 1,000, 1 % listed, 10 M "
                                   "records; baseline: 1 M records; " +
                                   FormatNumber(Median(rate)) + " sellers/s; " + origin,
                           .measured_value = Median(measured),
                           .baseline_value = Median(baseline)},
                          MemoryRow(*large, *small),
                          OpenRow(*large, *small, origin)};
}

Rows IdleMemory(Workspace& workspace, const Settings& /*settings*/) {
  const auto home = workspace.MakeHome("idle");
  if (!home.ok()) return home.status();
  auto server = workspace.StartServer(*home);
  if (!server.ok()) return server.status();
  const auto answer = [&] {
    v1::ScreenSellersRequest request;
    SetUnlistedSeller(1, request.add_sellers());
    return ScreenOnce(server->reader, request);
  }();
  if (!answer.ok()) return answer.status();
  auto echo = workspace.StartEcho(*answer, *answer, 0);
  if (!echo.ok()) return echo.status();
  const auto resident = static_cast<double>(server->process->MemoryBytes("VmRSS"));
  const auto baseline = static_cast<double>(echo->process->MemoryBytes("VmRSS"));
  return std::vector<Row>{
      {.name = "idle_memory",
       .measured = Mebibytes(resident),
       .baseline = Mebibytes(baseline),
       .ratio = resident / baseline,
       .target = "< 64 MiB",
       .ok = resident < 64.0 * (1 << 20),
       .note = "resident set of a server with an empty store after a few calls, of it anonymous " +
               Mebibytes(static_cast<double>(server->process->MemoryBytes("RssAnon"))) +
               "; baseline: the echo, which is what gRPC and TLS take",
       .measured_value = resident,
       .baseline_value = baseline}};
}

}  // namespace coalition::bench
