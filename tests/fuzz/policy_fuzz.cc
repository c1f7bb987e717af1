// Any bytes as a policy in text format, the coalition's or a member's own: refused, or one that can be judged
// by, and whose difference to another says what it should.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "common/policy/check_policy.h"
#include "common/policy/default_policy.h"
#include "common/policy/diff.h"
#include "common/policy/fields.h"
#include "common/policy/run_tests.h"
#include "common/textproto.h"

namespace {

namespace policy = coalition::policy;
namespace v1 = coalition::v1;

void Require(bool holds) {
  if (!holds) std::abort();
}

policy::MemberState Member(uint32_t number, const char* id, v1::MemberKind kind, const char* control_group) {
  return {number, id, kind, v1::STANDING_ACTIVE, {{1}}, {}, control_group};
}

// Two brands, one of which left the group, a marketplace, and an observer under common control with it; by
// the built-in policy.
const policy::State& SmallState() {
  static const auto& state = *[] {
    std::vector<policy::MemberState> members = {Member(1, "aurore", v1::MEMBER_KIND_BRAND, ""),
                                                Member(2, "belmont", v1::MEMBER_KIND_BRAND, ""),
                                                Member(3, "bazaar", v1::MEMBER_KIND_MARKETPLACE, "x"),
                                                Member(4, "watch", v1::MEMBER_KIND_OBSERVER, "x")};
    members[0].groups = {{1, {{1}}}};
    members[1].groups = {{1, {{1, 3}}}};
    return new policy::State(1, members, {{1, "inner", true}},
                             {{1, "bazaar.example", {{3, {1, policy::kStill}}}}});
  }();
  return state;
}

// Each with a place in the text.
void RequireWellSaid(const std::vector<policy::PolicyProblem>& problems, std::string_view text,
                     const coalition::TextLocations& places) {
  Require(problems.size() <= 100);
  const auto lines = 1 + std::count(text.begin(), text.end(), '\n');
  for (const policy::PolicyProblem& problem : problems) {
    const auto place = places.Find(problem.path);
    Require(!problem.message.empty() && place.line >= 1 && place.line <= lines && place.column >= 1);
  }
}

size_t CountOf(const std::vector<v1::AccessChange>& changes, v1::Direction direction) {
  size_t count = 0;
  for (const v1::AccessChange& change : changes) {
    Require(change.direction() == v1::DIRECTION_WIDENS || change.direction() == v1::DIRECTION_NARROWS);
    Require(change.kinds_size() > 0 && change.relations_size() > 0 && change.labels_size() > 0 &&
            change.fields_size() > 0 && !change.sentence().empty());
    for (const v1::FieldChange& field : change.fields()) {
      const bool rises = field.before() < field.after();
      Require(field.before() != field.after() && rises == (change.direction() == v1::DIRECTION_WIDENS));
    }
    if (change.direction() == direction) ++count;
  }
  return count;
}

policy::PolicyDiff Diff(const v1::CoalitionPolicy& before, const v1::CoalitionPolicy& after) {
  return policy::DiffPolicies(SmallState(), before, 1, after);
}

void TryDifferences(const v1::CoalitionPolicy& wanted) {
  const policy::PolicyDiff same = Diff(wanted, wanted);
  Require(same.access_changes.empty() && same.other_changes.empty() && !same.widens && !same.narrows);
  const policy::PolicyDiff there = Diff(policy::DefaultPolicy(), wanted);
  const policy::PolicyDiff back = Diff(wanted, policy::DefaultPolicy());
  Require(there.digest.size() == 64 &&
          (there.digest == same.digest) == (there.access_changes.empty() && there.other_changes.empty()));
  const size_t widen = CountOf(there.access_changes, v1::DIRECTION_WIDENS);
  const size_t narrow = CountOf(there.access_changes, v1::DIRECTION_NARROWS);
  Require((widen == 0 || there.widens) && (narrow == 0 || there.narrows));
  // A denial that is taken back shows less than it hid (who has left a group).
  const size_t narrow_back = CountOf(back.access_changes, v1::DIRECTION_NARROWS);
  if (wanted.denies().empty()) Require(narrow_back == widen);
}

// Of a kind that no ceiling names nothing is seen, and of others no more than there is.
void TryCompiled(const v1::CoalitionPolicy& wanted, const policy::CeilingTable& ceilings) {
  for (int kind = 0; kind < static_cast<int>(policy::kKinds); ++kind) {
    const bool named =
        std::any_of(wanted.ceilings().begin(), wanted.ceilings().end(), [kind](const v1::Ceiling& ceiling) {
          return std::find(ceiling.kinds().begin(), ceiling.kinds().end(), kind) != ceiling.kinds().end();
        });
    for (int of = 0; of < static_cast<int>(policy::kClasses); ++of) {
      const auto record_class = static_cast<v1::RecordClass>(of);
      for (int label = 0; label < static_cast<int>(policy::kLabels); ++label) {
        for (const auto relation : {policy::Relation::kOther, policy::Relation::kHost}) {
          const policy::View view = ceilings.At(static_cast<v1::MemberKind>(kind), relation, record_class,
                                                static_cast<v1::Label>(label));
          Require(named || view.hidden());
          Require(policy::Meet(view, policy::FullView(record_class)) == view);
          Require((view.full & ~view.shown) == 0);
        }
      }
    }
  }
}

void TryCoalitionPolicy(std::string_view text) {
  v1::CoalitionPolicy wanted;
  coalition::TextLocations places;
  if (!coalition::ParseTextproto(text, "fuzz", &wanted, &places).ok()) return;
  const auto problems = policy::CheckPolicy(wanted);
  RequireWellSaid(problems, text, places);
  if (!problems.empty()) return;
  v1::CoalitionPolicy kept;
  Require(kept.ParseFromString(wanted.SerializeAsString()));
  const auto results = policy::RunPolicyTests(wanted);
  Require(results.size() == static_cast<size_t>(wanted.policy_test_size()));
  for (const policy::PolicyTestResult& result : results) Require(result.passed == result.message.empty());
  const auto unknown = policy::CheckPolicyNames(wanted, SmallState());
  RequireWellSaid(unknown, text, places);
  if (!unknown.empty()) return;
  const policy::State state = policy::WithPolicy(SmallState(), wanted, 5);
  TryCompiled(wanted, state.newest_policy().policy->ceilings());
  TryDifferences(wanted);
}

void TryMemberPolicy(std::string_view text) {
  v1::MemberPolicy own;
  coalition::TextLocations places;
  if (!coalition::ParseTextproto(text, "fuzz", &own, &places).ok()) return;
  const auto problems = policy::CheckMemberPolicy(own, SmallState());
  RequireWellSaid(problems, text, places);
  if (!problems.empty()) return;
  const policy::State state = policy::WithMemberPolicy(SmallState(), 1, own, 5);
  Require(policy::DiffMemberPolicies(state, 1, &own, own).empty());
  // A first policy of its own only takes away.
  Require(CountOf(policy::DiffMemberPolicies(SmallState(), 1, nullptr, own), v1::DIRECTION_WIDENS) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  TryCoalitionPolicy(text);
  TryMemberPolicy(text);
  return 0;
}
