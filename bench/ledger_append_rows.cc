// How fast entries are written, and sealed: each reply that shows a record waits for the first.
#include <atomic>
#include <chrono>
#include <memory>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "bench/generator.h"
#include "bench/ledger_log.h"
#include "bench/replay.h"
#include "bench/rows.h"
#include "bench/statistics.h"

namespace coalition::bench {
namespace {

using Clock = std::chrono::steady_clock;

// More than one tick can seal.
constexpr uint64_t kEntries = 200'000;
constexpr double kTarget = 250'000;  // a second
constexpr uint32_t kThreads = 2;
constexpr uint32_t kMembers = 8;
// Calls that wait for their entry. The lane takes 8,192, of one member 2,048.
constexpr ptrdiff_t kUnderWay = 4'096;

double Seconds(Clock::time_point from) { return std::chrono::duration<double>(Clock::now() - from).count(); }

// Whether answers that wait at the same time become one entry.
enum class Entries { kOneEach, kJoined };

// What a member is shown by a screening of one listed seller, of a record that it had been shown before.
ledger::Disclosure DisclosureOf(uint64_t number, int64_t now_ns, Entries of) {
  ledger::Disclosure disclosure;
  disclosure.member = 1 + static_cast<uint32_t>(number % kMembers);
  disclosure.credential = "reader";
  disclosure.method = "ScreenSellers";
  disclosure.epoch = 1;
  disclosure.time_ns = now_ns;
  ledger::DisclosedRecord& record = disclosure.records.emplace_back();
  uint64_t hash = Mix(number);
  for (uint8_t& byte : record.record) {
    byte = static_cast<uint8_t>(hash);
    hash = hash >> 8 | hash << 56;
  }
  record.contributor = kMembers + 1;
  record.view_ids = 1;
  // What may be an opinion has an entry of its own.
  if (of == Entries::kJoined) record.record_class = v1::RECORD_CLASS_OFFENDER_REPORT;
  return disclosure;
}

struct Appended {
  double seconds = 0;
  uint64_t entries = 0;
};

// Returns when all that was shown is durable.
absl::StatusOr<Appended> Append(LedgerLog& log, Entries of) {
  ledger::EntryLog entries(log.lane(), LedgerNames(),
                           [](uint32_t, const std::function<void()>& work) { work(); });
  // Shared: the last one is given back while it goes.
  const auto places = std::make_shared<std::counting_semaphore<>>(kUnderWay);
  std::atomic<uint64_t> failed = 0;
  const auto start = Clock::now();
  std::vector<std::thread> threads;
  for (uint32_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (uint64_t i = thread; i < kEntries; i += kThreads) {
        places->acquire();
        entries.Append(DisclosureOf(i, log.now_ns(), of), {}, {},
                       [&failed, places](const absl::Status& status) {
                         failed += status.ok() ? 0 : 1;
                         places->release();
                       });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (ptrdiff_t i = 0; i < kUnderWay; ++i) places->acquire();
  const double seconds = Seconds(start);
  if (failed > 0) return absl::UnavailableError(std::to_string(failed) + " entries were not written");
  return Appended{seconds, entries.appended()};
}

struct Sealing {
  std::vector<double> entries_per_s;  // of all ticks of a round
  std::vector<double> full_tick_ms;
  uint64_t full_tick_entries = 0;
};

// All that was written; the first tick is a full one.
absl::Status SealAll(LedgerLog& log, Sealing* sealing) {
  const auto start = Clock::now();
  for (bool full = true; log.sealer().counts().entries < kEntries; full = false) {
    if (absl::Status sealed = log.Tick(); !sealed.ok()) return sealed;
    if (!full) continue;
    sealing->full_tick_ms.push_back(Seconds(start) * 1e3);
    sealing->full_tick_entries = log.sealer().counts().entries;
  }
  sealing->entries_per_s.push_back(static_cast<double>(kEntries) / Seconds(start));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<leveldb::WriteBatch>> CaptureBatches(const std::string& dir) {
  CapturingEnv env;
  auto log = LedgerLog::Open(EmptyDir(dir), &env);
  if (!log.ok()) return log.status();
  if (const auto appended = Append(**log, Entries::kOneEach); !appended.ok()) return appended.status();
  return env.Batches();
}

Row AppendRow(const std::vector<double>& measured, const std::vector<double>& baseline,
              const Sealing& sealing, size_t batches) {
  const double value = Median(measured);
  return {.name = "ledger_append",
          .measured = FormatRate(measured, "/s"),
          .baseline = FormatRate(baseline, "/s"),
          .ratio = MedianRatio(measured, baseline),
          .target = ">= 250,000/s",
          .ok = value >= kTarget,
          .note = "entries of disclosures of one record each, " + std::to_string(kUnderWay) +
                  " under way, in process; baseline: the batches that were written (" +
                  std::to_string(batches) +
                  " synchronous ones) into an empty LevelDB of equal options; sealed afterwards at " +
                  FormatRate(sealing.entries_per_s, " entries/s") + ", a full tick of " +
                  FormatNumber(static_cast<double>(sealing.full_tick_entries)) + " in " +
                  FormatRate(sealing.full_tick_ms, " ms"),
          .measured_value = value,
          .baseline_value = Median(baseline)};
}

Row JoinedRow(const std::vector<double>& measured, const std::vector<double>& one_each, double entries) {
  const double value = Median(measured);
  return {.name = "ledger_append_joined",
          .measured = FormatRate(measured, "/s"),
          .baseline = FormatRate(one_each, "/s"),
          .ratio = MedianRatio(measured, one_each),
          .target = ">= 250,000/s",
          .ok = value >= kTarget,
          .note =
              "the same disclosures, where those of one credential that wait at the same time become one "
              "entry: " +
              FormatNumber(entries) + " entries of " + std::to_string(kEntries) +
              "; baseline: an entry for each",
          .measured_value = value,
          .baseline_value = Median(one_each)};
}

}  // namespace

Rows LedgerAppend(Workspace& workspace, const Settings& settings) {
  const std::string dir = workspace.temporary_dir() / "ledger-append";
  auto batches = CaptureBatches(dir);
  if (!batches.ok()) return batches.status();
  std::vector<double> measured, baseline, joined_rate, joined_entries;
  Sealing sealing;
  for (int round = 0; round < settings.rounds; ++round) {
    auto log = LedgerLog::Open(EmptyDir(dir));
    if (!log.ok()) return log.status();
    const auto appended = Append(**log, Entries::kOneEach);
    if (!appended.ok()) return appended.status();
    if (absl::Status sealed = SealAll(**log, &sealing); !sealed.ok()) return sealed;
    log->reset();
    const auto replayed = Replay(*batches, EmptyDir(dir));
    if (!replayed.ok()) return replayed.status();
    measured.push_back(static_cast<double>(kEntries) / appended->seconds);
    baseline.push_back(static_cast<double>(kEntries) / *replayed);
    auto empty = LedgerLog::Open(EmptyDir(dir));
    if (!empty.ok()) return empty.status();
    const auto joined = Append(**empty, Entries::kJoined);
    if (!joined.ok()) return joined.status();
    joined_rate.push_back(static_cast<double>(kEntries) / joined->seconds);
    joined_entries.push_back(static_cast<double>(joined->entries));
  }
  return std::vector<Row>{AppendRow(measured, baseline, sealing, batches->size()),
                          JoinedRow(joined_rate, measured, Median(joined_entries))};
}

}  // namespace coalition::bench
