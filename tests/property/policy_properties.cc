#include "tests/property/policy_properties.h"

#include <algorithm>
#include <random>
#include <utility>

#include "server/policy/fields.h"

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
using policy::ViewId;

// a shows nothing that b does not.
bool Within(View a, View b) { return policy::Meet(a, b) == a; }

Violation Wrong(const std::string& what, uint32_t member) {
  return what + " (member " + std::to_string(member) + ")";
}

// What each member sees, by number - 1.
std::vector<Decision> DecideAll(const Decider& decide, const World& world) {
  const State state = world.MakeState();
  std::vector<Decision> decisions;
  for (const MemberState& member : world.members) {
    decisions.push_back(decide(state, member.number, world.header, world.now_s));
  }
  return decisions;
}

// The first member for whom `bad(before, after)`.
template <class Bad>
Violation Compare(const Decider& decide, const World& before, const World& after, const char* what,
                  const Bad& bad) {
  const auto old_decisions = DecideAll(decide, before);
  const auto new_decisions = DecideAll(decide, after);
  for (size_t i = 0; i < old_decisions.size(); ++i) {
    if (bad(old_decisions[i], new_decisions[i])) return Wrong(what, static_cast<uint32_t>(i + 1));
  }
  return std::nullopt;
}

MemberState& Chosen(World& world, uint32_t choice) { return world.members[choice % world.members.size()]; }

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
  for (auto& group : member.groups) restart(group.held);
}

View CeilingUnderAnyRelation(const State& state, const MemberState& member, const Header& header) {
  View any;
  for (const auto relation :
       {policy::Relation::kOther, policy::Relation::kHost, policy::Relation::kFormerOrUnassigned}) {
    any = policy::Join(any, state.Ceiling(member.kind, relation, header.record_class, header.label));
  }
  return any;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.world << "and grant kind " << static_cast<int>(c.grant.kind) << " id " << c.grant.id
             << " attached " << c.grant.attached << ", exclusion kind " << static_cast<int>(c.exclusion.kind)
             << " id " << c.exclusion.id << ", choice " << c.choice << "\n";
}

rc::Gen<Case> AnyCase() {
  return rc::gen::exec([] {
    return Case{*AnyWorld(), *AnyGrant(), *AnyExclusion(), *rc::gen::inRange<uint32_t>(0, 1000)};
  });
}

rc::Gen<Case> LiveCase() {
  return rc::gen::exec([] {
    return Case{*LiveWorld(), *AnyGrant(), *AnyExclusion(), *rc::gen::inRange<uint32_t>(0, 1000)};
  });
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
  return Compare(decide, c.world, after, "sees more after an exclusion",
                 [](const Decision& was, const Decision& is) { return !Within(is.view, was.view); });
}

Violation GrantNeverNarrows(const Decider& decide, const Case& c) {
  World after = c.world;
  after.header.grants.push_back(c.grant);
  return Compare(decide, c.world, after, "sees less after a grant",
                 [](const Decision& was, const Decision& is) { return !Within(was.view, is.view); });
}

Violation GrantTouchesOnlyWhomItMatches(const Decider& decide, const Case& c) {
  World after = c.world;
  after.header.grants.push_back(c.grant);
  const auto was = DecideAll(decide, c.world);
  const auto is = DecideAll(decide, after);
  for (const MemberState& member : c.world.members) {
    const size_t i = member.number - 1;
    if (reference::GrantMatches(member, c.grant)) continue;
    if (was[i].view != is[i].view || was[i].view_ids != is[i].view_ids) {
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
  return Compare(decide, c.world, after, "depends on order or duplicates",
                 [](const Decision& was, const Decision& is) {
                   return was.view != is.view || was.view_ids != is.view_ids;
                 });
}

Violation CeilingBounds(const Decider& decide, const Case& c) {
  const State state = c.world.MakeState();
  const auto decisions = DecideAll(decide, c.world);
  for (const MemberState& member : c.world.members) {
    if (member.number == c.world.header.contributor) continue;
    if (!Within(decisions[member.number - 1].view, CeilingUnderAnyRelation(state, member, c.world.header))) {
      return Wrong("sees more than its kind may", member.number);
    }
  }
  return std::nullopt;
}

Violation GrantsBound(const Decider& decide, const Case& c) {
  const auto decisions = DecideAll(decide, c.world);
  for (const MemberState& member : c.world.members) {
    if (member.number == c.world.header.contributor) continue;
    View granted;
    for (const HeaderGrant& grant : c.world.header.grants) {
      if (!reference::GrantMatches(member, grant)) continue;
      granted = policy::Join(granted, policy::FixedView(c.world.header.record_class, grant.view));
    }
    if (!Within(decisions[member.number - 1].view, granted))
      return Wrong("sees more than granted", member.number);
  }
  return std::nullopt;
}

Violation ExcludedSeesNothing(const Decider& decide, const Case& c) {
  World world = c.world;
  // Everybody is granted everything, as strongly as can be.
  for (const MemberState& member : world.members) {
    world.header.grants.push_back({SubjectKind::kMember, ViewId::kFull, member.number, 1});
  }
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
  MemberState& member = Chosen(world, c.choice);
  Restart(member, kWorldHead, kWorldHead + 1);
  member.kind = v1::MEMBER_KIND_BRAND;
  world.header.made = kWorldHead + 2;
  world.header.exclusions.clear();
  world.header.grants = {{SubjectKind::kEveryone, ViewId::kNotice, 0, kWorldHead + 2}};
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
  world.header.grants.push_back({SubjectKind::kMember, ViewId::kFull, member.number, world.header.made});
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
  world.header.grants.push_back({SubjectKind::kMember, ViewId::kFull, sibling.number, 1});
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
    for (const std::string& view : answer.views) {
      const auto bit = static_cast<unsigned>(view == "full" ? ViewId::kFull : ViewId::kNotice);
      decision.view_ids = static_cast<uint8_t>(decision.view_ids | (1U << bit));
    }
    return decision;
  };
}

}  // namespace coalition::testing
