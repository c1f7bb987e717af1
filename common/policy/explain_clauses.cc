#include "common/policy/explain_clauses.h"

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "common/ids.h"
#include "common/policy/fields.h"
#include "common/policy/subject.h"
#include "common/policy/words.h"
#include "common/strings.h"

namespace coalition::policy {
namespace {

using Layer = v1::AccessCause;

std::string NameOf(const State& state, SubjectKind kind, uint32_t id) {
  switch (kind) {
    case SubjectKind::kMember:
      return state.member(id) == nullptr ? "an unknown member" : FormatMemberName(state.member(id)->id);
    case SubjectKind::kGroup:
      return state.group(id) == nullptr ? "an unknown group" : FormatGroupName(state.group(id)->id);
    case SubjectKind::kKind:
      return "every " + Word(static_cast<v1::MemberKind>(id));
    case SubjectKind::kEveryone:
      return "everyone";
  }
  return "nobody";
}

// nullopt: of a member or group that the state does not know.
std::optional<v1::Subject> SubjectOf(const State& state, SubjectKind kind, uint32_t id) {
  v1::Subject subject;
  switch (kind) {
    case SubjectKind::kMember:
      if (state.member(id) == nullptr) return std::nullopt;
      subject.set_member(FormatMemberName(state.member(id)->id));
      return subject;
    case SubjectKind::kGroup:
      if (state.group(id) == nullptr) return std::nullopt;
      subject.set_group(FormatGroupName(state.group(id)->id));
      return subject;
    case SubjectKind::kKind:
      subject.set_kind(static_cast<v1::MemberKind>(id));
      return subject;
    case SubjectKind::kEveryone:
      subject.set_everyone(true);
      return subject;
  }
  return std::nullopt;
}

// "policies/3", "policies/3..5", "policies/1,3..5" of ascending versions.
std::string Cited(std::string_view prefix, const std::vector<int64_t>& versions) {
  std::string text(prefix);
  for (size_t i = 0; i < versions.size();) {
    size_t last = i;
    while (last + 1 < versions.size() && versions[last + 1] == versions[last] + 1) ++last;
    if (i > 0) text += ",";
    text += std::to_string(versions[i]);
    if (last > i) text += ".." + std::to_string(versions[last]);
    i = last + 1;
  }
  return text;
}

// The same clause in several versions is one: to take it away is to take it from all of them.
struct Versioned {
  std::string key;  // what makes it the same
  View view;
  std::vector<int64_t> versions;  // ascending
  int index = 0;                  // in the first one's source
};

void AddVersion(std::string key, View view, int64_t version, int index, std::vector<Versioned>* all) {
  for (Versioned& one : *all) {
    if (one.key != key || one.view != view) continue;
    if (one.versions.back() != version) one.versions.push_back(version);
    return;
  }
  all->push_back({std::move(key), view, {version}, index});
}

class Explainer {
 public:
  Explainer(const State& state, const MemberState& member, const MemberState& contributor,
            const HeaderView& header)
      : state_(state),
        member_(member),
        contributor_(contributor),
        header_(header),
        class_(header.record_class()),
        label_(header.label()),
        base_(PolicyBase(state, header)),
        relation_(RelationOf(state, member, header)) {}

  std::vector<Part> Run(int64_t now_s) {
    const bool owner = &member_ == &contributor_;
    Life(now_s);
    Standing(owner);
    if (owner) {
      Add(Role::kShows, FullView(class_),
          {Layer::LAYER_OWNER, FormatMemberName(member_.id), "contributed the record, and sees all of it"});
      return std::move(parts_);
    }
    Suspension();
    Grants();
    Exclusions();
    Denies();
    MemberExclusions();
    CoalitionCeilings();
    MemberCeilings();
    return std::move(parts_);
  }

  v1::Relation relation() const {
    return &member_ == &contributor_ ? v1::RELATION_OWNER : ToProto(relation_);
  }

 private:
  void Add(Role role, View view, Cause cause) { parts_.push_back({role, view, std::move(cause)}); }

  void Life(int64_t now_s) {
    if (header_.LiveAt(now_s)) return;
    const bool expired = header_.state() == Lifecycle::kActive || header_.state() == Lifecycle::kContested;
    Add(Role::kHides, {},
        {Layer::LAYER_LIFE, "", expired ? "the record has expired" : "the record is withdrawn"});
  }

  void Standing(bool owner) {
    if (member_.standing == v1::STANDING_ACTIVE) return;
    if (owner && member_.standing == v1::STANDING_LIMITED) return;
    const bool limited = member_.standing == v1::STANDING_LIMITED;
    Add(Role::kHides, {},
        {Layer::LAYER_STANDING, FormatMemberName(member_.id),
         "its standing is " + Word(member_.standing) +
             (limited ? ": it sees its own records alone" : ": it sees nothing")});
  }

  void Suspension() {
    if (!state_.HidesRecordsOf(contributor_)) return;
    Add(Role::kHides, {},
        {Layer::LAYER_STANDING, Cited("policies/", {state_.policy_version()}) + " hides_records_of_suspended",
         "its contributor, " + FormatMemberName(contributor_.id) +
             (contributor_.withdraws_records ? ", has left and its records are being withdrawn"
                                             : ", is suspended") +
             ": the coalition's policy hides its records from others as long"});
  }

