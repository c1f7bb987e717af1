// Bytes to messages and back. We parse ourselves: gRPC would answer INTERNAL without a word to bytes that are
// no message.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "google/protobuf/message.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"
#include "grpcpp/support/status.h"

namespace coalition::service {

// Fields of a request on the wire: each element of a list that is not packed, each submessage and what is in
// it, each field and group that the message type does not have. A field of two bytes may take hundreds once
// it is parsed, so a limit of bytes alone does not bound what a request costs.
inline constexpr int kFieldsMax = 262'144;

// Reads the bytes into `message`, or INVALID_ARGUMENT. Thread-safe.
// LIMIT_EXCEEDED, fields_per_request: more than kFieldsMax fields. They are counted before anything is
// parsed, in one pass that allocates nothing and ends at the first field too many; `message` is as it was.
// MALFORMED_REQUEST, naming the message type: broken wire format, nested too deeply, or a string that is not
// UTF-8. `message` is of no use then. What has both faults gets either answer.
absl::Status Parse(const grpc::ByteBuffer& bytes, google::protobuf::Message* message);

// Of these bytes, never null, which it keeps for as long as gRPC has it.
grpc::Slice SliceOf(std::shared_ptr<const std::string> bytes);

// In one slice.
grpc::ByteBuffer Serialize(const google::protobuf::MessageLite& message);

// With google.rpc.Status in the binary details. An error without one of our reasons is a defect: the caller
// is told INTERNAL and a number, the log has the rest under it.
grpc::Status ToGrpc(const absl::Status& status, std::string_view method);

}  // namespace coalition::service
