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

void CallEnd::ExpireAfter(std::chrono::milliseconds delay, std::function<void()> expire) {
  MutexLock lock(mutex_);
  if (call_ != nullptr) timer_ = timers_.After(delay, std::move(expire));
}

void CallEnd::Cancel() {
  MutexLock lock(mutex_);
  if (call_ != nullptr) call_->TryCancel();
}

void CallEnd::Over() {
  MutexLock lock(mutex_);
  call_ = nullptr;
  timers_.Cancel(timer_);
}

void HoldingReactor::OnDone() {
  if (end_ != nullptr) end_->Over();
  delete this;
}

void HoldingReactor::SetEnd(std::shared_ptr<CallEnd> end) {
  end_ = std::move(end);
  has_end_.store(true, std::memory_order_relaxed);
}

Reply::Reply(CallKit& kit, Method method, grpc::CallbackServerContext* call, grpc::ByteBuffer* response)
    : kit_(&kit),
      method_(method),
      call_(call),
      response_(response),
      reactor_(new HoldingReactor()),
      start_(std::chrono::steady_clock::now()) {
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
  if (answered_ || reply_.reactor()->has_end()) return;
  const auto end = std::make_shared<CallEnd>(kit_.timers, &reply_.call());
  reply_.reactor()->SetEnd(end);
  // Weak: what was answered need not stay until its time would have been over.
  end->ExpireAfter(kit_.durations.unary_max, [end, &guard = kit_.guard, weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self == nullptr || !self->Refuse(guard.draining() ? ShuttingDown() : TookTooLong())) end->Cancel();
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
  reply_.Send(bytes);
}

bool PendingCall::Refuse(const absl::Status& status) {
  MutexLock lock(mutex_);
  if (answered_) return false;
  answered_ = true;
  reply_.Refuse(status);
  return true;
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

void PendingCall::RunOnWorker(std::function<void()> work) {
  Executor::Task task = [self = shared_from_this(), work = std::move(work)] {
    if (const absl::Status begun = self->Begin(); begun.ok()) {
      work();
    } else {
      self->Refuse(begun);
    }
  };
  if (!kit_.executor.Submit(context().caller.member_number, task)) {
    Refuse(kit_.guard.draining() ? ShuttingDown() : TooBusy());
  }
}

void PendingCall::AnswerOnWorker(std::function<void()> answer) {
  if (!kit_.executor.Submit(context().caller.member_number, answer)) answer();
}

}  // namespace coalition::service
