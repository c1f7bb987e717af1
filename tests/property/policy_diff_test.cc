// The difference between two policies is all that differs: whoever sees a record otherwise after a change is
// told so by a change of access that covers it. The positive control: a difference with a change left out,
// or turned round, is refuted.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "common/policy/diff.h"
#include "common/policy/fields.h"
#include "tests/property/policy_properties.h"
#include "tests/property/policy_property_tools.h"

namespace coalition::testing {
namespace {

using policy::Decision;
using policy::Header;
using policy::HeaderGrant;
using policy::kStill;
using policy::MemberState;
using policy::PolicyDiff;
using policy::State;
using policy::View;

constexpr uint64_t kLater = kWorldHead + 1;

// The record as it is, with grants that are attached after the change, and made after the change.
std::vector<Header> Records(const World& world) {
  Header late = world.header;
  for (HeaderGrant& grant : late.grants) grant.attached = kLater;
  Header made_later = late;
  made_later.made = kLater;
  return {world.header, late, made_later};
}

template <class Values, class Value>
bool Has(const Values& values, const Value& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

v1::Relation RelationOf(const State& state, const MemberState& member, const Header& header) {
  const std::string bytes = policy::EncodeHeader(header);
  switch (policy::RelationOf(state, member, *policy::HeaderView::Parse(bytes))) {
    case policy::Relation::kHost:
      return v1::RELATION_HOST;
    case policy::Relation::kOther:
      return v1::RELATION_OTHER;
    case policy::Relation::kFormerOrUnassigned:
      break;
  }
  return v1::RELATION_FORMER_OR_UNASSIGNED;
}

bool Covers(const v1::AccessChange& change, const State& state, const MemberState& member,
            const Header& header) {
  const bool reader = change.members().empty() ? Has(change.kinds(), member.kind)
                                               : Has(change.members(), "members/" + member.id);
  const bool contributor = change.contributor_kinds().empty() ||
                           Has(change.contributor_kinds(), state.member(header.contributor)->kind);
  const policy::ViewId view = state.view_names().Find(change.view());
  const bool granted = std::any_of(header.grants.begin(), header.grants.end(), [&](const HeaderGrant& grant) {
    return grant.view == view && policy::GrantMatches(member, grant);
  });
  return reader && contributor && granted && change.record_class() == header.record_class &&
         Has(change.labels(), header.label) && Has(change.relations(), RelationOf(state, member, header));
}

// The fields that the changes of one direction have for the member and the record.
uint64_t FieldsTold(const std::vector<v1::AccessChange>& changes, v1::Direction direction, const State& state,
                    const MemberState& member, const Header& header) {
  uint64_t told = 0;
  for (const v1::AccessChange& change : changes) {
    if (change.direction() != direction || !Covers(change, state, member, header)) continue;
    for (const v1::FieldChange& field : change.fields()) {
      told |= uint64_t{1} << *policy::FieldIndex(header.record_class, field.path());
    }
  }
  return told;
}

uint64_t Risen(View was, View is) { return (is.shown & ~was.shown) | (is.full & ~was.full); }

using Differ = std::function<std::vector<v1::AccessChange>(const State&, const Case&)>;

std::vector<v1::AccessChange> EngineDiffers(const State& state, const Case& c) {
  return policy::DiffPolicies(state, state.policy(), state.policy_version(), c.policy).access_changes;
}

std::vector<v1::AccessChange> LeavesOneOut(const State& state, const Case& c) {
  auto changes = EngineDiffers(state, c);
  if (!changes.empty()) changes.erase(changes.begin() + c.choice % static_cast<uint32_t>(changes.size()));
  return changes;
}

std::vector<v1::AccessChange> TurnsRound(const State& state, const Case& c) {
  auto changes = EngineDiffers(state, c);
  for (v1::AccessChange& change : changes) {
    const bool widens = change.direction() == v1::DIRECTION_WIDENS;
    change.set_direction(widens ? v1::DIRECTION_NARROWS : v1::DIRECTION_WIDENS);
  }
  return changes;
}

Violation WhatDiffersIsTold(const Differ& differ, const Case& c) {
  const World& world = c.world;
  const State before = world.MakeState();
  const State after = policy::WithPolicy(before, c.policy, kWorldHead);
  const auto changes = differ(before, c);
  for (const Header& header : Records(world)) {
    for (const MemberState& member : world.members) {
      if (member.number == header.contributor) continue;
      const View was = ReferenceDecides()(before, member.number, header, world.now_s).view;
      const View is = ReferenceDecides()(after, member.number, header, world.now_s).view;
      const bool older = header.grants == world.header.grants;
      if (older && Risen(was, is) != 0) return Wrong("sees more of an older record", member.number);
      const uint64_t rise = FieldsTold(changes, v1::DIRECTION_WIDENS, before, member, header);
      const uint64_t fall = FieldsTold(changes, v1::DIRECTION_NARROWS, before, member, header);
      if ((Risen(was, is) & ~rise) != 0) return Wrong("sees more than it is told", member.number);
      if ((Risen(is, was) & ~fall) != 0) return Wrong("sees less than it is told", member.number);
    }
  }
  return std::nullopt;
}

Violation Holds(const Case& c) { return WhatDiffersIsTold(EngineDiffers, c); }

RC_GTEST_PROP(PolicyDiff, WhatDiffersIsTold, ()) {
  const Case c = *LiveCase();
  std::ostringstream text;
  text << c;
  if (const Violation violation = Holds(c)) RC_FAIL(*violation + "\n" + text.str());
}

int Refuted(const Differ& differ) {
  const rc::Gen<Case> cases = LiveCase();
  rc::Random random(20260101);
  int refuted = 0;
  for (int i = 0; i < 3000 && refuted < 3; ++i) {
    if (WhatDiffersIsTold(differ, cases(random.split(), rc::kNominalSize).value())) ++refuted;
  }
  return refuted;
}

TEST(PolicyDiff, ADifferenceThatLeavesOutAChangeIsRefuted) { EXPECT_EQ(Refuted(LeavesOneOut), 3); }
TEST(PolicyDiff, ADifferenceTurnedRoundIsRefuted) { EXPECT_EQ(Refuted(TurnsRound), 3); }

std::string Told(const PolicyDiff& diff) {
  std::string text;
  const auto add = [&text](auto change) {
    change.clear_sentence();
    text += change.SerializeAsString() + "\n";
  };
  for (const auto& change : diff.access_changes) add(change);
  for (const auto& change : diff.other_changes) add(change);
  return text;
}

RC_GTEST_PROP(PolicyDiff, TheDigestIsOfTheChanges, ()) {
  const Case c = *LiveCase();
  const State state = c.world.MakeState();
  v1::CoalitionPolicy other = c.policy;
  Mutate(c.world.Scope(true), &other);
  const PolicyDiff same = policy::DiffPolicies(state, state.policy(), 1, state.policy());
  RC_ASSERT(same.access_changes.empty() && same.other_changes.empty() && !same.widens && !same.narrows);
  const PolicyDiff one = policy::DiffPolicies(state, state.policy(), 1, c.policy);
  const PolicyDiff two = policy::DiffPolicies(state, state.policy(), 1, other);
  RC_ASSERT((Told(one) == Told(two)) == (one.digest == two.digest));
  RC_ASSERT(one.digest != policy::DiffPolicies(state, state.policy(), 2, c.policy).digest);
}

}  // namespace
}  // namespace coalition::testing
