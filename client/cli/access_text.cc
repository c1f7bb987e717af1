#include "client/cli/access_text.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/text.h"
#include "client/cli/values.h"
#include "common/strings.h"

namespace coalition::cli {
namespace {

constexpr size_t kCellWidthOnTerminal = 60;

std::string RelationText(v1::Relation relation) { return EnumText(v1::Relation_Name(relation), "RELATION_"); }

std::string LayerText(v1::AccessCause::Layer layer) {
  return EnumText(v1::AccessCause::Layer_Name(layer), "LAYER_");
}

std::string Because(const v1::MemberAccess& access) {
  return access.causes().empty() ? "" : access.causes(0).text();
}

int Count(const v1::ShownFields& fields) {
  return fields.full_size() + fields.token_size() + fields.coarse_size();
}

// "12 fields", "4 fields in full, 1 as token".
std::string FieldsText(const v1::ShownFields& fields) {
  if (Count(fields) == 0) return "";
  std::string text = absl::StrCat(fields.full_size(), " full");
  if (fields.token_size() > 0) absl::StrAppend(&text, ", ", fields.token_size(), " token");
  if (fields.coarse_size() > 0) absl::StrAppend(&text, ", ", fields.coarse_size(), " coarse");
  return text;
}

// What the clause alone is to blame, or to thank, for; empty: nothing.
std::string WithoutText(const v1::MemberAccess& access, const v1::AccessCause& cause) {
  if (!cause.visible_without()) return access.visible() ? "without it: would not see the record" : "";
  const bool same =
      access.visible() && cause.fields_without().SerializeAsString() == access.fields().SerializeAsString();
  return same ? "" : absl::StrCat("without it: would see ", FieldsText(cause.fields_without()));
}

void WriteCauses(const v1::MemberAccess& access, std::ostream& out) {
  out << '\n' << Printable(AccessSentence(access)) << '\n';
  for (const v1::AccessCause& cause : access.causes()) {
    out << "  " << LayerText(cause.layer());
    if (!cause.clause().empty()) out << ' ' << Printable(cause.clause());
    out << ": " << Printable(cause.text()) << '\n';
    const std::string without = WithoutText(access, cause);
    if (!without.empty()) out << "      " << without << '\n';
  }
}

}  // namespace

const std::vector<std::string>& AccessColumns() {
  static const auto* const columns = new std::vector<std::string>{
      "member", "kind", "relation", "sees", "views", "full", "token", "coarse", "because"};
  return *columns;
}

std::vector<std::string> AccessCells(const v1::MemberAccess& access) {
  return {access.member(),
          KindText(access.kind()),
          RelationText(access.relation()),
          access.visible() ? "yes" : "no",
          absl::StrJoin(access.views(), "; "),
          absl::StrJoin(access.fields().full(), "; "),
          absl::StrJoin(access.fields().token(), "; "),
          absl::StrJoin(access.fields().coarse(), "; "),
          Because(access)};
}

void WriteAccess(const google::protobuf::RepeatedPtrField<v1::MemberAccess>& members, bool terminal,
                 bool causes, std::ostream& out) {
  std::vector<std::vector<std::string>> rows;
  rows.reserve(static_cast<size_t>(members.size()));
  for (const v1::MemberAccess& access : members) {
    rows.push_back({access.member(), KindText(access.kind()), RelationText(access.relation()),
                    access.visible() ? "yes" : "no", absl::StrJoin(access.views(), "; "),
                    FieldsText(access.fields()), Because(access)});
  }
  WriteTable({"member", "kind", "relation", "sees", "views", "fields", "because"}, rows,
             terminal ? kCellWidthOnTerminal : 0, out);
  if (!causes) return;
  for (const v1::MemberAccess& access : members) WriteCauses(access, out);
}

std::string AccessSentence(const v1::MemberAccess& access) {
  std::string who = access.member();
  if (who.rfind("members/", 0) == 0) who.erase(0, sizeof("members/") - 1);
  if (!access.visible()) {
    const std::string because = Because(access);
    return absl::StrCat(who, " does not see it", because.empty() ? "" : ": ", because);
  }
  if (access.relation() == v1::RELATION_OWNER)
    return absl::StrCat(who, " contributed it, and sees all of it");
  std::string views;
  for (const std::string& view : access.views()) {
    absl::StrAppend(&views, views.empty() ? "" : " and ", Quoted(view));
  }
  // What is granted is not always what is seen: a bound that took part is said first of all causes.
  const bool bounded = !access.causes().empty() && access.causes(0).layer() != v1::AccessCause::LAYER_GRANT;
  return absl::StrCat(who, " sees it through ", views, bounded ? "; " : "", bounded ? Because(access) : "");
}

}  // namespace coalition::cli
