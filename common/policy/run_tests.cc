#include "common/policy/run_tests.h"

#include <algorithm>
#include <set>
#include <utility>

#include "common/ids.h"
#include "common/policy/audience.h"
#include "common/policy/explain.h"
#include "common/policy/fields.h"
#include "common/policy/header.h"
#include "common/policy/words.h"
#include "common/strings.h"

namespace coalition::policy {
namespace {

// Everybody is there from the beginning, then the record is made.
constexpr uint64_t kJoined = 1, kMade = 2;
constexpr int64_t kNow = 0;
constexpr uint32_t kReader = 1, kContributor = 2, kOtherHost = 3, kPlatform = 1;

using Texts = google::protobuf::RepeatedPtrField<std::string>;

void Collect(const v1::Subject& subject, std::set<std::string>* members, std::set<std::string>* groups) {
  if (subject.subject_case() == v1::Subject::kMember) members->insert(subject.member());
  if (subject.subject_case() == v1::Subject::kGroup) groups->insert(subject.group());
}

void Collect(const v1::Audience& audience, std::set<std::string>* members, std::set<std::string>* groups) {
  for (const v1::Grant& grant : audience.grants()) Collect(grant.subject(), members, groups);
  for (const v1::Subject& subject : audience.exclusions()) Collect(subject, members, groups);
}

class Test {
 public:
  Test(const v1::CoalitionPolicy& policy, const Rules& rules, const v1::PolicyTest& test)
      : policy_(policy), test_(test), audience_(Expanded()), state_(MakeState(rules)) {}

  PolicyTestResult Run() {
    PolicyTestResult result{test_.name(), false, ""};
    const v1::TestRecord& read = test_.read();
    const v1::Label label = read.label() == v1::LABEL_UNSPECIFIED ? v1::LABEL_AMBER : read.label();
    const CompiledAudience audience =
        CompileAudience(state_, audience_, read.record_class(), label, kMade, {});
    for (const AudienceProblem& problem : audience.problems) {
      result.message +=
          (result.message.empty() ? "" : "; ") + ("read.audience." + problem.path) + ": " + problem.message;
    }
    if (!result.message.empty()) return result;
    Header header;
    header.record_class = read.record_class();
    header.label = label;
    header.permitted_action = v1::PERMITTED_ACTION_CONTACT_FOR_INSTRUCTION;
    header.contributor = kContributor;
    header.platform = kPlatform;
    header.made = kMade;
    header.expire_time_s = kNow + 1;
    header.grants = audience.grants;
    header.exclusions = audience.exclusions;
    const std::string bytes = EncodeHeader(header);
    const auto view = HeaderView::Parse(bytes);
    if (!view) return result;
    result.message = Compare(Explain(state_, kReader, *view, kNow));
    result.passed = result.message.empty();
    return result;
  }

 private:
  v1::Audience Expanded() const {
    v1::Audience audience = test_.read().audience();
    for (const std::string& include : audience.include()) {
      for (const v1::NamedAudience& named : policy_.audiences()) {
        if ("audiences/" + named.id() != include) continue;
        audience.mutable_grants()->MergeFrom(named.audience().grants());
        audience.mutable_exclusions()->MergeFrom(named.audience().exclusions());
      }
    }
    audience.clear_include();
    return audience;
  }

