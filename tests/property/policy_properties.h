// What must hold of every decision, as functions of the thing that decides: so that each can be shown to
// refute a decider with one rule switched off.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "server/policy/decide.h"
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
  uint32_t choice = 0;  // which member, which order, …
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

// The engine: encodes the header, reads it back and decides.
policy::Decision EngineDecides(const policy::State& state, uint32_t member, const policy::Header& header,
                               int64_t now_s);
// The reference, with rules switched off.
Decider ReferenceDecides(const reference::Guards& guards = {});

}  // namespace coalition::testing
