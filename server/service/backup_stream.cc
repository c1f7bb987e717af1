#include "server/service/backup_stream.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/status/status.h"
#include "coalition/v1/backup_service.pb.h"
#include "common/errors.h"
#include "common/log.h"
#include "common/strings.h"
#include "server/service/advancing.h"
#include "server/service/messages.h"

namespace coalition::service {
namespace {

using Bytes = grpc::ByteBuffer;
using SteadyTime = std::chrono::steady_clock::time_point;

// What a backup that was held up reads at once, to make up for it.
constexpr std::chrono::milliseconds kMadeUpMax{100};

const MethodInfo& Info() { return InfoOf(Method::kCreateBackup); }

absl::Status NotRead() {
  return Error(v1::ERROR_REASON_DEADLINE_EXCEEDED, "Nothing was read for longer than this server waits.",
               {{"limit", "stream_idle_ms"}});
}

}  // namespace

// The store is read on a worker, a step at a time, and only while one message at most waits
// for gRPC to take it: so a client that does not read keeps two of them, and no worker.
class BackupStream final : public StreamReactor, public Advancing<BackupStream> {
 public:
  BackupStream(CallKit& kit, BackupStreams& streams, grpc::CallbackServerContext* call, Admission admission,
               SteadyTime start)
      : kit_(kit),
        streams_(streams),
        call_(call),
        admission_(std::move(admission)),
        start_(start),
        source_(streams.rooms_, streams.options_, streams.running_),
        progress_at_(start) {}

  void Begin() {
    ArmTimer(kit_.durations.stream_idle_max);
    Advance();
  }
  void Drain() { EndWith(ShuttingDown(), false); }
  // As ImportStream::CutOff.
  bool CutOff(bool now);
  bool BelongsTo(const CutOffGates& gates) const { return gates.contains(admission_.context.caller.gate); }

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override { EndWith(absl::CancelledError("The client has gone."), false); }
  void OnDone() override { streams_.streams_.Remove(this); }

 private:
  friend class Advancing<BackupStream>;
  enum class Action { kNone, kRead, kStep, kWrite, kCancel, kFinish };

  Action Decide() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Perform(Action action);
  // On a worker.
  void Step();
  // After a pause.
  void GoOn();
  absl::Status Produce(v1::CreateBackupResponse* response);
  // Until the next step may be taken, after one of so many bytes.
  std::chrono::milliseconds Pace(size_t bytes);
  void Write();
  void FinishStream();
  void LogEnd(const absl::Status& end) const;
  void EndWith(absl::Status status, bool cancel);
  void ArmTimer(std::chrono::milliseconds delay);
  void OnTimer();

  CallKit& kit_;
  BackupStreams& streams_;
  grpc::CallbackServerContext* const call_;  // until Finish
  const Admission admission_;
  const SteadyTime start_;

  Bytes in_;   // gRPC's while reading_
  Bytes out_;  // gRPC's while writing_

