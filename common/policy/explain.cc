#include "common/policy/explain.h"

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

#include "common/ids.h"
#include "common/policy/fields.h"
#include "common/policy/subject.h"
#include "common/policy/words.h"
#include "common/strings.h"

namespace coalition::policy {
namespace {

using Layer = v1::AccessCause;

constexpr View kEverything{~uint64_t{0}, ~uint64_t{0}};

// What a clause does to the answer: it hides all, bounds what is seen, shows something, or is only told.
enum class Role : uint8_t { kHides, kBounds, kShows, kTold };

struct Part {
  Role role = Role::kTold;
  View view;  // of kBounds the bound, of kShows what it shows
  Cause cause;
};

// What is seen by these clauses; `skipped` is left out.
View Compose(const std::vector<Part>& parts, const Part* skipped) {
  View shown, bound = kEverything;
  for (const Part& part : parts) {
    if (&part == skipped) continue;
    if (part.role == Role::kHides) return {};
    if (part.role == Role::kBounds) bound = Meet(bound, part.view);
    if (part.role == Role::kShows) shown = Join(shown, part.view);
  }
  return Meet(shown, bound);
}

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

// "policies/3", "policies/3..5".
std::string Versions(std::string_view prefix, int64_t first, int64_t last) {
  std::string text = std::string(prefix) + std::to_string(first);
  return first == last ? text : text + ".." + std::to_string(last);
}

// The same clause in several versions is one: to take it away is to take it from all of them.
struct Versioned {
  std::string key;  // what makes it the same
  View view;
  int64_t first = 0;
  int64_t last = 0;
  int index = 0;  // in its version
};

void AddVersion(std::string key, View view, int64_t version, int index, std::vector<Versioned>* all) {
  for (Versioned& one : *all) {
    if (one.key != key || one.view != view) continue;
    one.last = version;
    return;
  }
  all->push_back({std::move(key), view, version, version, index});
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
      Add(Role::kShows, FullView(class_), Layer::LAYER_OWNER, FormatMemberName(member_.id),
          "contributed the record, and sees all of it");
      return std::move(parts_);
    }
    Grants();
    Exclusions();
    Denies();
    MemberExclusions();
    CoalitionCeilings();
    MemberCeilings();
    return std::move(parts_);
  }

  Relation relation() const { return relation_; }

 private:
  void Add(Role role, View view, Layer::Layer layer, std::string clause, std::string text) {
    parts_.push_back({role, view, {layer, std::move(clause), std::move(text), {}}});
  }

  void Life(int64_t now_s) {
    if (header_.LiveAt(now_s)) return;
    const bool expired = header_.state() == Lifecycle::kActive || header_.state() == Lifecycle::kContested;
    Add(Role::kHides, {}, Layer::LAYER_LIFE, "",
        expired ? "the record has expired" : "the record is withdrawn");
  }

  void Standing(bool owner) {
    if (member_.standing == v1::STANDING_ACTIVE) return;
    if (owner && member_.standing == v1::STANDING_LIMITED) return;
    Add(Role::kHides, {}, Layer::LAYER_STANDING, FormatMemberName(member_.id),
        "its standing is " + Word(member_.standing) +
            (member_.standing == v1::STANDING_LIMITED ? ": it sees its own records alone"
                                                      : ": it sees nothing"));
  }

