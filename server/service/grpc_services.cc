#include "server/service/grpc_services.h"

#include <chrono>
#include <condition_variable>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/mutex.h"
#include "common/strings.h"
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
  void Answer(const grpc::Status& status) override { Finish(status); }
  void OnDone() override {
    GiveBack();
    delete this;
  }

 private:
  // gRPC's word for "what I do is short, do it on the thread you are on": without it each call costs one more
  // change of thread (docs/adr/0002-callback-threads.md). Not of a call that is being cancelled, whose end
  // waits for the thread that cancels it.
  bool InternalInlineable() override { return !cancelled(); }
};

class BlockingEnd final : public CallEnd {
 public:
  using CallEnd::CallEnd;
  ~BlockingEnd() override { GiveBack(); }
  void Answer(const grpc::Status& status) override {
    const MutexLock lock(mutex_);
    answer_ = status;
    answered_.notify_one();  // within the lock: who waits destroys this
  }
  grpc::Status Wait() {
    MutexLock lock(mutex_);
    while (!answer_) lock.Wait(answered_);
    return *answer_;
  }

 private:
  Mutex mutex_;
  std::condition_variable answered_;
  std::optional<grpc::Status> answer_ ABSL_GUARDED_BY(mutex_);
};

Incoming Begin(CallKit& kit, Method method, grpc::ServerContextBase* call, const Bytes* request,
               Bytes* response) {
  kit.metrics.Started(method);
  kit.metrics.Received(method);
  return {method, call, request, response, nullptr, std::chrono::steady_clock::now()};
}

}  // namespace

CallbackService::CallbackService(CallKit& kit, std::vector<Route> routes, OpenStream open_stream) {
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
  if (open_stream == nullptr) return;
  AddMethod(new grpc::internal::RpcServiceMethod(AddPath(Method::kImportRecords), RpcType::BIDI_STREAMING,
                                                 nullptr));
  MarkMethodRawCallback(index, new grpc::internal::CallbackBidiHandler<Bytes, Bytes>(std::move(open_stream)));
}

const char* CallbackService::AddPath(Method method) { return paths_.emplace_back(PathOf(method)).c_str(); }

BlockingService::BlockingService(CallKit& kit, std::vector<Route> routes) {
  for (Route& route : routes) {
    auto serve = [&kit, route = std::move(route)](BlockingService*, grpc::ServerContext* call,
                                                  const Bytes* request, Bytes* response) {
      Incoming incoming = Begin(kit, route.method, call, request, response);
      BlockingEnd end(kit.open_calls, call, incoming.start);
      incoming.end = &end;
      route.handler(kit, incoming);
      return end.Wait();
    };
    using MethodHandler = grpc::internal::RpcMethodHandler<BlockingService, Bytes, Bytes>;
    AddMethod(new grpc::internal::RpcServiceMethod(paths_.emplace_back(PathOf(route.method)).c_str(),
                                                   RpcType::NORMAL_RPC,
                                                   new MethodHandler(std::move(serve), this)));
  }
}

}  // namespace coalition::service
