// An endpoint: a grpc::Server with mutual TLS and every limit set, fed with connections by our own
// accept loop.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coalition/config/v1/server_config.pb.h"
#include "common/mutex.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "server/tls_reloader.h"

namespace coalition::server {

// Whose threads serve: gRPC's callback threads, which all servers of a process share, or some of its own.
enum class EndpointThreads { kShared, kOwn };

// Thread-safe.
class GrpcEndpoint {
 public:
  // Serves what is handed over. The services and `tls`, which each new connection asks, must outlive the
  // endpoint. INTERNAL: gRPC says no more than that.
  static absl::StatusOr<std::unique_ptr<GrpcEndpoint>> Start(
      const config::v1::ServerConfig& config, const TlsReloader& tls,
      const std::vector<grpc::Service*>& services, std::vector<std::string> service_names,
      EndpointThreads threads = EndpointThreads::kShared);

  // A connection that was accepted, non-blocking; owned by gRPC from here on.
  void Take(int fd);

  // Health, for the whole server and each service by name.
  void SetServing(bool serving);

  // Takes no more calls, waits for those under way until then, cancels the others and waits for them.
  void Shutdown(std::chrono::system_clock::time_point cancel_at);

 private:
  GrpcEndpoint() = default;

  std::vector<std::string> service_names_;
  Mutex take_mutex_;  // see ReloadedTlsCredentials
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> connections_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace coalition::server
