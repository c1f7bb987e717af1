// The engine keeps the rules of access, and each property would notice if it did not: the same property,
// asked of a decider with one rule switched off, is refuted.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/property/policy_properties.h"

namespace coalition::testing {
namespace {

using policy::Decision;
using policy::Header;
using policy::State;
using reference::Guards;

std::string Text(const Case& c) {
  std::ostringstream out;
  out << c;
  return out.str();
}

struct Rule {
  std::string name;
  Property property;
  bool live_worlds;  // over LiveCase instead of AnyCase
  Decider broken;    // what the property must refute
};

Decider Without(bool Guards::*guard) {
  Guards guards;
  guards.*guard = false;
  return ReferenceDecides(guards);
}

State Changed(const State& state, std::vector<policy::MemberState> members,
              std::vector<policy::PlatformState> platforms) {
  std::vector<policy::GroupState> groups;
  for (uint32_t number = 1; state.group(number) != nullptr; ++number) groups.push_back(*state.group(number));
  return {state.epoch(), std::move(members), std::move(groups), std::move(platforms)};
}

// Mistakes that are not a missing rule.
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
  if (open.grants.empty())
    open.grants = {{policy::SubjectKind::kEveryone, policy::ViewId::kFull, 0, kWorldHead}};
  return EngineDecides(state, member, open, now_s);
}

Decision EveryGrantIsLate(const State& state, uint32_t member, const Header& header, int64_t now_s) {
  Header late = header;
  for (auto& grant : late.grants) grant.attached = policy::kStill - 1;
  return EngineDecides(state, member, late, now_s);
}

// As if re-instatement did not count.
Decision FirstIntervalOnly(const State& state, uint32_t member, const Header& header, int64_t now_s) {
  std::vector<policy::MemberState> members = state.members();
  for (auto& one : members) {
    if (one.kind_held.size() > 1) one.kind_held.resize(1);
  }
  return EngineDecides(Changed(state, std::move(members), state.platforms()), member, header, now_s);
}

// HOST is whoever holds the platform now; all others are OTHER.
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

std::vector<Rule> Rules() {
  return {
      {"AgreesOnEnd", AgreesWithReference, false, Without(&Guards::live)},
      {"AgreesOnStanding", AgreesWithReference, false, Without(&Guards::standing)},
      {"AgreesOnCeiling", AgreesWithReference, false, Without(&Guards::ceiling)},
      {"AgreesOnRelation", AgreesWithReference, true, Without(&Guards::relation)},
      {"AgreesOnExclusions", AgreesWithReference, true, Without(&Guards::exclusions)},
      {"AgreesOnControlGroups", AgreesWithReference, true, Without(&Guards::control_groups)},
      {"AgreesOnAttachment", AgreesWithReference, true, Without(&Guards::since_attached)},
      {"AgreesOnMaking", AgreesWithReference, true, Without(&Guards::since_made)},
      {"AgreesOnGrants", AgreesWithReference, true, Without(&Guards::grant_subject)},
      {"NothingByDefault", NothingByDefault, true, OpenUnlessGranted},
      {"NothingAfterTheEnd", EndedOrCutOffSeesNothing, false, Without(&Guards::live)},
      {"NothingWithoutStanding", EndedOrCutOffSeesNothing, false, Without(&Guards::standing)},
      {"ExclusionNeverWidens", ExclusionNeverWidens, true, TwoExclusionsCancel},
      {"GrantNeverNarrows", GrantNeverNarrows, true, LastGrantWins},
      {"GrantTouchesOnlyWhomItMatches", GrantTouchesOnlyWhomItMatches, true, GrantsLiftExclusions},
      {"GrantIsNotForEveryone", GrantTouchesOnlyWhomItMatches, true, Without(&Guards::grant_subject)},
      {"OrderAndDuplicatesChangeNothing", OrderAndDuplicatesChangeNothing, true, LastGrantWins},
      {"CeilingBounds", CeilingBounds, true, Without(&Guards::ceiling)},
      {"GrantsBound", GrantsBound, true, EveryGrantIsLate},
      {"ExcludedSeesNothing", ExcludedSeesNothing, true, Without(&Guards::exclusions)},
      {"ExcludedOnceIsExcluded", ExcludedSeesNothing, true, Without(&Guards::since_made)},
      {"JoiningLaterSeesNothingEarlier", JoiningLaterSeesNothingEarlier, true,
       Without(&Guards::since_attached)},
      {"ReinstatedSeesNothingEarlier", ReinstatedSeesNothingEarlier, true, Without(&Guards::since_attached)},
      {"ReinstatedSeesWhatIsGrantedLater", ReinstatedSeesWhatIsGrantedLater, true, FirstIntervalOnly},
      {"LeavingDoesNotUndoAnExclusion", LeavingDoesNotUndoAnExclusion, true, Without(&Guards::since_made)},
      {"ControlGroupSharesExclusion", ControlGroupSharesExclusion, true, Without(&Guards::control_groups)},
      {"TransferShowsNothingMore", TransferShowsNothingMore, true, HostIsHolderNow},
  };
}

class PolicyRule : public ::testing::TestWithParam<Rule> {
 protected:
  rc::Gen<Case> Cases() const { return GetParam().live_worlds ? LiveCase() : AnyCase(); }
};

TEST_P(PolicyRule, EngineKeepsIt) {
  rc::detail::checkGTest([this] {
    const Case c = *Cases();
    const Violation violation = GetParam().property(EngineDecides, c);
    if (violation) RC_FAIL(*violation + "\n" + Text(c));
  });
}

// The reference keeps it too: otherwise agreeing with it would mean little.
class ReferenceRule : public PolicyRule {};

TEST_P(ReferenceRule, ReferenceKeepsIt) {
  rc::detail::checkGTest([this] {
    const Case c = *Cases();
    const Violation violation = GetParam().property(ReferenceDecides(), c);
    if (violation) RC_FAIL(*violation + "\n" + Text(c));
  });
}

// The positive control. The cases are always the same.
TEST_P(PolicyRule, BrokenDeciderIsRefuted) {
  const rc::Gen<Case> cases = Cases();
  rc::Random random(20260101);
  int refuted = 0;
  for (int i = 0; i < 5000 && refuted < 3; ++i) {
    const Case c = cases(random.split(), rc::kNominalSize).value();
    if (GetParam().property(GetParam().broken, c)) ++refuted;
  }
  EXPECT_EQ(refuted, 3) << "the generated cases never reach this rule";
}

std::vector<Rule> RulesBesideAgreement() {
  std::vector<Rule> rules;
  for (const Rule& rule : Rules()) {
    if (rule.property != AgreesWithReference) rules.push_back(rule);
  }
  return rules;
}

std::string NameOf(const ::testing::TestParamInfo<Rule>& rule) { return rule.param.name; }
void PrintTo(const Rule& rule, std::ostream* out) { *out << rule.name; }

INSTANTIATE_TEST_SUITE_P(Rules, PolicyRule, ::testing::ValuesIn(Rules()), NameOf);
INSTANTIATE_TEST_SUITE_P(Rules, ReferenceRule, ::testing::ValuesIn(RulesBesideAgreement()), NameOf);

}  // namespace
}  // namespace coalition::testing
