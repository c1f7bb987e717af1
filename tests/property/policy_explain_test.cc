// Promise 3: who sees a record can be explained, and the explanation is true. The positive control: each
// property, asked of an explainer that lies, refutes it.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/property/policy_explain_properties.h"

namespace coalition::testing {
namespace {

using policy::Cause;
using policy::Explanation;
using policy::State;
using Layer = v1::AccessCause;

// --- explainers that lie

Explanation SwapsAnswers(const State& state, uint32_t member, const ExplainCase& c) {
  Explanation explanation = EngineExplains(state, member, c);
  auto& causes = explanation.causes;
  if (causes.size() > 1) std::swap(causes.front().without, causes.back().without);
  return explanation;
}

Explanation NothingEverMatters(const State& state, uint32_t member, const ExplainCase& c) {
  Explanation explanation = EngineExplains(state, member, c);
  for (Cause& cause : explanation.causes) cause.without = explanation.decision.view;
  return explanation;
}

Explanation OfAnotherMember(const State& state, uint32_t member, const ExplainCase& c) {
  return EngineExplains(state, member % 3 + 1, c);
}

// As if whatever hides were the only one that does.
Explanation EachHidesAlone(const State& state, uint32_t member, const ExplainCase& c) {
  Explanation explanation = EngineExplains(state, member, c);
  reference::Guards guards;
  guards.exclusions = guards.denies = guards.member_exclusions = false;
  const World& world = c.world;
  const policy::View granted = ReferenceDecides(guards)(state, member, world.header, world.now_s).view;
  for (Cause& cause : explanation.causes) {
    if (cause.layer == Layer::LAYER_DENY || cause.layer == Layer::LAYER_MEMBER_EXCLUSION ||
        cause.layer == Layer::LAYER_EXCLUSION) {
      cause.without = granted;
    }
  }
  return explanation;
}

template <Layer::Layer kLayer>
Explanation Conceals(const State& state, uint32_t member, const ExplainCase& c) {
  Explanation explanation = EngineExplains(state, member, c);
  std::erase_if(explanation.causes, [](const Cause& cause) { return cause.layer == kLayer; });
  return explanation;
}

template <Layer::Layer kLayer>
Explanation SaysNoMatter(const State& state, uint32_t member, const ExplainCase& c) {
  Explanation explanation = EngineExplains(state, member, c);
  for (Cause& cause : explanation.causes) {
    if (cause.layer == kLayer) cause.without = explanation.decision.view;
  }
  return explanation;
}

Explanation LastFirst(const State& state, uint32_t member, const ExplainCase& c) {
  Explanation explanation = EngineExplains(state, member, c);
  std::reverse(explanation.causes.begin(), explanation.causes.end());
  return explanation;
}

struct Rule {
  std::string name;
  ExplainProperty property;
  bool live_worlds;
  Explainer liar;  // whom the property must refute
};

std::vector<Rule> Rules() {
  return {
      {"ExplainsTheDecision", ExplainsTheDecision, false, OfAnotherMember},
      {"EveryCauseIsTrue", CausesChangeTheAnswer, false, SwapsAnswers},
      {"CausesMatter", CausesChangeTheAnswer, true, NothingEverMatters},
      {"CausesKnowOfEachOther", CausesChangeTheAnswer, true, EachHidesAlone},
      {"TheEndIsACause", CausesChangeTheAnswer, false, SaysNoMatter<Layer::LAYER_LIFE>},
      {"StandingIsACause", CausesChangeTheAnswer, false, SaysNoMatter<Layer::LAYER_STANDING>},
      {"GrantsAreCauses", CausesChangeTheAnswer, true, SaysNoMatter<Layer::LAYER_GRANT>},
      {"ExclusionsAreCauses", CausesChangeTheAnswer, true, SaysNoMatter<Layer::LAYER_EXCLUSION>},
      {"CeilingsAreCauses", CausesChangeTheAnswer, true, SaysNoMatter<Layer::LAYER_CEILING>},
      {"OwnCeilingsAreCauses", CausesChangeTheAnswer, true, SaysNoMatter<Layer::LAYER_MEMBER_CEILING>},
      {"OwnExclusionsAreCauses", CausesChangeTheAnswer, true, SaysNoMatter<Layer::LAYER_MEMBER_EXCLUSION>},
      {"DenialsAreCauses", CausesChangeTheAnswer, true, SaysNoMatter<Layer::LAYER_DENY>},
      {"SubjectsAreCauses", CausesChangeTheAnswer, true, SaysNoMatter<Layer::LAYER_SUBJECT>},
      {"HiddenForWantOfAGrant", WhatIsHiddenHasACause, false, Conceals<Layer::LAYER_NO_GRANT>},
      {"HiddenByACeiling", WhatIsHiddenHasACause, false, Conceals<Layer::LAYER_CEILING>},
      {"HiddenByADenial", WhatIsHiddenHasACause, true, Conceals<Layer::LAYER_DENY>},
      {"HiddenBySuspension", WhatIsHiddenHasACause, true, Conceals<Layer::LAYER_STANDING>},
      {"DecisiveCausesComeFirst", DecisiveCausesComeFirst, false, LastFirst},
  };
}

class ExplainRule : public ::testing::TestWithParam<Rule> {
 protected:
  rc::Gen<ExplainCase> Cases() const { return GetParam().live_worlds ? LiveExplainCase() : AnyExplainCase(); }
};

TEST_P(ExplainRule, EngineKeepsIt) {
  rc::detail::checkGTest([this] {
    const ExplainCase c = *Cases();
    const Violation violation = GetParam().property(EngineExplains, c);
    std::ostringstream text;
    text << c;
    if (violation) RC_FAIL(*violation + "\n" + text.str());
  });
}

// The positive control. The cases are always the same.
TEST_P(ExplainRule, LiarIsRefuted) {
  const rc::Gen<ExplainCase> cases = Cases();
  rc::Random random(20260101);
  int refuted = 0;
  for (int i = 0; i < 5000 && refuted < 3; ++i) {
    const ExplainCase c = cases(random.split(), rc::kNominalSize).value();
    if (GetParam().property(GetParam().liar, c)) ++refuted;
  }
  EXPECT_EQ(refuted, 3) << "the generated cases never reach this rule";
}

std::string NameOf(const ::testing::TestParamInfo<Rule>& rule) { return rule.param.name; }
void PrintTo(const Rule& rule, std::ostream* out) { *out << rule.name; }

INSTANTIATE_TEST_SUITE_P(Rules, ExplainRule, ::testing::ValuesIn(Rules()), NameOf);

}  // namespace
}  // namespace coalition::testing
