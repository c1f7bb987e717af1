#include "common/policy/check_policy.h"

#include <google/protobuf/message.h>

#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "common/ids.h"
#include "common/policy/fields.h"
#include "common/policy/schema.h"
#include "common/policy/subject.h"
#include "common/policy/words.h"
#include "common/strings.h"
#include "common/textproto.h"

namespace coalition::policy {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using Texts = google::protobuf::RepeatedPtrField<std::string>;

constexpr size_t kProblemsMax = 100;
constexpr size_t kTextBytesMax = 1000;
constexpr int kDaysMax = 36'500;
constexpr int kApprovalsMax = 1000;

std::string At(std::string_view list, int index) {
  return std::string(list) + "[" + std::to_string(index) + "]";
}

std::string DidYouMean(const std::string& nearest) {
  return nearest.empty() ? std::string() : "; did you mean " + Quoted(nearest) + "?";
}

const char* ChainText(v1::Chain chain) {
  switch (ToMiddle(chain)) {
    case v1::LEVEL_TOKEN:
      return "OMIT < TOKEN < FULL";
    case v1::LEVEL_COARSE:
      return "OMIT < COARSE < FULL";
    default:
      return "OMIT < FULL";
  }
}

// View names by the classes that they are defined for.
using Views = std::map<v1::RecordClass, std::set<std::string>>;

class Checker {
 public:
  std::vector<PolicyProblem> Take() { return std::move(problems_); }

  void Add(std::string path, std::string message) {
    if (problems_.size() < kProblemsMax) problems_.push_back({std::move(path), std::move(message)});
  }

  // What a program of another version wrote.
  void Unknown(const std::string& path, const Message& message) {
    if (!message.GetReflection()->GetUnknownFields(message).empty()) {
      Add(path, "has fields that this version does not know");
    }
    std::vector<const FieldDescriptor*> fields;
    message.GetReflection()->ListFields(message, &fields);
    for (const FieldDescriptor* field : fields) {
      if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
      const std::string place = path.empty() ? field->name() : path + "." + field->name();
      if (!field->is_repeated()) {
        Unknown(place, message.GetReflection()->GetMessage(message, field));
        continue;
      }
      for (int i = 0; i < message.GetReflection()->FieldSize(message, field); ++i) {
        Unknown(At(place, i), message.GetReflection()->GetRepeatedMessage(message, field, i));
      }
    }
  }

  void Text(const std::string& path, const std::string& text) {
    if (text.size() > kTextBytesMax) Add(path, "is over " + std::to_string(kTextBytesMax) + " bytes");
    // A file can have it, a message that is kept or sent could not be read again.
    if (CleanUtf8(text, text.size()) != text) Add(path, "is not UTF-8");
  }

  void Name(const std::string& path, const std::string& name, const char* what) {
    if (const absl::Status status = CheckId(name, what); !status.ok()) {
      Add(path, std::string(Std(status.message())));
    }
  }

  template <class Enum>
  void Value(const std::string& path, int value, bool (*is_valid)(int), const char* what) {
    if (value == 0) {
      Add(path, std::string("is missing: ") + what);
    } else if (!is_valid(value)) {
      Add(path, std::string("no such ") + what);
    }
  }

  template <class Values>
  void List(const std::string& path, const Values& values, bool (*is_valid)(int), const char* what,
            bool required) {
    if (required && values.empty()) {
      Add(path, std::string("is missing: name each ") + what + "; nothing is meant by leaving it out");
    }
    std::set<int> seen;
    for (int i = 0; i < values.size(); ++i) {
      Value<int>(At(path, i), values.Get(i), is_valid, what);
      if (!seen.insert(values.Get(i)).second) Add(At(path, i), std::string(what) + " named twice");
    }
  }

  void Kinds(const std::string& path, const google::protobuf::RepeatedField<int>& kinds, bool required) {
    List(path, kinds, v1::MemberKind_IsValid, "kind of member", required);
  }
  void Classes(const std::string& path, const google::protobuf::RepeatedField<int>& of, bool required) {
    List(path, of, v1::RecordClass_IsValid, "record class", required);
  }
  void Labels(const std::string& path, const google::protobuf::RepeatedField<int>& labels, bool required) {
    List(path, labels, v1::Label_IsValid, "label", required);
  }

