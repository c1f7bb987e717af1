#include "common/policy/fields.h"

#include <array>

#include "common/policy/schema.h"

namespace coalition::policy {
namespace {

View AllOf(const Schema& schema) {
  const size_t count = schema.fields.size();
  const uint64_t all = count == 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1;
  return {all, all};
}

}  // namespace

const std::vector<Field>& FieldsOf(v1::RecordClass record_class) {
  static const std::vector<Field> none;
  const Schema* schema = SchemaOf(record_class);
  return schema == nullptr ? none : schema->fields;
}

std::optional<int> FieldIndex(v1::RecordClass record_class, std::string_view path) {
  const Schema* schema = SchemaOf(record_class);
  if (schema == nullptr) return std::nullopt;
  return schema->Index(path);
}

uint64_t HeaderFieldMask() {
  static const uint64_t mask = SchemaOf(v1::RECORD_CLASS_OPINION)->header_mask;
  return mask;
}

View FullView(v1::RecordClass record_class) {
  static const auto views = [] {
    std::array<View, v1::RecordClass_ARRAYSIZE> made{};
    for (size_t i = 0; i < made.size(); ++i) {
      if (const Schema* schema = SchemaOf(static_cast<v1::RecordClass>(i))) made[i] = AllOf(*schema);
    }
    return made;
  }();
  const auto index = static_cast<size_t>(record_class);
  return index < views.size() ? views[index] : View{};
}

v1::RecordClass ClassOf(const v1::Record& record) {
  switch (record.payload_case()) {
    case v1::Record::kOffenderReport:
      return v1::RECORD_CLASS_OFFENDER_REPORT;
    case v1::Record::kTakedownNotice:
      return v1::RECORD_CLASS_TAKEDOWN_NOTICE;
    case v1::Record::kTakedownOutcome:
      return v1::RECORD_CLASS_TAKEDOWN_OUTCOME;
    case v1::Record::kOpinion:
      return v1::RECORD_CLASS_OPINION;
    case v1::Record::PAYLOAD_NOT_SET:
      break;
  }
  return v1::RECORD_CLASS_UNSPECIFIED;
}

}  // namespace coalition::policy
