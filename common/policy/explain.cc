#include "common/policy/explain.h"

#include <algorithm>
#include <utility>

#include "common/ids.h"
#include "common/policy/explain_clauses.h"
#include "common/policy/words.h"

namespace coalition::policy {
namespace {

using Layer = v1::AccessCause;

constexpr View kEverything{~uint64_t{0}, ~uint64_t{0}};

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

}  // namespace

Explanation Explain(const State& state, uint32_t member, const HeaderView& header, int64_t now_s) {
  Parts found = PartsOf(state, member, header, now_s);
  return Conclude(std::move(found.parts), Decide(state, member, header, now_s), found.relation);
}

Explanation ExplainOpinion(const State& state, uint32_t member, const HeaderView& opinion,
                           const Decision& subject, int64_t now_s) {
  Parts found = PartsOf(state, member, opinion, now_s);
  const Decision alone = Decide(state, member, opinion, now_s);
  const View bound = SubjectBound(alone.owner || found.relation == v1::RELATION_OWNER, subject);
  // Against what is shown before anything hides or bounds it: the other causes say what is seen without them.
  View shown;
  for (const Part& part : found.parts) {
    if (part.role == Role::kShows) shown = Join(shown, part.view);
  }
  if (bound.hidden()) {
    found.parts.push_back({Role::kHides,
                           {},
                           {Layer::LAYER_SUBJECT, "opinion.subject",
                            "the record that the opinion is about is hidden from it"}});
  } else if (Meet(shown, bound) != shown) {
    found.parts.push_back(
        {Role::kBounds,
         bound,
         {Layer::LAYER_SUBJECT, "opinion.subject", "it sees less of the record that the opinion is about"}});
  }
  return Conclude(std::move(found.parts), MeetWithSubject(alone, subject), found.relation);
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
    for (const int64_t version : cause.versions) told.add_versions(version);
    if (cause.subject) *told.mutable_subject() = *cause.subject;
    told.set_view(cause.view);
    told.set_deny_id(cause.deny_id);
    told.set_visible_without(!cause.without.hidden());
    *told.mutable_fields_without() = ToShownFields(record_class, cause.without);
  }
  return access;
}

}  // namespace coalition::policy