  void Ceilings(const google::protobuf::RepeatedPtrField<v1::Ceiling>& ceilings, const Views& views) {
    for (int i = 0; i < ceilings.size(); ++i) Ceiling(At("ceilings", i), ceilings[i], views);
  }

  // `name` must be a view of the class, or, where that is allowed, "none".
  void View(const std::string& path, const std::string& name, v1::RecordClass of, const Views& views,
            bool none_allowed) {
    if (none_allowed && name == kViewNone) return;
    const auto defined = views.find(of);
    static const std::set<std::string> nothing;
    const std::set<std::string>& names = defined == views.end() ? nothing : defined->second;
    if (names.contains(name)) return;
    if (name.empty()) return Add(path, "is missing: the name of a view");
    std::string known;
    for (const std::string& one : names) known += (known.empty() ? "" : ", ") + one;
    Add(path, "no view " + Quoted(name) + " is defined for " + Word(of) + "; there " +
                  (known.empty() ? "is none" : "are: " + known) + DidYouMean(Nearest(name, names)));
  }

 private:
  void Ceiling(const std::string& path, const v1::Ceiling& ceiling, const Views& views) {
    Kinds(path + ".kinds", ceiling.kinds(), true);
    Classes(path + ".record_classes", ceiling.record_classes(), true);
    Labels(path + ".labels", ceiling.labels(), true);
    List(path + ".relations", ceiling.relations(), v1::Relation_IsValid, "relation", true);
    for (int i = 0; i < ceiling.relations_size(); ++i) {
      if (ceiling.relations(i) != v1::RELATION_OWNER &&
          ceiling.relations(i) != v1::RELATION_FORMER_OR_UNASSIGNED) {
        continue;
      }
      Add(At(path + ".relations", i),
          "a ceiling is for HOST or OTHER; FORMER_OR_UNASSIGNED sees what both see, and an "
          "OWNER all");
    }
    for (const int of : ceiling.record_classes()) {
      if (of != 0 && v1::RecordClass_IsValid(of)) {
        View(path + ".view", ceiling.view(), static_cast<v1::RecordClass>(of), views, true);
      }
    }
  }

  std::vector<PolicyProblem> problems_;
};

class PolicyChecker {
 public:
  explicit PolicyChecker(const v1::CoalitionPolicy& policy) : policy_(policy) {}

  std::vector<PolicyProblem> Run() {
    if (policy_.ByteSizeLong() > kPolicyBytesMax) {
      check_.Add("", "the policy is over " + std::to_string(kPolicyBytesMax) + " bytes");
      return check_.Take();
    }
    check_.Unknown("", policy_);
    check_.Text("title", policy_.title());
    Count("views", policy_.views_size(), kPolicyViewsMax);
    Count("ceilings", policy_.ceilings_size(), kPolicyEntriesMax);
    Count("denies", policy_.denies_size(), kPolicyEntriesMax);
    Count("audiences", policy_.audiences_size(), kPolicyEntriesMax);
    Count("policy_test", policy_.policy_test_size(), kPolicyEntriesMax);
    for (int i = 0; i < policy_.views_size(); ++i) View(At("views", i), policy_.views(i));
    if (policy_.views().empty()) check_.Add("views", "there is none: nobody could be granted anything");
    check_.Ceilings(policy_.ceilings(), views_);
    Denies();
    Limits();
    Audiences();
    Tests();
    return check_.Take();
  }

 private:
  void Count(const char* path, int size, int max) {
    if (size > max) check_.Add(path, "has more than " + std::to_string(max) + " entries");
  }

  void View(const std::string& path, const v1::ViewDefinition& view) {
    check_.Name(path + ".name", view.name(), "view name");
    check_.Text(path + ".description", view.description());
    if (view.name() == kViewNone) check_.Add(path + ".name", "\"none\" shows nothing and can't be defined");
    check_.Value<v1::RecordClass>(path + ".record_class", view.record_class(), v1::RecordClass_IsValid,
                                  "record class");
    if (!views_[view.record_class()].insert(view.name()).second) {
      check_.Add(path, "view " + Quoted(view.name()) + " is defined twice for " + Word(view.record_class()));
    }
    const Schema* schema = SchemaOf(view.record_class());
    if (schema == nullptr) return;
    std::set<std::string> listed;
    Fields(path + ".full", view.full(), v1::LEVEL_FULL, view.record_class(), *schema, &listed);
    Fields(path + ".token", view.token(), v1::LEVEL_TOKEN, view.record_class(), *schema, &listed);
    Fields(path + ".coarse", view.coarse(), v1::LEVEL_COARSE, view.record_class(), *schema, &listed);
    if (listed.empty()) check_.Add(path, "shows nothing; ceilings say \"none\" for that");
  }

