#include "server/service/grpc_services.h"

#include <chrono>
#include <condition_variable>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/mutex.h"
#include "common/strings.h"
#include "grpcpp/impl/call.h"
#include "grpcpp/impl/call_hook.h"
#include "grpcpp/impl/rpc_service_method.h"
#include "grpcpp/support/method_handler.h"
#include "grpcpp/support/server_callback.h"
#if __has_include("grpcpp/impl/server_callback_handlers.h")
#include "grpcpp/impl/server_callback_handlers.h"
#else  // gRPC 1.51
#include "grpcpp/impl/codegen/server_callback_handlers.h"
#endif

namespace coalition::service {
namespace {

using Bytes = grpc::ByteBuffer;
using RpcType = grpc::internal::RpcMethod::RpcType;

std::string PathOf(Method method) {
  const MethodInfo& info = InfoOf(method);
  return absl::StrCat("/", Absl(info.service), "/", Absl(info.name));
}

// Deletes itself.
class CallbackEnd final : public grpc::ServerUnaryReactor, public CallEnd {
 public:
  using CallEnd::CallEnd;
  // `pass` is left when Finish has returned, and so has begun to send; or, if gRPC has only taken note, the
  // other one, when it has sent what it noted.
  void SendAnswer(const grpc::Status& status, identity::Gate::Pass pass) override {
    {
      const MutexLock lock(mutex_);
      if (!bound_) kept_ = pass;
    }
    Finish(status);  // not within the lock: gRPC may ask InternalInlineable() on this thread
  }
  void OnDone() override {
    GiveBack();
    delete this;
  }

 private:
  // gRPC's word for "what I do is short, do it on the thread you are on": without it each call costs one more
  // change of thread (docs/adr/0002-callback-threads.md). Not of a call that is being cancelled, whose end
  // waits for the thread that cancels it. gRPC asks first when it has bound the reactor, and sent what was
  // noted.
  bool InternalInlineable() override {
    const MutexLock lock(mutex_);
    bound_ = true;
    kept_.Leave();
    return !cancelled();
  }

  Mutex mutex_;
  bool bound_ ABSL_GUARDED_BY(mutex_) = false;
  identity::Gate::Pass kept_ ABSL_GUARDED_BY(mutex_);
};

class BlockingEnd final : public CallEnd {
 public:
  using CallEnd::CallEnd;
  ~BlockingEnd() override { GiveBack(); }
  void SendAnswer(const grpc::Status& status, identity::Gate::Pass pass) override {
    const MutexLock lock(mutex_);
    pass_ = std::move(pass);
    answer_ = status;
    answered_.notify_one();  // within the lock: who waits goes on
  }
  grpc::Status Wait() {
    MutexLock lock(mutex_);
    while (!answer_) lock.Wait(answered_);
    return *answer_;
  }
  void LeavePass() {
    const MutexLock lock(mutex_);
    pass_.Leave();
  }

 private:
  Mutex mutex_;
  std::condition_variable answered_;
  std::optional<grpc::Status> answer_ ABSL_GUARDED_BY(mutex_);
  identity::Gate::Pass pass_ ABSL_GUARDED_BY(mutex_);
};

// A call as gRPC's blocking handler sees it: the pass is left when the answer has begun to be sent, and the
// call's places are given back when that has ended.
class SendingCall final : public grpc::internal::CallHook {
 public:
  explicit SendingCall(grpc::internal::Call* call) : original_(call) { current_ = this; }
  ~SendingCall() override { current_ = nullptr; }

  grpc::internal::Call Hooked() {
    return {original_->call(), this, original_->cq(), original_->max_receive_message_size(),
            original_->server_rpc_info()};
  }
  void PerformOpsOnCall(grpc::internal::CallOpSetInterface* ops, grpc::internal::Call*) override {
    original_->PerformOps(ops);
    if (end_ != nullptr) end_->LeavePass();
  }
  BlockingEnd& Begin(OpenCalls& open_calls, grpc::ServerContextBase* call, OpenCalls::TimePoint began) {
    end_ = std::make_unique<BlockingEnd>(open_calls, call, began);
    return *end_;
  }
  // Of this thread: what serves a method is called within RunHandler.
  static SendingCall& Current() { return *current_; }

