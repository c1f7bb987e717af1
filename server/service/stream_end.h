// How a stream that is not let in, or that is over, is answered and counted.
#pragma once

#include <chrono>

#include "absl/status/status.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "grpcpp/support/status.h"
#include "server/service/call_kit.h"
#include "server/service/methods.h"

namespace coalition::service {

using StreamReactor = grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>;

// Counts a stream of that member (0: nobody's that is known) that has ended so, and answers how that is told.
grpc::Status EndOfStream(CallKit& kit, uint32_t member, Method method, const absl::Status& status,
                         std::chrono::steady_clock::time_point start);

// DEADLINE_EXCEEDED, the server's own limit.
absl::Status NothingCame();

// Says no and nothing else, and that of the caller's own limits alone: what gRPC has noted of it is sent even
// if its member is cut off meanwhile. Owns itself.
StreamReactor* RefuseStream(const grpc::Status& status);

}  // namespace coalition::service