  void Fields(const std::string& path, const Texts& paths, v1::Level level, v1::RecordClass of,
              const Schema& schema, std::set<std::string>* listed) {
    for (int i = 0; i < paths.size(); ++i) {
      FieldOf(At(path, i), paths[i], level, of, schema);
      if (!listed->insert(paths[i]).second) check_.Add(At(path, i), Quoted(paths[i]) + " is listed twice");
    }
  }

  void FieldOf(const std::string& path, const std::string& field, v1::Level level, v1::RecordClass of,
               const Schema& schema) {
    const std::optional<int> index = schema.Index(field);
    if (!index) {
      std::vector<std::string> known;
      for (const Field& one : schema.fields) known.push_back(one.path);
      std::string meant = Nearest(field, known);
      if (meant.empty()) meant = FirstBelow(field, known);
      return check_.Add(path, Word(of) + " has no field " + Quoted(field) + DidYouMean(meant));
    }
    const v1::Chain chain = schema.fields[static_cast<size_t>(*index)].chain;
    if (level != v1::LEVEL_FULL && level != v1::LEVEL_OMIT && ToMiddle(chain) != level) {
      check_.Add(path, Quoted(field) + " has no level " + Word(level) + ": its chain is " + ChainText(chain));
    }
  }

  // Of "seller": "seller.platform".
  static std::string FirstBelow(const std::string& message, const std::vector<std::string>& known) {
    for (const std::string& path : known) {
      if (!message.empty() && path.starts_with(message + ".")) return path;
    }
    return {};
  }

  void Denies() {
    std::set<std::string> ids;
    for (int i = 0; i < policy_.denies_size(); ++i) {
      const v1::Deny& deny = policy_.denies(i);
      const std::string path = At("denies", i);
      check_.Name(path + ".id", deny.id(), "id of a denial");
      if (!ids.insert(deny.id()).second) check_.Add(path + ".id", Quoted(deny.id()) + " is there already");
      if (const std::string wrong = WrongWithSubject(deny.subject()); !wrong.empty()) {
        check_.Add(path + ".subject", wrong);
      }
      check_.Text(path + ".reason", deny.reason());
      check_.Kinds(path + ".contributor_kinds", deny.contributor_kinds(), false);
      check_.Classes(path + ".record_classes", deny.record_classes(), false);
      check_.Labels(path + ".labels", deny.labels(), false);
    }
  }

  void Limits() {
    const v1::PolicyLimits& limits = policy_.limits();
    for (int i = 0; i < limits.lifetimes_size(); ++i) {
      const std::string path = At("limits.lifetimes", i);
      check_.Classes(path + ".record_classes", limits.lifetimes(i).record_classes(), false);
      check_.Labels(path + ".labels", limits.lifetimes(i).labels(), false);
      const int days = limits.lifetimes(i).days_max();
      if (days < 1 || days > kDaysMax) {
        check_.Add(path + ".days_max", "must be from 1 to " + std::to_string(kDaysMax));
      }
    }
    check_.Labels("limits.labels", limits.labels(), false);
    const v1::Quorum& quorum = limits.widening();
    if (quorum.approvals() < 0 || quorum.approvals() > kApprovalsMax) {
      check_.Add("limits.widening.approvals", "must be from 0 to " + std::to_string(kApprovalsMax));
    }
    check_.Kinds("limits.widening.electorate", quorum.electorate(), quorum.approvals() > 0);
  }

  // `of`: the class whose views grants must name; UNSPECIFIED: any class's.
  void Audience(const std::string& path, const v1::Audience& audience, v1::RecordClass of) {
    for (int i = 0; i < audience.grants_size(); ++i) {
      const std::string grant = At(path + ".grants", i);
      if (const std::string wrong = WrongWithSubject(audience.grants(i).subject()); !wrong.empty()) {
        check_.Add(grant + ".subject", wrong);
      }
      GrantedView(grant + ".view", audience.grants(i).view(), of);
    }
    for (int i = 0; i < audience.exclusions_size(); ++i) {
      const std::string exclusion = At(path + ".exclusions", i);
      if (audience.exclusions(i).subject_case() == v1::Subject::kEveryone) {
        check_.Add(exclusion, "an exclusion can't name everyone; without grants nobody sees a record");
      } else if (const std::string wrong = WrongWithSubject(audience.exclusions(i)); !wrong.empty()) {
        check_.Add(exclusion, wrong);
      }
    }
  }

