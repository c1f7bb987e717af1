#include "client/cli/policy_text.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/text.h"
#include "client/cli/values.h"

namespace coalition::cli {
namespace {

std::string DirectionText(v1::Direction direction) {
  return EnumText(v1::Direction_Name(direction), "DIRECTION_");
}
std::string LevelText(v1::Level level) { return EnumText(v1::Level_Name(level), "LEVEL_"); }
std::string RelationText(v1::Relation relation) { return EnumText(v1::Relation_Name(relation), "RELATION_"); }

template <class Enum, class Text>
std::string Enums(const google::protobuf::RepeatedField<int>& values, Text text) {
  std::string joined;
  for (const int value : values) {
    absl::StrAppend(&joined, joined.empty() ? "" : "; ", text(static_cast<Enum>(value)));
  }
  return joined;
}

// False: there is none of that direction.
bool WriteSection(const char* title, const std::vector<std::string>& sentences, std::ostream& out) {
  if (sentences.empty()) return false;
  out << title << '\n';
  for (const std::string& sentence : sentences) out << "  - " << Printable(sentence) << '\n';
  return true;
}

struct Sentences {
  std::vector<std::string> widens, narrows, neither;

  void Add(v1::Direction direction, std::string sentence) {
    (direction == v1::DIRECTION_WIDENS    ? widens
     : direction == v1::DIRECTION_NARROWS ? narrows
                                          : neither)
        .push_back(std::move(sentence));
  }
};

}  // namespace

const std::vector<std::string>& PolicyVersionColumns() {
  static const auto* const columns =
      new std::vector<std::string>{"version", "epoch", "applied", "by", "approved_by", "title"};
  return *columns;
}

std::vector<std::string> PolicyVersionCells(const v1::PolicyVersion& version) {
  return {std::to_string(version.version()),
          std::to_string(version.epoch()),
          TimeText(version.apply_time()),
          version.applied_by(),
          absl::StrJoin(version.approved_by(), "; "),
          version.title()};
}

Facts PolicyVersionFacts(const v1::PolicyVersion& version) {
  Facts facts;
  const std::vector<std::string> cells = PolicyVersionCells(version);
  for (size_t i = 0; i < cells.size(); ++i) facts.emplace_back(PolicyVersionColumns()[i], cells[i]);
  facts.emplace_back("digest", version.diff_digest());
  return facts;
}

std::string ApprovalsText(int needed, const google::protobuf::RepeatedPtrField<std::string>& approved_by) {
  if (needed == 0 && approved_by.empty()) return "";
  return absl::StrCat(approved_by.size(), " of ", needed, approved_by.empty() ? "" : ": ",
                      absl::StrJoin(approved_by, ", "));
}

std::string OwnRecordsText(const v1::OwnRecordCounts& counts, bool own_policy) {
  if (counts.looked_at() == 0) return "";
  const auto number = [](int64_t value) { return WithThousands(static_cast<uint64_t>(value)); };
  std::string text = absl::StrCat(number(counts.narrowed()), " would be seen less of, at once; ");
  if (own_policy) {
    absl::StrAppend(&text, number(counts.widened()), " more of, at once and for good; of ");
  } else {
    absl::StrAppend(&text, number(counts.widened_if_accepted()), " more of, if you opted in; of ");
  }
  return absl::StrCat(text, counts.truncated() ? "the newest " : "", number(counts.looked_at()));
}

void WriteChanges(const google::protobuf::RepeatedPtrField<v1::AccessChange>& access,
                  const google::protobuf::RepeatedPtrField<v1::OtherChange>& other, std::ostream& out) {
  Sentences said;
  for (const v1::AccessChange& change : access) said.Add(change.direction(), change.sentence());
  for (const v1::OtherChange& change : other) said.Add(change.direction(), change.sentence());
  bool any = WriteSection("Widens, for records that are made from then on:", said.widens, out);
  any |= WriteSection("Narrows, for all records, at once and for good:", said.narrows, out);
  any |= WriteSection("And, about the policy itself:", said.neither, out);
  if (!any) out << "Nothing differs.\n";
}

void WriteDiff(const v1::PolicyDiff& diff, bool compared, std::ostream& out) {
  WriteChanges(diff.access_changes(), diff.other_changes(), out);
  out << '\n';
  Facts facts = {{"against_version", std::to_string(diff.base_version())}};
  if (!compared) {
    facts.emplace_back("epoch", std::to_string(diff.epoch()));
    facts.emplace_back("digest", diff.digest());
    const std::string approvals = ApprovalsText(diff.approvals_needed(), diff.approved_by());
    if (!approvals.empty()) facts.emplace_back("approvals", approvals);
  }
  const std::string own = OwnRecordsText(diff.own_records(), /*own_policy=*/false);
  if (!own.empty()) facts.emplace_back("your_records", own);
  WriteFacts(facts, out);
}

const std::vector<std::string>& ChangeColumns() {
  static const auto* const columns =
      new std::vector<std::string>{"direction",         "kinds", "members", "relations", "class", "labels",
                                   "contributor_kinds", "view",  "fields",  "sentence"};
  return *columns;
}

std::vector<std::string> ChangeCells(const v1::AccessChange& change) {
  std::string fields;
  for (const v1::FieldChange& field : change.fields()) {
    absl::StrAppend(&fields, fields.empty() ? "" : "; ", field.path(), ": ", LevelText(field.before()),
                    " -> ", LevelText(field.after()));
  }
  return {DirectionText(change.direction()),
          Enums<v1::MemberKind>(change.kinds(), KindText),
          absl::StrJoin(change.members(), "; "),
          Enums<v1::Relation>(change.relations(), RelationText),
          ClassText(change.record_class()),
          Enums<v1::Label>(change.labels(), LabelText),
          Enums<v1::MemberKind>(change.contributor_kinds(), KindText),
          change.view(),
          fields,
          change.sentence()};
}

std::vector<std::string> ChangeCells(const v1::OtherChange& change) {
  std::vector<std::string> cells(ChangeColumns().size());
  cells.front() = DirectionText(change.direction());
  cells[8] = absl::StrCat(change.path(), ": ", change.before(), " -> ", change.after());
  cells.back() = change.sentence();
  return cells;
}

}  // namespace coalition::cli
