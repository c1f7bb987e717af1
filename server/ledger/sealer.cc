#include "server/ledger/sealer.h"

#include <algorithm>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/strings.h"
#include "server/ledger/cosign.h"
#include "server/ledger/entry_eraser.h"
#include "server/ledger/keys.h"
#include "server/ledger/lane_commit.h"
#include "server/ledger/log_opening.h"
#include "server/ledger/unsealed.h"

namespace coalition::ledger {
namespace {

using Values = std::span<const std::optional<store::Version>>;

constexpr int64_t kNsPerMs = 1'000'000;
constexpr size_t kCosignedBytesMax = size_t{8} << 10;
// After one tick, so that the next one is not late.
constexpr int kDayStepsPerTick = 32;
constexpr int kEndStepsPerTick = 8;

absl::Status SealedByOther(uint64_t tick) {
  return absl::FailedPreconditionError(absl::StrCat(
      "tick ", tick, " of the ledger was sealed by somebody else: two servers are at one store"));
}

absl::Status CheckOptions(const SealerOptions& options, const LogKey& key) {
  const auto log = VerifierKey::Make(options.origin, NoteAlgorithm::kEd25519, key.public_key());
  if (!log.ok()) return log.status();
  if (options.tick.count() <= 0) return absl::InvalidArgumentError("the ledger's tick must take some time");
  if (options.head_dir.empty()) return absl::InvalidArgumentError("the directory of the head is not set");
  for (const VerifierKey& witness : options.witness_keys) {
    if (witness.algorithm() == NoteAlgorithm::kCosignatureV1) continue;
    return absl::InvalidArgumentError(absl::StrCat("the key of the witness ", Quoted(witness.name()),
                                                   " is not one for cosignatures, of algorithm 4"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Sealer>> Sealer::Open(const SealerOptions& options, LogKey key,
                                                     store::Store& store, store::CommitLane& lane,
                                                     const Clock& clock, Random& random, MemberFacts facts) {
  if (absl::Status checked = CheckOptions(options, key); !checked.ok()) return checked;
  std::unique_ptr<Sealer> sealer(
      new Sealer(options, std::move(key), {store, lane, clock, random}, std::move(facts)));
  if (absl::Status loaded = sealer->Load(); !loaded.ok()) return loaded;
  return sealer;
}

Sealer::Sealer(const SealerOptions& options, LogKey key, const Rooms& rooms, MemberFacts facts)
    : options_(options),
      signer_{options.origin, std::move(key), options.former_key},
      keys_(facts.names.keys),
      rooms_(rooms),
      head_(options.head_dir),
      days_(rooms.store, rooms.lane, rooms.random, std::move(facts)),
      retention_(rooms.store, rooms.lane, options.contents, keys_) {}

Sealer::~Sealer() { Stop(); }

absl::Status Sealer::Load() {
  const MutexLock lock(work_);
  const auto finished = FinishEntryErasures(rooms_.store, *keys_);
  if (!finished.ok()) return finished.status();
  // A crash in between, or an older copy of the keys that was put back.
  if (*finished > 0) Log::Warn("erasures_finished", {{"entries", *finished}});
  if (absl::Status made = head_.Make(); !made.ok()) return made;
  absl::StatusOr<std::optional<LogState>> log = LoadLog(rooms_.store, signer_);
  if (!log.ok()) return log.status();
  if (absl::Status head = CheckHead(head_, rooms_.store, signer_, *log); !head.ok()) return head;
  log_ = *std::move(log);
  if (absl::Status days = days_.Load(!log_.has_value()); !days.ok()) return days;
  days_done_ = days_.days_done();
  absl::Status published = log_ ? Publish() : TickLocked();
  if (!published.ok()) return published;
  return head_.EndAdopting();
}

Checkpoint Sealer::Newest() const {
  const MutexLock lock(shown_);
  return newest_;
}

absl::Status Sealer::Tick() {
  const MutexLock lock(work_);
  return TickLocked();
}

absl::Status Sealer::TickLocked() {
  absl::Status status = Seal();
  if (status.ok()) status = Publish();
  if (status.ok()) status = WorkOnDays();
  if (status.ok()) status = EndContents();
  Note(status);
  return status;
}

absl::Status Sealer::Seal() {
  if (absl::Status last = CheckLast(); !last.ok()) return last;
  const store::Revision sealed_up_to = log_ ? log_->last.last_revision() : 0;
  const absl::StatusOr<Unsealed> unsealed = ReadUnsealed(rooms_.store, sealed_up_to, rooms_.store.Head());
  if (!unsealed.ok()) return unsealed.status();
  int64_t time_ms = rooms_.clock.NowNs() / kNsPerMs;
  if (log_) time_ms = std::max(time_ms, log_->last.time_ms() + 1);
  absl::StatusOr<SealedTick> sealed =
      SealTick(signer_, log_ ? log_->tree : LogTree(), time_ms, *unsealed, rooms_.random);
  if (!sealed.ok()) return sealed.status();
  const std::optional<int64_t> first_showing = FirstDayOf(unsealed->entries);
  const std::optional<int64_t> days_done = days_.DoneWith(DayOf(time_ms), first_showing);
  if (days_done) sealed->writes.push_back(Days::DoneWrite(*days_done));
  if (absl::Status committed = CommitTick(*sealed); !committed.ok()) return committed;
  days_.TickWritten(days_done, first_showing);
  log_ = std::move(sealed->state);
  ticks_.fetch_add(1, std::memory_order_relaxed);
  entries_.fetch_add(unsealed->entries.size(), std::memory_order_relaxed);
  return absl::OkStatus();
}

absl::Status Sealer::CheckLast() const {
  const uint64_t size = log_ ? log_->tree.size() : 0;
  std::vector<std::string> keys = {TickKey(size)};
  std::vector<store::Write> expected;
  if (log_) expected = {TickWrite(size - 1, log_->last), CheckpointWrite(log_->checkpoint)};
  for (const store::Write& write : expected) keys.push_back(write.key);
  const auto rows = rooms_.store.Read(keys, rooms_.store.Head());
  if (!rows.ok()) return rows.status();
  if (rows->front()) return SealedByOther(size);
  for (size_t i = 0; i < expected.size(); ++i) {
    const std::optional<store::Version>& row = (*rows)[i + 1];
    if (row && row->value == expected[i].value) continue;
    return absl::DataLossError(absl::StrCat("the last tick of the ledger, ", size - 1,
                                            ", is not in the store as it was written: nothing is signed on "
                                            "top of it. Restore the store from a backup."));
  }
  return absl::OkStatus();
}

absl::Status Sealer::CommitTick(const SealedTick& sealed) {
  const uint64_t number = sealed.state.tree.size() - 1;
  store::Commit commit;
  commit.reads.push_back(TickKey(number));
  if (number > 0) commit.reads.push_back(TickKey(number - 1));
  commit.build = [&](store::Revision, Values values) -> absl::StatusOr<std::vector<store::Write>> {
    if (values[0]) return SealedByOther(number);
    if (number > 0 && !values[1]) {
      return absl::DataLossError(absl::StrCat("tick ", number - 1, " of the ledger is gone"));
    }
    return sealed.writes;
  };
  return CommitAndWait(rooms_.lane, std::move(commit), BytesOf(sealed.writes)).status();
}

absl::Status Sealer::Publish() {
  if (absl::Status head = head_.Write({log_->last.last_revision(), log_->checkpoint.note}); !head.ok()) {
    return head;
  }
  const MutexLock lock(shown_);
  newest_ = log_->checkpoint;
  newest_at_ns_ = rooms_.clock.NowNs();
  return absl::OkStatus();
}

absl::Status Sealer::WorkOnDays() {
  const int64_t today = DayOf(rooms_.clock.NowNs() / kNsPerMs - kDayGraceMs);
  absl::StatusOr<bool> more = true;
  for (int step = 0; step < kDayStepsPerTick && more.ok() && *more; ++step) more = days_.Step(today);
  days_done_ = days_.days_done();
  return more.status();
}

absl::Status Sealer::EndContents() {
  const int64_t now_ms = rooms_.clock.NowNs() / kNsPerMs;
  absl::StatusOr<bool> more = true;
  for (int step = 0; step < kEndStepsPerTick && more.ok() && *more; ++step) {
    more = retention_.Step(now_ms, days_.days_done(), log_->tree.size());
  }
  return more.status();
}

absl::Status Sealer::AddCosignature(const std::string& note) {
  if (note.size() > kCosignedBytesMax) {
    return absl::InvalidArgumentError("it is longer than a checkpoint with its cosignatures");
  }
  // Verified before a tick has to wait for it, and again only if there is another checkpoint by then.
  Checkpoint newest = Newest();
  absl::StatusOr<std::string> cosigned = WithCosignatures(newest.note, note, options_.witness_keys);
  if (!cosigned.ok()) return cosigned.status();
  const MutexLock lock(work_);
  if (Checkpoint now = Newest(); now.note != newest.note) {
    newest = std::move(now);
    cosigned = WithCosignatures(newest.note, note, options_.witness_keys);
    if (!cosigned.ok()) return cosigned.status();
  }
  if (*cosigned == newest.note) return absl::OkStatus();
  return ReplaceNote(std::move(newest), *std::move(cosigned));
}

absl::Status Sealer::ReplaceNote(Checkpoint checkpoint, std::string note) {
  const store::Write before = CheckpointWrite(checkpoint);
  checkpoint.note = std::move(note);
  const store::Write after = CheckpointWrite(checkpoint);
  store::Commit commit;
  commit.reads.push_back(before.key);
  commit.build = [&](store::Revision, Values values) -> absl::StatusOr<std::vector<store::Write>> {
    // A newer one may be sealed and not published yet.
    if (!values[0] || values[0]->value != before.value) return CheckpointSuperseded();
    return std::vector<store::Write>{after};
  };
  const auto revision = CommitAndWait(rooms_.lane, std::move(commit), BytesOf({after}));
  if (!revision.ok()) return revision.status();
  log_->checkpoint = checkpoint;
  const MutexLock lock(shown_);
  newest_ = std::move(checkpoint);
  return absl::OkStatus();
}

void Sealer::Start() {
  const MutexLock lock(running_);
  if (!stopping_) thread_ = std::thread([this] { Run(); });
}

void Sealer::Stop() {
  {
    const MutexLock lock(running_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool Sealer::WaitUntil(std::chrono::steady_clock::time_point time) {
  MutexLock lock(running_);
  while (!stopping_) {
    const auto left = time - std::chrono::steady_clock::now();
    if (left.count() <= 0) return true;
    lock.WaitFor(changed_, left);
  }
  return false;
}

void Sealer::Run() {
  using Steady = std::chrono::steady_clock;
  for (auto next = Steady::now() + options_.tick; WaitUntil(next);) {
    if (options_.before_tick) options_.before_tick();
    static_cast<void>(Tick());  // an error is in the log and in Health()
    next += options_.tick * (1 + (Steady::now() - next) / options_.tick);
  }
}

absl::Status Sealer::Health() const {
  const MutexLock lock(shown_);
  return health_;
}

SealerCounts Sealer::counts() const {
  return {ticks_.load(std::memory_order_relaxed), entries_.load(std::memory_order_relaxed),
          failures_.load(std::memory_order_relaxed)};
}

double Sealer::SecondsSinceCheckpoint() const {
  const MutexLock lock(shown_);
  return static_cast<double>(std::max<int64_t>(0, rooms_.clock.NowNs() - newest_at_ns_)) / 1e9;
}

void Sealer::Note(const absl::Status& status) {
  absl::Status before;
  {
    const MutexLock lock(shown_);
    before = std::exchange(health_, status);
  }
  if (!status.ok()) failures_.fetch_add(1, std::memory_order_relaxed);
  if (status == before) return;
  if (status.ok()) {
    Log::Info("ledger_goes_on");
  } else {
    Log::Error("ledger_stopped", {{"message", Std(status.message())}});
  }
}

}  // namespace coalition::ledger
