// Generated coalitions and records for the properties of the policy room. Revisions are few, so that
// boundaries meet.
#pragma once

#include <rapidcheck.h>

#include <cstdint>
#include <ostream>
#include <vector>

#include "common/policy/header.h"
#include "common/policy/state.h"
#include "tests/support/policy_world_rules.h"

namespace coalition::testing {

// All generated revisions are below this; a change to a world may happen at it.
inline constexpr uint64_t kWorldHead = 12;
inline constexpr int64_t kWorldNow = 1'767'225'600;  // 2026-01-01

struct World {
  std::vector<policy::MemberState> members;      // one to five
  std::vector<policy::GroupState> groups;        // two
  std::vector<policy::PlatformState> platforms;  // two
  policy::Header header;
  int64_t now_s = kWorldNow;
  // One to four, the first from 0; the default policy alone for a good part of the worlds.
  std::vector<policy::PolicyInForce> policies = policy::DefaultRules().policies;
  std::vector<policy::MemberPolicyInForce> member_policies;  // none to four

  policy::State MakeState() const { return {1, members, groups, platforms, MakeRules()}; }
  policy::Rules MakeRules() const { return {WorldViewNames(), policies, member_policies}; }
  PolicyScope Scope(bool regular) const {
    return {header.record_class, static_cast<uint32_t>(members.size()), header.contributor, regular};
  }
};

std::ostream& operator<<(std::ostream& out, const World& world);

// Anything goes, also unknown kinds, members, groups and platforms.
rc::Gen<World> AnyWorld();
// Mostly visible: every member ACTIVE but now and then the contributor, which is SUSPENDED, the record live,
// everything named exists.
rc::Gen<World> LiveWorld();

rc::Gen<policy::HeaderGrant> AnyGrant();
rc::Gen<policy::HeaderExclusion> AnyExclusion();
// Any header that can be written.
rc::Gen<policy::Header> AnyHeader();

}  // namespace coalition::testing