  void GrantedView(const std::string& path, const std::string& view, v1::RecordClass of) {
    if (of != v1::RECORD_CLASS_UNSPECIFIED) return check_.View(path, view, of, views_, false);
    std::set<std::string> all;
    for (const auto& [record_class, names] : views_) all.insert(names.begin(), names.end());
    if (!all.contains(view)) {
      check_.Add(path, "no view " + Quoted(view) + " is defined" + DidYouMean(Nearest(view, all)));
    }
  }

  void Audiences() {
    for (int i = 0; i < policy_.audiences_size(); ++i) {
      const v1::NamedAudience& named = policy_.audiences(i);
      const std::string path = At("audiences", i);
      check_.Name(path + ".id", named.id(), "id of an audience");
      check_.Text(path + ".description", named.description());
      if (!audiences_.insert(named.id()).second) {
        check_.Add(path + ".id", Quoted(named.id()) + " is there already");
      }
      if (!named.audience().include().empty()) {
        check_.Add(path + ".audience.include", "a named audience can't include others");
      }
      if (named.audience().grants().empty()) check_.Add(path + ".audience.grants", "there is none");
      Audience(path + ".audience", named.audience(), v1::RECORD_CLASS_UNSPECIFIED);
    }
  }

  void Tests() {
    for (int i = 0; i < policy_.policy_test_size(); ++i) {
      const v1::PolicyTest& test = policy_.policy_test(i);
      const std::string path = At("policy_test", i);
      if (test.name().empty()) check_.Add(path + ".name", "is missing: what the test shows");
      check_.Text(path + ".name", test.name());
      Reader(path + ".as", test.as());
      Read(path + ".read", test.read());
      Expectation(path + ".expect", test.expect(), test.read().record_class());
    }
  }

  void Reader(const std::string& path, const v1::TestReader& reader) {
    check_.Value<v1::MemberKind>(path + ".kind", reader.kind(), v1::MemberKind_IsValid, "kind of member");
    if (reader.relation() != v1::RELATION_UNSPECIFIED && reader.relation() != v1::RELATION_HOST &&
        reader.relation() != v1::RELATION_OTHER) {
      check_.Add(path + ".relation", "must be HOST or OTHER");
    }
    if (!reader.member().empty()) Named(path + ".member", ParseMemberName(reader.member()));
    for (int i = 0; i < reader.groups_size(); ++i) {
      Named(At(path + ".groups", i), ParseGroupName(reader.groups(i)));
    }
  }

  void Named(const std::string& path, const absl::StatusOr<std::string>& id) {
    if (!id.ok()) check_.Add(path, std::string(Std(id.status().message())));
  }

  void Read(const std::string& path, const v1::TestRecord& record) {
    check_.Value<v1::RecordClass>(path + ".record_class", record.record_class(), v1::RecordClass_IsValid,
                                  "record class");
    if (!v1::Label_IsValid(record.label())) check_.Add(path + ".label", "no such label");
    if (!v1::MemberKind_IsValid(record.contributor_kind())) {
      check_.Add(path + ".contributor_kind", "no such kind of member");
    }
    if (v1::RecordClass_IsValid(record.record_class()) && record.record_class() != 0) {
      Audience(path + ".audience", record.audience(), record.record_class());
    }
    const auto& include = record.audience().include();
    for (int i = 0; i < include.size(); ++i) {
      const std::string id =
          include[i].starts_with("audiences/") ? include[i].substr(sizeof("audiences/") - 1) : "";
      if (audiences_.contains(id)) continue;
      check_.Add(At(path + ".audience.include", i), "no audience " + Quoted(include[i]) +
                                                        " is defined; say audiences/{id}" +
                                                        DidYouMean(Nearest(id, audiences_)));
    }
  }