  void Grants() {
    const ContributorRules* own = state_.RulesOf(contributor_.number);
    const uint64_t accepted = own == nullptr ? 0 : own->accepted;
    std::string nearly;
    bool matched = false;
    for (int i = 0; i < header_.grants_size(); ++i) {
      const HeaderGrant grant = header_.grant(i);
      const std::string name(state_.view_names().NameOf(grant.view));
      const std::string whom = NameOf(state_, grant.kind, grant.id);
      if (!GrantMatches(member_, grant)) {
        if (HoldsNow(grant))
          nearly += "; " + whom + " was granted " + Quoted(name) + " before it came to that";
        continue;
      }
      matched = true;
      const View view = state_.PeriodAt(std::max(grant.attached, accepted)).views.At(class_, grant.view);
      Cause cause{Layer::LAYER_GRANT, "audience grants " + whom + " " + Quoted(name), ""};
      cause.subject = SubjectOf(state_, grant.kind, grant.id);
      cause.view = name;
      granted_ = Join(granted_, view);
      cause.text = view.hidden() ? "the view " + Quoted(name) +
                                       " was not defined all the time since the grant: it shows nothing"
                                 : "granted to " + whom + " through " + Quoted(name);
      Add(view.hidden() ? Role::kTold : Role::kShows, view, std::move(cause));
    }
    if (granted_.hidden()) {
      Add(Role::kTold, {},
          {Layer::LAYER_NO_GRANT, "",
           matched ? "no grant that matches it shows anything"
                   : "no grant of the record's audience matches it" + nearly});
    }
  }

  // Whether it is what the grant names today, whenever it came to be.
  bool HoldsNow(HeaderGrant grant) const {
    grant.attached = kStill - 1;
    return GrantMatches(member_, grant);
  }

  // How it comes to be named: for the sentence.
  std::string Named(const HeaderExclusion& named) const {
    std::string text = NameOf(state_, named.kind, named.id);
    const uint64_t itself = NamedUntil(state_, member_, named);
    if (itself <= header_.made()) return text + " (a member under common control is, or was)";
    if (itself != kStill) return text + " (it was, when the record was made or since)";
    return text;
  }

  bool Matches(const HeaderExclusion& named) const {
    return ControlledNamedUntil(state_, member_.number, named) > header_.made();
  }

  void Exclusions() {
    for (int i = 0; i < header_.exclusions_size(); ++i) {
      const HeaderExclusion named = header_.exclusion(i);
      if (!Matches(named)) continue;
      Cause cause{Layer::LAYER_EXCLUSION, "audience excludes " + NameOf(state_, named.kind, named.id),
                  "the record's audience excludes " + Named(named)};
      cause.subject = SubjectOf(state_, named.kind, named.id);
      Add(Role::kHides, {}, std::move(cause));
    }
  }

  // Calls `visit` for each version of the coalition's policy that counts for the record.
  void EachVersion(const std::function<void(const PolicyInForce&)>& visit) const {
    const auto& policies = state_.rules().policies;
    for (size_t i = 0; i < policies.size(); ++i) {
      if (i + 1 == policies.size() || policies[i + 1].from > base_) visit(policies[i]);
    }
  }

  // The same of the contributor's own.
  void EachOwnVersion(const std::function<void(const MemberPolicyInForce&)>& visit) const {
    const MemberPolicyInForce* before = nullptr;
    for (const MemberPolicyInForce& version : state_.rules().member_policies) {
      if (version.member != contributor_.number) continue;
      if (before != nullptr && version.from > header_.made()) visit(*before);
      before = &version;
    }
    if (before != nullptr) visit(*before);
  }

  HeaderExclusion Resolved(const v1::Subject& subject) const {
    return ResolveSubject(state_, subject).subject.value_or(HeaderExclusion{SubjectKind::kEveryone, 0});
  }

  void Denies() {
    std::vector<Versioned> denies;
    std::vector<v1::Deny> sources;
    EachVersion([&](const PolicyInForce& version) {
      const CompiledPolicy& policy = *version.policy;
      for (int i = 0; i < policy.source().denies_size(); ++i) {
        const v1::Deny& deny = policy.source().denies(i);
        if (!policy.denies()[static_cast<size_t>(i)].Covers(contributor_.kind, class_, label_)) continue;
        if (!Matches(Resolved(deny.subject()))) continue;
        v1::Deny same = deny;
        same.clear_reason();
        AddVersion(same.SerializeAsString(), {}, version.version, static_cast<int>(sources.size()), &denies);
        sources.push_back(deny);
      }
    });
    for (Versioned& deny : denies) {
      const v1::Deny& source = sources[static_cast<size_t>(deny.index)];
      Cause cause{Layer::LAYER_DENY, Cited("policies/", deny.versions) + " denies " + source.id(),
                  "the coalition's policy denies " + Named(Resolved(source.subject())) +
                      (source.reason().empty() ? "" : ": " + source.reason())};
      cause.versions = std::move(deny.versions);
      cause.subject = source.subject();
      cause.deny_id = source.id();
      Add(Role::kHides, {}, std::move(cause));
    }
  }

