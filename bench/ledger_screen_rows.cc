// What the ledger costs a screening: each reply that shows a record waits until its entry is durable.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "bench/generator.h"
#include "bench/rows.h"
#include "bench/statistics.h"
#include "common/fd.h"

namespace coalition::bench {
namespace {

constexpr int kSyncs = 200;
constexpr size_t kSyncBytes = 4096;

// Seconds of each of kSyncs times: append to a file beside the stores, and wait for the disk, as LevelDB
// does.
absl::StatusOr<std::vector<double>> SyncSeconds(const std::filesystem::path& dir) {
  const std::string name = dir / "syncs";
  const Fd file(open(name.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600));
  const std::string bytes(kSyncBytes, 's');
  std::vector<double> seconds;
  for (int i = 0; i < kSyncs; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const bool written =
        write(file.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) &&
        fdatasync(file.get()) == 0;
    if (!written) return absl::UnavailableError("cannot write " + name);
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return seconds;
}

absl::StatusOr<v1::ScreenSellersResponse> AnswerTo(const Endpoint& endpoint, bool listed) {
  v1::ScreenSellersRequest request;
  listed ? SetListedSeller(0, request.add_sellers()) : SetUnlistedSeller(0, request.add_sellers());
  return ScreenOnce(endpoint, request);
}

// Calls a second of each load, round by round.
struct Rates {
  std::vector<double> hit, hit_echo, miss, miss_echo, none;
  std::vector<double> sync_s, hit_p99_ms;
  std::vector<double> asked_of_hit;  // min(0.6 x the echo, 0.4 x depth / fsync p50)
};

absl::Status RunRound(const Workspace& workspace, double seconds, const std::vector<ScreenLoad*>& loads,
                      int depth, Rates* rates) {
  const std::vector<std::vector<double>*> rates_of = {&rates->hit, &rates->hit_echo, &rates->miss,
                                                      &rates->miss_echo, &rates->none};
  for (size_t i = 0; i < loads.size(); ++i) {
    const Segment segment = loads[i]->Run(std::chrono::duration<double>(seconds));
    if (!segment.status.ok()) return segment.status;
    rates_of[i]->push_back(segment.calls_per_s());
    if (i == 0) rates->hit_p99_ms.push_back(Quantile(segment.latencies_s, 0.99) * 1e3);
  }
  const auto syncs = SyncSeconds(workspace.temporary_dir());
  if (!syncs.ok()) return syncs.status();
  rates->sync_s.push_back(Median(*syncs));
  rates->asked_of_hit.push_back(std::min(0.6 * rates->hit_echo.back(), 0.4 * depth / rates->sync_s.back()));
  return absl::OkStatus();
}

Row HitRow(const Rates& rates, int depth) {
  const double of_asked = MedianRatio(rates.hit, rates.asked_of_hit);
  return {.name = "screen_hit_ledger",
          .measured = FormatRate(rates.hit, "/s"),
          .baseline = FormatRate(rates.hit_echo, "/s"),
          .ratio = MedianRatio(rates.hit, rates.hit_echo),
          .target = ">= " + FormatNumber(Median(rates.asked_of_hit)) + "/s",
          .ok = of_asked >= 1,
          .note =
              "calls of one listed seller, each answered once its entry is durable; asked: min(0.6 x the "
              "echo, 0.4 x " +
              std::to_string(depth) + " calls under way / fsync p50 of " +
              FormatNumber(Median(rates.sync_s) * 1e3) + " ms), of which this is " + FormatNumber(of_asked) +
              "; baseline: the echo with answers of equal bytes; p99 " +
              FormatNumber(Median(rates.hit_p99_ms)) + " ms",
          .measured_value = Median(rates.hit),
          .baseline_value = Median(rates.hit_echo)};
}

Row MissRow(const Rates& rates) {
  const double ratio = MedianRatio(rates.miss, rates.miss_echo);
  return {.name = "screen_miss_ledger",
          .measured = FormatRate(rates.miss, "/s"),
          .baseline = FormatRate(rates.miss_echo, "/s"),
          .ratio = ratio,
          .target = ">= 0.9",
          .ok = ratio >= 0.9,
          .note =
              "the same, 1 % listed; baseline: the echo with answers of equal bytes; the same server with "
              "none listed, so that nothing is written: " +
              FormatRate(rates.none, "/s") + ", of which it is " +
              FormatNumber(MedianRatio(rates.miss, rates.none)),
          .measured_value = Median(rates.miss),
          .baseline_value = Median(rates.miss_echo)};
}

}  // namespace

Rows ScreenLedger(Workspace& workspace, const Settings& settings) {
  const auto kept = workspace.HomeWith(settings.records);
  if (!kept.ok()) return kept.status();
  const auto home = workspace.CopyHome(*kept, "screen-ledger");
  if (!home.ok()) return home.status();
  auto server = workspace.StartServer(*home);
  if (!server.ok()) return server.status();
  const auto miss = AnswerTo(server->reader, false);
  if (!miss.ok()) return miss.status();
  const auto hit = AnswerTo(server->reader, true);
  if (!hit.ok()) return hit.status();
  auto hit_echo = workspace.StartEcho(*hit, *hit, 0);
  if (!hit_echo.ok()) return hit_echo.status();
  auto miss_echo = workspace.StartEcho(*miss, *hit, 100);
  if (!miss_echo.ok()) return miss_echo.status();

  ScreenShape shape{.listed = 1, .records = settings.records};
  const int depth = shape.connections * shape.in_flight;
  ScreenLoad hits(server->reader, shape, 1);
  shape.listed = 0.01;
  ScreenLoad misses(server->reader, shape, 2);
  shape.listed = 0;
  ScreenLoad none(server->reader, shape, 3);
  shape.check = false;
  ScreenLoad hit_echoes(hit_echo->reader, shape, 1), miss_echoes(miss_echo->reader, shape, 2);
  const std::vector<ScreenLoad*> loads = {&hits, &hit_echoes, &misses, &miss_echoes, &none};
  for (ScreenLoad* load : loads) load->Run(std::chrono::seconds(1));
  Rates rates;
  for (int round = 0; round < settings.rounds; ++round) {
    if (absl::Status ran = RunRound(workspace, settings.seconds, loads, depth, &rates); !ran.ok()) return ran;
  }
  return std::vector<Row>{HitRow(rates, depth), MissRow(rates)};
}

}  // namespace coalition::bench
