// What must hold of every decision, as functions of the thing that decides: so that each can be shown to
// refute a decider with one rule switched off.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "common/policy/decide.h"
#include "tests/support/policy_world.h"
#include "tests/support/reference_policy.h"

namespace coalition::testing {

using Decider =
    std::function<policy::Decision(const policy::State&, uint32_t, const policy::Header&, int64_t now_s)>;

// A world and what happens to it.
struct Case {
  World world;
  policy::HeaderGrant grant;
  policy::HeaderExclusion exclusion;
  uint32_t choice = 0;         // which member, which order, …
  v1::CoalitionPolicy policy;  // a new version: a change of the newest, or another one altogether
  v1::Ceiling ceiling;
  v1::Deny deny;
  v1::MemberPolicy own_policy;  // a new version of the contributor's
};
std::ostream& operator<<(std::ostream& out, const Case& c);

rc::Gen<Case> AnyCase();   // over AnyWorld
rc::Gen<Case> LiveCase();  // over LiveWorld

// nullopt: holds. Otherwise what is wrong.
using Violation = std::optional<std::string>;
using Property = Violation (*)(const Decider&, const Case&);

Violation AgreesWithReference(const Decider& decide, const Case& c);
Violation NothingByDefault(const Decider& decide, const Case& c);
Violation EndedOrCutOffSeesNothing(const Decider& decide, const Case& c);
Violation ExclusionNeverWidens(const Decider& decide, const Case& c);
Violation GrantNeverNarrows(const Decider& decide, const Case& c);
Violation GrantTouchesOnlyWhomItMatches(const Decider& decide, const Case& c);
Violation OrderAndDuplicatesChangeNothing(const Decider& decide, const Case& c);
Violation CeilingBounds(const Decider& decide, const Case& c);
Violation GrantsBound(const Decider& decide, const Case& c);
Violation ExcludedSeesNothing(const Decider& decide, const Case& c);
Violation JoiningLaterSeesNothingEarlier(const Decider& decide, const Case& c);
Violation ReinstatedSeesNothingEarlier(const Decider& decide, const Case& c);
Violation ReinstatedSeesWhatIsGrantedLater(const Decider& decide, const Case& c);
Violation LeavingDoesNotUndoAnExclusion(const Decider& decide, const Case& c);
Violation ControlGroupSharesExclusion(const Decider& decide, const Case& c);
Violation TransferShowsNothingMore(const Decider& decide, const Case& c);

// Of changes of the policies (policy_change_properties.cc).
Violation DenyNeverWidens(const Decider& decide, const Case& c);
Violation DeniedSeesNothing(const Decider& decide, const Case& c);
Violation CeilingNeverNarrows(const Decider& decide, const Case& c);
Violation RemovedCeilingNeverWidens(const Decider& decide, const Case& c);
Violation NewVersionShowsNothingMore(const Decider& decide, const Case& c);
Violation NewVersionNarrowsAtOnce(const Decider& decide, const Case& c);
Violation AcceptedVersionCountsAlone(const Decider& decide, const Case& c);
Violation OwnPolicyBounds(const Decider& decide, const Case& c);
Violation OwnExclusionNeverWidens(const Decider& decide, const Case& c);
Violation NewOwnVersionShowsNothingMore(const Decider& decide, const Case& c);
Violation WhoCanSeeAgrees(const Decider& decide, const Case& c);
Violation RecordsOfSuspendedHideAsThePolicySays(const Decider& decide, const Case& c);
Violation UnknownViewsShowNothing(const Decider& decide, const Case& c);

// The engine: encodes the header, reads it back and decides.
policy::Decision EngineDecides(const policy::State& state, uint32_t member, const policy::Header& header,
                               int64_t now_s);
// The reference, with rules switched off.
Decider ReferenceDecides(const reference::Guards& guards = {});

}  // namespace coalition::testing
