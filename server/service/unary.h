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
#include "grpcpp/support/server_callback.h"
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

// Holds the call's place among its member's until gRPC is done with it, which is when the answer has gone out
// and not when it was given: a client that does not read keeps its places. Deletes itself.
class HoldingReactor final : public grpc::ServerUnaryReactor {
 public:
  HoldingReactor(OpenCalls& open_calls, grpc::CallbackServerContext* call, OpenCalls::TimePoint began);
  void OnDone() override;
  MemberLimits::Permit permit;

 private:
  // gRPC's word for "what I do is short, do it on the thread you are on": without it each call costs one more
  // change of thread (docs/adr/0002-callback-threads.md). Not of a call that is being cancelled, whose end
  // waits for the thread that cancels it.
  bool InternalInlineable() override { return !entry_.cancelled(); }

  OpenCalls& open_calls_;
  OpenCalls::Entry entry_;
};

// The call's end of gRPC: answers it, once. Made on the callback thread; then moved to whoever answers.
class Reply {
 public:
  Reply(CallKit& kit, Method method, grpc::CallbackServerContext* call, grpc::ByteBuffer* response);

  HoldingReactor* reactor() const { return reactor_; }
  grpc::CallbackServerContext& call() const { return *call_; }
  void Send(const grpc::ByteBuffer& bytes);
  void Refuse(const absl::Status& status);

 private:
  void Count(absl::StatusCode code);

  CallKit* kit_;
  Method method_;
  grpc::CallbackServerContext* call_;
  grpc::ByteBuffer* response_;
  HoldingReactor* reactor_;
  std::chrono::steady_clock::time_point start_;
};

// A call whose answer comes later: from a worker, the commit lane or the disclosure log, or from the timer if
// they take too long. Lives as long as somebody may answer. Thread-safe, but for what says otherwise.
class PendingCall : public std::enable_shared_from_this<PendingCall> {
 public:
  PendingCall(CallKit& kit, Method method, const Reply& reply, Admission admission);

  // The context in which the call's work is done. Made anew when the work begins on a worker; not to be asked
  // for while RunOnWorker waits.
  const exchange::CallContext& context() const { return admission_.context; }
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
  // Runs on a worker, in turn with the other members' work, by the state of the coalition and the time of
  // then; refuses the call if too many wait or the caller may no more.
  void RunOnWorker(std::function<void()> work);
  // The same for a call whose work had begun already: never refused for how many wait, which would tell how
  // much there was to look at.
  void GoOnOnWorker(std::function<void()> work);
  // Runs on a worker.
  void AnswerOnWorker(std::function<void()> answer);

 private:
  absl::Status Begin();
  Executor::Task Beginning(std::function<void()> work);

  CallKit& kit_;
  const Method method_;
  Admission admission_;
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
std::shared_ptr<PendingCall> AdmitPending(CallKit& kit, Method method, const Reply& reply);

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
grpc::ServerUnaryReactor* ReadOnWorker(CallKit& kit, Method method, grpc::CallbackServerContext* call,
                                       const grpc::ByteBuffer* request_bytes,
                                       grpc::ByteBuffer* response_bytes, Read<Request, Response> read) {
  const Reply reply(kit, method, call, response_bytes);
  if (const std::shared_ptr<PendingCall> pending = AdmitPending(kit, method, reply)) {
    pending->RunOnWorker(Reading(pending, *request_bytes, std::move(read)));
  }
  return reply.reactor();
}

// A call that a warm store answers in microseconds, on the callback thread itself
// (docs/adr/0002-callback-threads.md). One with a large request goes to a worker, and one that turns out to
// look at many records begins anew there.
template <class Request, class Response, class Reader>
grpc::ServerUnaryReactor* ReadInPlace(CallKit& kit, Method method, grpc::CallbackServerContext* call,
                                      const grpc::ByteBuffer* request_bytes, grpc::ByteBuffer* response_bytes,
                                      const Reader& read) {
  if (request_bytes->Length() > kInPlaceBytesMax) {
    return ReadOnWorker<Request, Response>(kit, method, call, request_bytes, response_bytes, read);
  }
  Reply reply(kit, method, call, response_bytes);
  Admission admission;
  absl::Status status = kit.guard.Admit(*call, InfoOf(method), &admission);
  if (!status.ok()) {
    reply.Refuse(status);
    return reply.reactor();
  }
  reply.reactor()->permit = std::move(admission.permit);
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
  ledger::Disclosure disclosure = NewDisclosure(admission.context, method);
  status = Parse(*request_bytes, request);
  if (status.ok()) status = read(admission.context, *request, response, &disclosure);
  admission.context.watch = nullptr;
  if (watch.too_many()) {
    const auto pending = std::make_shared<PendingCall>(kit, method, reply, std::move(admission));
    pending->ArmTimer();
    pending->GoOnOnWorker(Reading<Request, Response>(pending, *request_bytes, read));
  } else if (!status.ok()) {
    reply.Refuse(status);
  } else if (disclosure.records.empty()) {
    reply.Send(Serialize(*response));
  } else {
    std::make_shared<PendingCall>(kit, method, reply, std::move(admission))
        ->DiscloseAndSend(std::move(disclosure), Serialize(*response));
  }
  return reply.reactor();
}

// Begins on a worker, since what it refers to may have to be read; ends on the thread that the work's done is
// called on.
template <class Request, class Response>
grpc::ServerUnaryReactor* Write(CallKit& kit, Method method, grpc::CallbackServerContext* call,
                                const grpc::ByteBuffer* request_bytes, grpc::ByteBuffer* response_bytes,
                                WriteWork<Request, Response> work) {
  const Reply reply(kit, method, call, response_bytes);
  if (const std::shared_ptr<PendingCall> pending = AdmitPending(kit, method, reply)) {
    pending->RunOnWorker([pending, bytes = *request_bytes, work = std::move(work)] {
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
  return reply.reactor();
}

}  // namespace coalition::service
