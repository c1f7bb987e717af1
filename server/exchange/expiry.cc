#include "server/exchange/expiry.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/steps.h"
#include "server/exchange/access.h"
#include "server/exchange/expiry_batch.h"
#include "server/exchange/keys.h"
#include "server/exchange/room.h"

namespace coalition::exchange {
namespace {

constexpr uint32_t kServer = 0;  // in turn with members
constexpr int kRoundsPerLookBack = 300;
constexpr int64_t kLookBackS = 3'600;

}  // namespace

// Records expire at whole seconds.
constexpr int64_t kSecondNs = 1'000'000'000, kMsNs = 1'000'000;

// What is below, but what is atomic, is used by one step at a time.
class Expiry::Impl : public std::enable_shared_from_this<Impl> {
 public:
  explicit Impl(const Room& room) : room_(room) {}

  void Resume(const Clock& clock, ExpiryHooks hooks) {
    clock_ = &clock;
    hooks_ = std::move(hooks);
    RoundAfter(kExpiryInterval);
  }

  uint64_t removed() const { return removed_.load(std::memory_order_relaxed); }
  int64_t done_until_ns() const { return done_until_ns_.load(std::memory_order_acquire); }
  void Drain() { steps_.Drain(); }

 private:
  using Step = void (Impl::*)();
  using Values = std::span<const std::optional<store::Version>>;

  void RoundAfter(std::chrono::milliseconds delay) {
    hooks_.after(delay, [self = shared_from_this()] {
      if (self->steps_.Begin()) self->Later(&Impl::BeginRound);
    });
  }

  // On a thread that may read from disk, in turn with what others have to do.
  void Later(Step step) {
    room_.run_later(kServer, [self = shared_from_this(), step] {
      self->steps_.draining() ? self->steps_.End() : (*self.*step)();
    });
  }

  // From where the last one ended: the tombstones before that would be stepped over each time.
  void BeginRound() {
    now_s_ = clock_->NowS();
    const bool looks_back = ++rounds_ % kRoundsPerLookBack == 0;
    const int64_t from_s = std::min(done_s_, now_s_ + 1) - (looks_back ? kLookBackS : 0);
    from_ = ExpiryPrefix(std::max(from_s, int64_t{0}));
    damaged_ = 0;
    NextBatch();
  }

  void NextBatch() {
    auto batch = ExpiryBatch::Read(room_, from_, now_s_);
    if (!batch.ok()) return Fail(batch.status());
    damaged_ += batch->damaged();
    batch_ = *std::move(batch);
    batch_->empty() ? GoOn() : Commit();
  }

  void Commit() {
    store::Commit commit;
    batch_->AppendReads(&commit.reads);
    commit.build = [self = shared_from_this()](store::Revision, Values values) {
      std::vector<store::Write> writes;
      self->judged_ = self->batch_->AppendWrites(values, &writes);
      return absl::StatusOr<std::vector<store::Write>>(std::move(writes));
    };
    const auto committed = [self = shared_from_this()](const absl::StatusOr<store::Revision>& revision) {
      if (!revision.ok()) return self->Fail(FromStore(revision.status()));
      self->removed_.fetch_add(self->judged_, std::memory_order_relaxed);
      self->Later(&Impl::GoOn);
    };
    room_.lane.Submit(std::move(commit), committed, batch_->bytes(), kServer);
  }

  void GoOn() {
    const bool last = !batch_->next().has_value();
    from_ = batch_->next().value_or("");
    batch_.reset();
    last ? EndRound() : Later(&Impl::NextBatch);
  }

  void EndRound() {
    done_s_ = now_s_ + 1;
    done_until_ns_.store(done_s_ * kSecondNs - kMsNs, std::memory_order_release);
    if (damaged_ > 0) hooks_.damaged(damaged_);
    RoundAfter(kExpiryInterval);
    steps_.End();
  }

  // The next round begins where this one did.
  void Fail(const absl::Status& why) {
    if (!steps_.draining()) {
      hooks_.failed(why);
      if (!absl::IsUnknown(why) && !absl::IsDataLoss(why)) RoundAfter(kExpiryRetryDelay);
    }
    steps_.End();
  }

  const Room& room_;
  const Clock* clock_ = nullptr;  // both set before the first step
  ExpiryHooks hooks_;
  Steps steps_;
  std::atomic<uint64_t> removed_{0};
  std::atomic<int64_t> done_until_ns_{0};

  int rounds_ = 0;
  int64_t done_s_ = 0;  // what expired before was looked at
  // Of the round under way.
  int64_t now_s_ = 0;
  std::string from_;  // where the next batch begins
  int damaged_ = 0;
  std::optional<ExpiryBatch> batch_;
  uint64_t judged_ = 0;  // records that its commit removes; set anew by each run of the commit's build
};

Expiry::Expiry(const Room& room) : impl_(std::make_shared<Impl>(room)) {}
Expiry::~Expiry() { Drain(); }
void Expiry::Resume(const Clock& clock, ExpiryHooks hooks) { impl_->Resume(clock, std::move(hooks)); }
uint64_t Expiry::removed() const { return impl_->removed(); }
int64_t Expiry::done_until_ns() const { return impl_->done_until_ns(); }
void Expiry::Drain() { impl_->Drain(); }

}  // namespace coalition::exchange
