#include "common/policy/state.h"

#include <algorithm>
#include <utility>

#include "common/policy/check.h"
#include "common/policy/default_policy.h"
#include "common/policy/subject.h"

namespace coalition::policy {
namespace {

// Numbers must be 1, 2, 3, … and ids unique.
template <class T>
absl::flat_hash_map<std::string, uint32_t> IndexById(const std::vector<T>& items) {
  absl::flat_hash_map<std::string, uint32_t> by_id;
  by_id.reserve(items.size());
  for (size_t i = 0; i < items.size(); ++i) {
    Check(items[i].number == i + 1, "members, groups and platforms are numbered densely from 1");
    Check(by_id.emplace(items[i].id, items[i].number).second,
          "ids of members, groups and platforms are unique");
  }
  return by_id;
}

uint32_t NumberOf(const absl::flat_hash_map<std::string, uint32_t>& by_id, std::string_view id) {
  const auto found = by_id.find(absl::string_view(id.data(), id.size()));
  return found == by_id.end() ? 0 : found->second;
}

std::vector<std::vector<uint32_t>> BuildControlGroups(const std::vector<MemberState>& members) {
  absl::flat_hash_map<std::string, std::vector<uint32_t>> by_group;
  for (const MemberState& member : members) {
    if (!member.control_group.empty()) by_group[member.control_group].push_back(member.number);
  }
  std::vector<std::vector<uint32_t>> groups(members.size() + 1);
  for (const MemberState& member : members) {
    groups[member.number] =
        member.control_group.empty() ? std::vector<uint32_t>{member.number} : by_group[member.control_group];
  }
  return groups;
}

// Made from the newest one backwards, since each is the meet with all later ones.
template <class T>
class BackwardPeriods {
 public:
  // One that says what the next later one says lengthens it.
  void Add(uint64_t from, const T& value) {
    if (!newest_first_.empty() && newest_first_.back().second == value) {
      newest_first_.back().first = from;
    } else {
      newest_first_.emplace_back(from, value);
    }
  }
  Periods<T> Build() {
    Periods<T> periods;
    for (size_t i = newest_first_.size(); i-- > 0;) {
      periods.Add(newest_first_[i].first, std::move(newest_first_[i].second));
    }
    return periods;
  }

