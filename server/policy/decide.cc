#include "server/policy/decide.h"

#include <algorithm>

#include "server/policy/fields.h"

namespace coalition::policy {
namespace {

using Intervals = std::vector<Interval>;

// Since `revision` or before, without a break, to this day.
bool HeldSince(const Intervals& held, uint64_t revision) {
  return std::any_of(held.begin(), held.end(),
                     [revision](const Interval& i) { return i.to == kStill && i.from <= revision; });
}

// At any time from `revision` on.
bool HeldAfter(const Intervals& held, uint64_t revision) {
  return std::any_of(held.begin(), held.end(), [revision](const Interval& i) { return i.to > revision; });
}

// nullptr: the member was never in the group.
const Intervals* HeldOf(const MemberState& member, uint32_t group) {
  for (const GroupHeld& in : member.groups) {
    if (in.group == group) return &in.held;
  }
  return nullptr;
}

bool GrantMatches(const MemberState& member, const HeaderGrant& grant) {
  switch (grant.kind) {
    case SubjectKind::kMember:
      return grant.id == member.number;
    case SubjectKind::kGroup: {
      const Intervals* held = HeldOf(member, grant.id);
      return held != nullptr && HeldSince(*held, grant.attached);
    }
    case SubjectKind::kKind:
      return grant.id == static_cast<uint32_t>(member.kind) && HeldSince(member.kind_held, grant.attached);
    case SubjectKind::kEveryone:
      return HeldSince(member.kind_held, grant.attached);
  }
  return false;
}

// Whether the exclusion names `member` itself; what can't be resolved excludes.
bool ExclusionNames(const State& state, const MemberState& member, const HeaderExclusion& exclusion,
                    uint64_t made) {
  switch (exclusion.kind) {
    case SubjectKind::kMember:
      return exclusion.id == member.number || state.member(exclusion.id) == nullptr;
    case SubjectKind::kGroup: {
      if (state.group(exclusion.id) == nullptr) return true;
      const Intervals* held = HeldOf(member, exclusion.id);
      return held != nullptr && HeldAfter(*held, made);
    }
    case SubjectKind::kKind:
      return exclusion.id == static_cast<uint32_t>(member.kind) && HeldAfter(member.kind_held, made);
    case SubjectKind::kEveryone:
      return true;
  }
  return true;
}

bool Excluded(const State& state, uint32_t member, const HeaderView& header) {
  const int exclusions = header.exclusions_size();
  if (exclusions == 0) return false;
  const uint64_t made = header.made();
  for (const uint32_t controlled : state.ControlGroup(member)) {
    const MemberState& one = *state.member(controlled);
    for (int i = 0; i < exclusions; ++i) {
      if (ExclusionNames(state, one, header.exclusion(i), made)) return true;
    }
  }
  return false;
}

}  // namespace

Relation RelationOf(const State& state, const MemberState& member, const HeaderView& header) {
  const PlatformState* platform = state.platform(header.platform());
  const uint64_t made = header.made();
  bool assigned = false, ever_held = false;
  if (platform != nullptr) {
    for (const PlatformHolder& holder : platform->holders) {
      const bool still = holder.held.to == kStill;
      assigned = assigned || still;
      if (holder.member != member.number) continue;
      if (still && holder.held.from <= made) return Relation::kHost;
      ever_held = true;
    }
  }
  if (ever_held) return Relation::kFormerOrUnassigned;
  if (!assigned && member.kind == v1::MEMBER_KIND_MARKETPLACE) return Relation::kFormerOrUnassigned;
  return Relation::kOther;
}

Decision Decide(const State& state, uint32_t member_number, const HeaderView& header, int64_t now_s) {
  Decision decision;
  const MemberState* member = state.member(member_number);
  if (member == nullptr || state.member(header.contributor()) == nullptr || !header.LiveAt(now_s))
    return decision;
  const bool owner = header.contributor() == member_number;
  if (member->standing != v1::STANDING_ACTIVE && !(owner && member->standing == v1::STANDING_LIMITED)) {
    return decision;
  }
  const v1::RecordClass record_class = header.record_class();
  if (owner) {
    decision.view = FullView(record_class);
    decision.owner = true;
    return decision;
  }
  View granted;
  uint8_t view_ids = 0;
  for (int i = 0; i < header.grants_size(); ++i) {
    const HeaderGrant grant = header.grant(i);
    if (!GrantMatches(*member, grant)) continue;
    granted = Join(granted, FixedView(record_class, grant.view));
    view_ids = static_cast<uint8_t>(view_ids | (1U << static_cast<unsigned>(grant.view)));
  }
  if (granted.hidden() || Excluded(state, member_number, header)) return decision;
  decision.view = Meet(
      granted, state.Ceiling(member->kind, RelationOf(state, *member, header), record_class, header.label()));
  if (!decision.view.hidden()) decision.view_ids = view_ids;
  return decision;
}

Decision MeetWithSubject(const Decision& opinion, const Decision& subject) {
  if (opinion.owner) return opinion;
  if (!subject.visible()) return Decision{};
  const uint64_t shared = HeaderFieldMask();
  Decision met = opinion;
  met.view.shown &= subject.view.shown | ~shared;
  met.view.full &= subject.view.full | ~shared;
  if (met.view.hidden()) return Decision{};
  return met;
}

}  // namespace coalition::policy
