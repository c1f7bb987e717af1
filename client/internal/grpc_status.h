// From gRPC's status to ours.
#pragma once

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace coalition::client::internal {

// With the google.rpc details as payloads (common/errors.h). Details that can't be read are dropped; code and
// message stay.
absl::Status FromGrpcStatus(const grpc::Status& status);

}  // namespace coalition::client::internal
