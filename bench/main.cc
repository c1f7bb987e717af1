// coalition_bench: what ./dev bench runs. See docs/benchmarks.md.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>

#include "absl/synchronization/mutex.h"
#include "bench/rows.h"

namespace coalition::bench {
namespace {

struct Measurement {
  std::vector<std::string> rows;  // the names it answers to
  Rows (*run)(Workspace&, const Settings&);
  bool large = false;  // takes minutes and 10 GB: only when asked for
};

const std::vector<Measurement>& Measurements() {
  static const auto& all = *new std::vector<Measurement>{
      {{"screen_unary"}, ScreenUnary},
      {{"screen_batch"}, ScreenBatch},
      {{"screen_batch_10pct"}, ScreenBatchTenPercent},
      {{"import_durable", "import_durable_mtls"}, ImportDurable},
      {{"screen_during_import"}, ScreenDuringImport},
      {{"idle_memory"}, IdleMemory},
      {{"policy_decide"}, PolicyDecide},
      {{"list_overhead"}, ListOverhead},
      {{"who_can_see"}, WhoCanSee},
      {{"policy_diff"}, PolicyDiff},
      {{"policy_apply"}, PolicyApply},
      {{"cutoff", "cutoff_call", "cutoff_in_flight"}, CutOff},
      {{"registry_lookup", "registry_start", "registry_change"}, Registry},
      {{"feed_fanout"}, FeedFanout},
      {{"feed_snapshot"}, FeedSnapshot},
      {{"feed_delivery", "feed_delivery_unary"}, FeedDelivery},
      {{"feed_delivery_tail"}, FeedDeliveryTail},
      {{"feed_slow_reader", "feed_slow_reader_memory"}, FeedSlowReader},
      {{"mirror_lookup", "mirror_memory"}, MirrorAlone},
      {{"mirror_snapshot", "retract_bulk"}, MirrorFeed},
      {{"ledger_verify"}, LedgerVerify},
      {{"screen_hit_ledger", "screen_miss_ledger"}, ScreenLedger},
      {{"ledger_append", "ledger_append_joined"}, LedgerAppend},
      {{"ledger_inclusion"}, LedgerInclusion, true},
      {{"backup_rate", "backup_load"}, BackupRate},
      {{"hidden_timing", "hidden_timing_screen"}, HiddenTiming},
      {{"growth_10m", "growth_10m_memory", "open_10m"}, Growth, true},
  };
  return all;
}

bool Asked(const Measurement& measurement, const std::vector<std::string>& names, bool full) {
  if (names.empty()) return full || !measurement.large;
  for (const std::string& name : names) {
    for (const std::string& row : measurement.rows) {
      if (row == name) return true;
    }
  }
  return false;
}

std::vector<std::string> RowNames() {
  std::vector<std::string> names;
  for (const Measurement& measurement : Measurements()) {
    names.insert(names.end(), measurement.rows.begin(), measurement.rows.end());
  }
  return names;
}

absl::StatusOr<std::vector<Row>> RunAll(const Workspace::Options& options, const Settings& settings,
                                        const std::vector<std::string>& names, bool full) {
  const auto workspace = Workspace::Open(options);
  if (!workspace.ok()) return workspace.status();
  std::vector<Row> rows;
  for (const Measurement& measurement : Measurements()) {
    if (!Asked(measurement, names, full)) continue;
    std::fprintf(stderr, "measuring %s\n", measurement.rows[0].c_str());
    const Rows measured = measurement.run(**workspace, settings);
    if (!measured.ok()) {
      return absl::Status(measured.status().code(),
                          measurement.rows[0] + ": " + std::string(measured.status().message()));
    }
    rows.insert(rows.end(), measured->begin(), measured->end());
  }
  return rows;
}

int Main(int count, char** arguments) {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);  // see coalitiond
  Settings settings;
  Workspace::Options options{
      .build_dir = COALITION_BENCH_DIR, .server = COALITION_BENCH_SERVER, .echo = COALITION_BENCH_ECHO};
  std::vector<std::string> names;
  std::string json_file;
  bool full = false;
  CLI::App app("Measures the server, each row against a baseline of the same run.", "coalition_bench");
  app.add_option("row", names, "Rows to measure (default: all but those of 10 M records or entries)")
      ->check(CLI::IsMember(RowNames()));
  app.add_option("--records", settings.records, "Records in the store")->check(CLI::Range(1000, 100'000'000));
  app.add_option("--seconds", settings.seconds, "Of each measurement of each round")
      ->check(CLI::Range(0.1, 600.0));
  app.add_option("--rounds", settings.rounds, "Measurement and baseline alternate so many times")
      ->check(CLI::Range(1, 1000));
  app.add_option("--import-records", settings.import_records, "Records of each import of import_durable")
      ->check(CLI::Range(1000, 10'000'000));
  app.add_option("--ledger-entries", settings.ledger_entries, "Entries in the log of ledger_inclusion")
      ->check(CLI::Range(10'000, 100'000'000));
  app.add_option("--timing-calls", settings.timing_calls, "Calls of each of hidden_timing's rows")
      ->check(CLI::Range(1000, 10'000'000));
  app.add_option("--json", json_file, "Also write the rows to this file");
  app.add_flag("--full", full,
               "Also the rows that need 10 M records or entries: some minutes and 10 GB of disk");
  app.add_flag("--fresh", options.fresh, "Make the stores anew that are kept from earlier runs");
  CLI11_PARSE(app, count, arguments);

  const auto rows = RunAll(options, settings, names, full);
  if (!rows.ok()) {
    std::fprintf(stderr, "coalition_bench: %s\n", std::string(rows.status().message()).c_str());
    return 1;
  }
  std::fputs(FormatTable(*rows).c_str(), stdout);
  if (names.empty() && !full) {
    std::puts(
        "\nNot measured: growth_10m, growth_10m_memory, open_10m, ledger_inclusion (--full, or name them).");
  }
  if (!json_file.empty()) {
    std::ofstream out(json_file);
    out << FormatJson(*rows);
    if (!out.flush()) {
      std::fprintf(stderr, "coalition_bench: cannot write %s\n", json_file.c_str());
      return 1;
    }
  }
  return 0;
}

}  // namespace
}  // namespace coalition::bench

int main(int count, char** arguments) { return coalition::bench::Main(count, arguments); }
