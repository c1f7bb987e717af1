#include "tests/support/policy_world.h"

#include <set>
#include <string>

namespace coalition::testing {
namespace {

using policy::GroupHeld;
using policy::Header;
using policy::HeaderExclusion;
using policy::HeaderGrant;
using policy::Interval;
using policy::kStill;
using policy::Lifecycle;
using policy::MemberState;
using policy::PlatformState;
using policy::RecordIdBytes;
using policy::SubjectKind;
using policy::ViewId;

// From low to high, both inclusive.
uint32_t Pick(uint32_t low, uint32_t high) { return *rc::gen::inRange<uint32_t>(low, high + 1); }
bool Chance(uint32_t percent) { return Pick(1, 100) <= percent; }
uint64_t PickRevision() { return Pick(1, static_cast<uint32_t>(kWorldHead) - 1); }

// Ascending and disjoint; the last one is often still open.
std::vector<Interval> PickIntervals(uint32_t cuts_max) {
  std::set<uint64_t> cuts;
  for (uint32_t i = Pick(0, cuts_max); i > 0; --i) cuts.insert(PickRevision());
  std::vector<Interval> intervals;
  for (auto cut = cuts.begin(); cut != cuts.end();) {
    Interval interval{*cut++, kStill};
    if (cut != cuts.end()) interval.to = *cut++;
    intervals.push_back(interval);
  }
  return intervals;
}

MemberState PickMember(uint32_t number, bool regular) {
  MemberState member;
  member.number = number;
  member.id = "member-" + std::to_string(number);
  const uint32_t kind = Chance(40) ? static_cast<uint32_t>(v1::MEMBER_KIND_MARKETPLACE)
                                   : Pick(regular ? 1 : 0, regular ? 8 : 9);
  member.kind = static_cast<v1::MemberKind>(kind);
  member.standing = regular || Chance(70) ? v1::STANDING_ACTIVE : static_cast<v1::Standing>(Pick(0, 6));
  member.kind_held = Chance(50) ? std::vector<Interval>{{1, kStill}} : PickIntervals(4);
  for (uint32_t group = 1; group <= 2; ++group) {
    if (Chance(50)) member.groups.push_back(GroupHeld{group, PickIntervals(4), Chance(20)});
  }
  if (Chance(40)) member.control_group = Chance(70) ? "holding" : "trust";
  return member;
}

PlatformState PickPlatform(uint32_t number, uint32_t members) {
  PlatformState platform;
  platform.number = number;
  platform.id = "platform-" + std::to_string(number) + ".example";
  for (const Interval& interval : PickIntervals(5)) platform.holders.push_back({Pick(1, members), interval});
  return platform;
}

HeaderGrant PickGrant() {
  HeaderGrant grant;
  grant.kind = static_cast<SubjectKind>(Pick(1, 4));
  grant.view = static_cast<ViewId>(Chance(45) ? policy::kViewFull : Pick(1, kWorldViews));
  if (Chance(4)) grant.view = static_cast<ViewId>(Pick(kWorldViews + 1, policy::kViewNamesMax));
  if (grant.kind == SubjectKind::kMember) grant.id = Pick(1, 6);
  if (grant.kind == SubjectKind::kGroup) grant.id = Pick(1, 3);
  if (grant.kind == SubjectKind::kKind) grant.id = Chance(50) ? 2 : Pick(1, 8);
  grant.attached = PickRevision();
  return grant;
}

HeaderExclusion PickExclusion(bool regular) {
  HeaderExclusion exclusion;
  exclusion.kind = static_cast<SubjectKind>(Pick(1, 3));
  if (exclusion.kind == SubjectKind::kMember) exclusion.id = Pick(1, regular ? 3 : 6);
  if (exclusion.kind == SubjectKind::kGroup) exclusion.id = Pick(1, regular ? 2 : 3);
  if (exclusion.kind == SubjectKind::kKind) exclusion.id = Pick(1, 8);
  return exclusion;
}

Header PickHeader(uint32_t members, bool regular) {
  Header header;
  header.record_class = static_cast<v1::RecordClass>(Pick(1, 4));
  header.label = static_cast<v1::Label>(Pick(1, 5));
  header.permitted_action = static_cast<v1::PermittedAction>(Pick(1, 5));
  header.state = regular || Chance(80) ? Lifecycle::kActive : static_cast<Lifecycle>(Pick(1, 4));
  header.contributor = Pick(1, regular ? members : members + 1);
  header.platform = Chance(60) ? 1 : Pick(0, regular ? 2 : 3);
  header.made = PickRevision();
  header.expire_time_s = regular || Chance(70) ? kWorldNow + 86'400 : kWorldNow - 1 + Pick(0, 2);
  if (header.record_class == v1::RECORD_CLASS_OPINION) {
    RecordIdBytes subject;
    for (uint8_t& byte : subject) byte = static_cast<uint8_t>(Pick(0, 255));
    header.subject = subject;
  }
  for (uint32_t i = Pick(0, 4); i > 0; --i) header.grants.push_back(PickGrant());
  for (uint32_t i = Chance(50) ? 0 : Pick(1, 2); i > 0; --i)
    header.exclusions.push_back(PickExclusion(regular));
  return header;
}

World PickWorld(bool regular) {
  World world;
  const uint32_t members = regular ? Pick(3, 5) : Pick(1, 5);
  for (uint32_t i = 1; i <= members; ++i) world.members.push_back(PickMember(i, regular));
  world.groups = {{1, "inner", true}, {2, "wide", false}};
  for (uint32_t i = 1; i <= 2; ++i) world.platforms.push_back(PickPlatform(i, members));
  world.header = PickHeader(members, regular);
  if (Chance(15) && world.header.contributor <= members) {
    world.members[world.header.contributor - 1].standing = v1::STANDING_SUSPENDED;
  }
  world.policies = PickPolicies(world.Scope(regular), kWorldHead);
  world.member_policies = PickMemberPolicies(world.Scope(regular), kWorldHead, world.policies.size());
  return world;
}

void Print(std::ostream& out, const std::vector<Interval>& intervals) {
  for (const Interval& interval : intervals) {
    out << " [" << interval.from << ", ";
    if (interval.to == kStill) {
      out << "still)";
    } else {
      out << interval.to << ")";
    }
  }
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const World& world) {
  for (const MemberState& member : world.members) {
    out << "member " << member.number << " kind " << member.kind << " standing " << member.standing
        << " control '" << member.control_group << "' kind held";
    Print(out, member.kind_held);
    for (const GroupHeld& group : member.groups) {
      out << "; group " << group.group;
      Print(out, group.held);
      if (group.names_still) out << " lost with its standing";
    }
    out << "\n";
  }
  for (const PlatformState& platform : world.platforms) {
    out << "platform " << platform.number << ":";
    for (const auto& holder : platform.holders) {
      out << " member " << holder.member;
      Print(out, {holder.held});
    }
    out << "\n";
  }
  const Header& header = world.header;
  out << "record class " << header.record_class << " label " << header.label << " state "
      << static_cast<int>(header.state) << " contributor " << header.contributor << " platform "
      << header.platform << " made " << header.made << " expires at now + "
      << header.expire_time_s - world.now_s << "\n";
  for (const HeaderGrant& grant : header.grants) {
    out << "grant kind " << static_cast<int>(grant.kind) << " id " << grant.id << " view "
        << static_cast<int>(grant.view) << " attached " << grant.attached << "\n";
  }
  for (const HeaderExclusion& exclusion : header.exclusions) {
    out << "exclusion kind " << static_cast<int>(exclusion.kind) << " id " << exclusion.id << "\n";
  }
  Print(out, world.policies);
  Print(out, world.member_policies);
  return out;
}

rc::Gen<World> AnyWorld() {
  return rc::gen::exec([] { return PickWorld(false); });
}
rc::Gen<World> LiveWorld() {
  return rc::gen::exec([] { return PickWorld(true); });
}
rc::Gen<HeaderGrant> AnyGrant() {
  return rc::gen::exec([] { return PickGrant(); });
}
rc::Gen<HeaderExclusion> AnyExclusion() {
  return rc::gen::exec([] { return PickExclusion(false); });
}
rc::Gen<Header> AnyHeader() {
  return rc::gen::exec([] {
    Header header = PickHeader(5, false);
    header.contributor = *rc::gen::arbitrary<uint32_t>();
    header.platform = *rc::gen::arbitrary<uint32_t>();
    header.made = *rc::gen::arbitrary<uint64_t>();
    header.expire_time_s = *rc::gen::arbitrary<int64_t>();
    return header;
  });
}

}  // namespace coalition::testing
