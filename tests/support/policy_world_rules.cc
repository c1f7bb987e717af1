#include "tests/support/policy_world_rules.h"

#include <rapidcheck.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string>

#include "common/policy/fields.h"

namespace coalition::testing {
namespace {

using policy::MemberPolicyInForce;
using policy::PolicyInForce;

// A view of more fields would make cases slower and not better.
constexpr size_t kFieldsOfAView = 16;

// From low to high, both inclusive.
uint32_t Pick(uint32_t low, uint32_t high) { return *rc::gen::inRange<uint32_t>(low, high + 1); }
bool Chance(uint32_t percent) { return Pick(1, 100) <= percent; }

std::string PickViewName() { return WorldViewNames().names()[Pick(0, kWorldViews - 1)]; }

// Some of the values from 1 to `last`.
template <class Add>
void PickValues(uint32_t last, const Add& add) {
  const uint32_t mask = Pick(1, (1U << last) - 1);
  for (uint32_t value = 1; value <= last; ++value) {
    if ((mask >> (value - 1) & 1U) != 0) add(static_cast<int>(value));
  }
}

void AddField(const policy::Field& field, bool full, v1::ViewDefinition* view) {
  if (full || field.chain == v1::CHAIN_UNSPECIFIED || field.chain == v1::CHAIN_REFERENCE) {
    view->add_full(field.path);
  } else if (field.chain == v1::CHAIN_TOKEN) {
    view->add_token(field.path);
  } else {
    view->add_coarse(field.path);
  }
}

v1::ViewDefinition PickView(const std::string& name, v1::RecordClass record_class, bool regular) {
  v1::ViewDefinition view;
  view.set_name(name);
  view.set_record_class(record_class);
  const auto& fields = policy::FieldsOf(record_class);
  const uint32_t shown = Pick(0, (1U << kFieldsOfAView) - 1), full = Pick(0, (1U << kFieldsOfAView) - 1);
  for (size_t i = 0; i < std::min(fields.size(), kFieldsOfAView); ++i) {
    const bool always = i == 1 && Chance(85);  // the contributor, so that views have something in common
    if (always || (shown >> i & 1U) != 0) AddField(fields[i], (full >> i & 1U) != 0, &view);
  }
  // What a class or a chain does not have shows nothing.
  if (!regular && Chance(20)) view.add_full("no.such_field");
  if (!regular && Chance(20)) view.add_token("create_time");
  return view;
}

// Replaces the definition of that name and class, if there is one.
void Define(const v1::ViewDefinition& view, v1::CoalitionPolicy* policy) {
  for (v1::ViewDefinition& other : *policy->mutable_views()) {
    if (other.name() != view.name() || other.record_class() != view.record_class()) continue;
    other = view;
    return;
  }
  *policy->add_views() = view;
}

template <class List>
void RemoveOne(List* list) {
  if (!list->empty())
    list->DeleteSubrange(static_cast<int>(Pick(0, static_cast<uint32_t>(list->size()) - 1)), 1);
}

v1::ViewDefinition* ChosenView(v1::CoalitionPolicy* policy) {
  if (policy->views().empty()) return nullptr;
  return policy->mutable_views(static_cast<int>(Pick(0, static_cast<uint32_t>(policy->views_size()) - 1)));
}

void AddAField(v1::CoalitionPolicy* policy) {
  v1::ViewDefinition* view = ChosenView(policy);
  if (view == nullptr) return;
  const auto& fields = policy::FieldsOf(view->record_class());
  AddField(fields[Pick(0, static_cast<uint32_t>(fields.size()) - 1)], Chance(60), view);
}

void RemoveAField(v1::CoalitionPolicy* policy) {
  v1::ViewDefinition* view = ChosenView(policy);
  if (view == nullptr) return;
  if (Chance(70)) return RemoveOne(view->mutable_full());
  RemoveOne(Chance(50) ? view->mutable_token() : view->mutable_coarse());
}

v1::Ceiling BroadCeiling(const std::string& view, v1::RecordClass record_class) {
  v1::Ceiling ceiling;
  for (int kind = 1; kind <= 8; ++kind) ceiling.add_kinds(static_cast<v1::MemberKind>(kind));
  ceiling.add_relations(v1::RELATION_HOST);
  ceiling.add_relations(v1::RELATION_OTHER);
  ceiling.add_record_classes(record_class);
  for (int label = 1; label <= 5; ++label) ceiling.add_labels(static_cast<v1::Label>(label));
  ceiling.set_view(view);
  return ceiling;
}

std::set<uint64_t> PickRevisions(uint32_t count, uint64_t head) {
  std::set<uint64_t> revisions;
  for (; count > 0; --count) revisions.insert(Pick(1, static_cast<uint32_t>(head) - 1));
  return revisions;
}

}  // namespace

const policy::ViewNames& WorldViewNames() {
  static const auto& names = *new policy::ViewNames({"full", "notice", "brief", "wide"});
  return names;
}

std::shared_ptr<const policy::CompiledPolicy> Compile(const v1::CoalitionPolicy& policy) {
  policy::ViewNames names = WorldViewNames();
  return std::make_shared<const policy::CompiledPolicy>(policy, &names);
}

v1::Subject PickSubject(const PolicyScope& scope) {
  v1::Subject subject;
  if (!scope.regular && Chance(10)) {
    switch (Pick(0, 4)) {
      case 0:
        break;
      case 1:
        subject.set_everyone(Chance(50));
        break;
      case 2:
        subject.set_member("members/nobody");
        break;
      case 3:
        subject.set_group("inner");
        break;
      default:
        subject.set_kind(static_cast<v1::MemberKind>(Pick(0, 1) * 9));
        break;
    }
    return subject;
  }
  const uint32_t of = Pick(1, 100);
  if (of <= 40) {
    subject.set_member("members/member-" + std::to_string(Pick(1, scope.members)));
  } else if (of <= 75) {
    subject.set_group(Chance(50) ? "groups/inner" : "groups/wide");
  } else {
    subject.set_kind(static_cast<v1::MemberKind>(Chance(30) ? 2U : Pick(1, 8)));
  }
  return subject;
}

v1::Deny PickDeny(const PolicyScope& scope) {
  v1::Deny deny;
  deny.set_id("deny-" + std::to_string(Pick(1, 1000)));
  *deny.mutable_subject() = PickSubject(scope);
  if (Chance(30)) {
    PickValues(8, [&](int kind) { deny.add_contributor_kinds(static_cast<v1::MemberKind>(kind)); });
  }
  if (Chance(30)) PickValues(4, [&](int of) { deny.add_record_classes(static_cast<v1::RecordClass>(of)); });
  if (Chance(30)) PickValues(5, [&](int label) { deny.add_labels(static_cast<v1::Label>(label)); });
  return deny;
}

v1::Ceiling PickCeiling(const PolicyScope& scope) {
  v1::Ceiling ceiling = BroadCeiling(PickViewName(), scope.record_class);
  if (Chance(8)) ceiling.set_view(scope.regular || Chance(50) ? "none" : "nowhere");
  if (Chance(60)) {
    ceiling.clear_kinds();
    PickValues(8, [&](int kind) { ceiling.add_kinds(static_cast<v1::MemberKind>(kind)); });
  }
  if (Chance(40)) {
    ceiling.clear_relations();
    ceiling.add_relations(Chance(50) ? v1::RELATION_HOST : v1::RELATION_OTHER);
  }
  if (Chance(20)) ceiling.add_record_classes(static_cast<v1::RecordClass>(Pick(1, 4)));
  if (Chance(30)) {
    ceiling.clear_labels();
    PickValues(5, [&](int label) { ceiling.add_labels(static_cast<v1::Label>(label)); });
  }
  return ceiling;
}

v1::CoalitionPolicy PickPolicy(const PolicyScope& scope) {
  v1::CoalitionPolicy policy;
  for (const std::string& name : WorldViewNames().names()) {
    if (Chance(80)) *policy.add_views() = PickView(name, scope.record_class, scope.regular);
  }
  if (Chance(80)) *policy.add_ceilings() = BroadCeiling(PickViewName(), scope.record_class);
  for (uint32_t i = Pick(0, 3); i > 0; --i) *policy.add_ceilings() = PickCeiling(scope);
  if (Chance(25)) *policy.add_denies() = PickDeny(scope);
  policy.mutable_limits()->set_hides_records_of_suspended(Chance(40));
  return policy;
}

void Mutate(const PolicyScope& scope, v1::CoalitionPolicy* policy) {
  for (uint32_t i = Pick(1, 3); i > 0; --i) {
    switch (Pick(0, 9)) {
      case 0:
        AddAField(policy);
        break;
      case 1:
        RemoveAField(policy);
        break;
      case 2:
        if (Chance(40)) RemoveOne(policy->mutable_views());
        break;
      case 3:
        Define(PickView(PickViewName(), scope.record_class, scope.regular), policy);
        break;
      case 4:
        *policy->add_ceilings() = PickCeiling(scope);
        break;
      case 5:
        RemoveOne(policy->mutable_ceilings());
        break;
      case 6:
        for (v1::Ceiling& ceiling : *policy->mutable_ceilings()) {
          if (Chance(30)) ceiling.set_view(PickViewName());
        }
        break;
      case 7:
        *policy->add_denies() = PickDeny(scope);
        break;
      case 8:
        policy->mutable_limits()->set_hides_records_of_suspended(
            !policy->limits().hides_records_of_suspended());
        break;
      default:
        RemoveOne(policy->mutable_denies());
        break;
    }
  }
}

v1::MemberPolicy PickMemberPolicy(const PolicyScope& scope, size_t versions) {
  v1::MemberPolicy policy;
  if (Chance(45)) {
    policy.set_unbounded(true);
  } else {
    if (Chance(70)) *policy.add_ceilings() = BroadCeiling(PickViewName(), scope.record_class);
    for (uint32_t i = Pick(0, 2); i > 0; --i) *policy.add_ceilings() = PickCeiling(scope);
  }
  if (Chance(40)) {
    for (uint32_t i = Pick(1, 2); i > 0; --i) *policy.add_exclusions() = PickSubject(scope);
  }
  if (Chance(40)) policy.set_accepts_policy_version(Pick(0, static_cast<uint32_t>(versions)));
  return policy;
}

std::vector<PolicyInForce> PickPolicies(const PolicyScope& scope, uint64_t head) {
  std::vector<PolicyInForce> policies = policy::DefaultRules().policies;
  if (Chance(35)) return policies;
  v1::CoalitionPolicy policy = policies[0].policy->source();
  if (Chance(75)) {
    policy = PickPolicy(scope);
    policies[0].policy = Compile(policy);
  }
  for (const uint64_t from : PickRevisions(Pick(0, 3), head)) {
    const int64_t version = policies.back().version + 1;
    Mutate(scope, &policy);
    policies.push_back({version, static_cast<uint64_t>(version), from, Compile(policy)});
  }
  return policies;
}

std::vector<MemberPolicyInForce> PickMemberPolicies(const PolicyScope& scope, uint64_t head,
                                                    size_t versions) {
  std::vector<MemberPolicyInForce> policies;
  for (const uint64_t from : PickRevisions(Chance(40) ? 0 : Pick(0, 4), head)) {
    const uint32_t member = Chance(75) ? std::min(scope.contributor, scope.members) : Pick(1, scope.members);
    policies.push_back({member, from, PickMemberPolicy(scope, versions)});
  }
  return policies;
}

void Print(std::ostream& out, const std::vector<PolicyInForce>& policies) {
  for (const PolicyInForce& version : policies) {
    const bool built_in = version.policy == policy::DefaultRules().policies[0].policy;
    out << "policy version " << version.version << " from " << version.from << ": "
        << (built_in ? "the default" : version.policy->source().ShortDebugString()) << "\n";
  }
}

void Print(std::ostream& out, const std::vector<MemberPolicyInForce>& policies) {
  for (const MemberPolicyInForce& version : policies) {
    out << "own policy of member " << version.member << " from " << version.from << ": "
        << version.policy.ShortDebugString() << "\n";
  }
}

}  // namespace coalition::testing