  // Of the step under way, which is one at a time: no lock.
  BackupSource source_;
  SteadyTime next_step_at_;

  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mutex_);  // why the stream ends
  Bytes next_ ABSL_GUARDED_BY(mutex_);
  SteadyTime progress_at_ ABSL_GUARDED_BY(mutex_);
  Timers::Handle timer_ ABSL_GUARDED_BY(mutex_);
  bool asked_ ABSL_GUARDED_BY(mutex_) = false;    // the request has come
  bool working_ ABSL_GUARDED_BY(mutex_) = false;  // a step is under way
  bool paused_ ABSL_GUARDED_BY(mutex_) = false;   // it is too early for the next one
  bool ready_ ABSL_GUARDED_BY(mutex_) = false;    // next_ is to be written
  bool whole_ ABSL_GUARDED_BY(mutex_) = false;    // and is the last
  bool reading_ ABSL_GUARDED_BY(mutex_) = false;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool cancel_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

BackupStream::Action BackupStream::Decide() {
  if (finished_) return Action::kNone;
  if (cancel_) {
    cancel_ = false;
    return Action::kCancel;
  }
  if (whole_ && !ready_ && !writing_ && !end_) end_ = absl::OkStatus();
  if (end_) {
    if (working_ || writing_) return Action::kNone;
    finished_ = true;
    return Action::kFinish;
  }
  if (ready_ && !writing_) {
    ready_ = false;
    writing_ = true;
    out_.Swap(&next_);
    return Action::kWrite;
  }
  if (asked_ && !working_ && !paused_ && !ready_ && !whole_) {
    working_ = true;
    return Action::kStep;
  }
  if (!asked_ && !reading_) {
    reading_ = true;
    return Action::kRead;
  }
  return Action::kNone;
}

void BackupStream::Perform(Action action) {
  switch (action) {
    case Action::kNone:
      break;
    case Action::kRead:
      StartRead(&in_);
      break;
    case Action::kStep:
      kit_.executor.SubmitAlways(admission_.context.caller.member_number,
                                 [self = shared_from_this()] { self->Step(); });
      break;
    case Action::kWrite:
      Write();
      break;
    case Action::kCancel:
      call_->TryCancel();
      break;
    case Action::kFinish:
      FinishStream();
      break;
  }
}

void BackupStream::Step() {
  v1::CreateBackupResponse response;
  absl::Status produced = Produce(&response);
  const std::chrono::milliseconds pause = Pace(response.data().size());
  {
    const MutexLock lock(mutex_);
    working_ = false;
    paused_ = pause.count() > 0;
    progress_at_ = std::chrono::steady_clock::now();
    if (!produced.ok()) {
      if (!end_) end_ = std::move(produced);
    } else {
      ready_ = true;
      whole_ = response.has_summary();
      next_ = Serialize(response);
    }
  }
  if (pause.count() > 0) {
    kit_.timers.After(pause, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->GoOn();
    });
  }
  Advance();
}

void BackupStream::GoOn() {
  {
    const MutexLock lock(mutex_);
    paused_ = false;
  }
  Advance();
}

absl::Status BackupStream::Produce(v1::CreateBackupResponse* response) {
  exchange::CallContext context;
  if (absl::Status may = kit_.guard.Renew(Info(), admission_, &context); !may.ok()) return may;
  return source_.Next(context, response);
}

std::chrono::milliseconds BackupStream::Pace(size_t bytes) {
  const SteadyTime now = std::chrono::steady_clock::now();
  const auto cost = std::chrono::nanoseconds(static_cast<int64_t>(bytes) * 1'000'000'000 /
                                             streams_.options_.bytes_per_second_max);
  next_step_at_ = std::max(next_step_at_, now - kMadeUpMax) + cost;
  return std::max(std::chrono::milliseconds(0),
                  std::chrono::duration_cast<std::chrono::milliseconds>(next_step_at_ - now));
}

// Sends the message if the administrator may still have it.
void BackupStream::Write() {
  identity::Gate::Pass pass;
  absl::Status may = kit_.guard.EnterToSend(Info(), admission_, &pass);
  if (may.ok()) {
    kit_.metrics.Sent(Method::kCreateBackup);
    streams_.bytes_sent_.fetch_add(out_.Length(), std::memory_order_relaxed);
    StartWrite(&out_);
    return;
  }
  const MutexLock lock(mutex_);
  writing_ = false;
  if (!end_) end_ = std::move(may);
}

void BackupStream::FinishStream() {
  absl::Status end;
  {
    const MutexLock lock(mutex_);
    end = *end_;
    kit_.timers.Cancel(timer_);
  }
  identity::Gate::Pass pass;
  // A member that was cut off is told that and nothing else.
  if (absl::Status may = kit_.guard.EnterToSend(Info(), admission_, &pass); !may.ok()) end = std::move(may);
  if (source_.begun()) LogEnd(end);
  source_.GiveBackPlace();  // before the client hears of the end, and begins another
  Finish(EndOfStream(kit_, admission_.context.caller.member_number, Method::kCreateBackup, end, start_));
}

