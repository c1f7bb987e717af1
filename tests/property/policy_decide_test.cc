// The engine keeps the rules of access, and each property would notice if it did not: the same property,
// asked of a decider with one rule switched off, is refuted.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/property/policy_broken_deciders.h"
#include "tests/property/policy_properties.h"

namespace coalition::testing {
namespace {

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
      {"AgreesOnLostGroups", AgreesWithReference, true, Without(&Guards::lost_groups)},
      {"AgreesOnGrants", AgreesWithReference, true, Without(&Guards::grant_subject)},
      {"AgreesOnVersions", AgreesWithReference, true, Without(&Guards::versions)},
      {"AgreesOnViewsOfVersions", AgreesWithReference, true, Without(&Guards::view_meet)},
      {"AgreesOnDenials", AgreesWithReference, true, Without(&Guards::denies)},
      {"AgreesOnTheirScope", AgreesWithReference, true, Without(&Guards::deny_scope)},
      {"AgreesOnAcceptance", AgreesWithReference, true, Without(&Guards::accepts)},
      {"AgreesOnOwnCeilings", AgreesWithReference, true, Without(&Guards::member_ceiling)},
      {"AgreesOnOwnExclusions", AgreesWithReference, true, Without(&Guards::member_exclusions)},
      {"AgreesOnOwnVersions", AgreesWithReference, true, Without(&Guards::member_versions)},
      {"AgreesOnSuspendedContributors", AgreesWithReference, true, Without(&Guards::suspended)},
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
      {"DenyNeverWidens", DenyNeverWidens, true, TwoDenialsCancel},
      {"DeniedSeesNothing", DeniedSeesNothing, true, Without(&Guards::denies)},
      {"DeniedWithItsControlGroup", DeniedSeesNothing, true, Without(&Guards::control_groups)},
      {"CeilingNeverNarrows", CeilingNeverNarrows, true, LastCeilingWins},
      {"RemovedCeilingNeverWidens", RemovedCeilingNeverWidens, true, LastCeilingWins},
      {"NewVersionShowsNothingMore", NewVersionShowsNothingMore, true, Without(&Guards::versions)},
      {"NewViewShowsNothingMore", NewVersionShowsNothingMore, true, Without(&Guards::view_meet)},
      {"NewVersionNarrowsAtOnce", NewVersionNarrowsAtOnce, true, VersionOfTheMakingOnly},
      {"AcceptedVersionCountsAlone", AcceptedVersionCountsAlone, true, Without(&Guards::accepts)},
      {"OwnPolicyBounds", OwnPolicyBounds, true, Without(&Guards::member_ceiling)},
      {"OwnExclusionNeverWidens", OwnExclusionNeverWidens, true, TwoOwnExclusionsCancel},
      {"NewOwnVersionShowsNothingMore", NewOwnVersionShowsNothingMore, true,
       Without(&Guards::member_versions)},
      {"WhoCanSeeAgrees", WhoCanSeeAgrees, false, Without(&Guards::control_groups)},
      {"RecordsOfSuspendedHideAsThePolicySays", RecordsOfSuspendedHideAsThePolicySays, true,
       Without(&Guards::suspended)},
      {"RecordsOfSuspendedComeBack", RecordsOfSuspendedHideAsThePolicySays, true, AnyVersionHidesSuspended},
      {"UnknownViewsShowNothing", UnknownViewsShowNothing, true, UnknownViewsAreFull},
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
