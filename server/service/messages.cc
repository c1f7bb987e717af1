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
#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"
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

absl::Status TooManyFields() {
  return Error(v1::ERROR_REASON_LIMIT_EXCEEDED, "the request has too many fields; send less at a time",
               {{"limit", "fields_per_request"}, {"max", absl::StrCat(kFieldsMax)}});
}

// Walks over a message's bytes as the parser would, and keeps nothing. It takes whatever the parser takes.
// What it can't walk must not be parsed either: the parser reads on where a submessage claims to be longer
// than what it is in, and builds all of it before it fails.
class FieldWalk {
 public:
  FieldWalk(const uint8_t* data, int size) : in_(data, size) {}

  // False: over the limit, or malformed.
  bool Walk(const google::protobuf::Descriptor& type) {
    return Fields(&type, 0, google::protobuf::io::CodedInputStream::GetDefaultRecursionLimit());
  }
  bool over() const { return count_ > kFieldsMax; }

 private:
  using Wire = google::protobuf::internal::WireFormatLite;

  // To the end of the message, or of the group that `group_end` ends. `type` is null in a group: proto3 has
  // none, so what is in one is unknown too.
  bool Fields(const google::protobuf::Descriptor* type, uint32_t group_end, int depth) {
    while (in_.BytesUntilLimit() > 0) {
      const uint32_t tag = in_.ReadTagNoLastTag();
      if (Wire::GetTagFieldNumber(tag) == 0) return false;
      if (Wire::GetTagWireType(tag) == Wire::WIRETYPE_END_GROUP) return tag == group_end;
      if (++count_ > kFieldsMax || !Value(type, tag, depth)) return false;
    }
    return group_end == 0;
  }

  bool Value(const google::protobuf::Descriptor* type, uint32_t tag, int depth) {
    const int number = Wire::GetTagFieldNumber(tag);
    uint64_t ignored = 0;
    switch (Wire::GetTagWireType(tag)) {
      case Wire::WIRETYPE_VARINT:
        return in_.ReadVarint64(&ignored);
      case Wire::WIRETYPE_FIXED64:
        return in_.Skip(8);
      case Wire::WIRETYPE_FIXED32:
        return in_.Skip(4);
      case Wire::WIRETYPE_START_GROUP:
        return depth > 0 && Fields(nullptr, Wire::MakeTag(number, Wire::WIRETYPE_END_GROUP), depth - 1);
      case Wire::WIRETYPE_LENGTH_DELIMITED:
        return Sized(type == nullptr ? nullptr : type->FindFieldByNumber(number), depth);
      default:
        return false;
    }
  }

  bool Sized(const google::protobuf::FieldDescriptor* field, int depth) {
    int size = 0;
    if (!in_.ReadVarintSizeAsInt(&size) || size > in_.BytesUntilLimit()) return false;
    const google::protobuf::Descriptor* type = field == nullptr ? nullptr : field->message_type();
    if (type == nullptr) return in_.Skip(size);
    if (depth == 0) return false;
    const auto outer = in_.PushLimit(size);
    if (!Fields(type, 0, depth - 1)) return false;
    in_.PopLimit(outer);
    return true;
  }

  google::protobuf::io::CodedInputStream in_;
  int count_ = 0;
};

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

absl::Status Parse(const grpc::ByteBuffer& bytes, google::protobuf::Message* message) {
  grpc::Slice slice;
  if (!bytes.Valid()) return Malformed(*message);
  if (!bytes.TrySingleSlice(&slice).ok() && !bytes.DumpToSingleSlice(&slice).ok()) return Malformed(*message);
  if (slice.size() > static_cast<size_t>(std::numeric_limits<int>::max())) return Malformed(*message);
  const int size = static_cast<int>(slice.size());
  // A field has a byte at least: most requests need no walk.
  if (size > kFieldsMax) {
    FieldWalk walk(slice.begin(), size);
    if (!walk.Walk(*message->GetDescriptor())) return walk.over() ? TooManyFields() : Malformed(*message);
  }
  if (!message->ParseFromArray(slice.begin(), size)) return Malformed(*message);
  return absl::OkStatus();
}

grpc::Slice SliceOf(std::shared_ptr<const std::string> bytes) {
  using Kept = std::shared_ptr<const std::string>;
  auto* const kept = new Kept(std::move(bytes));
  return {const_cast<char*>((*kept)->data()), (*kept)->size(),
          [](void* of) { delete static_cast<Kept*>(of); }, kept};
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
