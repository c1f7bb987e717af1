#include "server/exchange/departures.h"

#include <condition_variable>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "coalition/storage/v1/storage.pb.h"
#include "common/mutex.h"
#include "server/exchange/access.h"
#include "server/exchange/departure_batch.h"
#include "server/exchange/keys.h"
#include "server/exchange/room.h"

namespace coalition::exchange {
namespace {

using Values = std::span<const std::optional<store::Version>>;
using Writes = std::vector<store::Write>;

absl::StatusOr<storage::v1::StoredDepartureProgress> ParseProgress(
    const std::optional<store::Version>& value) {
  storage::v1::StoredDepartureProgress progress;
  if (value.has_value() && !progress.ParseFromString(value->value)) return Corrupt();
  return progress;
}

// One departure under way. Used by one step at a time.
struct Work {
  uint32_t member = 0;
  std::string from;    // where the next batch begins; empty: at the beginning
  bool found = false;  // since the beginning there was something to do
  int damaged = 0;     // records since the beginning that can't be done
  Destination destination;
  std::optional<DepartureBatch> batch;
  // Set anew by each run of the commit's build: the records are to go elsewhere since they were read.
  bool overtaken = false;
};
using WorkPtr = std::shared_ptr<Work>;

}  // namespace

class Departures::Impl : public std::enable_shared_from_this<Impl> {
 public:
  explicit Impl(const Room& room) : room_(room) {}

  void Resume(const Clock& clock, DepartureHooks hooks) {
    clock_ = &clock;
    hooks_ = std::move(hooks);
    {
      const MutexLock lock(mutex_);
      resumed_ = true;
    }
    const auto snapshot = room_.directory.Current();
    for (uint32_t member = 1; member <= snapshot->stored().members.size(); ++member) Start(member);
  }

  void Start(uint32_t member) {
    if (!DestinationOf(*room_.directory.Current(), member)) return;
    {
      const MutexLock lock(mutex_);
      if (!resumed_ || draining_ || !begun_.insert(member).second) return;
      ++active_;
    }
    const auto work = std::make_shared<Work>();
    work->member = member;
    Later(work, &Impl::Begin);
  }

  absl::StatusOr<int64_t> RecordsDone(uint32_t member) const {
    const std::string key = DepartureKey(member);
    const auto read = room_.store.Read(std::span(&key, 1), room_.store.Head());
    if (!read.ok()) return FromStore(read.status());
    const auto progress = ParseProgress((*read)[0]);
    if (!progress.ok()) return progress.status();
    return progress->records_done();
  }

  void Drain() {
    MutexLock lock(mutex_);
    draining_ = true;
    while (active_ > 0) lock.Wait(idle_);
  }

 private:
  using Step = void (Impl::*)(const WorkPtr&);

  // On a thread that may read from disk, in turn with what others have to do.
  void Later(const WorkPtr& work, Step step) {
    room_.run_later(work->member, [self = shared_from_this(), work, step] {
      self->draining() ? self->Pause() : (*self.*step)(work);
    });
  }

  bool draining() const {
    const MutexLock lock(mutex_);
    return draining_;
  }

  // No step of this departure is under way any more.
  void Pause() {
    const MutexLock lock(mutex_);
    if (--active_ == 0) idle_.notify_all();
  }
  // It may be started again.
  void Stop(const WorkPtr& work) {
    {
      const MutexLock lock(mutex_);
      begun_.erase(work->member);
    }
    Pause();
  }

  void Submit(const WorkPtr& work, store::Commit commit, size_t bytes, Step next) {
    const auto committed = [self = shared_from_this(), work,
                            next](const absl::StatusOr<store::Revision>& revision) {
      revision.ok() ? self->Later(work, next) : self->Fail(work, FromStore(revision.status()));
    };
    room_.lane.Submit(std::move(commit), committed, bytes, work->member);
  }

  // What was judged before this commit is durable after it (departures.h).
  void Begin(const WorkPtr& work) {
    store::Commit commit;
    commit.reads = {DepartureKey(work->member)};
    commit.build = [work](store::Revision, Values values) -> absl::StatusOr<Writes> {
      const auto progress = ParseProgress(values[0]);
      if (!progress.ok()) return progress.status();
      work->from = progress->place();
      // What was changed before that place while it was read is found by another round.
      work->found = !work->from.empty();
      return Writes{{DepartureKey(work->member), progress->SerializeAsString()}};
    };
    Submit(work, std::move(commit), 0, &Impl::NextBatch);
  }

