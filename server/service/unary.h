// One way for every unary call: guard, parse, work, disclosure, reply.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/mutex.h"
#include "google/protobuf/arena.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "server/exchange/exchange.h"
#include "server/ledger/disclosures.h"
#include "server/service/call_kit.h"
#include "server/service/messages.h"
#include "server/service/methods.h"
#include "server/service/open_calls.h"

namespace coalition::service {

// Answers at once, on the caller's thread. What of others' records is in the response is added to the
// disclosure.
template <class Request, class Response>
using Read =
    std::function<absl::Status(const exchange::CallContext&, const Request&, Response*, ledger::Disclosure*)>;

// Answers through `done`, once, on any thread.
template <class Request, class Response>
using WriteWork = std::function<void(const exchange::CallContext&, const Request&,
                                     exchange::Exchange::DoneShowing<Response>)>;

// Where the answer of a call goes, whichever of gRPC's ways it came. Holds the call's place among its
// member's until gRPC is done with it, which is when the answer has gone out and not when it was given: a
// client that does not read keeps its places.
class CallEnd {
 public:
  CallEnd(OpenCalls& open_calls, grpc::ServerContextBase* call, OpenCalls::TimePoint began);
  virtual ~CallEnd() = default;
  CallEnd(const CallEnd&) = delete;
  CallEnd& operator=(const CallEnd&) = delete;

  // Once. The pass is left when gRPC has begun to send, which may be later than this: before the handler has
  // returned gRPC only takes note. The end may be gone when this returns.
  void Answer(const grpc::Status& status, identity::Gate::Pass pass) {
    entry_.Answered();
    SendAnswer(status, std::move(pass));
  }
  void Hold(const Admission& admission, MemberLimits::Permit permit);

 protected:
  virtual void SendAnswer(const grpc::Status& status, identity::Gate::Pass pass) = 0;
  void GiveBack() { open_calls_.Remove(&entry_); }
  bool cancelled() const { return entry_.cancelled(); }

 private:
  OpenCalls& open_calls_;
  OpenCalls::Entry entry_;
  MemberLimits::Permit permit_;
};

// One call as it came in. All of it lives until the end was given its answer.
struct Incoming {
  Method method;
  grpc::ServerContextBase* call = nullptr;
  const grpc::ByteBuffer* request = nullptr;
  grpc::ByteBuffer* response = nullptr;
  CallEnd* end = nullptr;
  std::chrono::steady_clock::time_point start;
};

// What serves a method: answers each call once, on any thread.
using Handler = std::function<void(CallKit&, const Incoming&)>;
struct Route {
  Method method;
  Handler handler;
};

// Answers a call, once. Made where it came in; then moved to whoever answers.
class Reply {
 public:
  Reply(CallKit& kit, const Incoming& incoming);

  CallEnd& end() const { return *incoming_.end; }
  grpc::ServerContextBase& call() const { return *incoming_.call; }
  Method method() const { return incoming_.method; }
  // Whose call it is, by number: refusals are noted for it. 0: nobody's that is known.
  void SetMember(uint32_t member) { member_ = member; }
  void Send(const grpc::ByteBuffer& bytes, identity::Gate::Pass pass);
  // Without a pass: what is told says nothing but that the caller may not.
  void Refuse(const absl::Status& status, identity::Gate::Pass pass = {});

 private:
  void Count(absl::StatusCode code);

  CallKit* kit_;
  Incoming incoming_;
  uint32_t member_ = 0;
};

// A call whose answer comes later: from a worker, the commit lane or the disclosure log, or from the timer if
// they take too long. Lives as long as somebody may answer. Thread-safe, but for what says otherwise.
class PendingCall : public std::enable_shared_from_this<PendingCall> {
 public:
  PendingCall(CallKit& kit, const Reply& reply, Admission admission);

  // The context in which the call's work is done. Made anew when the work begins on a worker; not to be asked
  // for while RunOnWorker waits.
  const exchange::CallContext& context() const { return admission_.context; }
  ledger::Disclosure NewDisclosure() const;

