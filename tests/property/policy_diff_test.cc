// The difference between two policies, the coalition's or a member's own, is all that differs: whoever sees a
// record otherwise after a change is told so by a change of access that covers it; and where none covers it,
// all is as it was. The positive control: a difference with a change left out, turned round, or told of too
// many, is refuted.
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

// The contributor's own policy in force; nullptr: it has none.
const v1::MemberPolicy* OwnPolicy(const State& state, uint32_t contributor) {
  const v1::MemberPolicy* newest = nullptr;
  for (const policy::MemberPolicyInForce& own : state.rules().member_policies) {
    if (own.member == contributor) newest = &own.policy;
  }
  return newest;
}

// Without what it accepts of the coalition's: that is not of its own.
v1::MemberPolicy NextOwnPolicy(const Case& c) {
  v1::MemberPolicy own = c.own_policy;
  own.clear_accepts_policy_version();
  return own;
}

std::vector<v1::AccessChange> EngineDiffersOfOwn(const State& state, const Case& c) {
  const uint32_t contributor = c.world.header.contributor;
  return policy::DiffMemberPolicies(state, contributor, OwnPolicy(state, contributor), NextOwnPolicy(c));
}

Differ LeavesOneOut(const Differ& differ) {
  return [differ](const State& state, const Case& c) {
    auto changes = differ(state, c);
    if (!changes.empty()) changes.erase(changes.begin() + c.choice % static_cast<uint32_t>(changes.size()));
    return changes;
  };
}

Differ TurnsRound(const Differ& differ) {
  return [differ](const State& state, const Case& c) {
    auto changes = differ(state, c);
    for (v1::AccessChange& change : changes) {
      const bool widens = change.direction() == v1::DIRECTION_WIDENS;
      change.set_direction(widens ? v1::DIRECTION_NARROWS : v1::DIRECTION_WIDENS);
    }
    return changes;
  };
}

Differ TellsOfAllKinds(const Differ& differ) {
  return [differ](const State& state, const Case& c) {
    auto changes = differ(state, c);
    for (v1::AccessChange& change : changes) {
      change.clear_kinds();
      for (int kind = 1; kind <= 8; ++kind) change.add_kinds(static_cast<v1::MemberKind>(kind));
    }
    return changes;
  };
}

