#include "server/service/unary.h"

#include <string>

#include "common/errors.h"

namespace coalition::service {
namespace {

absl::Status TooBusy() {
  return WithRetryDelay(
      Error(v1::ERROR_REASON_RATE_LIMITED, "The server has as many calls waiting as it may have.",
            {{"limit", "worker_queue"}}),
      std::chrono::milliseconds(100));
}

}  // namespace

HoldingReactor::HoldingReactor(OpenCalls& open_calls, grpc::CallbackServerContext* call,
                               OpenCalls::TimePoint began)
    : open_calls_(open_calls) {
  open_calls_.Add(&entry_, call, began);
}

void HoldingReactor::OnDone() {
  open_calls_.Remove(&entry_);
  delete this;
}

Reply::Reply(CallKit& kit, Method method, grpc::CallbackServerContext* call, grpc::ByteBuffer* response)
    : kit_(&kit),
      method_(method),
      call_(call),
      response_(response),
      start_(std::chrono::steady_clock::now()) {
  reactor_ = new HoldingReactor(kit.open_calls, call, start_);  // deletes itself
  kit.metrics.Started(method);
  kit.metrics.Received(method);
}

void Reply::Count(absl::StatusCode code) {
  const auto duration = std::chrono::steady_clock::now() - start_;
  kit_->metrics.Handled(method_, code,
                        std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count());
}

void Reply::Send(const grpc::ByteBuffer& bytes) {
  *response_ = bytes;
  kit_->metrics.Sent(method_);
  Count(absl::StatusCode::kOk);
  reactor_->Finish(grpc::Status::OK);
}

void Reply::Refuse(const absl::Status& status) {
  const grpc::Status answer = ToGrpc(status, InfoOf(method_).name);
  kit_->metrics.Refused(status);
  Count(static_cast<absl::StatusCode>(answer.error_code()));
  reactor_->Finish(answer);
}

ledger::Disclosure NewDisclosure(const exchange::CallContext& context, Method method) {
  ledger::Disclosure disclosure;
  disclosure.member = context.caller.member_number;
  disclosure.credential = context.caller.credential;
  disclosure.method = InfoOf(method).name;
  disclosure.epoch = context.snapshot->policy_state().epoch();
  disclosure.state_revision = context.snapshot->stored().revision;
  disclosure.time_ns = context.now_ns;
  return disclosure;
}

std::shared_ptr<PendingCall> AdmitPending(CallKit& kit, Method method, const Reply& reply) {
  Admission admission;
  const absl::Status status = kit.guard.Admit(reply.call(), InfoOf(method), &admission);
  if (!status.ok()) {
    Reply(reply).Refuse(status);
    return nullptr;
  }
  reply.reactor()->permit = std::move(admission.permit);
  auto pending = std::make_shared<PendingCall>(kit, method, reply, std::move(admission));
  pending->ArmTimer();
  return pending;
}

absl::Status InPlaceWatch::Look() {
  ++looked_;
  return too_many() ? absl::AbortedError("too many records for gRPC's thread") : absl::OkStatus();
}

absl::Status WorkerWatch::Look() {
  return ++looked_ % kRecordsBetween == 0 ? call_.StillWanted() : absl::OkStatus();
}

PendingCall::PendingCall(CallKit& kit, Method method, const Reply& reply, Admission admission)
    : kit_(kit), method_(method), admission_(std::move(admission)), reply_(reply) {}

ledger::Disclosure PendingCall::NewDisclosure() const { return service::NewDisclosure(context(), method_); }

void PendingCall::ArmTimer() {
  MutexLock lock(mutex_);
  if (answered_ || timer_ != Timers::Handle()) return;
  // Weak: what was answered need not stay until its time would have been over.
  timer_ = kit_.timers.After(kit_.durations.unary_max, [&guard = kit_.guard, weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->Refuse(guard.draining() ? ShuttingDown() : TookTooLong());
  });
}

absl::Status PendingCall::StillWanted() {
  MutexLock lock(mutex_);
  if (answered_ || reply_.call().IsCancelled()) return absl::CancelledError("The client has gone.");
  if (reply_.call().deadline() <= std::chrono::system_clock::now()) return TookTooLong();
  return absl::OkStatus();
}

void PendingCall::Send(const grpc::ByteBuffer& bytes) {
  if (const absl::Status status = kit_.guard.Recheck(InfoOf(method_), admission_); !status.ok()) {
    Refuse(status);
    return;
  }
  MutexLock lock(mutex_);
  if (answered_) return;
  answered_ = true;
  kit_.timers.Cancel(timer_);
  reply_.Send(bytes);
}

void PendingCall::Refuse(const absl::Status& status) {
  MutexLock lock(mutex_);
  if (answered_) return;
  answered_ = true;
  kit_.timers.Cancel(timer_);
  reply_.Refuse(status);
}

void PendingCall::DiscloseAndSend(ledger::Disclosure disclosure, const grpc::ByteBuffer& bytes) {
  if (disclosure.records.empty()) return Send(bytes);
  kit_.disclosures.Record(std::move(disclosure),
                          [self = shared_from_this(), bytes](const absl::Status& status) {
                            if (status.ok()) {
                              self->Send(bytes);
                            } else {
                              self->Refuse(status);
                            }
                          });
  // A log that answers at once needs no timer; this does nothing then.
  ArmTimer();
}

absl::Status PendingCall::Begin() {
  if (absl::Status wanted = StillWanted(); !wanted.ok()) return wanted;
  return kit_.guard.Renew(InfoOf(method_), admission_, &admission_.context);
}

Executor::Task PendingCall::Beginning(std::function<void()> work) {
  return [self = shared_from_this(), work = std::move(work)] {
    if (const absl::Status begun = self->Begin(); begun.ok()) {
      work();
    } else {
      self->Refuse(begun);
    }
  };
}

void PendingCall::RunOnWorker(std::function<void()> work) {
  Executor::Task task = Beginning(std::move(work));
  if (!kit_.executor.Submit(context().caller.member_number, task)) {
    Refuse(kit_.guard.draining() ? ShuttingDown() : TooBusy());
  }
}

void PendingCall::GoOnOnWorker(std::function<void()> work) {
  kit_.executor.SubmitAlways(context().caller.member_number, Beginning(std::move(work)));
}

void PendingCall::AnswerOnWorker(std::function<void()> answer) {
  kit_.executor.SubmitAlways(context().caller.member_number, std::move(answer));
}

void CutOffUnreadCalls(CallKit& kit) {
  const std::chrono::milliseconds longest = kit.durations.unary_max + kit.durations.unary_max / 4;
  kit.timers.After(kit.durations.unary_max / 4, [&kit, longest] {
    if (kit.guard.draining()) return;  // gRPC cancels what is left
    kit.open_calls.CancelBefore(std::chrono::steady_clock::now() - longest);
    CutOffUnreadCalls(kit);
  });
}

}  // namespace coalition::service