void BackupStream::LogEnd(const absl::Status& end) const {
  const auto took = std::chrono::steady_clock::now() - start_;
  const backup::BackupTotals totals = source_.totals();
  if (!end.ok()) {
    Log::Warn("backup_failed", {{"bytes", totals.bytes}, {"message", Std(end.message())}});
    return;
  }
  streams_.completed_.fetch_add(1, std::memory_order_relaxed);
  Log::Info("backup_taken", {{"revision", source_.revision()},
                             {"rows", totals.rows},
                             {"bytes", totals.bytes},
                             {"ms", std::chrono::duration_cast<std::chrono::milliseconds>(took).count()}});
}

void BackupStream::EndWith(absl::Status status, bool cancel) {
  {
    const MutexLock lock(mutex_);
    if (!end_) end_ = std::move(status);
    cancel_ = cancel_ || (cancel && writing_);
  }
  Advance();
}

bool BackupStream::CutOff(bool now) {
  identity::Gate::Pass pass;
  absl::Status may = kit_.guard.EnterToSend(Info(), admission_, &pass);
  if (may.ok()) return false;
  EndWith(std::move(may), now);
  return true;
}

void BackupStream::OnReadDone(bool ok) {
  v1::CreateBackupRequest request;
  absl::Status parsed = Error(v1::ERROR_REASON_MALFORMED_REQUEST, "there is no request");
  if (ok) {
    kit_.metrics.Received(Method::kCreateBackup);
    parsed = Parse(in_, &request);
  }
  {
    const MutexLock lock(mutex_);
    reading_ = false;
    progress_at_ = std::chrono::steady_clock::now();
    asked_ = true;
    if (!parsed.ok() && !end_) end_ = std::move(parsed);
  }
  Advance();
}

void BackupStream::OnWriteDone(bool ok) {
  {
    const MutexLock lock(mutex_);
    writing_ = false;
    progress_at_ = std::chrono::steady_clock::now();
    if (!ok && !end_) end_ = absl::CancelledError("The client has gone.");
  }
  Advance();
}

void BackupStream::ArmTimer(std::chrono::milliseconds delay) {
  const MutexLock lock(mutex_);
  if (finished_) return;
  timer_ = kit_.timers.After(delay, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->OnTimer();
  });
}

// Ends a backup whose client asks for nothing or does not read, and at shutdown one that is still there.
void BackupStream::OnTimer() {
  const std::chrono::milliseconds longest = kit_.durations.stream_idle_max;
  std::chrono::milliseconds silent{0};
  absl::Status end;
  {
    const MutexLock lock(mutex_);
    // While a step is under way it is the store that takes its time.
    if (writing_ || !asked_) {
      silent = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                     progress_at_);
    }
    if (kit_.guard.draining()) {
      end = ShuttingDown();
    } else if (silent >= longest) {
      end = asked_ ? NotRead() : NothingCame();
    }
  }
  if (!end.ok()) return EndWith(std::move(end), true);
  ArmTimer(std::max(longest - silent, std::chrono::milliseconds(100)));
}

BackupStreams::BackupStreams(BackupRooms rooms, BackupOptions options)
    : rooms_(std::move(rooms)), options_(std::move(options)) {}
BackupStreams::~BackupStreams() = default;

StreamReactor* BackupStreams::Open(CallKit& kit, grpc::CallbackServerContext* call) {
  const SteadyTime start = std::chrono::steady_clock::now();
  kit.metrics.Started(Method::kCreateBackup);
  Admission admission;
  absl::Status status = kit.guard.Admit(*call, Info(), &admission);
  if (!status.ok()) {
    return RefuseStream(
        EndOfStream(kit, admission.context.caller.member_number, Method::kCreateBackup, status, start));
  }
  admission.pass.Leave();
  auto stream = std::make_shared<BackupStream>(kit, *this, call, std::move(admission), start);
  streams_.Add(stream);
  stream->Begin();
  // A drain or a cutting off that began since Admit has not seen it.
  if (kit.guard.draining()) stream->Drain();
  stream->CutOff(false);
  return stream.get();
}

void BackupStreams::Drain() { streams_.Drain(); }
size_t BackupStreams::CutOff(const CutOffGates& gates, bool now) { return streams_.CutOff(gates, now); }
size_t BackupStreams::CountOf(const CutOffGates& gates) const { return streams_.Of(gates).size(); }

}  // namespace coalition::service
