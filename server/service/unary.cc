#include "server/service/unary.h"

#include <string>

#include "common/errors.h"
#include "server/exchange/access.h"

namespace coalition::service {
namespace {

absl::Status TooBusy() {
  return WithRetryDelay(
      Error(v1::ERROR_REASON_RATE_LIMITED, "The server has as many calls waiting as it may have.",
            {{"limit", "worker_queue"}}),
      std::chrono::milliseconds(100));
}

}  // namespace

CallEnd::CallEnd(OpenCalls& open_calls, grpc::ServerContextBase* call, OpenCalls::TimePoint began)
    : open_calls_(open_calls) {
  open_calls_.Add(&entry_, call, began);
}

void CallEnd::Hold(const Admission& admission, MemberLimits::Permit permit) {
  entry_.BelongTo(admission.context.caller.gate);
  permit_ = std::move(permit);
}

Reply::Reply(CallKit& kit, const Incoming& incoming) : kit_(&kit), incoming_(incoming) {}

void Reply::Count(absl::StatusCode code) {
  const auto duration = std::chrono::steady_clock::now() - incoming_.start;
  kit_->metrics.Handled(incoming_.method, code,
                        std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count());
}

void Reply::Send(const grpc::ByteBuffer& bytes, identity::Gate::Pass pass) {
  *incoming_.response = bytes;
  kit_->metrics.Sent(incoming_.method);
  Count(absl::StatusCode::kOk);
  incoming_.end->Answer(grpc::Status::OK, std::move(pass));
}

void Reply::Refuse(const absl::Status& status, identity::Gate::Pass pass) {
  const grpc::Status answer = ToGrpc(status, InfoOf(incoming_.method).name);
  kit_->metrics.Refused(status);
  kit_->refusals.Note(member_, InfoOf(incoming_.method).name, status);
  Count(static_cast<absl::StatusCode>(answer.error_code()));
  incoming_.end->Answer(answer, std::move(pass));
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

std::shared_ptr<PendingCall> AdmitPending(CallKit& kit, const Incoming& incoming) {
  Reply reply(kit, incoming);
  Admission admission;
  const absl::Status status = kit.guard.Admit(reply.call(), InfoOf(incoming.method), &admission);
  reply.SetMember(admission.context.caller.member_number);
  if (!status.ok()) {
    reply.Refuse(status, std::move(admission.pass));
    return nullptr;
  }
  reply.end().Hold(admission, std::move(admission.permit));
  admission.pass.Leave();
  auto pending = std::make_shared<PendingCall>(kit, reply, std::move(admission));
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

PendingCall::PendingCall(CallKit& kit, const Reply& reply, Admission admission)
    : kit_(kit), method_(reply.method()), admission_(std::move(admission)), reply_(reply) {}

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

void PendingCall::Answer(const absl::StatusOr<grpc::ByteBuffer>& answer) {
  identity::Gate::Pass pass;
  MutexLock lock(mutex_);
  if (answered_) return;
  answered_ = true;
  kit_.timers.Cancel(timer_);
  const absl::Status may = kit_.guard.EnterToSend(InfoOf(method_), admission_, &pass);
  if (may.ok() && answer.ok()) return reply_.Send(*answer, std::move(pass));
  reply_.Refuse(may.ok() ? answer.status() : may, std::move(pass));
}

void PendingCall::DiscloseAndSend(ledger::Disclosure disclosure, const grpc::ByteBuffer& bytes) {
  if (disclosure.records.empty()) return Send(bytes);
  kit_.disclosures.Record(std::move(disclosure),
                          [self = shared_from_this(), bytes](const absl::Status& status) {
                            if (status.ok()) {
                              self->Send(bytes);
                            } else {
                              self->Refuse(exchange::FromStore(status));
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

Executor& PendingCall::workers() const {
  return InfoOf(method_).cuts_off ? kit_.cut_off_executor : kit_.executor;
}

void PendingCall::RunOnWorker(std::function<void()> work) {
  Executor::Task task = Beginning(std::move(work));
  if (!workers().Submit(context().caller.member_number, task)) {
    Refuse(kit_.guard.draining() ? ShuttingDown() : TooBusy());
  }
}

void PendingCall::GoOnOnWorker(std::function<void()> work) {
  workers().SubmitAlways(context().caller.member_number, Beginning(std::move(work)));
}

void PendingCall::AnswerOnWorker(std::function<void()> answer) {
  workers().SubmitAlways(context().caller.member_number, std::move(answer));
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
