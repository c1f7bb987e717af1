// What must hold when the coalition's policy or a member's own changes.
#include <algorithm>
#include <set>
#include <utility>

#include "tests/property/policy_properties.h"
#include "tests/property/policy_property_tools.h"

namespace coalition::testing {
namespace {

using policy::Decision;
using policy::HeaderGrant;
using policy::HeaderView;
using policy::MemberState;
using policy::State;
using policy::SubjectKind;
using policy::View;

v1::CoalitionPolicy Newest(const World& world) { return world.policies.back().policy->source(); }

// The newest version says something else, from its beginning on.
World Rewritten(World world, const v1::CoalitionPolicy& policy) {
  world.policies.back().policy = Compile(policy);
  return world;
}

// A new version after all else.
World Amended(World world, const v1::CoalitionPolicy& policy) {
  const int64_t version = world.policies.back().version + 1;
  world.policies.push_back({version, static_cast<uint64_t>(version), kWorldHead, Compile(policy)});
  return world;
}

}  // namespace

Violation DenyNeverWidens(const Decider& decide, const Case& c) {
  v1::CoalitionPolicy policy = Newest(c.world);
  *policy.add_denies() = c.deny;
  return Compare(decide, c.world, Rewritten(c.world, policy), "sees more after a denial", SeesMore);
}

Violation DeniedSeesNothing(const Decider& decide, const Case& c) {
  v1::CoalitionPolicy policy = Newest(c.world);
  World world = c.world;
  GrantToAll(&world);
  MemberState& denied = Chosen(world, c.choice);
  MemberState& sibling = Chosen(world, c.choice + 1);
  denied.control_group = sibling.control_group = "holding";
  policy.add_denies()->mutable_subject()->set_member("members/" + denied.id);
  world = Rewritten(std::move(world), policy);
  const auto decisions = DecideAll(decide, world);
  for (const MemberState& member : world.members) {
    if (member.control_group != "holding" || member.number == world.header.contributor) continue;
    if (decisions[member.number - 1].visible()) return Wrong("is denied and sees the record", member.number);
  }
  return std::nullopt;
}

Violation CeilingNeverNarrows(const Decider& decide, const Case& c) {
  v1::CoalitionPolicy policy = Newest(c.world);
  *policy.add_ceilings() = c.ceiling;
  return Compare(decide, c.world, Rewritten(c.world, policy), "sees less after a ceiling more", SeesLess);
}

Violation RemovedCeilingNeverWidens(const Decider& decide, const Case& c) {
  v1::CoalitionPolicy policy = Newest(c.world);
  if (policy.ceilings().empty()) return std::nullopt;
  policy.mutable_ceilings()->DeleteSubrange(static_cast<int>(c.choice) % policy.ceilings_size(), 1);
  return Compare(decide, c.world, Rewritten(c.world, policy), "sees more after a ceiling less", SeesMore);
}

Violation NewVersionShowsNothingMore(const Decider& decide, const Case& c) {
  // Whose records come back when the policy hides them no more is another property's affair.
  v1::CoalitionPolicy policy = c.policy;
  if (Newest(c.world).limits().hides_records_of_suspended()) {
    policy.mutable_limits()->set_hides_records_of_suspended(true);
  }
  return Compare(decide, c.world, Amended(c.world, policy), "sees more of an older record by a new version",
                 SeesMore);
}

// By the newest version alone; and where it does not hide them they stay as if their contributor were ACTIVE.
Violation RecordsOfSuspendedHideAsThePolicySays(const Decider& decide, const Case& c) {
  World active = c.world, suspended = c.world;
  MemberState& contributor = suspended.members[c.world.header.contributor - 1];
  active.members[contributor.number - 1].standing = v1::STANDING_ACTIVE;
  contributor.standing = v1::STANDING_SUSPENDED;
  const bool hides = Newest(c.world).limits().hides_records_of_suspended();
  const auto was = DecideAll(decide, active), is = DecideAll(decide, suspended);
  for (const MemberState& member : c.world.members) {
    const size_t i = member.number - 1;
    if (member.number == contributor.number) continue;
    if (hides ? is[i].visible() : SeesOther(was[i], is[i])) {
      return Wrong("sees something else of a suspended contributor's than the policy says", member.number);
    }
  }
  return std::nullopt;
}

Violation NewVersionNarrowsAtOnce(const Decider& decide, const Case& c) {
  const World world = Amended(c.world, c.policy);
  const policy::CompiledPolicy& newest = *world.policies.back().policy;
  const auto decisions = DecideAll(decide, world);
  View granted;
  for (const HeaderGrant& grant : world.header.grants) {
    granted = policy::Join(granted, newest.views().At(world.header.record_class, grant.view));
  }
  for (const MemberState& member : world.members) {
    if (member.number == world.header.contributor) continue;
    const View most = policy::Meet(granted, UnderAnyRelation(newest.ceilings(), member, world.header));
    if (!Within(decisions[member.number - 1].view, most)) {
      return Wrong("sees of an older record what a new version has taken away", member.number);
    }
  }
  return std::nullopt;
}

Violation AcceptedVersionCountsAlone(const Decider& decide, const Case& c) {
  World alone = c.world;
  std::erase_if(alone.member_policies,
                [&](const auto& own) { return own.member == alone.header.contributor; });
  World accepted = alone;
  v1::MemberPolicy own;
  own.set_unbounded(true);
  own.set_accepts_policy_version(accepted.policies.back().version);
  accepted.member_policies.push_back({accepted.header.contributor, kWorldHead, own});
  alone.policies.erase(alone.policies.begin(), alone.policies.end() - 1);
  alone.policies[0].from = 0;
  return Compare(decide, alone, accepted, "sees something else than the accepted version shows", SeesOther);
}

Violation OwnPolicyBounds(const Decider& decide, const Case& c) {
  const World& world = c.world;
  const auto decisions = DecideAll(decide, world);
  for (const policy::MemberPolicyInForce& own : world.member_policies) {
    const bool later = own.from > world.header.made;
    if (own.member != world.header.contributor || !later || own.policy.unbounded()) continue;
    const policy::CompiledPolicy* in_force = nullptr;
    for (const policy::PolicyInForce& version : world.policies) {
      if (version.from <= own.from) in_force = version.policy.get();
    }
    const auto most = policy::CompileCeilings(own.policy.ceilings(), in_force->views(), WorldViewNames());
    for (const MemberState& member : world.members) {
      if (member.number == world.header.contributor) continue;
      if (!Within(decisions[member.number - 1].view, UnderAnyRelation(most, member, world.header))) {
        return Wrong("sees more than the contributor's own policy allows", member.number);
      }
    }
  }
  return std::nullopt;
}

Violation OwnExclusionNeverWidens(const Decider& decide, const Case& c) {
  World after = c.world;
  for (policy::MemberPolicyInForce& own : after.member_policies) {
    *own.policy.add_exclusions() = c.deny.subject();
  }
  return Compare(decide, c.world, after, "sees more after a contributor's own exclusion", SeesMore);
}

Violation NewOwnVersionShowsNothingMore(const Decider& decide, const Case& c) {
  World after = c.world;
  v1::MemberPolicy own = c.own_policy;
  own.clear_accepts_policy_version();
  after.member_policies.push_back({after.header.contributor, kWorldHead, own});
  return Compare(decide, c.world, after, "sees more of an older record by a new version of its contributor's",
                 SeesMore);
}

Violation WhoCanSeeAgrees(const Decider& decide, const Case& c) {
  const State state = c.world.MakeState();
  const std::string bytes = policy::EncodeHeader(c.world.header);
  const auto header = HeaderView::Parse(bytes);
  if (!header) return "the header is refused";
  std::vector<Decision> seen(c.world.members.size() + 1);
  uint32_t last = 0;
  Violation violation;
  policy::WhoCanSee(state, *header, c.world.now_s, [&](uint32_t member, const Decision& decision) {
    if (member <= last || !decision.visible()) violation = Wrong("is out of order or sees nothing", member);
    last = member;
    seen[member] = decision;
  });
  if (violation) return violation;
  for (const MemberState& member : c.world.members) {
    if (member.number == c.world.header.contributor) continue;
    const Decision decision = decide(state, member.number, c.world.header, c.world.now_s);
    if (SeesOther(seen[member.number], decision)) return Wrong("sees, or is said to see", member.number);
  }
  if (seen[0].visible()) return "somebody unknown sees the record";
  return std::nullopt;
}

Violation UnknownViewsShowNothing(const Decider& decide, const Case& c) {
  World world = c.world;
  GrantToAll(&world);
  for (HeaderGrant& grant : world.header.grants) {
    grant.view =
        static_cast<policy::ViewId>(kWorldViews + 1 + c.choice % (policy::kViewNamesMax - kWorldViews));
  }
  const auto decisions = DecideAll(decide, world);
  for (const MemberState& member : world.members) {
    if (member.number == world.header.contributor || !decisions[member.number - 1].visible()) continue;
    return Wrong("sees a record through a view that has no name", member.number);
  }
  return std::nullopt;
}

}  // namespace coalition::testing
