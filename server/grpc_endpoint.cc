#include "server/grpc_endpoint.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/impl/server_builder_option.h"
#include "grpcpp/impl/server_builder_plugin.h"
#include "grpcpp/resource_quota.h"
#include "server/tls_credentials.h"

namespace coalition::server {
namespace {

// Of gRPC's buffers. An idle connection takes about 100 KB; the rest is for messages under way.
constexpr int64_t kQuotaBytesMin = int64_t{256} << 20;
constexpr int64_t kQuotaBytesPerConnection = int64_t{128} << 10;
// A connection whose peer is gone without a word is found within these together.
constexpr int kKeepaliveMs = 60'000;
constexpr int kKeepaliveTimeoutMs = 20'000;
// Threads of a server of its own that wait for calls, beside those that serve one. All of gRPC's threads in a
// process poll all of its sockets, so each that waits here is one more that takes the members' messages up
// and hands them on: with two to four, a screening call cost a fifth more CPU.
constexpr int kOwnPollers = 1;
// A client may ping as often as that.
constexpr int kPingIntervalMsMin = 10'000;

// Linking gRPC's reflection library is enough to switch reflection on in every server of the process: this
// takes it out.
class NoReflection final : public grpc::ServerBuilderOption {
 public:
  void UpdateArguments(grpc::ChannelArguments*) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    std::erase_if(*plugins, [](const auto& plugin) { return plugin->name() == "proto_server_reflection"; });
  }
};

void SetLimits(const config::v1::Limits& limits, grpc::ServerBuilder* builder) {
  builder->SetMaxReceiveMessageSize(limits.message_bytes_max());
  // A compressed message says nothing of its size before it is unpacked.
  builder->SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder->SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  const std::pair<const char*, int> arguments[] = {
      {GRPC_ARG_MAX_METADATA_SIZE, limits.metadata_bytes_max()},
      {GRPC_ARG_MAX_CONCURRENT_STREAMS, limits.streams_per_connection_max()},
      {GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, limits.handshake_ms_max()},
      {GRPC_ARG_MAX_CONNECTION_IDLE_MS, limits.connection_idle_ms_max()},
      {GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs},
      {GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs},
      {GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1},
      {GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kPingIntervalMsMin},
      {GRPC_ARG_ALLOW_REUSEPORT, 0},
  };
  for (const auto& [name, value] : arguments) builder->AddChannelArgument(name, value);
  grpc::ResourceQuota quota("coalition");
  quota.Resize(
      static_cast<size_t>(std::max(kQuotaBytesMin, limits.connections_max() * kQuotaBytesPerConnection)));
  builder->SetResourceQuota(quota);
}

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcEndpoint>> GrpcEndpoint::Start(const config::v1::ServerConfig& config,
                                                                  const TlsReloader& tls,
                                                                  const std::vector<grpc::Service*>& services,
                                                                  std::vector<std::string> service_names,
                                                                  EndpointThreads threads) {
  grpc::EnableDefaultHealthCheckService(true);
  std::unique_ptr<GrpcEndpoint> endpoint(new GrpcEndpoint());
  endpoint->service_names_ = std::move(service_names);
  grpc::ServerBuilder builder;
  SetLimits(config.limits(), &builder);
  if (config.reflection()) {
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  } else {
    builder.SetOption(std::make_unique<NoReflection>());
  }
  if (threads == EndpointThreads::kOwn) {
    builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
    builder.SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, kOwnPollers);
    builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, kOwnPollers);
  }
  for (grpc::Service* service : services) builder.RegisterService(service);
  endpoint->connections_ = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD, ReloadedTlsCredentials(tls));
  endpoint->server_ = builder.BuildAndStart();
  if (endpoint->server_ == nullptr)
    return absl::InternalError("gRPC did not start a server; its log may say why");
  endpoint->SetServing(false);
  return endpoint;
}

void GrpcEndpoint::Take(int fd) {
  grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
  connection.fd = fd;
  MutexLock lock(take_mutex_);
  connections_->HandleNewConnection(&connection);
}

void GrpcEndpoint::SetServing(bool serving) {
  grpc::HealthCheckServiceInterface* health = server_->GetHealthCheckService();
  health->SetServingStatus(serving);
  for (const std::string& name : service_names_) health->SetServingStatus(name, serving);
}

void GrpcEndpoint::Shutdown(std::chrono::system_clock::time_point cancel_at) { server_->Shutdown(cancel_at); }

}  // namespace coalition::server