  void Grants() {
    const ContributorRules* own = state_.RulesOf(contributor_.number);
    const uint64_t accepted = own == nullptr ? 0 : own->accepted;
    std::string nearly;
    for (int i = 0; i < header_.grants_size(); ++i) {
      const HeaderGrant grant = header_.grant(i);
      const std::string name(state_.view_names().NameOf(grant.view));
      const std::string whom = NameOf(state_, grant.kind, grant.id);
      if (!GrantMatches(member_, grant)) {
        if (HoldsNow(grant))
          nearly += "; " + whom + " was granted " + Quoted(name) + " before it came to that";
        continue;
      }
      const View view = state_.PeriodAt(std::max(grant.attached, accepted)).views.At(class_, grant.view);
      const std::string clause = "audience grants " + whom + " " + Quoted(name);
      if (view.hidden()) {
        Add(Role::kTold, {}, Layer::LAYER_GRANT, clause,
            "the view " + Quoted(name) + " was not defined all the time since the grant: it shows nothing");
        continue;
      }
      granted_ = Join(granted_, view);
      Add(Role::kShows, view, Layer::LAYER_GRANT, clause, "granted to " + whom + " through " + Quoted(name));
    }
    if (granted_.hidden()) {
      Add(Role::kTold, {}, Layer::LAYER_NO_GRANT, "",
          "no grant of the record's audience matches it" + nearly);
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
      Add(Role::kHides, {}, Layer::LAYER_EXCLUSION,
          "audience excludes " + NameOf(state_, named.kind, named.id),
          "the record's audience excludes " + Named(named));
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
    for (const Versioned& deny : denies) {
      const v1::Deny& source = sources[static_cast<size_t>(deny.index)];
      Add(Role::kHides, {}, Layer::LAYER_DENY,
          Versions("policies/", deny.first, deny.last) + " denies " + source.id(),
          "the coalition's policy denies " + Named(Resolved(source.subject())) +
              (source.reason().empty() ? "" : ": " + source.reason()));
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
    for (const Versioned& exclusion : exclusions) {
      const v1::Subject& subject = sources[static_cast<size_t>(exclusion.index)];
      Add(Role::kHides, {}, Layer::LAYER_MEMBER_EXCLUSION, OwnPolicy() + " excludes " + Word(subject),
          "the contributor's own policy excludes " + Named(Resolved(subject)));
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
    std::string views;
    EachVersion([&](const PolicyInForce& version) {
      const View cell = version.policy->ceilings().At(member_.kind, relation_, class_, label_);
      if (!Bounds(cell)) return;
      AddVersion(ViewsOf(version.policy->source().ceilings()), cell, version.version, 0, &cells);
    });
    for (const Versioned& cell : cells) {
      Add(Role::kBounds, cell.view, Layer::LAYER_CEILING,
          Versions("policies/", cell.first, cell.last) + " ceilings " + Cell(),
          CeilingText("the coalition's policy", cell.view, cell.key));
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
    for (const Versioned& cell : cells) {
      Add(Role::kBounds, cell.view, Layer::LAYER_MEMBER_CEILING,
          Versions(OwnPolicy() + "@", cell.first, cell.last) + " ceilings " + Cell(),
          CeilingText("the contributor's own policy", cell.view, cell.key));
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

// Puts the parts in order and says what would be without each.
Explanation Conclude(std::vector<Part> parts, const Decision& decision, v1::Relation relation) {
  std::stable_sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) { return a.role < b.role; });
  Explanation explanation{decision, relation, {}};
  for (const Part& part : parts) {
    Cause& cause = explanation.causes.emplace_back(part.cause);
    cause.without = Compose(parts, part.role == Role::kTold ? nullptr : &part);
  }
  return explanation;
}

struct Run {
  std::vector<Part> parts;
  v1::Relation relation = v1::RELATION_UNSPECIFIED;
};

Run RunFor(const State& state, uint32_t member, const HeaderView& header, int64_t now_s) {
  const MemberState* reader = state.member(member);
  const MemberState* contributor = state.member(header.contributor());
  if (reader == nullptr || contributor == nullptr) return {};
  Explainer explainer(state, *reader, *contributor, header);
  std::vector<Part> parts = explainer.Run(now_s);
  return {std::move(parts), reader == contributor ? v1::RELATION_OWNER : ToProto(explainer.relation())};
}

}  // namespace

Explanation Explain(const State& state, uint32_t member, const HeaderView& header, int64_t now_s) {
  Run run = RunFor(state, member, header, now_s);
  return Conclude(std::move(run.parts), Decide(state, member, header, now_s), run.relation);
}

Explanation ExplainOpinion(const State& state, uint32_t member, const HeaderView& opinion,
                           const Decision& subject, int64_t now_s) {
  Run run = RunFor(state, member, opinion, now_s);
  const Decision alone = Decide(state, member, opinion, now_s);
  const View bound = SubjectBound(alone.owner || run.relation == v1::RELATION_OWNER, subject);
  // Against what is shown before anything hides or bounds it: the other causes say what is seen without them.
  View shown;
  for (const Part& part : run.parts) {
    if (part.role == Role::kShows) shown = Join(shown, part.view);
  }
  if (bound.hidden()) {
    run.parts.push_back({Role::kHides,
                         {},
                         {Layer::LAYER_SUBJECT,
                          "opinion.subject",
                          "the record that the opinion is about is hidden from it",
                          {}}});
  } else if (Meet(shown, bound) != shown) {
    run.parts.push_back({Role::kBounds,
                         bound,
                         {Layer::LAYER_SUBJECT,
                          "opinion.subject",
                          "it sees less of the record that the opinion is about",
                          {}}});
  }
  return Conclude(std::move(run.parts), MeetWithSubject(alone, subject), run.relation);
}

v1::MemberAccess ToMemberAccess(const State& state, uint32_t member, v1::RecordClass record_class,
                                const Explanation& explanation, bool with_others) {
  v1::MemberAccess access;
  if (const MemberState* of = state.member(member)) {
    access.set_member(FormatMemberName(of->id));
    access.set_kind(of->kind);
  }
  access.set_relation(explanation.relation);
  access.set_visible(explanation.decision.visible());
  for (const std::string_view name : state.view_names().NamesOf(explanation.decision.view_ids)) {
    access.add_views(std::string(name));
  }
  *access.mutable_fields() = ToShownFields(record_class, explanation.decision.view);
  for (const Cause& cause : explanation.causes) {
    const bool own = cause.layer == Layer::LAYER_GRANT || cause.layer == Layer::LAYER_OWNER;
    if (!own && !with_others) continue;
    v1::AccessCause& told = *access.add_causes();
    told.set_layer(cause.layer);
    told.set_clause(cause.clause);
    told.set_text(cause.text);
    told.set_visible_without(!cause.without.hidden());
    *told.mutable_fields_without() = ToShownFields(record_class, cause.without);
  }
  return access;
}

}  // namespace coalition::policy
