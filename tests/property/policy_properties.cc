#include "tests/property/policy_properties.h"

#include <algorithm>
#include <random>
#include <utility>

#include "common/policy/fields.h"
#include "tests/property/policy_property_tools.h"

namespace coalition::testing {
namespace {

using policy::Decision;
using policy::Header;
using policy::HeaderExclusion;
using policy::HeaderGrant;
using policy::HeaderView;
using policy::Interval;
using policy::kStill;
using policy::Level;
using policy::MemberState;
using policy::State;
using policy::SubjectKind;
using policy::View;

bool GrantedByName(const Header& header, uint32_t member) {
  return std::any_of(header.grants.begin(), header.grants.end(), [member](const HeaderGrant& grant) {
    return grant.kind == SubjectKind::kMember && grant.id == member;
  });
}

// Everything the member holds is held from `revision` on, and what it held before ends at `ended` at the
// latest.
void Restart(MemberState& member, uint64_t ended, uint64_t revision) {
  const auto restart = [ended, revision](std::vector<Interval>& held) {
    std::vector<Interval> kept;
    for (Interval interval : held) {
      interval.to = std::min(interval.to, ended);
      if (interval.from < interval.to) kept.push_back(interval);
    }
    kept.push_back({revision, kStill});
    held = kept;
  };
  restart(member.kind_held);
  for (auto& group : member.groups) {
    restart(group.held);
    group.names_still = false;
  }
}

template <class List>
void ShakeList(List* list, std::mt19937& random) {
  if (!list->empty())
    *list->Add() = list->Get(static_cast<int>(random() % static_cast<unsigned>(list->size())));
  std::shuffle(list->pointer_begin(), list->pointer_end(), random);
}

Case PickCase(World world, bool regular) {
  Case c;
  c.world = std::move(world);
  c.grant = *AnyGrant();
  c.exclusion = *AnyExclusion();
  c.choice = *rc::gen::inRange<uint32_t>(0, 1000);
  const PolicyScope scope = c.world.Scope(regular);
  if (c.choice % 3 == 0) {
    c.policy = PickPolicy(scope);
  } else {
    c.policy = c.world.policies.back().policy->source();
    Mutate(scope, &c.policy);
  }
  c.ceiling = PickCeiling(scope);
  c.deny = PickDeny(scope);
  c.own_policy = PickMemberPolicy(scope, c.world.policies.size());
  return c;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.world << "and grant kind " << static_cast<int>(c.grant.kind) << " id " << c.grant.id
             << " attached " << c.grant.attached << ", exclusion kind " << static_cast<int>(c.exclusion.kind)
             << " id " << c.exclusion.id << ", choice " << c.choice << ", policy { "
             << c.policy.ShortDebugString() << " }, ceiling { " << c.ceiling.ShortDebugString()
             << " }, deny { " << c.deny.ShortDebugString() << " }, own policy { "
             << c.own_policy.ShortDebugString() << " }\n";
}

rc::Gen<Case> AnyCase() {
  return rc::gen::exec([] { return PickCase(*AnyWorld(), false); });
}

rc::Gen<Case> LiveCase() {
  return rc::gen::exec([] { return PickCase(*LiveWorld(), true); });
}

Violation AgreesWithReference(const Decider& decide, const Case& c) {
  const State state = c.world.MakeState();
  const Decider reference = ReferenceDecides();
  for (uint32_t member = 0; member <= c.world.members.size() + 1; ++member) {
    const Decision is = decide(state, member, c.world.header, c.world.now_s);
    const Decision should = reference(state, member, c.world.header, c.world.now_s);
    if (is.view != should.view || is.owner != should.owner || is.view_ids != should.view_ids) {
      return Wrong("differs from the reference", member);
    }
  }
  return std::nullopt;
}

Violation NothingByDefault(const Decider& decide, const Case& c) {
  World world = c.world;
  world.header.grants.clear();
  const auto decisions = DecideAll(decide, world);
  for (const MemberState& member : world.members) {
    const Decision& decision = decisions[member.number - 1];
    if (member.number != world.header.contributor && decision.visible()) {
      return Wrong("sees a record that is granted to nobody", member.number);
    }
  }
  return std::nullopt;
}

Violation EndedOrCutOffSeesNothing(const Decider& decide, const Case& c) {
  const World& world = c.world;
  const auto decisions = DecideAll(decide, world);
  const bool live = (world.header.state == policy::Lifecycle::kActive ||
                     world.header.state == policy::Lifecycle::kContested) &&
                    world.now_s < world.header.expire_time_s;
  for (const MemberState& member : world.members) {
    const Decision& decision = decisions[member.number - 1];
    if (!decision.visible()) continue;
    if (!live) return Wrong("sees a record that has ended", member.number);
    const bool own = member.number == world.header.contributor;
    if (member.standing == v1::STANDING_ACTIVE || (own && member.standing == v1::STANDING_LIMITED)) continue;
    return Wrong("sees a record without the standing", member.number);
  }
  return std::nullopt;
}

Violation ExclusionNeverWidens(const Decider& decide, const Case& c) {
  World after = c.world;
  after.header.exclusions.push_back(c.exclusion);
  return Compare(decide, c.world, after, "sees more after an exclusion", SeesMore);
}

Violation GrantNeverNarrows(const Decider& decide, const Case& c) {
  World after = c.world;
  after.header.grants.push_back(c.grant);
  return Compare(decide, c.world, after, "sees less after a grant", SeesLess);
}

Violation GrantTouchesOnlyWhomItMatches(const Decider& decide, const Case& c) {
  World after = c.world;
  after.header.grants.push_back(c.grant);
  const auto was = DecideAll(decide, c.world);
  const auto is = DecideAll(decide, after);
  for (const MemberState& member : c.world.members) {
    const size_t i = member.number - 1;
    if (reference::GrantMatches(member, c.grant)) continue;
    if (SeesOther(was[i], is[i])) {
      return Wrong("is touched by a grant to others", member.number);
    }
  }
  return std::nullopt;
}

Violation OrderAndDuplicatesChangeNothing(const Decider& decide, const Case& c) {
  World after = c.world;
  Header& header = after.header;
  std::mt19937 random(c.choice);
  const auto shake = [&random](auto& list) {
    if (!list.empty()) list.push_back(list[random() % list.size()]);
    std::shuffle(list.begin(), list.end(), random);
  };
  shake(header.grants);
  shake(header.exclusions);
  for (MemberState& member : after.members) shake(member.groups);
  for (policy::PolicyInForce& version : after.policies) {
    v1::CoalitionPolicy source = version.policy->source();
    ShakeList(source.mutable_views(), random);
    ShakeList(source.mutable_ceilings(), random);
    ShakeList(source.mutable_denies(), random);
    version.policy = Compile(source);
  }
  for (policy::MemberPolicyInForce& version : after.member_policies) {
    ShakeList(version.policy.mutable_ceilings(), random);
    ShakeList(version.policy.mutable_exclusions(), random);
  }
  return Compare(decide, c.world, after, "depends on order or duplicates", SeesOther);
}

Violation CeilingBounds(const Decider& decide, const Case& c) {
  const auto decisions = DecideAll(decide, c.world);
  const policy::CeilingTable& newest = c.world.policies.back().policy->ceilings();
  for (const MemberState& member : c.world.members) {
    if (member.number == c.world.header.contributor) continue;
    if (!Within(decisions[member.number - 1].view, UnderAnyRelation(newest, member, c.world.header))) {
      return Wrong("sees more than its kind may", member.number);
    }
  }
  return std::nullopt;
}

Violation GrantsBound(const Decider& decide, const Case& c) {
  const auto decisions = DecideAll(decide, c.world);
  const policy::ViewTable& newest = c.world.policies.back().policy->views();
  for (const MemberState& member : c.world.members) {
    if (member.number == c.world.header.contributor) continue;
    View granted;
    for (const HeaderGrant& grant : c.world.header.grants) {
      if (!reference::GrantMatches(member, grant)) continue;
      granted = policy::Join(granted, newest.At(c.world.header.record_class, grant.view));
    }
    if (!Within(decisions[member.number - 1].view, granted))
      return Wrong("sees more than granted", member.number);
  }
  return std::nullopt;
}

Violation ExcludedSeesNothing(const Decider& decide, const Case& c) {
  World world = c.world;
  GrantToAll(&world);
  world.header.exclusions.push_back(c.exclusion);
  const State state = world.MakeState();
  const auto decisions = DecideAll(decide, world);
  for (const MemberState& member : world.members) {
    const bool own = member.number == world.header.contributor;
    if (!own && decisions[member.number - 1].visible() && reference::Excluded(state, member, world.header)) {
      return Wrong("sees a record that it is excluded from", member.number);
    }
  }
  return std::nullopt;
}

Violation JoiningLaterSeesNothingEarlier(const Decider& decide, const Case& c) {
  World world = c.world;
  MemberState& newcomer = Chosen(world, c.choice);
  Restart(newcomer, 0, kWorldHead);
  if (newcomer.number == world.header.contributor || GrantedByName(world.header, newcomer.number))
    return std::nullopt;
  const auto decisions = DecideAll(decide, world);
  if (!decisions[newcomer.number - 1].visible()) return std::nullopt;
  return Wrong("joined later and sees an earlier record", newcomer.number);
}

Violation ReinstatedSeesNothingEarlier(const Decider& decide, const Case& c) {
  World world = c.world;
  MemberState& member = Chosen(world, c.choice);
  Restart(member, kWorldHead, kWorldHead + 1);
  if (member.number == world.header.contributor || GrantedByName(world.header, member.number))
    return std::nullopt;
  const auto decisions = DecideAll(decide, world);
  if (!decisions[member.number - 1].visible()) return std::nullopt;
  return Wrong("was re-instated and sees an earlier record", member.number);
}

Violation ReinstatedSeesWhatIsGrantedLater(const Decider& decide, const Case& c) {
  World world = c.world;
  world.policies = policy::DefaultRules().policies;
  world.member_policies.clear();
  MemberState& member = Chosen(world, c.choice);
  Restart(member, kWorldHead, kWorldHead + 1);
  member.kind = v1::MEMBER_KIND_BRAND;
  member.standing = v1::STANDING_ACTIVE;
  world.header.made = kWorldHead + 2;
  world.header.exclusions.clear();
  world.header.grants = {{SubjectKind::kEveryone, policy::kViewNotice, 0, kWorldHead + 2}};
  const auto decisions = DecideAll(decide, world);
  if (decisions[member.number - 1].visible()) return std::nullopt;
  return Wrong("was re-instated and does not see what is granted since", member.number);
}

Violation LeavingDoesNotUndoAnExclusion(const Decider& decide, const Case& c) {
  World world = c.world;
  MemberState& member = Chosen(world, c.choice);
  if (member.number == world.header.contributor) return std::nullopt;
  // In group 1 when the record was made, and out of it since.
  member.groups = {{1, {{world.header.made, world.header.made + 1}}}};
  world.header.exclusions = {{SubjectKind::kGroup, 1}};
  world.header.grants.push_back({SubjectKind::kMember, policy::kViewFull, member.number, world.header.made});
  const auto decisions = DecideAll(decide, world);
  if (!decisions[member.number - 1].visible()) return std::nullopt;
  return Wrong("left the excluded group and sees the record", member.number);
}

Violation ControlGroupSharesExclusion(const Decider& decide, const Case& c) {
  World world = c.world;
  MemberState& excluded = Chosen(world, c.choice);
  MemberState& sibling = Chosen(world, c.choice + 1);
  excluded.control_group = sibling.control_group = "holding";
  if (sibling.number == world.header.contributor) return std::nullopt;
  world.header.exclusions = {{SubjectKind::kMember, excluded.number}};
  world.header.grants.push_back({SubjectKind::kMember, policy::kViewFull, sibling.number, 1});
  const auto decisions = DecideAll(decide, world);
  if (!decisions[sibling.number - 1].visible()) return std::nullopt;
  return Wrong("sees a record that a member under common control is excluded from", sibling.number);
}

Violation TransferShowsNothingMore(const Decider& decide, const Case& c) {
  World before = c.world;
  for (policy::PlatformState& platform : before.platforms) {
    for (policy::PlatformHolder& holder : platform.holders)
      Chosen(before, holder.member - 1).kind = v1::MEMBER_KIND_MARKETPLACE;
  }
  World after = before;
  MemberState& taker = Chosen(after, c.choice);
  taker.kind = Chosen(before, c.choice).kind = v1::MEMBER_KIND_MARKETPLACE;
  policy::PlatformState& platform = after.platforms[0];
  uint32_t giver = 0;
  for (policy::PlatformHolder& holder : platform.holders) {
    if (holder.held.to != kStill) continue;
    giver = holder.member;
    holder.held.to = kWorldHead;
  }
  const bool to_nobody = c.choice % 3 == 0;
  if (!to_nobody) platform.holders.push_back({taker.number, {kWorldHead, kStill}});
  const auto was = DecideAll(decide, before);
  const auto is = DecideAll(decide, after);
  for (const MemberState& member : after.members) {
    const bool party = member.number == giver || member.number == taker.number;
    // Third parties may see more only when a platform that nobody held is assigned.
    if (!party && giver == 0 && !to_nobody) continue;
    if (!Within(is[member.number - 1].view, was[member.number - 1].view)) {
      return Wrong("sees more after a platform changed hands", member.number);
    }
  }
  return std::nullopt;
}

Decision EngineDecides(const State& state, uint32_t member, const Header& header, int64_t now_s) {
  const std::string bytes = policy::EncodeHeader(header);
  const auto view = HeaderView::Parse(bytes);
  return view ? policy::Decide(state, member, *view, now_s) : Decision{};
}

Decider ReferenceDecides(const reference::Guards& guards) {
  return [guards](const State& state, uint32_t member, const Header& header, int64_t now_s) {
    const reference::Answer answer = reference::Judge(state, member, header, now_s, guards);
    Decision decision;
    decision.owner = answer.owner;
    for (const auto& [path, level] : answer.fields) {
      const auto index = policy::FieldIndex(header.record_class, path);
      if (!index) continue;
      decision.view.shown |= uint64_t{1} << *index;
      if (level == "FULL") decision.view.full |= uint64_t{1} << *index;
    }
    const auto& names = state.rules().view_names.names();
    for (size_t i = 0; i < names.size(); ++i) {
      if (answer.views.count(names[i]) != 0) decision.view_ids |= uint64_t{1} << i;
    }
    return decision;
  };
}

}  // namespace coalition::testing