 private:
  std::vector<std::pair<uint64_t, T>> newest_first_;
};

// A denial that stands through several versions is one.
void AddDeny(const DenyOfMember& deny, std::vector<DenyOfMember>* denies) {
  for (DenyOfMember& other : *denies) {
    if (other.scope != deny.scope || other.left != deny.left) continue;
    other.lifted = std::max(other.lifted, deny.lifted);
    return;
  }
  denies->push_back(deny);
}

}  // namespace

const Rules& DefaultRules() {
  static const auto& rules = *[] {
    auto* made = new Rules;
    auto policy = std::make_shared<const CompiledPolicy>(DefaultPolicy(), &made->view_names);
    made->policies.push_back({1, 1, 0, std::move(policy)});
    return made;
  }();
  return rules;
}

State::State(uint64_t epoch, std::vector<MemberState> members, std::vector<GroupState> groups,
             std::vector<PlatformState> platforms, Rules rules)
    : epoch_(epoch),
      members_(std::move(members)),
      groups_(std::move(groups)),
      platforms_(std::move(platforms)),
      rules_(std::move(rules)),
      member_by_id_(IndexById(members_)),
      group_by_id_(IndexById(groups_)),
      platform_by_id_(IndexById(platforms_)),
      control_groups_(BuildControlGroups(members_)) {
  Check(!rules_.policies.empty() && rules_.policies.front().from == 0,
        "a policy is in force from the beginning");
  hides_records_of_suspended_ = policy().limits().hides_records_of_suspended();
  BuildPeriods();
  BuildContributors();
  BuildDenies();
}

void State::BuildPeriods() {
  PolicyPeriod met{newest_policy().policy->ceilings(), newest_policy().policy->views()};
  BackwardPeriods<PolicyPeriod> periods;
  for (size_t i = rules_.policies.size(); i-- > 0;) {
    const PolicyInForce& version = rules_.policies[i];
    const bool newest = i + 1 == rules_.policies.size();
    Check(newest || version.from < rules_.policies[i + 1].from,
          "policies are in the order of their revisions");
    met.ceilings.MeetWith(version.policy->ceilings());
    met.views.MeetWith(version.policy->views());
    periods.Add(version.from, met);
  }
  periods_ = periods.Build();
}

void State::BuildContributors() {
  std::vector<std::vector<const MemberPolicyInForce*>> versions(members_.size() + 1);
  for (const MemberPolicyInForce& version : rules_.member_policies) {
    Check(version.member != 0 && version.member < versions.size(), "a member's policy has a member");
    versions[version.member].push_back(&version);
  }
  contributors_.resize(members_.size() + 1);
  for (uint32_t number = 1; number < versions.size(); ++number) {
    if (!versions[number].empty()) BuildContributor(number, versions[number]);
  }
}

void State::BuildContributor(uint32_t number, const std::vector<const MemberPolicyInForce*>& versions) {
  constexpr View kAll{~uint64_t{0}, ~uint64_t{0}};
  auto rules = std::make_shared<ContributorRules>();
  CeilingTable ceilings(kAll);
  BackwardPeriods<CeilingTable> periods;
  bool bounded = false;
  for (size_t i = versions.size(); i-- > 0;) {
    const MemberPolicyInForce& version = *versions[i];
    Check(i == 0 || versions[i - 1]->from < version.from, "a member's policies are in order");
    if (!version.policy.unbounded()) {
      bounded = true;
      ceilings.MeetWith(MemberCeilings(version));
    }
    periods.Add(version.from, ceilings);
  }
  periods.Add(0, ceilings);  // before the first version nothing was bounded
  if (bounded) rules->ceilings = periods.Build();
  for (size_t i = 0; i < versions.size(); ++i) {
    const v1::MemberPolicy& policy = versions[i]->policy;
    for (const PolicyInForce& accepted : rules_.policies) {
      if (accepted.version <= policy.accepts_policy_version()) {
        rules->accepted = std::max(rules->accepted, accepted.from);
      }
    }
    const uint64_t lifted = i + 1 < versions.size() ? versions[i + 1]->from : kStill;
    for (const v1::Subject& excluded : policy.exclusions()) {
      const HeaderExclusion named =
          ResolveSubject(*this, excluded).subject.value_or(HeaderExclusion{SubjectKind::kEveryone, 0});
      rules->excluded_before.resize(members_.size() + 1);
      for (const MemberState& member : members_) {
        uint64_t& before = rules->excluded_before[member.number];
        before = std::max(before, std::min(lifted, ControlledNamedUntil(*this, member.number, named)));
      }
    }
  }
  contributors_[number] = std::move(rules);
}

CeilingTable State::MemberCeilings(const MemberPolicyInForce& version) const {
  const PolicyInForce* coalition = &rules_.policies.front();
  for (const PolicyInForce& policy : rules_.policies) {
    if (policy.from <= version.from) coalition = &policy;
  }
  return CompileCeilings(version.policy.ceilings(), coalition->policy->views(), rules_.view_names);
}

void State::BuildDenies() {
  denies_.resize(members_.size() + 1);
  for (size_t i = 0; i < rules_.policies.size(); ++i) {
    const CompiledPolicy& policy = *rules_.policies[i].policy;
    const uint64_t lifted = i + 1 < rules_.policies.size() ? rules_.policies[i + 1].from : kStill;
    for (size_t k = 0; k < policy.denies().size(); ++k) {
      const v1::Subject& subject = policy.source().denies(static_cast<int>(k)).subject();
      const HeaderExclusion named =
          ResolveSubject(*this, subject).subject.value_or(HeaderExclusion{SubjectKind::kEveryone, 0});
      for (const MemberState& member : members_) {
        const uint64_t left = ControlledNamedUntil(*this, member.number, named);
        if (left != 0) AddDeny({policy.denies()[k], lifted, left}, &denies_[member.number]);
      }
    }
  }
}

const MemberState* State::FindMember(std::string_view id) const {
  return member(NumberOf(member_by_id_, id));
}
const GroupState* State::FindGroup(std::string_view id) const { return group(NumberOf(group_by_id_, id)); }
const PlatformState* State::FindPlatform(std::string_view id) const {
  return platform(NumberOf(platform_by_id_, id));
}

uint32_t State::HolderOf(uint32_t platform_number) const {
  const PlatformState* of = platform(platform_number);
  if (of == nullptr) return 0;
  for (const PlatformHolder& holder : of->holders) {
    if (holder.held.to == kStill) return holder.member;
  }
  return 0;
}

const std::vector<uint32_t>& State::ControlGroup(uint32_t member_number) const {
  // Index 0 is the empty group of unknown members.
  return control_groups_[member_number < control_groups_.size() ? member_number : 0];
}

}  // namespace coalition::policy
