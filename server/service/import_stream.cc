#include "server/service/import_stream.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/errors.h"
#include "google/protobuf/arena.h"
#include "server/service/advancing.h"
#include "server/service/messages.h"

namespace coalition::service {
namespace {

using Bytes = grpc::ByteBuffer;
using SteadyTime = std::chrono::steady_clock::time_point;

// Messages in work at once on one stream: one is parsed while one waits for the disk. More would only take
// memory.
constexpr size_t kMessagesInWork = 3;

const MethodInfo& Info() { return InfoOf(Method::kImportRecords); }

}  // namespace

// Events (reads, writes, answers of the exchange, timer, drain) change the state under the mutex and call
// Advance, which does to gRPC what the state allows, one operation at a time and from one thread at a time:
// so Finish is called once, and nothing is started after it.
class ImportStream final : public StreamReactor, public Advancing<ImportStream> {
 public:
  ImportStream(CallKit& kit, exchange::Exchange& exchange, StreamRegistry<ImportStream>& streams,
               grpc::CallbackServerContext* call, Admission admission, MemberLimits::Permit import,
               SteadyTime start)
      : kit_(kit),
        exchange_(exchange),
        streams_(streams),
        call_(call),
        admission_(std::move(admission)),
        import_(std::move(import)),
        start_(start),
        last_message_(start) {}

  void Begin() {
    ArmTimer(kit_.durations.stream_idle_max);
    Advance();
  }
  void Drain();
  // Ends the stream if its member or credential was cut off: what is in work is kept, and nothing of it is
  // told any more. `now`: also where a message is on its way to a client that does not read.
  bool CutOff(bool now);
  bool BelongsTo(const CutOffGates& gates) const { return gates.contains(admission_.context.caller.gate); }

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  friend class Advancing<ImportStream>;
  // One message in work.
  struct Slot {
    bool done = false;
    absl::Status status;
    Bytes answer;
  };
  enum class Action { kNone, kRead, kWrite, kCancel, kFinish };

