#include "server/exchange/field_mask.h"

#include <memory>
#include <string>
#include <string_view>

#include "common/errors.h"
#include "common/strings.h"
#include "server/exchange/access.h"

namespace coalition::exchange {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

bool IsPayload(const FieldDescriptor* field) { return field->containing_oneof() != nullptr; }

bool IsMutable(std::string_view field) {
  return field == "label" || field == "permitted_action" || field == "audience" || field == "expire_time";
}

absl::Status Immutable(const std::string& path) {
  return Error(v1::ERROR_REASON_IMMUTABLE_FIELD, Quoted(path) + " can't be changed", {{"field", path}});
}

absl::Status Unknown(const std::string& path, std::string_view why) {
  FieldViolations violations;
  violations.Add("update_mask", Quoted(path) + " " + std::string(why));
  return violations.ToStatus();
}

// Swapping with a copy carries every kind of field, and its absence.
void Copy(const Message& source, const FieldDescriptor* field, Message* target) {
  const std::unique_ptr<Message> copy(source.New());
  copy->CopyFrom(source);
  target->GetReflection()->SwapFields(copy.get(), target, {field});
}

absl::Status CopyPayload(const v1::Record& source, const FieldDescriptor* payload, v1::Record* record) {
  if (!source.GetReflection()->HasField(source, payload))
    return Unknown(payload->name(), "is not in the record");
  const std::string subject = record->opinion().subject();
  Copy(source, payload, record);
  if (!record->has_opinion()) return absl::OkStatus();
  if (record->opinion().subject().empty()) record->mutable_opinion()->set_subject(subject);
  return record->opinion().subject() == subject ? absl::OkStatus() : Immutable("opinion.subject");
}

absl::Status CopyOfPayload(const v1::Record& source, const FieldDescriptor* payload, std::string_view name,
                           const std::string& path, v1::Record* record) {
  const FieldDescriptor* field = payload->message_type()->FindFieldByName(std::string(name));
  if (field == nullptr) return Unknown(path, "is not a field of the payload");
  if (path == "opinion.subject") return Immutable(path);
  const bool other_class =
      source.payload_case() != v1::Record::PAYLOAD_NOT_SET && source.payload_case() != record->payload_case();
  if (other_class) return Immutable("record_class");
  Copy(source.GetReflection()->GetMessage(source, payload), field,
       record->GetReflection()->MutableMessage(record, payload));
  return absl::OkStatus();
}

absl::Status ApplyPath(const std::string& path, const v1::Record& source, v1::Record* record) {
  const size_t dot = path.find('.');
  const std::string root = path.substr(0, dot);
  const FieldDescriptor* field = v1::Record::descriptor()->FindFieldByName(root);
  if (field == nullptr) return Unknown(path, "is not a field of a record");
  if (IsPayload(field)) {
    if (!record->GetReflection()->HasField(*record, field)) return Immutable("record_class");
    if (dot == std::string::npos) return CopyPayload(source, field, record);
    return CopyOfPayload(source, field, std::string_view(path).substr(dot + 1), path, record);
  }
  if (!IsMutable(root)) return Immutable(path);
  if (dot != std::string::npos) return Unknown(path, "goes into a field that is replaced as a whole");
  Copy(source, field, record);
  return absl::OkStatus();
}

}  // namespace

absl::Status ApplyMask(const google::protobuf::FieldMask& mask, const v1::Record& source,
                       v1::Record* record) {
  if (mask.paths().empty()) {
    FieldViolations violations;
    violations.Add("update_mask", "is missing: name the fields to replace, e.g. \"audience\"");
    return violations.ToStatus();
  }
  if (mask.paths_size() > kMaskPathsMax) {
    return OverLimit("update_mask_paths", kMaskPathsMax, "update_mask has too many paths");
  }
  for (const std::string& path : mask.paths()) {
    if (absl::Status status = ApplyPath(path, source, record); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace coalition::exchange
