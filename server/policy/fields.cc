#include "server/policy/fields.h"

#include <array>

#include "common/strings.h"
#include "server/policy/schema.h"

namespace coalition::policy {
namespace {

struct ViewsOfClass {
  View owner;
  View full;
  View notice;
};

// By class; zero views for UNSPECIFIED.
using ViewTable = std::array<ViewsOfClass, v1::RecordClass_ARRAYSIZE>;

View AllOf(const Schema& schema) {
  const size_t count = schema.fields.size();
  const uint64_t all = count == 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1;
  return {all, all};
}

const ViewsOfClass* ViewsOf(v1::RecordClass record_class) {
  static const ViewTable table = [] {
    ViewTable made{};
    for (size_t i = 0; i < made.size(); ++i) {
      const auto of = static_cast<v1::RecordClass>(i);
      const Schema* schema = SchemaOf(of);
      if (schema == nullptr) continue;
      made[i] = {AllOf(*schema), BuildView(*schema, *FixedViewFields(of, ViewId::kFull)),
                 BuildView(*schema, *FixedViewFields(of, ViewId::kNotice))};
    }
    return made;
  }();
  const auto index = static_cast<size_t>(record_class);
  return index < table.size() ? &table[index] : nullptr;
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
  const ViewsOfClass* views = ViewsOf(record_class);
  return views == nullptr ? View{} : views->owner;
}

View FixedView(v1::RecordClass record_class, ViewId id) {
  const ViewsOfClass* views = ViewsOf(record_class);
  if (views == nullptr) return View{};
  switch (id) {
    case ViewId::kFull:
      return views->full;
    case ViewId::kNotice:
      return views->notice;
    case ViewId::kNone:
      break;
  }
  return View{};
}

absl::StatusOr<ViewId> ParseViewName(std::string_view name) {
  if (name == "full") return ViewId::kFull;
  if (name == "notice") return ViewId::kNotice;
  return absl::InvalidArgumentError("no view " + Quoted(name) + "; there are \"full\" and \"notice\"");
}

std::string_view ViewName(ViewId id) {
  switch (id) {
    case ViewId::kFull:
      return "full";
    case ViewId::kNotice:
      return "notice";
    case ViewId::kNone:
      break;
  }
  return "";
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