  // Answers with DEADLINE_EXCEEDED (or SHUTTING_DOWN) when nobody else has by then.
  void ArmTimer();
  // Not OK: nobody waits for the answer any more, since it was given, the client has gone or its deadline has
  // passed.
  absl::Status StillWanted();
  // Sends the bytes, or the error, if the caller may still have them by the newest state; or else says why
  // not.
  void Send(const grpc::ByteBuffer& bytes) { Answer(bytes); }
  void Refuse(const absl::Status& status) { Answer(status); }
  // Records the disclosure if there is anything in it, and sends only when that was done.
  void DiscloseAndSend(ledger::Disclosure disclosure, const grpc::ByteBuffer& bytes);
  // Runs on a worker, in turn with the other members' work, by the state of the coalition and the time of
  // then; refuses the call if too many wait or the caller may no more.
  void RunOnWorker(std::function<void()> work);
  // The same for a call whose work had begun already: never refused for how many wait, which would tell how
  // much there was to look at.
  void GoOnOnWorker(std::function<void()> work);
  // Runs on a worker.
  void AnswerOnWorker(std::function<void()> answer);

 private:
  void Answer(const absl::StatusOr<grpc::ByteBuffer>& answer);
  absl::Status Begin();
  Executor::Task Beginning(std::function<void()> work);
  Executor& workers() const;

  CallKit& kit_;
  const Method method_;
  Admission admission_;  // its pass is left
  Mutex mutex_;
  Reply reply_ ABSL_GUARDED_BY(mutex_);
  bool answered_ ABSL_GUARDED_BY(mutex_) = false;
  Timers::Handle timer_ ABSL_GUARDED_BY(mutex_);
};

// From now on, until the guard drains, calls are cancelled that gRPC is not done with a while after the
// longest that a call may take: their clients do not read. Everything in the kit must outlive its timers.
void CutOffUnreadCalls(CallKit& kit);

// Lets a reading call look at so many records on gRPC's thread: about what a few ordinary sellers have.
class InPlaceWatch final : public exchange::ReadWatch {
 public:
  absl::Status Look() override;
  bool too_many() const { return looked_ > kRecordsMax; }

 private:
  static constexpr int kRecordsMax = 256;
  int looked_ = 0;
};

// Ends a reading call on a worker when nobody waits for its answer any more.
class WorkerWatch final : public exchange::ReadWatch {
 public:
  explicit WorkerWatch(PendingCall& call) : call_(call) {}
  absl::Status Look() override;