  void MemberExclusions() {
    std::vector<Versioned> exclusions;
    std::vector<v1::Subject> sources;
    EachOwnVersion([&](const MemberPolicyInForce& version) {
      for (const v1::Subject& subject : version.policy.exclusions()) {
        if (!Matches(Resolved(subject))) continue;
        AddVersion(subject.SerializeAsString(), {}, version.policy.version(),
                   static_cast<int>(sources.size()), &exclusions);
        sources.push_back(subject);
      }
    });
    for (Versioned& exclusion : exclusions) {
      const v1::Subject& subject = sources[static_cast<size_t>(exclusion.index)];
      Cause cause{Layer::LAYER_MEMBER_EXCLUSION,
                  Cited(OwnPolicy() + "@", exclusion.versions) + " excludes " + Word(subject),
                  "the contributor's own policy excludes " + Named(Resolved(subject))};
      cause.versions = std::move(exclusion.versions);
      cause.subject = subject;
      Add(Role::kHides, {}, std::move(cause));
    }
  }

  std::string OwnPolicy() const { return FormatMemberName(contributor_.id) + "/policy"; }

  std::string Cell() const {
    return Word(member_.kind) + " " + Word(ToProto(relation_)) + " " + Word(class_) + " " + Word(label_);
  }

  // The views of the ceilings that fit: '"notice"'.
  std::string ViewsOf(const google::protobuf::RepeatedPtrField<v1::Ceiling>& ceilings) const {
    const auto has = [](const auto& values, int value) {
      return std::find(values.begin(), values.end(), value) != values.end();
    };
    std::set<std::string> names;
    for (const v1::Ceiling& ceiling : ceilings) {
      const bool host = relation_ != Relation::kOther && has(ceiling.relations(), v1::RELATION_HOST);
      const bool other = relation_ != Relation::kHost && has(ceiling.relations(), v1::RELATION_OTHER);
      if ((host || other) && has(ceiling.kinds(), member_.kind) && has(ceiling.record_classes(), class_) &&
          has(ceiling.labels(), label_)) {
        names.insert(Quoted(ceiling.view()));
      }
    }
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : " and ") + name;
    return text;
  }

  std::string CeilingText(const char* whose, View cell, const std::string& views) const {
    if (cell.hidden()) return std::string(whose) + " shows a " + Cell() + " nothing";
    std::string text = std::string(whose) + " shows a " + Cell() + " at most ";
    text += views.empty() ? "some fields" : views;
    if (relation_ == Relation::kFormerOrUnassigned) text += ", as both HOST and OTHER see it";
    return text;
  }

  bool Bounds(View cell) const { return Meet(granted_, cell) != granted_; }

  void CoalitionCeilings() {
    std::vector<Versioned> cells;
    EachVersion([&](const PolicyInForce& version) {
      const View cell = version.policy->ceilings().At(member_.kind, relation_, class_, label_);
      if (!Bounds(cell)) return;
      AddVersion(ViewsOf(version.policy->source().ceilings()), cell, version.version, 0, &cells);
    });
    for (Versioned& cell : cells) {
      Cause cause{Layer::LAYER_CEILING, Cited("policies/", cell.versions) + " ceilings " + Cell(),
                  CeilingText("the coalition's policy", cell.view, cell.key)};
      cause.versions = std::move(cell.versions);
      Add(Role::kBounds, cell.view, std::move(cause));
    }
  }

  void MemberCeilings() {
    std::vector<Versioned> cells;
    EachOwnVersion([&](const MemberPolicyInForce& version) {
      if (version.policy.unbounded()) return;
      const View cell = state_.MemberCeilings(version).At(member_.kind, relation_, class_, label_);
      if (!Bounds(cell)) return;
      AddVersion(ViewsOf(version.policy.ceilings()), cell, version.policy.version(), 0, &cells);
    });
    for (Versioned& cell : cells) {
      Cause cause{Layer::LAYER_MEMBER_CEILING,
                  Cited(OwnPolicy() + "@", cell.versions) + " ceilings " + Cell(),
                  CeilingText("the contributor's own policy", cell.view, cell.key)};
      cause.versions = std::move(cell.versions);
      Add(Role::kBounds, cell.view, std::move(cause));
    }
  }

  const State& state_;
  const MemberState& member_;
  const MemberState& contributor_;
  const HeaderView& header_;
  const v1::RecordClass class_;
  const v1::Label label_;
  const uint64_t base_;
  const Relation relation_;
  View granted_;
  std::vector<Part> parts_;
};

}  // namespace

Parts PartsOf(const State& state, uint32_t member, const HeaderView& header, int64_t now_s) {
  const MemberState* reader = state.member(member);
  const MemberState* contributor = state.member(header.contributor());
  if (reader == nullptr || contributor == nullptr) return {};
  Explainer explainer(state, *reader, *contributor, header);
  return {explainer.relation(), explainer.Run(now_s)};
}

}  // namespace coalition::policy
