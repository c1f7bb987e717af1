// The network: one try of each call over one gRPC channel, or over the next once the credentials were
// renewed.
#pragma once

#include <memory>

#include "client/connection.h"
#include "client/credentials.h"
#include "client/options.h"

namespace coalition::client::internal {

// Connects when first used. Each call has a context of its own. The channel is shared with no other client of
// the process. `credentials` are those of `options.tls`, whose files are followed.
std::unique_ptr<Connection> MakeGrpcConnection(const ClientOptions& options, const Credentials& credentials);

}  // namespace coalition::client::internal
