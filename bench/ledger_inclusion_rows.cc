// How long the proof of an entry takes where the log has very many of them.
#include <algorithm>
#include <chrono>
#include <ctime>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "bench/ledger_log.h"
#include "bench/rows.h"
#include "bench/statistics.h"
#include "common/ledger_leaf.h"
#include "common/merkle.h"
#include "common/slot_permutation.h"
#include "server/ledger/entry.h"
#include "server/ledger/keys.h"
#include "server/ledger/log_reader.h"
#include "server/ledger/tick_nodes.h"

namespace coalition::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr uint64_t kEntriesPerTick = 10'000;
constexpr uint32_t kEntriesPerCommit = 2'000;
constexpr size_t kProofs = 40'000;
constexpr size_t kVerifiedEvery = 100;
constexpr uint32_t kParty = 7;

double Microseconds(Clock::time_point from) {
  return std::chrono::duration<double, std::micro>(Clock::now() - from).count();
}

double ProcessCpuSeconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// LevelDB compacts for a while after so much was written.
void Rest() {
  for (int seconds = 0; seconds < 600; ++seconds) {
    const double before = ProcessCpuSeconds();
    std::this_thread::sleep_for(std::chrono::seconds(1));
    if (ProcessCpuSeconds() - before < 0.05) return;
  }
}

// Short ones: a proof does not read what is in an entry.
absl::Status WriteEntries(store::Store& store, uint64_t count) {
  v1::LedgerContent content;
  content.mutable_refusals()->set_count(1);
  std::vector<std::string> values;
  for (uint64_t i = 0; i < count; ++i) {
    storage::v1::StoredLedgerEntry entry = ledger::MakeEntry(*LedgerKeys(), 0, content);
    entry.add_parties(kParty);
    values.push_back(entry.SerializeAsString());
  }
  store::Commit commit;
  commit.build = [&values](store::Revision revision, auto) -> absl::StatusOr<std::vector<store::Write>> {
    std::vector<store::Write> writes;
    uint32_t place = 0;
    for (const std::string& value : values) writes.push_back({ledger::EntryKey({revision, place++}), value});
    return writes;
  };
  return store.CommitAll(std::span(&commit, 1))[0].status();
}

absl::Status Fill(LedgerLog& log, uint64_t entries) {
  for (uint64_t written = 0; written < entries;) {
    const uint64_t tick_end = std::min(entries, written + kEntriesPerTick);
    while (written < tick_end) {
      const uint64_t count = std::min<uint64_t>(kEntriesPerCommit, tick_end - written);
      if (absl::Status status = WriteEntries(log.store(), count); !status.ok()) return status;
      written += count;
    }
    if (absl::Status sealed = log.Tick(); !sealed.ok()) return sealed;
  }
  if (log.sealer().counts().entries == entries) return absl::OkStatus();
  return absl::InternalError("not all entries were sealed");
}

struct Sample {
  ledger::EntryPlace place;
  uint32_t entries = 0;  // of its tick
};

// Places of entries all over the log, in random order.
absl::StatusOr<std::vector<Sample>> DrawSamples(const ledger::LogReader& log, uint64_t size) {
  std::mt19937_64 random(1);
  std::vector<Sample> samples;
  const uint64_t each = kProofs / size + 1;
  for (uint64_t tick = 1; tick < size; ++tick) {  // the first one has none
    const auto row = log.FindTick(tick);
    if (!row.ok()) return row.status();
    const auto secret = *row ? ledger::SecretOf(**row) : std::nullopt;
    if (!secret) return absl::DataLossError("a tick is missing");
    auto permutation = merkle::SlotPermutation::Make(ledger::kSlotDepth, *secret);
    if (!permutation.ok()) return permutation.status();
    for (uint64_t i = 0; i < each; ++i) {
      const auto slot = permutation->SlotOf(random() % (*row)->entries());
      if (!slot.ok()) return slot.status();
      samples.push_back({{tick, *slot}, (*row)->entries()});
    }
  }
  std::shuffle(samples.begin(), samples.end(), random);
  return samples;
}

struct Proof {
  storage::v1::StoredTick tick;
  std::vector<Sha256Digest> slot_path, log_path;
};

absl::StatusOr<Proof> Prove(const ledger::LogReader& log, ledger::EntryPlace place, uint64_t size) {
  auto tick = log.FindTick(place.tick);
  if (!tick.ok()) return tick.status();
  if (!*tick) return absl::DataLossError("a tick is missing");
  auto slot_path = log.SlotPath(place);
  if (!slot_path.ok()) return slot_path.status();
  auto log_path = log.LogPath(place.tick, size);
  if (!log_path.ok()) return log_path.status();
  return Proof{**std::move(tick), *std::move(slot_path), *std::move(log_path)};
}

