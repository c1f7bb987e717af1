// One way for every unary call: guard, parse, work, disclosure, reply.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/mutex.h"
#include "google/protobuf/arena.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "server/exchange/exchange.h"
#include "server/ledger/disclosures.h"
#include "server/service/call_kit.h"
#include "server/service/messages.h"
#include "server/service/methods.h"

namespace coalition::service {

// Answers at once, on the caller's thread. What of others' records is in the response is added to the
// disclosure.
template <class Request, class Response>
using Read =
    std::function<absl::Status(const exchange::CallContext&, const Request&, Response*, ledger::Disclosure*)>;

// Answers through `done`, once, on any thread.
template <class Request, class Response>
using WriteWork =
    std::function<void(const exchange::CallContext&, const Request&, exchange::Exchange::Done<Response>)>;

// Holds the call's place among its member's until gRPC is done with it, which is when the answer has gone out
// and not when it was given: a client that does not read keeps its places. gRPC ends such a reactor on
// another thread; for calls that are answered in place, with little, its own is cheaper.
class HoldingReactor final : public grpc::ServerUnaryReactor {
 public:
  void OnDone() override { delete this; }
  MemberLimits::Permit permit;
};

// The call's end of gRPC: answers it, once. Made on the callback thread; then moved to whoever answers.
class Reply {
 public:
  // `reactor`: the call's own, or one that holds its place.
  Reply(CallKit& kit, Method method, grpc::CallbackServerContext* call, grpc::ByteBuffer* response,
        grpc::ServerUnaryReactor* reactor);

  grpc::ServerUnaryReactor* reactor() const { return reactor_; }
  grpc::CallbackServerContext& call() const { return *call_; }
  void Send(const grpc::ByteBuffer& bytes);
  void Refuse(const absl::Status& status);

 private:
  void Count(absl::StatusCode code);

  CallKit* kit_;
  Method method_;
  grpc::CallbackServerContext* call_;
  grpc::ByteBuffer* response_;
  grpc::ServerUnaryReactor* reactor_;
  std::chrono::steady_clock::time_point start_;
};

// A call whose answer comes later: from a worker, the commit lane or the disclosure log, or from the timer if
// they take too long. Lives as long as somebody may answer. Thread-safe.
class PendingCall : public std::enable_shared_from_this<PendingCall> {
 public:
  PendingCall(CallKit& kit, Method method, const Reply& reply, Admission admission);

  CallKit& kit() { return kit_; }
  const Admission& admission() const { return admission_; }
  ledger::Disclosure NewDisclosure() const;

  // Answers with DEADLINE_EXCEEDED (or SHUTTING_DOWN) when nobody else has by then.
  void ArmTimer();
  // Not OK: nobody waits for the answer any more, since it was given, the client has gone or its deadline has
  // passed.
  absl::Status StillWanted();
  // Sends the bytes if the caller may still have them, by the newest state.
  void Send(const grpc::ByteBuffer& bytes);
  void Refuse(const absl::Status& status);
  // Records the disclosure if there is anything in it, and sends only when that was done.
  void DiscloseAndSend(ledger::Disclosure disclosure, const grpc::ByteBuffer& bytes);
  // Runs on a worker; refuses the call if there are too many waiting.
  void RunOnWorker(std::function<void()> work);
  // Runs on a worker, or at once if there are too many waiting: an answer that was worked for is given.
  void AnswerOnWorker(std::function<void()> answer);

