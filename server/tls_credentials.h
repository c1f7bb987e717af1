// gRPC's server credentials that follow a TlsReloader.
#pragma once

#include <memory>

#include "grpcpp/security/server_credentials.h"
#include "server/tls_reloader.h"

namespace coalition::server {

// Mutual TLS. Each new connection is served with what `files` has then; connections that are there go on as
// they began. No TLS session outlives the set that it was made under. `files` must outlive every server with
// these credentials. Connections of one port must be handed to gRPC one after the other: gRPC 1.51 exchanges
// what a port serves without a lock.
std::shared_ptr<grpc::ServerCredentials> ReloadedTlsCredentials(const TlsReloader& files);

}  // namespace coalition::server