 private:
  static thread_local SendingCall* current_;
  grpc::internal::Call* const original_;
  std::unique_ptr<BlockingEnd> end_;
};
thread_local SendingCall* SendingCall::current_ = nullptr;

using Serve = std::function<grpc::Status(BlockingService*, grpc::ServerContext*, const Bytes*, Bytes*)>;

class BlockingHandler final : public grpc::internal::MethodHandler {
 public:
  BlockingHandler(Serve serve, BlockingService* service) : handler_(std::move(serve), service) {}

  void RunHandler(const HandlerParameter& parameter) override {
    SendingCall sending(parameter.call);
    grpc::internal::Call call = sending.Hooked();
    handler_.RunHandler({&call, parameter.server_context, parameter.request, parameter.status,
                         parameter.internal_data, parameter.call_requester});
  }
  void* Deserialize(grpc_call* call, grpc_byte_buffer* request, grpc::Status* status,
                    void** handler_data) override {
    return handler_.Deserialize(call, request, status, handler_data);
  }

 private:
  grpc::internal::RpcMethodHandler<BlockingService, Bytes, Bytes> handler_;
};

Incoming Begin(CallKit& kit, Method method, grpc::ServerContextBase* call, const Bytes* request,
               Bytes* response) {
  kit.metrics.Started(method);
  kit.metrics.Received(method);
  return {method, call, request, response, nullptr, std::chrono::steady_clock::now()};
}

}  // namespace

CallbackService::CallbackService(CallKit& kit, std::vector<Route> routes, std::vector<StreamRoute> streams) {
  int index = 0;
  for (Route& route : routes) {
    AddMethod(new grpc::internal::RpcServiceMethod(AddPath(route.method), RpcType::NORMAL_RPC, nullptr));
    auto serve = [&kit, route = std::move(route)](grpc::CallbackServerContext* call, const Bytes* request,
                                                  Bytes* response) -> grpc::ServerUnaryReactor* {
      Incoming incoming = Begin(kit, route.method, call, request, response);
      auto* end = new CallbackEnd(kit.open_calls, call, incoming.start);
      incoming.end = end;
      route.handler(kit, incoming);
      return end;
    };
    MarkMethodRawCallback(index++, new grpc::internal::CallbackUnaryHandler<Bytes, Bytes>(std::move(serve)));
  }
  for (StreamRoute& stream : streams) {
    AddMethod(new grpc::internal::RpcServiceMethod(AddPath(stream.method), RpcType::BIDI_STREAMING, nullptr));
    MarkMethodRawCallback(index++,
                          new grpc::internal::CallbackBidiHandler<Bytes, Bytes>(std::move(stream.open)));
  }
}

const char* CallbackService::AddPath(Method method) { return paths_.emplace_back(PathOf(method)).c_str(); }

BlockingService::BlockingService(CallKit& kit, std::vector<Route> routes) {
  for (Route& route : routes) {
    const Method method = route.method;
    auto serve = [&kit, route = std::move(route)](BlockingService*, grpc::ServerContext* call,
                                                  const Bytes* request, Bytes* response) {
      Incoming incoming = Begin(kit, route.method, call, request, response);
      BlockingEnd& end = SendingCall::Current().Begin(kit.open_calls, call, incoming.start);
      incoming.end = &end;
      route.handler(kit, incoming);
      return end.Wait();
    };
    AddMethod(new grpc::internal::RpcServiceMethod(paths_.emplace_back(PathOf(method)).c_str(),
                                                   RpcType::NORMAL_RPC,
                                                   new BlockingHandler(std::move(serve), this)));
  }
}

}  // namespace coalition::service