 private:
  CallKit& kit_;
  const Method method_;
  const Admission admission_;
  Mutex mutex_;
  Reply reply_ ABSL_GUARDED_BY(mutex_);
  bool answered_ ABSL_GUARDED_BY(mutex_) = false;
  Timers::Handle timer_ ABSL_GUARDED_BY(mutex_);
};

ledger::Disclosure NewDisclosure(const exchange::CallContext& context, Method method);

// Lets the call in and leaves its work to a worker. nullptr: it was refused, and answered.
// `reactor` is the reply's.
std::shared_ptr<PendingCall> AdmitPending(CallKit& kit, Method method, const Reply& reply,
                                          HoldingReactor* reactor);

// Work that a warm store answers in microseconds, on the callback thread itself
// (docs/adr/0002-callback-threads.md).
template <class Request, class Response, class Work>
grpc::ServerUnaryReactor* ReadInPlace(CallKit& kit, Method method, grpc::CallbackServerContext* call,
                                      const grpc::ByteBuffer* request_bytes, grpc::ByteBuffer* response_bytes,
                                      const Work& work) {
  Reply reply(kit, method, call, response_bytes, call->DefaultReactor());
  Admission admission;
  absl::Status status = kit.guard.Admit(*call, InfoOf(method), &admission);
  if (status.ok()) {
    // Most messages fit the block: no allocation.
    alignas(8) char block[4096];
    google::protobuf::ArenaOptions options;
    options.initial_block = block;
    options.initial_block_size = sizeof(block);
    google::protobuf::Arena arena(options);
    auto* request = google::protobuf::Arena::CreateMessage<Request>(&arena);
    auto* response = google::protobuf::Arena::CreateMessage<Response>(&arena);
    ledger::Disclosure disclosure = NewDisclosure(admission.context, method);
    status = Parse(*request_bytes, request);
    if (status.ok()) status = work(admission.context, *request, response, &disclosure);
    if (status.ok()) {
      if (disclosure.records.empty()) {
        reply.Send(Serialize(*response));
      } else {
        std::make_shared<PendingCall>(kit, method, reply, std::move(admission))
            ->DiscloseAndSend(std::move(disclosure), Serialize(*response));
      }
    }
  }
  if (!status.ok()) reply.Refuse(status);
  return reply.reactor();
}

// Work that may read from disk or takes long.
template <class Request, class Response>
grpc::ServerUnaryReactor* ReadOnWorker(CallKit& kit, Method method, grpc::CallbackServerContext* call,
                                       const grpc::ByteBuffer* request_bytes,
                                       grpc::ByteBuffer* response_bytes, Read<Request, Response> work) {
  auto* reactor = new HoldingReactor();  // deletes itself
  const Reply reply(kit, method, call, response_bytes, reactor);
  if (const std::shared_ptr<PendingCall> pending = AdmitPending(kit, method, reply, reactor)) {
    pending->RunOnWorker([pending, bytes = *request_bytes, work = std::move(work)] {
      google::protobuf::Arena arena;
      auto* request = google::protobuf::Arena::CreateMessage<Request>(&arena);
      auto* response = google::protobuf::Arena::CreateMessage<Response>(&arena);
      ledger::Disclosure disclosure = pending->NewDisclosure();
      absl::Status status = Parse(bytes, request);
      if (status.ok()) status = work(pending->admission().context, *request, response, &disclosure);
      if (status.ok()) {
        pending->DiscloseAndSend(std::move(disclosure), Serialize(*response));
      } else {
        pending->Refuse(status);
      }
    });
  }
  return reply.reactor();
}

// Begins on a worker, since what it refers to may have to be read; ends on the thread that the work's done is
// called on. Shows nothing of others.
template <class Request, class Response>
grpc::ServerUnaryReactor* Write(CallKit& kit, Method method, grpc::CallbackServerContext* call,
                                const grpc::ByteBuffer* request_bytes, grpc::ByteBuffer* response_bytes,
                                WriteWork<Request, Response> work) {
  auto* reactor = new HoldingReactor();  // deletes itself
  const Reply reply(kit, method, call, response_bytes, reactor);
  if (const std::shared_ptr<PendingCall> pending = AdmitPending(kit, method, reply, reactor)) {
    pending->RunOnWorker([pending, bytes = *request_bytes, work = std::move(work)] {
      google::protobuf::Arena arena;
      auto* request = google::protobuf::Arena::CreateMessage<Request>(&arena);
      if (const absl::Status status = Parse(bytes, request); !status.ok()) return pending->Refuse(status);
      work(pending->admission().context, *request, [pending](absl::StatusOr<Response> response) {
        pending->AnswerOnWorker([pending, response = std::move(response)] {
          if (response.ok()) {
            pending->Send(Serialize(*response));
          } else {
            pending->Refuse(response.status());
          }
        });
      });
    });
  }
  return reply.reactor();
}

}  // namespace coalition::service
