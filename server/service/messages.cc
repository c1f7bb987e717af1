#include "server/service/messages.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/hash.h"
#include "common/log.h"
#include "common/random.h"
#include "common/strings.h"
#include "grpcpp/support/slice.h"

namespace coalition::service {
namespace {

absl::Status Malformed(const google::protobuf::MessageLite& message) {
  const std::string type = message.GetTypeName();
  return Error(v1::ERROR_REASON_MALFORMED_REQUEST,
               absl::StrCat("The bytes are not a ", type,
                            ": broken wire format, nested too deeply, or a string that is not UTF-8."),
               {{"message", type}});
}

// What the log and the caller share of a defect. Random, so that it counts nothing.
std::string NewCallId() {
  SystemRandom random;
  return HexEncode(random.Bytes(8));
}

absl::Status Concealed(const absl::Status& status, std::string_view method) {
  const std::string call = NewCallId();
  Log::Error("internal_error", {{"call", call}, {"method", method}, {"status", status.ToString()}});
  return Error(v1::ERROR_REASON_INTERNAL, "A defect of the server. Its log has it under this call's id.",
               {{"call", call}});
}

}  // namespace

absl::Status Parse(const grpc::ByteBuffer& bytes, google::protobuf::MessageLite* message) {
  grpc::Slice slice;
  if (!bytes.Valid()) return Malformed(*message);
  if (!bytes.TrySingleSlice(&slice).ok() && !bytes.DumpToSingleSlice(&slice).ok()) return Malformed(*message);
  if (slice.size() > static_cast<size_t>(std::numeric_limits<int>::max())) return Malformed(*message);
  if (!message->ParseFromArray(slice.begin(), static_cast<int>(slice.size()))) return Malformed(*message);
  return absl::OkStatus();
}

grpc::ByteBuffer Serialize(const google::protobuf::MessageLite& message) {
  grpc::Slice slice(message.ByteSizeLong());
  message.SerializeWithCachedSizesToArray(const_cast<uint8_t*>(slice.begin()));
  return grpc::ByteBuffer(&slice, 1);
}

grpc::Status ToGrpc(const absl::Status& status, std::string_view method) {
  if (status.ok()) return grpc::Status::OK;
  const bool ours =
      GetErrorReason(status) != v1::ERROR_REASON_UNSPECIFIED || status.code() == absl::StatusCode::kCancelled;
  const google::rpc::Status rpc = ToRpcStatus(ours ? status : Concealed(status, method));
  return grpc::Status(static_cast<grpc::StatusCode>(rpc.code()), rpc.message(), rpc.SerializeAsString());
}

}  // namespace coalition::service
