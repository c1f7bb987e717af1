// What must hold of every explanation, as functions of the thing that explains: so that each can be shown to
// refute one that lies.
#pragma once

#include <functional>
#include <optional>

#include "common/policy/explain.h"
#include "tests/property/policy_properties.h"

namespace coalition::testing {

// A world whose versions have numbers and whose audience names nothing twice; for opinions, what their
// subject shows.
struct ExplainCase {
  World world;
  std::optional<policy::Decision> subject;
};
std::ostream& operator<<(std::ostream& out, const ExplainCase& c);
rc::Gen<ExplainCase> AnyExplainCase();   // over AnyWorld
rc::Gen<ExplainCase> LiveExplainCase();  // over LiveWorld

using Explainer =
    std::function<policy::Explanation(const policy::State&, uint32_t member, const ExplainCase&)>;
using ExplainProperty = Violation (*)(const Explainer&, const ExplainCase&);

Violation ExplainsTheDecision(const Explainer& explain, const ExplainCase& c);
// Without what a cause cites, the reference answers what the cause says.
Violation CausesChangeTheAnswer(const Explainer& explain, const ExplainCase& c);
Violation WhatIsHiddenHasACause(const Explainer& explain, const ExplainCase& c);
Violation DecisiveCausesComeFirst(const Explainer& explain, const ExplainCase& c);

policy::Explanation EngineExplains(const policy::State& state, uint32_t member, const ExplainCase& c);

}  // namespace coalition::testing
