#include "common/policy/words.h"

#include "common/policy/fields.h"
#include "common/policy/schema.h"

namespace coalition::policy {
namespace {

std::string Without(std::string_view prefix, const std::string& name) {
  return name.empty() ? "unknown" : name.substr(prefix.size());
}

}  // namespace

std::string Word(v1::MemberKind kind) { return Without("MEMBER_KIND_", v1::MemberKind_Name(kind)); }
std::string Word(v1::RecordClass of) { return Without("RECORD_CLASS_", v1::RecordClass_Name(of)); }
std::string Word(v1::Label label) { return Without("LABEL_", v1::Label_Name(label)); }
std::string Word(v1::Relation relation) { return Without("RELATION_", v1::Relation_Name(relation)); }
std::string Word(v1::Level level) { return Without("LEVEL_", v1::Level_Name(level)); }
std::string Word(v1::Standing standing) { return Without("STANDING_", v1::Standing_Name(standing)); }

std::string Word(const v1::Subject& subject) {
  switch (subject.subject_case()) {
    case v1::Subject::kMember:
      return subject.member();
    case v1::Subject::kGroup:
      return subject.group();
    case v1::Subject::kKind:
      return "every " + Word(subject.kind());
    case v1::Subject::kEveryone:
      return "everyone";
    case v1::Subject::SUBJECT_NOT_SET:
      break;
  }
  return "nobody";
}

v1::Relation ToProto(Relation relation) {
  switch (relation) {
    case Relation::kHost:
      return v1::RELATION_HOST;
    case Relation::kOther:
      return v1::RELATION_OTHER;
    case Relation::kFormerOrUnassigned:
      return v1::RELATION_FORMER_OR_UNASSIGNED;
  }
  return v1::RELATION_UNSPECIFIED;
}

v1::Level ToLevel(v1::Chain chain, Level level) {
  switch (level) {
    case Level::kOmit:
      return v1::LEVEL_OMIT;
    case Level::kPartial:
      return ToMiddle(chain) == v1::LEVEL_UNSPECIFIED ? v1::LEVEL_OMIT : ToMiddle(chain);
    case Level::kFull:
      return v1::LEVEL_FULL;
  }
  return v1::LEVEL_OMIT;
}

v1::ShownFields ToShownFields(v1::RecordClass record_class, View view) {
  v1::ShownFields shown;
  const auto& fields = FieldsOf(record_class);
  for (size_t i = 0; i < fields.size(); ++i) {
    switch (ToLevel(fields[i].chain, view.level(static_cast<int>(i)))) {
      case v1::LEVEL_FULL:
        shown.add_full(fields[i].path);
        break;
      case v1::LEVEL_TOKEN:
        shown.add_token(fields[i].path);
        break;
      case v1::LEVEL_COARSE:
        shown.add_coarse(fields[i].path);
        break;
      default:
        break;
    }
  }
  return shown;
}

}  // namespace coalition::policy
