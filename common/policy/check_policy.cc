#include "common/policy/check_policy.h"

#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "common/policy/fields.h"
#include "common/policy/limits.h"
#include "common/policy/policy_checker.h"
#include "common/policy/schema.h"
#include "common/policy/subject.h"

namespace coalition::policy {
namespace {

using Texts = google::protobuf::RepeatedPtrField<std::string>;

constexpr int kDaysMax = 36'500;
constexpr int kApprovalsMax = 1000;
constexpr int kProposalDaysMax = 365;
constexpr int kContestDaysMax = 3'650;
constexpr int kSealedDaysMax = 3'650;

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
      Lifetime(path, limits.lifetimes(i));
    }
    check_.Labels("limits.labels", limits.labels(), false);
    const v1::Quorum& quorum = limits.widening();
    Within("limits.widening.approvals", quorum.approvals(), kApprovalsMax);
    check_.Kinds("limits.widening.electorate", quorum.electorate(), quorum.approvals() > 0);
    ProposalDays(quorum);
    Within("limits.contest_days", limits.contest_days(), kContestDaysMax);
    check_.Kinds("limits.shown_to_by_kind", limits.shown_to_by_kind(), false);
    Within("limits.authority_reads_sealed_days", limits.authority_reads_sealed_days(), kSealedDaysMax);
  }

  // Whether it is from 0 to `max`.
  bool Within(const std::string& path, int value, int max) {
    const bool fits = value >= 0 && value <= max;
    if (!fits) check_.Add(path, "must be from 0 to " + std::to_string(max));
    return fits;
  }

  void Lifetime(const std::string& path, const v1::LifetimeLimit& limit) {
    const bool longest = Within(path + ".days_max", limit.days_max(), kDaysMax);
    const bool usual = Within(path + ".days_default", limit.days_default(), kDaysMax);
    if (!longest || !usual) return;
    if (limit.days_max() == 0 && limit.days_default() == 0) {
      check_.Add(path, "says nothing: set days_max, days_default or both");
    } else if (limit.days_max() != 0 && limit.days_default() > limit.days_max()) {
      check_.Add(path + ".days_default", "is over days_max");
    }
  }

  void ProposalDays(const v1::Quorum& quorum) {
    const bool notice = Within("limits.widening.notice_days", quorum.notice_days(), kProposalDaysMax);
    const bool open = Within("limits.widening.open_days", quorum.open_days(), kProposalDaysMax);
    if (notice && open && OpenDays(quorum) <= quorum.notice_days()) {
      check_.Add("limits.widening.open_days",
                 "must be more than notice_days, or no proposal could be applied: " +
                     std::to_string(OpenDays(quorum)) + (quorum.open_days() == 0 ? " (what 0 means)" : "") +
                     " is not more than " + std::to_string(quorum.notice_days()));
    }
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
    if (reader.groups_size() > kTestGroupsMax) {
      return check_.Add(path + ".groups", "names more than " + std::to_string(kTestGroupsMax));
    }
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

}  // namespace

std::vector<PolicyProblem> CheckPolicy(const v1::CoalitionPolicy& policy) {
  return PolicyChecker(policy).Run();
}

}  // namespace coalition::policy
