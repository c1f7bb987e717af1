#include "tests/property/policy_broken_deciders.h"

#include <utility>
#include <vector>

#include "tests/property/policy_properties.h"

namespace coalition::testing {
namespace {

using policy::Decision;
using policy::Header;
using policy::State;

State Changed(const State& state, std::vector<policy::MemberState> members,
              std::vector<policy::PlatformState> platforms) {
  return {state.epoch(), std::move(members), state.groups(), std::move(platforms), state.rules()};
}

State WithRules(const State& state, policy::Rules rules) {
  return {state.epoch(), state.members(), state.groups(), state.platforms(), std::move(rules)};
}

// Every version of the coalition's policy as `change` leaves it.
template <class Change>
State WithPolicies(const State& state, const Change& change) {
  policy::Rules rules = state.rules();
  for (policy::PolicyInForce& version : rules.policies) {
    v1::CoalitionPolicy policy = version.policy->source();
    change(&policy);
    version.policy = Compile(policy);
  }
  return WithRules(state, std::move(rules));
}

}  // namespace

Decision LastGrantWins(const State& state, uint32_t member, const Header& header, int64_t now_s) {
  Header shortened = header;
  if (shortened.grants.size() > 1) shortened.grants = {shortened.grants.back()};
  return EngineDecides(state, member, shortened, now_s);
}

Decision GrantsLiftExclusions(const State& state, uint32_t member, const Header& header, int64_t now_s) {
  Header shortened = header;
  if (shortened.grants.size() > 1) shortened.exclusions.clear();
  return EngineDecides(state, member, shortened, now_s);
}

Decision TwoExclusionsCancel(const State& state, uint32_t member, const Header& header, int64_t now_s) {
  Header shortened = header;
  if (shortened.exclusions.size() % 2 == 0) shortened.exclusions.clear();
  return EngineDecides(state, member, shortened, now_s);
}

Decision OpenUnlessGranted(const State& state, uint32_t member, const Header& header, int64_t now_s) {
  Header open = header;
  if (open.grants.empty()) open.grants = {{policy::SubjectKind::kEveryone, policy::kViewFull, 0, kWorldHead}};
  return EngineDecides(state, member, open, now_s);
}

Decision EveryGrantIsLate(const State& state, uint32_t member, const Header& header, int64_t now_s) {
  Header late = header;
  for (auto& grant : late.grants) grant.attached = policy::kStill - 1;
  return EngineDecides(state, member, late, now_s);
}

Decision FirstIntervalOnly(const State& state, uint32_t member, const Header& header, int64_t now_s) {
  std::vector<policy::MemberState> members = state.members();
  for (auto& one : members) {
    if (one.kind_held.size() > 1) one.kind_held.resize(1);
  }
  return EngineDecides(Changed(state, std::move(members), state.platforms()), member, header, now_s);
}

Decision HostIsHolderNow(const State& state, uint32_t member, const Header& header, int64_t now_s) {
  Header unplaced = header;
  unplaced.made = policy::kStill - 1;
  std::vector<policy::PlatformState> platforms = state.platforms();
  for (auto& platform : platforms) {
    std::vector<policy::PlatformHolder> holders;
    for (const auto& holder : platform.holders) {
      if (holder.held.to == policy::kStill) holders.push_back(holder);
    }
    platform.holders = holders;
  }
  return EngineDecides(Changed(state, state.members(), std::move(platforms)), member, unplaced, now_s);
}

Decision TwoDenialsCancel(const State& state, uint32_t member, const Header& header, int64_t now_s) {
  const State broken = WithPolicies(state, [](v1::CoalitionPolicy* policy) {
    if (policy->denies_size() % 2 == 0) policy->clear_denies();
  });
  return EngineDecides(broken, member, header, now_s);
}

Decision LastCeilingWins(const State& state, uint32_t member, const Header& header, int64_t now_s) {
  const State broken = WithPolicies(state, [](v1::CoalitionPolicy* policy) {
    if (policy->ceilings_size() > 1)
      policy->mutable_ceilings()->DeleteSubrange(0, policy->ceilings_size() - 1);
  });
  return EngineDecides(broken, member, header, now_s);
}

Decision VersionOfTheMakingOnly(const State& state, uint32_t member, const Header& header, int64_t now_s) {
  policy::Rules rules = state.rules();
  std::erase_if(rules.policies, [&](const auto& version) { return version.from > header.made; });
  return EngineDecides(WithRules(state, std::move(rules)), member, header, now_s);
}

Decision TwoOwnExclusionsCancel(const State& state, uint32_t member, const Header& header, int64_t now_s) {
  policy::Rules rules = state.rules();
  for (auto& own : rules.member_policies) {
    if (own.policy.exclusions_size() % 2 == 0) own.policy.clear_exclusions();
  }
  return EngineDecides(WithRules(state, std::move(rules)), member, header, now_s);
}

Decision AnyVersionHidesSuspended(const State& state, uint32_t member, const Header& header, int64_t now_s) {
  bool any = false;
  for (const policy::PolicyInForce& version : state.rules().policies) {
    any = any || version.policy->source().limits().hides_records_of_suspended();
  }
  const State broken = WithPolicies(state, [any](v1::CoalitionPolicy* policy) {
    policy->mutable_limits()->set_hides_records_of_suspended(any);
  });
  return EngineDecides(broken, member, header, now_s);
}

Decision UnknownViewsAreFull(const State& state, uint32_t member, const Header& header, int64_t now_s) {
  Header known = header;
  for (auto& grant : known.grants) {
    if (state.view_names().NameOf(grant.view).empty()) grant.view = policy::kViewFull;
  }
  return EngineDecides(state, member, known, now_s);
}

}  // namespace coalition::testing
