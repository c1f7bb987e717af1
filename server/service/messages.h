// Bytes to messages and back. We parse ourselves: gRPC would answer INTERNAL without a word to bytes that are
// no message.
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "google/protobuf/message_lite.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/status.h"

namespace coalition::service {

// Reads the bytes into `message`. INVALID_ARGUMENT MALFORMED_REQUEST, naming the message type: broken wire
// format, nested too deeply, or a string that is not UTF-8. Thread-safe.
absl::Status Parse(const grpc::ByteBuffer& bytes, google::protobuf::MessageLite* message);

// In one slice.
grpc::ByteBuffer Serialize(const google::protobuf::MessageLite& message);

// With google.rpc.Status in the binary details. An error without one of our reasons is a defect: the caller
// is told INTERNAL and a number, the log has the rest under it.
grpc::Status ToGrpc(const absl::Status& status, std::string_view method);

}  // namespace coalition::service