  void Expectation(const std::string& path, const v1::TestExpectation& expect, v1::RecordClass of) {
    const bool fields = !expect.full().empty() || !expect.token().empty() || !expect.coarse().empty() ||
                        !expect.omitted().empty();
    if (!expect.hidden() && expect.view().empty() && !fields) {
      check_.Add(path, "expects nothing: say hidden, view, full, token, coarse or omitted");
    }
    if (expect.hidden() && (!expect.view().empty() || fields)) {
      check_.Add(path, "what is hidden shows no view and no fields");
    }
    const Schema* schema = SchemaOf(of);
    if (schema == nullptr) return;
    if (!expect.view().empty()) check_.View(path + ".view", expect.view(), of, views_, false);
    std::set<std::string> listed;
    Fields(path + ".full", expect.full(), v1::LEVEL_FULL, of, *schema, &listed);
    Fields(path + ".token", expect.token(), v1::LEVEL_TOKEN, of, *schema, &listed);
    Fields(path + ".coarse", expect.coarse(), v1::LEVEL_COARSE, of, *schema, &listed);
    Fields(path + ".omitted", expect.omitted(), v1::LEVEL_OMIT, of, *schema, &listed);
  }

  const v1::CoalitionPolicy& policy_;
  Views views_;
  std::set<std::string> audiences_;
  Checker check_;
};

void CheckSubject(const State& state, const std::string& path, const v1::Subject& subject, Checker* check) {
  const ResolvedSubject resolved = ResolveSubject(state, subject);
  if (!resolved.subject) check->Add(path + resolved.path, resolved.problem);
}

}  // namespace

std::vector<PolicyProblem> CheckPolicy(const v1::CoalitionPolicy& policy) {
  return PolicyChecker(policy).Run();
}

std::vector<PolicyProblem> CheckPolicyNames(const v1::CoalitionPolicy& policy, const State& state) {
  Checker check;
  for (int i = 0; i < policy.denies_size(); ++i) {
    CheckSubject(state, At("denies", i) + ".subject", policy.denies(i).subject(), &check);
  }
  for (int i = 0; i < policy.audiences_size(); ++i) {
    const v1::Audience& audience = policy.audiences(i).audience();
    const std::string path = At("audiences", i) + ".audience";
    for (int k = 0; k < audience.grants_size(); ++k) {
      CheckSubject(state, At(path + ".grants", k) + ".subject", audience.grants(k).subject(), &check);
    }
    for (int k = 0; k < audience.exclusions_size(); ++k) {
      CheckSubject(state, At(path + ".exclusions", k), audience.exclusions(k), &check);
    }
  }
  ViewNames names = state.view_names();
  for (int i = 0; i < policy.views_size(); ++i) {
    if (names.Add(policy.views(i).name()) != kNoView) continue;
    check.Add(At("views", i) + ".name",
              "the coalition has used " + std::to_string(kViewNamesMax) +
                  " names of views, which is all there are; take one of those again");
  }
  return check.Take();
}

std::vector<PolicyProblem> CheckMemberPolicy(const v1::MemberPolicy& policy, const State& state) {
  Checker check;
  check.Unknown("", policy);
  Views views;
  for (const v1::ViewDefinition& view : state.policy().views()) {
    views[view.record_class()].insert(view.name());
  }
  if (policy.unbounded() && !policy.ceilings().empty()) {
    check.Add("ceilings", "can't be given together with unbounded");
  }
  if (!policy.unbounded() && policy.ceilings().empty()) {
    check.Add(
        "ceilings",
        "is missing: say unbounded for no bound of your own, or a ceiling with view \"none\" to hide all");
  }
  if (policy.ceilings_size() > kPolicyEntriesMax || policy.exclusions_size() > kPolicyEntriesMax) {
    check.Add("", "has more than " + std::to_string(kPolicyEntriesMax) + " ceilings or exclusions");
  } else {
    check.Ceilings(policy.ceilings(), views);
  }
  for (int i = 0; i < policy.exclusions_size(); ++i) {
    const std::string path = At("exclusions", i);
    if (policy.exclusions(i).subject_case() == v1::Subject::kEveryone) {
      check.Add(path, "an exclusion can't name everyone; a ceiling with view \"none\" hides all");
      continue;
    }
    CheckSubject(state, path, policy.exclusions(i), &check);
  }
  if (policy.accepts_policy_version() < 0 || policy.accepts_policy_version() > state.policy_version()) {
    check.Add("accepts_policy_version",
              "there is no such version; the newest is " + std::to_string(state.policy_version()));
  }
  return check.Take();
}

}  // namespace coalition::policy
