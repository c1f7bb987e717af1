// How routes are served by gRPC: by its callback API, or on threads of the server's own.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "grpcpp/impl/service_type.h"
#include "grpcpp/server_context.h"
#include "server/service/methods.h"
#include "server/service/stream_end.h"
#include "server/service/unary.h"

namespace coalition::service {

// A method whose requests and responses are streams, and what opens one.
struct StreamRoute {
  Method method{};
  std::function<StreamReactor*(grpc::CallbackServerContext*)> open;
};

// A service by gRPC's callback API: the members' traffic. All such servers of a process share gRPC's callback
// threads. The kit must outlive it; it must outlive its server.
class CallbackService final : public grpc::Service {
 public:
  CallbackService(CallKit& kit, std::vector<Route> routes, std::vector<StreamRoute> streams = {});

 private:
  const char* AddPath(Method method);
  std::deque<std::string> paths_;  // which gRPC points into
};

// A service by gRPC's blocking API: its server has threads of its own, so that the few calls that administer
// never wait behind the many of the members. A call keeps a thread until it is answered.
class BlockingService final : public grpc::Service {
 public:
  BlockingService(CallKit& kit, std::vector<Route> routes);

 private:
  std::deque<std::string> paths_;
};

}  // namespace coalition::service