  State MakeState(const Rules& rules) const {
    std::set<std::string> member_names, group_names(test_.as().groups().begin(), test_.as().groups().end());
    Collect(audience_, &member_names, &group_names);
    for (const v1::Deny& deny : policy_.denies()) Collect(deny.subject(), &member_names, &group_names);
    std::vector<GroupState> groups;
    groups.reserve(group_names.size());
    for (const std::string& name : group_names) {
      // Closed, since nothing is said of it: the label allows it as far as it may.
      groups.push_back({static_cast<uint32_t>(groups.size() + 1), ParseGroupName(name).value_or(name), true});
    }
    std::vector<MemberState> members;
    const auto add = [&members](const std::string& id, v1::MemberKind kind) -> MemberState& {
      MemberState& member = members.emplace_back();
      member.number = static_cast<uint32_t>(members.size());
      member.id = id;
      member.kind = kind;
      member.standing = v1::STANDING_ACTIVE;
      member.kind_held = {{kJoined, kStill}};
      return member;
    };
    // Spelled as no member can be.
    const std::string reader =
        test_.as().member().empty() ? "(reader)" : ParseMemberName(test_.as().member()).value_or("");
    MemberState& as = add(reader, test_.as().kind());
    for (const GroupState& group : groups) {
      const auto& held = test_.as().groups();
      if (std::find(held.begin(), held.end(), FormatGroupName(group.id)) != held.end()) {
        as.groups.push_back({group.number, {{kJoined, kStill}}});
      }
    }
    const v1::MemberKind contributor = test_.read().contributor_kind();
    add("(contributor)", contributor == v1::MEMBER_KIND_UNSPECIFIED ? v1::MEMBER_KIND_BRAND : contributor);
    add("(host)", v1::MEMBER_KIND_MARKETPLACE);
    for (const std::string& name : member_names) {
      const std::string id = ParseMemberName(name).value_or(name);
      if (id != reader) add(id, v1::MEMBER_KIND_UNSPECIFIED);
    }
    const uint32_t host = test_.as().relation() == v1::RELATION_HOST ? kReader : kOtherHost;
    return {1,
            std::move(members),
            std::move(groups),
            {{kPlatform, "platform.example", {{host, {kJoined, kStill}}}}},
            rules};
  }

  // Empty: as expected.
  std::string Compare(const Explanation& is) const {
    const v1::TestExpectation& expect = test_.expect();
    const View view = is.decision.view;
    if (expect.hidden()) return view.hidden() ? "" : "it is seen: " + Seen(view);
    if (view.hidden()) {
      return "it is hidden" + (is.causes.empty() ? std::string() : ": " + is.causes.front().text);
    }
    if (!expect.view().empty()) {
      const View wanted = state_.newest_policy().policy->views().At(test_.read().record_class(),
                                                                    state_.view_names().Find(expect.view()));
      if (view != wanted) return "it is not seen through " + Quoted(expect.view()) + ": " + Seen(view);
    }
    std::string wrong;
    Levels(view, expect.full(), v1::LEVEL_FULL, &wrong);
    Levels(view, expect.token(), v1::LEVEL_TOKEN, &wrong);
    Levels(view, expect.coarse(), v1::LEVEL_COARSE, &wrong);
    Levels(view, expect.omitted(), v1::LEVEL_OMIT, &wrong);
    return wrong;
  }

  void Levels(View view, const Texts& paths, v1::Level wanted, std::string* wrong) const {
    const v1::RecordClass of = test_.read().record_class();
    for (const std::string& path : paths) {
      const std::optional<int> index = FieldIndex(of, path);
      if (!index) continue;
      const v1::Level is = ToLevel(FieldsOf(of)[static_cast<size_t>(*index)].chain, view.level(*index));
      if (is == wanted) continue;
      *wrong += (wrong->empty() ? "" : "; ") + Quoted(path) + " is " + Word(is) + ", not " + Word(wanted);
    }
  }

  std::string Seen(View view) const {
    const v1::ShownFields shown = ToShownFields(test_.read().record_class(), view);
    std::string text;
    const auto add = [&text](const Texts& paths, const char* level) {
      for (const std::string& path : paths) text += (text.empty() ? "" : ", ") + path + level;
    };
    add(shown.full(), "");
    add(shown.token(), " (TOKEN)");
    add(shown.coarse(), " (COARSE)");
    return text;
  }

  const v1::CoalitionPolicy& policy_;
  const v1::PolicyTest& test_;
  const v1::Audience audience_;
  const State state_;
};

}  // namespace

std::vector<PolicyTestResult> RunPolicyTests(const v1::CoalitionPolicy& policy) {
  Rules rules;
  rules.policies.push_back({1, 1, 0, std::make_shared<const CompiledPolicy>(policy, &rules.view_names)});
  std::vector<PolicyTestResult> results;
  for (const v1::PolicyTest& test : policy.policy_test()) results.push_back(Test(policy, rules, test).Run());
  return results;
}

}  // namespace coalition::policy