 private:
  static constexpr int kRecordsBetween = 64;
  PendingCall& call_;
  int looked_ = 0;
};

ledger::Disclosure NewDisclosure(const exchange::CallContext& context, Method method);

// Lets the call in and leaves its work to a worker. nullptr: it was refused, and answered.
std::shared_ptr<PendingCall> AdmitPending(CallKit& kit, const Incoming& incoming);

// A larger request is not parsed on gRPC's threads. This many bytes are some 64 sellers, which a warm store
// answers in the time of a few hits; a thousand would keep such a thread, of which there may be two, for a
// millisecond.
inline constexpr size_t kInPlaceBytesMax = 2048;

// What a worker does for a reading call.
template <class Request, class Response>
std::function<void()> Reading(const std::shared_ptr<PendingCall>& pending,
                              const grpc::ByteBuffer& request_bytes, Read<Request, Response> read) {
  return [pending, bytes = request_bytes, read = std::move(read)] {
    google::protobuf::Arena arena;
    auto* request = google::protobuf::Arena::CreateMessage<Request>(&arena);
    auto* response = google::protobuf::Arena::CreateMessage<Response>(&arena);
    WorkerWatch watch(*pending);
    exchange::CallContext context = pending->context();
    context.watch = &watch;
    ledger::Disclosure disclosure = pending->NewDisclosure();
    absl::Status status = Parse(bytes, request);
    if (status.ok()) status = read(context, *request, response, &disclosure);
    if (status.ok()) {
      pending->DiscloseAndSend(std::move(disclosure), Serialize(*response));
    } else {
      pending->Refuse(status);
    }
  };
}

// A call that may read from disk or takes long.
template <class Request, class Response>
void ReadOnWorker(CallKit& kit, const Incoming& incoming, Read<Request, Response> read) {
  if (const std::shared_ptr<PendingCall> pending = AdmitPending(kit, incoming)) {
    pending->RunOnWorker(Reading(pending, *incoming.request, std::move(read)));
  }
}

// A call that a warm store answers in microseconds, on the callback thread itself
// (docs/adr/0002-callback-threads.md). One with a large request goes to a worker, and one that turns out to
// look at many records begins anew there.
template <class Request, class Response, class Reader>
void ReadInPlace(CallKit& kit, const Incoming& incoming, const Reader& read) {
  if (incoming.request->Length() > kInPlaceBytesMax) {
    return ReadOnWorker<Request, Response>(kit, incoming, read);
  }
  Reply reply(kit, incoming);
  Admission admission;
  absl::Status status = kit.guard.Admit(reply.call(), InfoOf(incoming.method), &admission);
  reply.SetMember(admission.context.caller.member_number);
  if (!status.ok()) return reply.Refuse(status, std::move(admission.pass));
  reply.end().Hold(admission, std::move(admission.permit));
  // Most messages fit the block: no allocation.
  alignas(8) char block[4096];
  google::protobuf::ArenaOptions options;
  options.initial_block = block;
  options.initial_block_size = sizeof(block);
  google::protobuf::Arena arena(options);
  auto* request = google::protobuf::Arena::CreateMessage<Request>(&arena);
  auto* response = google::protobuf::Arena::CreateMessage<Response>(&arena);
  InPlaceWatch watch;
  admission.context.watch = &watch;
  ledger::Disclosure disclosure = NewDisclosure(admission.context, incoming.method);
  status = Parse(*incoming.request, request);
  if (status.ok()) status = read(admission.context, *request, response, &disclosure);
  admission.context.watch = nullptr;
  // The pass is inside since the call was admitted: what is answered here needs no second look.
  if (watch.too_many()) {
    admission.pass.Leave();
    const auto pending = std::make_shared<PendingCall>(kit, reply, std::move(admission));
    pending->ArmTimer();
    pending->GoOnOnWorker(Reading<Request, Response>(pending, *incoming.request, read));
  } else if (!status.ok()) {
    reply.Refuse(status, std::move(admission.pass));
  } else if (disclosure.records.empty()) {
    reply.Send(Serialize(*response), std::move(admission.pass));
  } else {
    admission.pass.Leave();
    std::make_shared<PendingCall>(kit, reply, std::move(admission))
        ->DiscloseAndSend(std::move(disclosure), Serialize(*response));
  }
}

// Begins on a worker, since what it refers to may have to be read; ends on the thread that the work's done is
// called on.
template <class Request, class Response>
void Write(CallKit& kit, const Incoming& incoming, WriteWork<Request, Response> work) {
  const std::shared_ptr<PendingCall> pending = AdmitPending(kit, incoming);
  if (pending == nullptr) return;
  pending->RunOnWorker([pending, bytes = *incoming.request, work = std::move(work)] {
    google::protobuf::Arena arena;
    auto* request = google::protobuf::Arena::CreateMessage<Request>(&arena);
    if (const absl::Status status = Parse(bytes, request); !status.ok()) {
      pending->Refuse(status);
      return;
    }
    work(pending->context(), *request, [pending](absl::StatusOr<Response> response, ledger::Shown shown) {
      pending->AnswerOnWorker([pending, response = std::move(response), shown = std::move(shown)] {
        if (!response.ok()) {
          pending->Refuse(response.status());
          return;
        }
        ledger::Disclosure disclosure = pending->NewDisclosure();
        disclosure.records = shown.records;
        disclosure.epoch = shown.epoch;
        disclosure.state_revision = shown.state_revision;
        pending->DiscloseAndSend(std::move(disclosure), Serialize(*response));
      });
    });
  });
}

// What serves a method of a service that shows no record of others: on a worker, or in place.
template <class Service, class Request, class Response>
Handler ServeOnWorker(const Service* service,
                      absl::Status (Service::*serve)(const exchange::CallContext&, const Request&, Response*)
                          const) {
  return [service, serve](CallKit& kit, const Incoming& incoming) {
    ReadOnWorker<Request, Response>(
        kit, incoming,
        [service, serve](const exchange::CallContext& context, const Request& request, Response* response,
                         ledger::Disclosure*) { return (service->*serve)(context, request, response); });
  };
}

template <class Service, class Request, class Response>
Handler ServeInPlace(const Service* service,
                     absl::Status (Service::*serve)(const exchange::CallContext&, const Request&, Response*)
                         const) {
  return [service, serve](CallKit& kit, const Incoming& incoming) {
    ReadInPlace<Request, Response>(
        kit, incoming,
        [service, serve](const exchange::CallContext& context, const Request& request, Response* response,
                         ledger::Disclosure*) { return (service->*serve)(context, request, response); });
  };
}

}  // namespace coalition::service