  void NextBatch(const WorkPtr& work) {
    const auto snapshot = room_.directory.Current();
    auto destination = DestinationOf(*snapshot, work->member);
    if (!destination) return Stop(work);
    work->destination = *std::move(destination);
    auto batch = DepartureBatch::Read(room_, snapshot->policy_state(), work->destination, work->member,
                                      work->from, clock_->NowNs());
    if (!batch.ok()) return Fail(work, batch.status());
    work->damaged += batch->damaged();
    work->batch = *std::move(batch);
    if (work->batch->empty()) return GoOn(work);
    work->found = true;
    Commit(work);
  }

  void Commit(const WorkPtr& work) {
    store::Commit commit;
    commit.reads = {DepartureKey(work->member)};
    work->batch->AppendReads(&commit.reads);
    commit.build = [this, work](store::Revision, Values values) -> absl::StatusOr<Writes> {
      work->overtaken = DestinationOf(*room_.directory.Current(), work->member) != work->destination;
      Writes writes;
      if (work->overtaken) return writes;
      auto progress = ParseProgress(values[0]);
      if (!progress.ok()) return progress.status();
      const int64_t done = work->batch->AppendWrites(values.subspan(1), &writes);
      if (writes.empty()) return writes;
      progress->set_records_done(progress->records_done() + done);
      progress->set_place(work->batch->next().value_or(""));
      writes.push_back({DepartureKey(work->member), progress->SerializeAsString()});
      return writes;
    };
    Submit(work, std::move(commit), work->batch->bytes(), &Impl::GoOn);
  }

  void GoOn(const WorkPtr& work) {
    if (work->overtaken) {
      work->overtaken = false;
      return Later(work, &Impl::NextBatch);
    }
    const bool last = !work->batch->next().has_value();
    work->from = work->batch->next().value_or("");
    work->batch.reset();
    if (!last) return Later(work, &Impl::NextBatch);
    // From the beginning, until nothing is found: what was changed while it was read is still there.
    const bool found = std::exchange(work->found, false);
    const int damaged = std::exchange(work->damaged, 0);
    if (found) return Later(work, &Impl::NextBatch);
    damaged > 0 ? Fail(work, Corrupt()) : End(work);
  }

  void End(const WorkPtr& work) {
    const absl::Status ended = hooks_.end(work->member, clock_->NowNs());
    ended.ok() ? Stop(work) : Fail(work, ended);
  }

  void Fail(const WorkPtr& work, const absl::Status& why) {
    if (draining()) return Pause();
    hooks_.failed(work->member, why);
    if (!absl::IsUnknown(why) && !absl::IsDataLoss(why)) {
      hooks_.after(kDepartureRetryDelay, [self = shared_from_this(), work] { self->Retry(work); });
    }
    Pause();
  }

  void Retry(const WorkPtr& work) {
    {
      const MutexLock lock(mutex_);
      if (draining_) return;
      ++active_;
    }
    const auto again = std::make_shared<Work>();
    again->member = work->member;
    Later(again, &Impl::Begin);
  }

  const Room& room_;
  const Clock* clock_ = nullptr;  // both set before the first step
  DepartureHooks hooks_;
  mutable Mutex mutex_;
  std::condition_variable idle_;
  bool resumed_ ABSL_GUARDED_BY(mutex_) = false;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  int active_ ABSL_GUARDED_BY(mutex_) = 0;  // departures of which a step is under way or to come
  absl::flat_hash_set<uint32_t> begun_ ABSL_GUARDED_BY(mutex_);
};

Departures::Departures(const Room& room) : impl_(std::make_shared<Impl>(room)) {}
Departures::~Departures() { Drain(); }
void Departures::Resume(const Clock& clock, DepartureHooks hooks) { impl_->Resume(clock, std::move(hooks)); }
void Departures::Start(uint32_t member) { impl_->Start(member); }
absl::StatusOr<int64_t> Departures::RecordsDone(uint32_t member) const { return impl_->RecordsDone(member); }
void Departures::Drain() { impl_->Drain(); }

}  // namespace coalition::exchange