absl::Status Verify(const ledger::LogReader& log, ledger::EntryPlace place, const Proof& proof,
                    const ledger::Checkpoint& to) {
  const auto entry = log.FindEntry(place);
  if (!entry.ok()) return entry.status();
  const auto root = ledger::ToDigest(proof.tick.entries_root());
  const auto secret = ledger::SecretOf(proof.tick);
  if (!*entry || !root || !secret) return absl::DataLossError("an entry or a tick is not whole");
  const Sha256Digest leaf = merkle::HashLeaf(
      ledger::TickLeaf(place.tick, proof.tick.time_ms(), ledger::TickSaltOf(*secret), *root));
  absl::Status verified = merkle::VerifyInclusion(ledger::LeafHashOf((*entry)->entry), place.slot,
                                                  ledger::kSlots, proof.slot_path, *root);
  verified.Update(merkle::VerifyInclusion(leaf, place.tick, to.size, proof.log_path, to.root));
  return verified;
}

// Microseconds of each.
absl::StatusOr<std::vector<double>> TimeProofs(const ledger::LogReader& log, std::span<const Sample> samples,
                                               const ledger::Checkpoint& to) {
  std::vector<double> times;
  for (size_t i = 0; i < samples.size(); ++i) {
    const auto start = Clock::now();
    const auto proof = Prove(log, samples[i].place, to.size);
    times.push_back(Microseconds(start));
    if (!proof.ok()) return proof.status();
    if (i % kVerifiedEvery != 0) continue;
    if (absl::Status verified = Verify(log, samples[i].place, *proof, to); !verified.ok()) return verified;
  }
  return times;
}

// Of reading the rows that a proof is made of.
absl::StatusOr<std::vector<double>> TimeReads(const store::Store& store, std::span<const Sample> samples) {
  std::vector<double> times;
  for (const Sample& sample : samples) {
    const auto start = Clock::now();
    std::vector<std::string> keys = ledger::PathKeys(sample.place.tick, sample.entries, sample.place.slot);
    keys.push_back(ledger::TickKey(sample.place.tick));
    const auto rows = store.Read(keys, store.Head());
    times.push_back(Microseconds(start));
    if (!rows.ok()) return rows.status();
  }
  return times;
}

}  // namespace

Rows LedgerInclusion(Workspace& workspace, const Settings& settings) {
  auto log = LedgerLog::Open(EmptyDir(workspace.temporary_dir() / "ledger-inclusion"));
  if (!log.ok()) return log.status();
  const auto start = Clock::now();
  if (absl::Status filled = Fill(**log, settings.ledger_entries); !filled.ok()) return filled;
  const double fill_s = Microseconds(start) / 1e6;
  Rest();
  const ledger::Checkpoint newest = (*log)->sealer().Newest();
  const ledger::LogReader reader((*log)->store());
  const auto samples = DrawSamples(reader, newest.size);
  if (!samples.ok()) return samples.status();

  // Other samples each time, so that neither reads what the other has just had read.
  const size_t part = samples->size() / (2 * static_cast<size_t>(settings.rounds));
  std::span<const Sample> left(*samples);
  std::vector<double> measured, baseline, p99;
  for (int round = 0; round < settings.rounds; ++round, left = left.subspan(2 * part)) {
    const auto proofs = TimeProofs(reader, left.first(part), newest);
    if (!proofs.ok()) return proofs.status();
    const auto reads = TimeReads((*log)->store(), left.subspan(part, part));
    if (!reads.ok()) return reads.status();
    measured.push_back(Median(*proofs));
    baseline.push_back(Median(*reads));
    p99.push_back(Quantile(*proofs, 0.99));
  }
  const double value = Median(measured);
  return std::vector<Row>{{.name = "ledger_inclusion",
                           .measured = FormatRate(measured, " us"),
                           .baseline = FormatRate(baseline, " us"),
                           .ratio = MedianRatio(measured, baseline),
                           .target = "<= 50 us",
                           .ok = value <= 50,
                           .note = "p50 of the proof of an entry of " +
                                   FormatNumber(static_cast<double>(settings.ledger_entries)) + ", in " +
                                   std::to_string(newest.size) + " ticks; p99 " + FormatNumber(Median(p99)) +
                                   " us; baseline: reading its rows; written and sealed in " +
                                   FormatNumber(fill_s) + " s",
                           .measured_value = value,
                           .baseline_value = Median(baseline)}};
}

}  // namespace coalition::bench