Violation IsTold(const World& world, const State& before, const State& after,
                 const std::vector<v1::AccessChange>& changes) {
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

// Cells are of contributors that are not suspended; what becomes of the records of the others is told apart.
Case OfAnActive(Case c) {
  c.world.members[c.world.header.contributor - 1].standing = v1::STANDING_ACTIVE;
  return c;
}

Violation WhatDiffersIsTold(const Differ& differ, const Case& any) {
  const Case c = OfAnActive(any);
  const State before = c.world.MakeState();
  return IsTold(c.world, before, policy::WithPolicy(before, c.policy, kWorldHead), differ(before, c));
}

Violation WhatDiffersOfOwnIsTold(const Differ& differ, const Case& c) {
  const State before = c.world.MakeState();
  const State after =
      policy::WithMemberPolicy(before, c.world.header.contributor, NextOwnPolicy(c), kWorldHead);
  return IsTold(c.world, before, after, differ(before, c));
}

// Made after the change, and granted to each member by its name.
Header GrantedToEach(const World& world, policy::ViewId view) {
  Header header = world.header;
  header.made = kLater;
  header.grants.clear();
  for (const MemberState& member : world.members) {
    header.grants.push_back({policy::SubjectKind::kMember, view, member.number, kLater});
  }
  return header;
}

using Judge =
    std::function<Violation(const State& before, const MemberState&, const Header&, View was, View is)>;

// Judges each reader of such a record through each view, before and after the coalition's policy changes.
Violation ThroughEachView(const World& world, const v1::CoalitionPolicy& policy, const Judge& judge) {
  const State before = world.MakeState();
  const State after = policy::WithPolicy(before, policy, kWorldHead);
  for (policy::ViewId view = 1; view <= kWorldViews; ++view) {
    const Header header = GrantedToEach(world, view);
    for (const MemberState& member : world.members) {
      if (member.number == header.contributor) continue;
      const View was = ReferenceDecides()(before, member.number, header, world.now_s).view;
      const View is = ReferenceDecides()(after, member.number, header, world.now_s).view;
      if (Violation violation = judge(before, member, header, was, is)) return violation;
    }
  }
  return std::nullopt;
}

Violation WhatIsNotToldStays(const Differ& differ, const Case& any) {
  const Case c = OfAnActive(any);
  const auto changes = differ(c.world.MakeState(), c);
  return ThroughEachView(
      c.world, c.policy,
      [&](const State& state, const MemberState& member, const Header& header, View was, View is) {
        const bool told = std::any_of(changes.begin(), changes.end(), [&](const v1::AccessChange& change) {
          return Covers(change, state, member, header);
        });
        return told || was == is ? Violation() : Wrong("sees something else untold", member.number);
      });
}

// Where neither a denial, whose effect depends on the past, nor the contributor takes part.
Case ByCeilingsAlone(Case c) {
  World& world = c.world;
  v1::CoalitionPolicy newest = world.policies.back().policy->source();
  newest.clear_denies();
  world.policies.back().policy = Compile(newest);
  world.member_policies.clear();
  world.header.exclusions.clear();
  c.policy.clear_denies();
  return c;
}

Violation WhatIsToldDiffers(const Differ& differ, const Case& any) {
  const Case c = ByCeilingsAlone(OfAnActive(any));
  const auto changes = differ(c.world.MakeState(), c);
  return ThroughEachView(
      c.world, c.policy,
      [&](const State& state, const MemberState& member, const Header& header, View was, View is) {
        const uint64_t rise = FieldsTold(changes, v1::DIRECTION_WIDENS, state, member, header);
        const uint64_t fall = FieldsTold(changes, v1::DIRECTION_NARROWS, state, member, header);
        const bool exact = Risen(was, is) == rise && Risen(is, was) == fall;
        return exact ? Violation() : Wrong("is told what does not happen", member.number);
      });
}

// --- records of suspended contributors

using WholeDiffer = std::function<PolicyDiff(const State&, const Case&)>;

PolicyDiff WholeDiff(const State& state, const Case& c) {
  return policy::DiffPolicies(state, state.policy(), state.policy_version(), c.policy);
}

template <class Change>
WholeDiffer WithSuspension(const Change& change) {
  return [change](const State& state, const Case& c) {
    PolicyDiff diff = WholeDiff(state, c);
    change(&diff.other_changes);
    return diff;
  };
}

bool IsOfSuspension(const v1::OtherChange& change) {
  return change.path() == "limits.hides_records_of_suspended";
}

// Also of records that were made before, whoever sees more or less is told by a cell, or by what becomes of
// such records.
Violation WhatDiffersOfSuspendedIsTold(const WholeDiffer& differ, const Case& any) {
  Case c = any;
  c.world.members[c.world.header.contributor - 1].standing = v1::STANDING_SUSPENDED;
  const State before = c.world.MakeState(), after = policy::WithPolicy(before, c.policy, kWorldHead);
  const PolicyDiff diff = differ(before, c);
  const auto of_all = [&](v1::Direction direction) {
    return std::any_of(diff.other_changes.begin(), diff.other_changes.end(), [&](const auto& change) {
      return IsOfSuspension(change) && change.direction() == direction;
    });
  };
  const bool back = of_all(v1::DIRECTION_WIDENS), gone = of_all(v1::DIRECTION_NARROWS);
  for (const Header& header : Records(c.world)) {
    for (const MemberState& member : c.world.members) {
      if (member.number == header.contributor) continue;
      const View was = ReferenceDecides()(before, member.number, header, c.world.now_s).view;
      const View is = ReferenceDecides()(after, member.number, header, c.world.now_s).view;
      const auto told = [&](v1::Direction direction) {
        return FieldsTold(diff.access_changes, direction, before, member, header);
      };
      if (!back && (Risen(was, is) & ~told(v1::DIRECTION_WIDENS)) != 0)
        return Wrong("sees more of a suspended member's than it is told", member.number);
      if (!gone && (Risen(is, was) & ~told(v1::DIRECTION_NARROWS)) != 0)
        return Wrong("sees less of a suspended member's than it is told", member.number);
    }
  }
  return std::nullopt;
}

using DiffProperty = Violation (*)(const Differ&, const Case&);

void Hold(DiffProperty property, const Differ& differ) {
  const Case c = *LiveCase();
  std::ostringstream text;
  text << c;
  if (const Violation violation = property(differ, c)) RC_FAIL(*violation + "\n" + text.str());
}

RC_GTEST_PROP(PolicyDiff, WhatDiffersIsTold, ()) { Hold(WhatDiffersIsTold, EngineDiffers); }
RC_GTEST_PROP(PolicyDiff, WhatIsNotToldStays, ()) { Hold(WhatIsNotToldStays, EngineDiffers); }
RC_GTEST_PROP(PolicyDiff, WhatIsToldDiffers, ()) { Hold(WhatIsToldDiffers, EngineDiffers); }
RC_GTEST_PROP(PolicyDiff, WhatDiffersOfSuspendedIsTold, ()) {
  const Case c = *LiveCase();
  std::ostringstream text;
  text << c;
  if (const Violation violation = WhatDiffersOfSuspendedIsTold(WholeDiff, c))
    RC_FAIL(*violation + "\n" + text.str());
}
RC_GTEST_PROP(MemberPolicyDiff, WhatDiffersIsTold, ()) { Hold(WhatDiffersOfOwnIsTold, EngineDiffersOfOwn); }

template <class Asked, class Answers>
int Refuted(Asked property, const Answers& differ) {
  const rc::Gen<Case> cases = LiveCase();
  rc::Random random(20260101);
  int refuted = 0;
  for (int i = 0; i < 3000 && refuted < 3; ++i) {
    if (property(differ, cases(random.split(), rc::kNominalSize).value())) ++refuted;
  }
  return refuted;
}

TEST(PolicyDiff, ADifferenceThatLeavesOutAChangeIsRefuted) {
  EXPECT_EQ(Refuted(WhatDiffersIsTold, LeavesOneOut(EngineDiffers)), 3);
  EXPECT_EQ(Refuted(WhatIsNotToldStays, LeavesOneOut(EngineDiffers)), 3);
  EXPECT_EQ(Refuted(WhatIsToldDiffers, LeavesOneOut(EngineDiffers)), 3);
  EXPECT_EQ(Refuted(WhatDiffersOfOwnIsTold, LeavesOneOut(EngineDiffersOfOwn)), 3);
}

TEST(PolicyDiff, ADifferenceTurnedRoundIsRefuted) {
  EXPECT_EQ(Refuted(WhatDiffersIsTold, TurnsRound(EngineDiffers)), 3);
  EXPECT_EQ(Refuted(WhatDiffersOfOwnIsTold, TurnsRound(EngineDiffersOfOwn)), 3);
}

TEST(PolicyDiff, ADifferenceThatTellsTooMuchIsRefuted) {
  EXPECT_EQ(Refuted(WhatIsToldDiffers, TellsOfAllKinds(EngineDiffers)), 3);
}

TEST(PolicyDiff, ADifferenceThatIsSilentOfSuspendedMembersIsRefuted) {
  const auto silent = [](auto* changes) { std::erase_if(*changes, IsOfSuspension); };
  const auto turned = [](auto* changes) {
    for (v1::OtherChange& change : *changes) {
      if (!IsOfSuspension(change)) continue;
      const bool widens = change.direction() == v1::DIRECTION_WIDENS;
      change.set_direction(widens ? v1::DIRECTION_NARROWS : v1::DIRECTION_WIDENS);
    }
  };
  EXPECT_EQ(Refuted(WhatDiffersOfSuspendedIsTold, WithSuspension(silent)), 3);
  EXPECT_EQ(Refuted(WhatDiffersOfSuspendedIsTold, WithSuspension(turned)), 3);
}

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
  const bool as_told = Told(one) == Told(two), as_digested = one.digest == two.digest;
  RC_ASSERT((as_told || !as_digested));
  RC_ASSERT(one.digest == policy::DiffPolicies(state, state.policy(), 1, c.policy).digest);
  RC_ASSERT(one.digest != policy::DiffPolicies(state, state.policy(), 2, c.policy).digest);
}

}  // namespace
}  // namespace coalition::testing
