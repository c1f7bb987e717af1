#include "client/internal/grpc_status.h"

#include "common/errors.h"

namespace coalition::client::internal {

absl::Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  google::rpc::Status wire;
  if (!wire.ParseFromString(status.error_details())) wire.Clear();
  // What gRPC says counts: the details are the sender's words.
  wire.set_code(status.error_code());
  wire.set_message(status.error_message());
  return FromRpcStatus(wire);
}

}  // namespace coalition::client::internal