  void Work(const std::shared_ptr<Slot>& slot, const Bytes& message);
  void Answer(const std::shared_ptr<Slot>& slot, const absl::StatusOr<v1::ImportRecordsResponse>& response);
  Action Decide() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Action DecideFront() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Perform(Action action);
  void Write();
  void FinishStream();
  void End(absl::Status status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ArmTimer(std::chrono::milliseconds delay);
  void OnTimer();

  CallKit& kit_;
  exchange::Exchange& exchange_;
  StreamRegistry<ImportStream>& streams_;
  grpc::CallbackServerContext* const call_;  // until Finish
  const Admission admission_;
  const MemberLimits::Permit import_;
  const SteadyTime start_;

  Bytes in_;   // gRPC's while reading_
  Bytes out_;  // gRPC's while writing_

  std::deque<std::shared_ptr<Slot>> slots_ ABSL_GUARDED_BY(mutex_);
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mutex_);  // why the stream ends
  SteadyTime last_message_ ABSL_GUARDED_BY(mutex_);
  Timers::Handle timer_ ABSL_GUARDED_BY(mutex_);
  bool reading_ ABSL_GUARDED_BY(mutex_) = false;
  bool handing_over_ ABSL_GUARDED_BY(mutex_) =
      false;  // a message on its way to the exchange: keeps them in order
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool half_closed_ ABSL_GUARDED_BY(mutex_) = false;
  bool cancel_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

ImportStream::Action ImportStream::Decide() {
  if (finished_) return Action::kNone;
  if (cancel_) {
    cancel_ = false;
    return Action::kCancel;
  }
  if (!writing_ && !slots_.empty() && slots_.front()->done) {
    const Action action = DecideFront();
    if (action != Action::kNone) return action;
  }
  const bool idle = slots_.empty() && !writing_;
  if (idle && half_closed_ && !end_) end_ = absl::OkStatus();
  if (idle && end_) {
    finished_ = true;
    return Action::kFinish;
  }
  if (!end_ && !half_closed_ && !reading_ && !handing_over_ && slots_.size() < kMessagesInWork) {
    reading_ = true;
    return Action::kRead;
  }
  return Action::kNone;
}

// The oldest message has its answer: send it, or end with its error.
ImportStream::Action ImportStream::DecideFront() {
  const std::shared_ptr<Slot> slot = std::move(slots_.front());
  slots_.pop_front();
  if (!slot->status.ok()) {
    slots_.clear();
    end_ = slot->status;
    return Action::kNone;
  }
  out_ = slot->answer;
  writing_ = true;
  last_message_ = std::chrono::steady_clock::now();
  return Action::kWrite;
}

void ImportStream::Perform(Action action) {
  switch (action) {
    case Action::kNone:
      break;
    case Action::kRead:
      StartRead(&in_);
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

// Sends the answer if the member may still have it.
void ImportStream::Write() {
  identity::Gate::Pass pass;
  absl::Status may = kit_.guard.EnterToSend(Info(), admission_, &pass);
  if (may.ok()) {
    kit_.metrics.Sent(Method::kImportRecords);
    StartWrite(&out_);
    return;
  }
  MutexLock lock(mutex_);
  writing_ = false;
  slots_.clear();
  end_ = std::move(may);
}

void ImportStream::FinishStream() {
  absl::Status end;
  {
    MutexLock lock(mutex_);
    end = *end_;
    kit_.timers.Cancel(timer_);
  }
  identity::Gate::Pass pass;
  // How it ended says something of its messages: a member that was cut off is told that and nothing else.
  if (absl::Status may = kit_.guard.EnterToSend(Info(), admission_, &pass); !may.ok()) end = std::move(may);
  Finish(EndOfStream(kit_, admission_.context.caller.member_number, Method::kImportRecords, end, start_));
}

void ImportStream::End(absl::Status status) {
  if (!end_) end_ = std::move(status);
}

void ImportStream::OnReadDone(bool ok) {
  std::shared_ptr<Slot> slot;
  Bytes message;
  {
    MutexLock lock(mutex_);
    reading_ = false;
    last_message_ = std::chrono::steady_clock::now();
    if (!ok) {
      half_closed_ = true;
    } else if (!end_) {
      slot = std::make_shared<Slot>();
      slots_.push_back(slot);
      handing_over_ = true;
      message.Swap(&in_);
    }
  }
  if (slot != nullptr) {
    kit_.metrics.Received(Method::kImportRecords);
    Executor::Task task = [self = shared_from_this(), slot, message] { self->Work(slot, message); };
    // A stream is not refused half-way because workers are busy.
    kit_.executor.SubmitAlways(admission_.context.caller.member_number, std::move(task));
  }
  Advance();
}

void ImportStream::Work(const std::shared_ptr<Slot>& slot, const Bytes& message) {
  google::protobuf::Arena arena;
  auto* request = google::protobuf::Arena::CreateMessage<v1::ImportRecordsRequest>(&arena);
  exchange::CallContext context;
  absl::Status status = kit_.guard.Renew(Info(), admission_, &context);
  if (status.ok()) status = Parse(message, request);
  if (status.ok()) {
    exchange_.Import(
        context, *request,
        [self = shared_from_this(), slot](const absl::StatusOr<v1::ImportRecordsResponse>& response) {
          self->Answer(slot, response);
        });
  }
  {
    MutexLock lock(mutex_);
    if (!status.ok()) {
      slot->status = std::move(status);
      slot->done = true;
      half_closed_ = true;  // nothing after it is read; what came before it is answered first
    }
    handing_over_ = false;
  }
  Advance();
}

void ImportStream::Answer(const std::shared_ptr<Slot>& slot,
                          const absl::StatusOr<v1::ImportRecordsResponse>& response) {
  Bytes answer;
  if (response.ok()) answer = Serialize(*response);
  {
    MutexLock lock(mutex_);
    slot->status = response.status();
    slot->answer = answer;
    slot->done = true;
  }
  Advance();
}

void ImportStream::OnWriteDone(bool ok) {
  {
    MutexLock lock(mutex_);
    writing_ = false;
    last_message_ = std::chrono::steady_clock::now();
    if (!ok) {
      slots_.clear();
      End(absl::CancelledError("The client has gone."));
    }
  }
  Advance();
}

void ImportStream::OnCancel() {
  {
    MutexLock lock(mutex_);
    // What is in work goes on and is kept; nobody is there to be told.
    slots_.clear();
    End(absl::CancelledError("The client has gone."));
  }
  Advance();
}

void ImportStream::OnDone() { streams_.Remove(this); }

void ImportStream::Drain() {
  {
    MutexLock lock(mutex_);
    End(ShuttingDown());
  }
  Advance();
}

bool ImportStream::CutOff(bool now) {
  identity::Gate::Pass pass;
  absl::Status may = kit_.guard.EnterToSend(Info(), admission_, &pass);
  if (may.ok()) return false;
  {
    MutexLock lock(mutex_);
    slots_.clear();
    End(std::move(may));
    cancel_ = cancel_ || (now && writing_);
  }
  Advance();
  return true;
}

void ImportStream::ArmTimer(std::chrono::milliseconds delay) {
  MutexLock lock(mutex_);
  if (finished_) return;
  timer_ = kit_.timers.After(delay, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->OnTimer();
  });
}

// Ends a stream whose client neither sends nor reads, and at shutdown one that is still there when its time
// is over.
void ImportStream::OnTimer() {
  std::chrono::milliseconds again{0};
  {
    MutexLock lock(mutex_);
    const auto silent = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - last_message_);
    const bool draining = kit_.guard.draining();
    if (draining) {
      slots_.clear();
      End(ShuttingDown());
    } else if (slots_.empty() && silent >= kit_.durations.stream_idle_max) {
      End(NothingCame());
    } else {
      again = std::max(kit_.durations.stream_idle_max - silent, std::chrono::milliseconds(100));
    }
    // A client that doesn't read keeps the write from ending.
    cancel_ = cancel_ || (writing_ && (draining || silent >= kit_.durations.stream_idle_max));
  }
  if (again.count() > 0) ArmTimer(again);
  Advance();
}

ImportStreams::ImportStreams() = default;
ImportStreams::~ImportStreams() = default;

StreamReactor* ImportStreams::Open(CallKit& kit, exchange::Exchange& exchange,
                                   grpc::CallbackServerContext* call) {
  const SteadyTime start = std::chrono::steady_clock::now();
  kit.metrics.Started(Method::kImportRecords);
  Admission admission;
  MemberLimits::Permit import;
  absl::Status status = kit.guard.Admit(*call, Info(), &admission);
  if (status.ok()) {
    status = kit.guard.limits().AdmitImport(admission.context.caller.member_number, &import);
  }
  if (!status.ok()) {
    return RefuseStream(
        EndOfStream(kit, admission.context.caller.member_number, Method::kImportRecords, status, start));
  }
  admission.pass.Leave();
  auto stream = std::make_shared<ImportStream>(kit, exchange, streams_, call, std::move(admission),
                                               std::move(import), start);
  streams_.Add(stream);
  stream->Begin();
  // A drain or a cutting off that began since Admit has not seen it.
  if (kit.guard.draining()) stream->Drain();
  stream->CutOff(false);
  return stream.get();
}

void ImportStreams::Drain() { streams_.Drain(); }
size_t ImportStreams::CutOff(const CutOffGates& gates, bool now) { return streams_.CutOff(gates, now); }
size_t ImportStreams::CountOf(const CutOffGates& gates) const { return streams_.Of(gates).size(); }

}  // namespace coalition::service
