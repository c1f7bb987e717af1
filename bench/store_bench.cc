// The store alone: durable commits against their own batches replayed into an empty LevelDB of equal options,
// hits, misses and opening.
//
//   store_bench [--benchmark_filter=...]    COALITION_STORE_BENCH_RECORDS sets the size of the warm store
//   (1,000,000)
#include <benchmark/benchmark.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "leveldb/write_batch.h"
#include "server/store/engine.h"
#include "server/store/leveldb_store.h"
#include "tests/support/store/forwarding_db.h"

namespace coalition::store {
namespace {

constexpr int kRecordsPerCommit = 250;
constexpr int kCommits = 200;

class BenchDir {
 public:
  BenchDir() {
    std::string name = (std::filesystem::temp_directory_path() / "coalition-bench-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~BenchDir() { std::filesystem::remove_all(path_); }
  LevelDbOptions Options(const std::string& name) const { return {.dir = (path_ / name).string()}; }

 private:
  std::filesystem::path path_;
};

// Keeps what is written, to be written again.
class CapturingDb final : public testing::ForwardingDb {
 public:
  CapturingDb(std::unique_ptr<leveldb::DB> base, std::vector<leveldb::WriteBatch>& captured)
      : ForwardingDb(std::move(base)), captured_(captured) {}
  leveldb::Status Write(const leveldb::WriteOptions& options, leveldb::WriteBatch* batch) override {
    captured_.push_back(*batch);
    return base().Write(options, batch);
  }

 private:
  std::vector<leveldb::WriteBatch>& captured_;
};

std::string SellerKey(uint64_t seller) {
  return "s/bazaar.example/seller-" + std::to_string(seller * 2654435761U % 100'000'007);
}

std::string RecordKey(uint64_t number) { return SellerKey(number) + "/" + std::to_string(number); }

// Eight keys as an imported record has them: itself, indexes by id, contributor and time, presence,
// idempotency.
void AppendRecord(uint64_t number, std::vector<Write>& writes) {
  const std::string id = std::to_string(number * 11400714819323198485U);
  writes.push_back({RecordKey(number), std::string(300, 'r')});
  writes.push_back({"i/" + id, RecordKey(number)});
  writes.push_back({"x/contributor/" + id, id + std::string(32, 'h')});
  writes.push_back({"p/" + SellerKey(number), ""});
  writes.push_back({"c/contributor/" + std::to_string(number) + "/" + id, RecordKey(number)});
  writes.push_back({"t/" + std::to_string(1'000'000'000 + number), id});
  writes.push_back({"a/everyone/" + std::to_string(number), id});
  writes.push_back({"e/" + std::to_string(number / 7) + "/" + id, ""});
}

Commit ImportCommit(uint64_t first) {
  Commit commit;
  for (uint64_t i = first; i < first + kRecordsPerCommit; ++i) {
    commit.reads.push_back("x/contributor/" + std::to_string(i * 11400714819323198485U));
  }
  commit.build = [first](Revision,
                         std::span<const std::optional<Version>>) -> absl::StatusOr<std::vector<Write>> {
    std::vector<Write> writes;
    writes.reserve(kRecordsPerCommit * 8);
    for (uint64_t i = first; i < first + kRecordsPerCommit; ++i) AppendRecord(i, writes);
    return writes;
  };
  return commit;
}

// Time of the clock on the wall and of this thread's processor: the second one says more on a busy machine.
struct Watch {
  Watch() { clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu); }
  double WallSeconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - wall).count();
  }
  double CpuSeconds() const {
    timespec now = {};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec - cpu.tv_sec) +
           1e-9 * static_cast<double>(now.tv_nsec - cpu.tv_nsec);
  }
  std::chrono::steady_clock::time_point wall = std::chrono::steady_clock::now();
  timespec cpu = {};
};

void CommitAgainstReplay(benchmark::State& run) {
  for (auto _ : run) {
    const BenchDir dir;
    std::vector<leveldb::WriteBatch> captured;
    LevelDbOptions options = dir.Options("store");
    options.wrap_db = [&](std::unique_ptr<leveldb::DB> db) {
      return std::make_unique<CapturingDb>(std::move(db), captured);
    };
    auto store = LevelDbStore::Open(options);
    if (!store.ok()) std::abort();
    const Watch ours;
    for (uint64_t i = 0; i < kCommits; ++i) {
      const Commit commit = ImportCommit(i * kRecordsPerCommit);
      if (!(*store)->CommitAll({&commit, 1}).at(0).ok()) std::abort();
    }
    const double seconds = ours.WallSeconds();
    const double cpu_seconds = ours.CpuSeconds();
    store->reset();

    auto engine = OpenEngine(dir.Options("replay"));
    if (!engine.ok()) std::abort();
    leveldb::WriteOptions sync;
    sync.sync = true;
    const Watch bare;
    for (leveldb::WriteBatch& batch : captured) {
      if (!(*engine)->db->Write(sync, &batch).ok()) std::abort();
    }
    run.SetIterationTime(seconds);
    run.counters["cpu_ratio"] = bare.CpuSeconds() / cpu_seconds;
    run.counters["ratio"] = bare.WallSeconds() / seconds;
    run.counters["records/s"] = kCommits * kRecordsPerCommit / seconds;
    run.counters["us_cpu/record"] = 1e6 * cpu_seconds / (kCommits * kRecordsPerCommit);
  }
}
BENCHMARK(CommitAgainstReplay)->UseManualTime()->Iterations(3)->Unit(benchmark::kMillisecond);

// One small commit at a time from each of several threads: they share waits for the disk.
void SmallCommits(benchmark::State& run) {
  static std::unique_ptr<BenchDir> dir;
  static std::unique_ptr<LevelDbStore> store;
  if (run.thread_index() == 0) {
    dir = std::make_unique<BenchDir>();
    store = *LevelDbStore::Open(dir->Options("store"));
  }
  const std::string prefix = std::to_string(run.thread_index()) + "/";
  uint64_t number = 0;
  for (auto _ : run) {
    const Commit commit = {
        .reads = {},
        .build = [&](Revision,
                     std::span<const std::optional<Version>>) -> absl::StatusOr<std::vector<Write>> {
          return std::vector<Write>{{prefix + std::to_string(number), std::string(200, 'v')}};
        }};
    ++number;
    if (!store->CommitAll({&commit, 1}).at(0).ok()) std::abort();
  }
  run.SetItemsProcessed(run.iterations());
  if (run.thread_index() == 0) {
    store.reset();
    dir.reset();
  }
}
BENCHMARK(SmallCommits)->Threads(1)->Threads(16)->UseRealTime();

// A store of many records that lives as long as the program.
struct WarmStore {
  WarmStore() {
    const char* asked = std::getenv("COALITION_STORE_BENCH_RECORDS");
    records = asked == nullptr ? 1'000'000 : std::strtoull(asked, nullptr, 10);
    store = *LevelDbStore::Open(dir.Options("store"));
    for (uint64_t i = 0; i < records; i += kRecordsPerCommit) {
      const Commit commit = ImportCommit(i);
      if (!store->CommitAll({&commit, 1}).at(0).ok()) std::abort();
    }
  }
  BenchDir dir;
  uint64_t records = 0;
  std::unique_ptr<LevelDbStore> store;
};

WarmStore& Warm() {
  static WarmStore warm;
  return warm;
}

void ScanEachHit(benchmark::State& run) {
  const Store& store = *Warm().store;
  std::mt19937_64 random(1);
  // As a screening does: some of the records, asked for in order.
  std::vector<std::pair<std::string, std::string>> ranges;
  for (int64_t i = 0; i < run.range(0); ++i) {
    const std::string key = SellerKey(random() % Warm().records);
    ranges.emplace_back(key + "/", key + "0");
  }
  size_t next = 0;
  size_t found = 0;
  for (auto _ : run) {
    const auto& [from, to] = ranges[next++ % ranges.size()];
    const absl::Status status =
        store.ScanEach(from, to, store.Head(), [&found](std::string_view, std::string_view value, Revision) {
          found += value.size();
          return true;
        });
    if (!status.ok()) std::abort();
  }
  if (found == 0) std::abort();
  run.SetItemsProcessed(run.iterations());
}
BENCHMARK(ScanEachHit)->ArgName("sellers")->Arg(10'000)->Arg(500'000);

void ReadAbsent(benchmark::State& run) {
  const Store& store = *Warm().store;
  std::mt19937_64 random(2);
  std::vector<std::string> key(1);
  for (auto _ : run) {
    key[0] = "x/contributor/" + std::to_string(random());
    if (store.Read(key, store.Head())->at(0).has_value()) std::abort();
  }
  run.SetItemsProcessed(run.iterations());
}
BENCHMARK(ReadAbsent);

void ScanAll(benchmark::State& run) {
  const Store& store = *Warm().store;
  int64_t entries = 0;
  for (auto _ : run) {
    const absl::Status status =
        store.ScanEach("p/", "p0", store.Head(), [&entries](std::string_view, std::string_view, Revision) {
          ++entries;
          return true;
        });
    if (!status.ok()) std::abort();
  }
  run.SetItemsProcessed(entries);
}
BENCHMARK(ScanAll)->Unit(benchmark::kMillisecond);

void Open(benchmark::State& run) {
  WarmStore& warm = Warm();
  for (auto _ : run) {
    warm.store.reset();
    warm.store = *LevelDbStore::Open(warm.dir.Options("store"));
  }
}
BENCHMARK(Open)->Unit(benchmark::kMillisecond)->Iterations(3)->UseRealTime();

}  // namespace
}  // namespace coalition::store

BENCHMARK_MAIN();
