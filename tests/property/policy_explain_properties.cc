#include "tests/property/policy_explain_properties.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "common/policy/fields.h"
#include "common/policy/words.h"
#include "tests/property/policy_property_tools.h"

namespace coalition::testing {
namespace {

using policy::Cause;
using policy::Decision;
using policy::Explanation;
using policy::HeaderExclusion;
using policy::HeaderGrant;
using policy::HeaderView;
using policy::MemberState;
using policy::State;
using policy::SubjectKind;
using policy::View;
using Layer = v1::AccessCause;

constexpr const char* kEverything = "everything";

// What a member is told at most of an opinion, by what it sees of the subject.
View Bounded(View view, bool owner, const ExplainCase& c) {
  return c.subject ? policy::Meet(view, policy::SubjectBound(owner, *c.subject)) : view;
}

// --- the worlds without a clause

template <class List, class Same>
void KeepFirst(List* list, const Same& same) {
  List kept;
  for (const auto& one : *list) {
    if (std::none_of(kept.begin(), kept.end(), [&](const auto& other) { return same(one, other); })) {
      kept.push_back(one);
    }
  }
  *list = kept;
}

ExplainCase PickExplainCase(World world) {
  ExplainCase c{std::move(world), std::nullopt};
  KeepFirst(&c.world.header.grants, [](const HeaderGrant& a, const HeaderGrant& b) {
    return a.kind == b.kind && a.id == b.id && a.view == b.view;
  });
  KeepFirst(&c.world.header.exclusions, std::equal_to<HeaderExclusion>());
  std::map<uint32_t, int64_t> versions;
  for (policy::MemberPolicyInForce& own : c.world.member_policies) {
    own.policy.set_version(++versions[own.member]);
  }
  if (c.world.header.record_class != v1::RECORD_CLASS_OPINION) return c;
  const auto& views = policy::DefaultRules().policies[0].policy->views();
  const auto of = static_cast<v1::RecordClass>(*rc::gen::inRange(1, 5));
  switch (*rc::gen::inRange(0, 5)) {
    case 0:
      c.subject = Decision{policy::FullView(of), true, 0};
      break;
    case 1:
      c.subject = Decision{};
      break;
    case 2:
      c.subject = Decision{views.At(of, policy::kViewFull), false, 1};
      break;
    case 3:
      c.subject = Decision{views.At(of, policy::kViewNotice), false, 2};
      break;
    default:
      break;
  }
  return c;
}

// A view of that name shows all of the class in every version, and the cell has it in those that `lifted`.
template <class Lifted>
void DefineEverything(World* world, const v1::Ceiling& cell, const Lifted& lifted) {
  v1::ViewDefinition all;
  all.set_name(kEverything);
  all.set_record_class(world->header.record_class);
  for (const policy::Field& field : policy::FieldsOf(world->header.record_class)) all.add_full(field.path);
  for (policy::PolicyInForce& version : world->policies) {
    v1::CoalitionPolicy policy = version.policy->source();
    *policy.add_views() = all;
    if (lifted(version)) *policy.add_ceilings() = cell;
    version.policy = Compile(policy);
  }
}

v1::Ceiling CellOf(const World& world, const MemberState& member, v1::Relation relation) {
  v1::Ceiling cell;
  cell.add_kinds(member.kind);
  if (relation != v1::RELATION_OTHER) cell.add_relations(v1::RELATION_HOST);
  if (relation != v1::RELATION_HOST) cell.add_relations(v1::RELATION_OTHER);
  cell.add_record_classes(world.header.record_class);
  cell.add_labels(world.header.label);
  cell.set_view(kEverything);
  return cell;
}

// What two versions must have in common to have the same ceiling for the cell: what it shows, through which
// views.
using CellKey = std::pair<std::pair<uint64_t, uint64_t>, std::set<std::string>>;

template <class Ceilings>
CellKey KeyOf(const policy::CeilingTable& table, const Ceilings& ceilings, const v1::Ceiling& cell) {
  const auto of_class = static_cast<v1::RecordClass>(cell.record_classes(0));
  const auto of_label = static_cast<v1::Label>(cell.labels(0));
  const auto has = [](const auto& values, int value) {
    return std::find(values.begin(), values.end(), value) != values.end();
  };
  View view{~uint64_t{0}, ~uint64_t{0}};
  std::set<std::string> names;
  for (const int relation : cell.relations()) {
    const bool host = relation == v1::RELATION_HOST;
    view = policy::Meet(
        view, table.At(static_cast<v1::MemberKind>(cell.kinds(0)),
                       host ? policy::Relation::kHost : policy::Relation::kOther, of_class, of_label));
    for (const v1::Ceiling& one : ceilings) {
      if (has(one.relations(), relation) && has(one.kinds(), cell.kinds(0)) &&
          has(one.record_classes(), of_class) && has(one.labels(), of_label)) {
        names.insert(one.view());
      }
    }
  }
  return {{view.shown, view.full}, names};
}

bool Cites(const Cause& cause, int64_t version) {
  return std::find(cause.versions.begin(), cause.versions.end(), version) != cause.versions.end();
}

Violation LiftCeiling(const Cause& cause, const v1::Ceiling& cell, World* world) {
  std::set<CellKey> keys;
  for (const policy::PolicyInForce& version : world->policies) {
    if (!Cites(cause, version.version)) continue;
    keys.insert(KeyOf(version.policy->ceilings(), version.policy->source().ceilings(), cell));
  }
  if (keys.size() != 1) return "cites not one ceiling of the policy's versions: " + cause.clause;
  DefineEverything(world, cell, [&](const auto& version) { return Cites(cause, version.version); });
  return std::nullopt;
}

Violation LiftOwnCeiling(const Cause& cause, const v1::Ceiling& cell, const State& state, World* world) {
  std::set<CellKey> keys;
  for (policy::MemberPolicyInForce& own : world->member_policies) {
    if (own.member != world->header.contributor || !Cites(cause, own.policy.version())) continue;
    keys.insert(KeyOf(state.MemberCeilings(own), own.policy.ceilings(), cell));
    *own.policy.add_ceilings() = cell;
  }
  if (keys.size() != 1) return "cites not one ceiling of the contributor's own policy: " + cause.clause;
  DefineEverything(world, cell, [](const auto&) { return false; });
  return std::nullopt;
}

Violation RemoveDeny(const Cause& cause, World* world) {
  const auto bare = [](v1::Deny deny) {
    deny.clear_reason();
    return deny.SerializeAsString();
  };
  std::set<std::string> cited;
  for (const policy::PolicyInForce& version : world->policies) {
    for (const v1::Deny& deny : version.policy->source().denies()) {
      const bool it = deny.id() == cause.deny_id && Cites(cause, version.version);
      if (it && deny.subject().SerializeAsString() == cause.subject->SerializeAsString())
        cited.insert(bare(deny));
    }
  }
  if (cited.empty()) return "cites a denial that is not there: " + cause.clause;
  for (policy::PolicyInForce& version : world->policies) {
    if (!Cites(cause, version.version)) continue;
    v1::CoalitionPolicy policy = version.policy->source();
    auto* denies = policy.mutable_denies();
    denies->erase(std::remove_if(denies->begin(), denies->end(),
                                 [&](const v1::Deny& deny) { return cited.contains(bare(deny)); }),
                  denies->end());
    version.policy = Compile(policy);
  }
  return std::nullopt;
}

Violation RemoveOwnExclusion(const Cause& cause, World* world) {
  const std::string whom = cause.subject->SerializeAsString();
  int removed = 0;
  for (policy::MemberPolicyInForce& own : world->member_policies) {
    if (own.member != world->header.contributor || !Cites(cause, own.policy.version())) continue;
    auto* exclusions = own.policy.mutable_exclusions();
    const int before = exclusions->size();
    exclusions->erase(
        std::remove_if(exclusions->begin(), exclusions->end(),
                       [&](const v1::Subject& subject) { return subject.SerializeAsString() == whom; }),
        exclusions->end());
    removed += before - exclusions->size();
  }
  if (removed == 0) return "cites an exclusion that is not there: " + cause.clause;
  return std::nullopt;
}

std::string NameOf(SubjectKind kind, uint32_t id) {
  switch (kind) {
    case SubjectKind::kMember:
      return "members/member-" + std::to_string(id);
    case SubjectKind::kGroup:
      return id == 1 ? "groups/inner" : "groups/wide";
    case SubjectKind::kKind:
      return "every " + policy::Word(static_cast<v1::MemberKind>(id));
    case SubjectKind::kEveryone:
      return "everyone";
  }
  return "";
}

Violation RemoveGrant(const Cause& cause, World* world) {
  const auto removed = std::erase_if(world->header.grants, [&](const HeaderGrant& grant) {
    std::string view;
    if (grant.view <= kWorldViews) view = WorldViewNames().NameOf(grant.view);
    return cause.view == view && cause.subject &&
           policy::Word(*cause.subject) == NameOf(grant.kind, grant.id) &&
           cause.clause == "audience grants " + NameOf(grant.kind, grant.id) + " \"" + view + "\"";
  });
  if (removed == 0) return "cites a grant that is not there: " + cause.clause;
  return std::nullopt;
}

// Exclusions of members and groups that are unknown have no names: the causes are in their order.
Violation RemoveExclusion(const Cause& cause, const MemberState& member, const State& state, int place,
                          World* world) {
  auto& exclusions = world->header.exclusions;
  for (size_t i = 0; i < exclusions.size(); ++i) {
    policy::Header alone = world->header;
    alone.exclusions = {exclusions[i]};
    if (!reference::Excluded(state, member, alone) || place-- != 0) continue;
    const std::string named = NameOf(exclusions[i].kind, exclusions[i].id);
    if (cause.subject && policy::Word(*cause.subject) != named) return "names somebody else: " + named;
    exclusions.erase(exclusions.begin() + static_cast<std::ptrdiff_t>(i));
    return std::nullopt;
  }
  return "cites an exclusion that is not there";
}

// The world without the clause that the cause cites.
Violation Remove(const Cause& cause, const MemberState& member, v1::Relation relation, int exclusions_before,
                 World* world) {
  const State state = world->MakeState();
  const v1::Ceiling cell = CellOf(*world, member, relation);
  switch (cause.layer) {
    case Layer::LAYER_LIFE:
      world->header.state = policy::Lifecycle::kActive;
      world->header.expire_time_s = world->now_s + 1;
      return std::nullopt;
    case Layer::LAYER_STANDING:
      if (cause.clause.ends_with(" hides_records_of_suspended")) {
        v1::CoalitionPolicy policy = world->policies.back().policy->source();
        policy.mutable_limits()->clear_hides_records_of_suspended();
        world->policies.back().policy = Compile(policy);
        return std::nullopt;
      }
      world->members[member.number - 1].standing = v1::STANDING_ACTIVE;
      return std::nullopt;
    case Layer::LAYER_GRANT:
      return RemoveGrant(cause, world);
    case Layer::LAYER_EXCLUSION:
      return RemoveExclusion(cause, member, state, exclusions_before, world);
    case Layer::LAYER_CEILING:
      return LiftCeiling(cause, cell, world);
    case Layer::LAYER_MEMBER_CEILING:
      return LiftOwnCeiling(cause, cell, state, world);
    case Layer::LAYER_DENY:
      return RemoveDeny(cause, world);
    case Layer::LAYER_MEMBER_EXCLUSION:
      return RemoveOwnExclusion(cause, world);
    case Layer::LAYER_NO_GRANT:
      return std::nullopt;
    default:
      return "has a cause of an unknown layer";
  }
}

Violation CauseChangesTheAnswer(const Cause& cause, const MemberState& member, v1::Relation relation,
                                int exclusions_before, const ExplainCase& c) {
  const bool owner = member.number == c.world.header.contributor;
  // Who has not contributed a record is another member to it: of that nothing is claimed.
  if (cause.layer == Layer::LAYER_OWNER && owner) return std::nullopt;
  ExplainCase without = c;
  if (cause.layer == Layer::LAYER_SUBJECT) {
    without.subject.reset();
  } else if (auto wrong = Remove(cause, member, relation, exclusions_before, &without.world)) {
    return wrong;
  }
  const World& world = without.world;
  const View alone = ReferenceDecides()(world.MakeState(), member.number, world.header, world.now_s).view;
  if (Bounded(alone, owner, without) == cause.without) return std::nullopt;
  return "is told something else than it would see without " + Layer::Layer_Name(cause.layer) + " \"" +
         cause.clause + "\"";
}

Decision Answer(const State& state, uint32_t member, const ExplainCase& c) {
  const Decision alone = EngineDecides(state, member, c.world.header, c.world.now_s);
  return c.subject ? policy::MeetWithSubject(alone, *c.subject) : alone;
}

bool Hides(Layer::Layer layer) {
  return layer == Layer::LAYER_LIFE || layer == Layer::LAYER_STANDING || layer == Layer::LAYER_EXCLUSION ||
         layer == Layer::LAYER_DENY || layer == Layer::LAYER_MEMBER_EXCLUSION;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const ExplainCase& c) {
  out << c.world;
  if (c.subject) out << "subject shown " << c.subject->view.shown << " full " << c.subject->view.full << "\n";
  return out;
}

rc::Gen<ExplainCase> AnyExplainCase() {
  return rc::gen::exec([] { return PickExplainCase(*AnyWorld()); });
}
rc::Gen<ExplainCase> LiveExplainCase() {
  return rc::gen::exec([] { return PickExplainCase(*LiveWorld()); });
}

Violation ExplainsTheDecision(const Explainer& explain, const ExplainCase& c) {
  const State state = c.world.MakeState();
  for (uint32_t member = 0; member <= c.world.members.size() + 1; ++member) {
    const Decision is = explain(state, member, c).decision, should = Answer(state, member, c);
    if (is.view != should.view || is.owner != should.owner || is.view_ids != should.view_ids) {
      return Wrong("has another decision explained than is made", member);
    }
  }
  return std::nullopt;
}

Violation CausesChangeTheAnswer(const Explainer& explain, const ExplainCase& c) {
  const State state = c.world.MakeState();
  for (const MemberState& member : c.world.members) {
    const Explanation explanation = explain(state, member.number, c);
    int exclusions = 0;
    for (const Cause& cause : explanation.causes) {
      const Violation wrong = CauseChangesTheAnswer(cause, member, explanation.relation, exclusions, c);
      if (wrong) return Wrong(*wrong, member.number);
      if (cause.layer == Layer::LAYER_EXCLUSION) ++exclusions;
    }
  }
  return std::nullopt;
}

Violation WhatIsHiddenHasACause(const Explainer& explain, const ExplainCase& c) {
  if (c.world.header.contributor > c.world.members.size()) return std::nullopt;  // of nobody known
  const State state = c.world.MakeState();
  for (const MemberState& member : c.world.members) {
    const Explanation explanation = explain(state, member.number, c);
    const bool has =
        std::any_of(explanation.causes.begin(), explanation.causes.end(), [](const Cause& cause) {
          return cause.layer != Layer::LAYER_GRANT && cause.layer != Layer::LAYER_OWNER &&
                 !cause.text.empty();
        });
    if (!Answer(state, member.number, c).visible() && !has) {
      return Wrong("does not see the record, and is not told why", member.number);
    }
  }
  return std::nullopt;
}

Violation DecisiveCausesComeFirst(const Explainer& explain, const ExplainCase& c) {
  const State state = c.world.MakeState();
  for (const MemberState& member : c.world.members) {
    const auto causes = explain(state, member.number, c).causes;
    const bool in_order = std::is_partitioned(causes.begin(), causes.end(), [&](const Cause& cause) {
      return Hides(cause.layer) ||
             (cause.layer == Layer::LAYER_SUBJECT && c.subject && !c.subject->visible());
    });
    if (!in_order) return Wrong("is told what bounds before what hides", member.number);
  }
  return std::nullopt;
}

Explanation EngineExplains(const State& state, uint32_t member, const ExplainCase& c) {
  const std::string bytes = policy::EncodeHeader(c.world.header);
  const auto header = HeaderView::Parse(bytes);
  if (!header) return {};
  if (c.subject) return policy::ExplainOpinion(state, member, *header, *c.subject, c.world.now_s);
  return policy::Explain(state, member, *header, c.world.now_s);
}

}  // namespace coalition::testing
