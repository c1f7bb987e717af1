#include "common/policy/decide.h"

#include <algorithm>

#include "common/policy/fields.h"
#include "common/policy/subject.h"

namespace coalition::policy {
namespace {

using Intervals = std::vector<Interval>;

// Since `revision` or before, without a break, to this day.
bool HeldSince(const Intervals& held, uint64_t revision) {
  return std::any_of(held.begin(), held.end(),
                     [revision](const Interval& i) { return i.to == kStill && i.from <= revision; });
}

// nullptr: the member was never in the group.
const Intervals* HeldOf(const MemberState& member, uint32_t group) {
  for (const GroupHeld& in : member.groups) {
    if (in.group == group) return &in.held;
  }
  return nullptr;
}

bool Excluded(const State& state, uint32_t member, const HeaderView& header) {
  const int exclusions = header.exclusions_size();
  const uint64_t made = header.made();
  for (int i = 0; i < exclusions; ++i) {
    if (ControlledNamedUntil(state, member, header.exclusion(i)) > made) return true;
  }
  return false;
}

bool Denied(const State& state, uint32_t member, v1::MemberKind contributor, const HeaderView& header,
            uint64_t base) {
  for (const DenyOfMember& deny : state.DeniesOf(member)) {
    if (deny.lifted > base && deny.left > header.made() &&
        deny.scope.Covers(contributor, header.record_class(), header.label())) {
      return true;
    }
  }
  return false;
}

// What the record's grants show the member.
View Granted(const State& state, const MemberState& member, const HeaderView& header, uint64_t accepted,
             ViewSet* views) {
  View granted;
  for (int i = 0; i < header.grants_size(); ++i) {
    const HeaderGrant grant = header.grant(i);
    if (!GrantMatches(member, grant)) continue;
    const PolicyPeriod& period = state.PeriodAt(std::max(grant.attached, accepted));
    const View view = period.views.At(header.record_class(), grant.view);
    if (view.hidden()) continue;
    granted = Join(granted, view);
    *views |= SetOf(grant.view);
  }
  return granted;
}

// Of a member that is not the contributor, of a record that is live.
Decision DecideOther(const State& state, const MemberState& member, const MemberState& contributor,
                     const HeaderView& header) {
  if (state.HidesRecordsOf(contributor)) return {};
  Decision decision;
  const ContributorRules* own = state.RulesOf(contributor.number);
  const uint64_t accepted = own == nullptr ? 0 : own->accepted;
  const View granted = Granted(state, member, header, accepted, &decision.view_ids);
  const auto hidden = Decision{};
  if (granted.hidden() || Excluded(state, member.number, header)) return hidden;
  const uint64_t made = header.made();
  const uint64_t base = std::max(made, accepted);
  if (Denied(state, member.number, contributor.kind, header, base)) return hidden;
  const Relation relation = RelationOf(state, member, header);
  const auto bound = [&](const CeilingTable& ceilings) {
    return ceilings.At(member.kind, relation, header.record_class(), header.label());
  };
  decision.view = Meet(granted, bound(state.PeriodAt(base).ceilings));
  if (own != nullptr) {
    if (!own->excluded_before.empty() && made < own->excluded_before[member.number]) return hidden;
    if (!own->ceilings.empty()) decision.view = Meet(decision.view, bound(own->ceilings.At(made)));
  }
  return decision.view.hidden() ? hidden : decision;
}

}  // namespace

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

uint64_t PolicyBase(const State& state, const HeaderView& header) {
  const ContributorRules* own = state.RulesOf(header.contributor());
  return std::max(header.made(), own == nullptr ? 0 : own->accepted);
}

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
  const MemberState* member = state.member(member_number);
  const MemberState* contributor = state.member(header.contributor());
  if (member == nullptr || contributor == nullptr || !header.LiveAt(now_s)) return {};
  const bool owner = contributor == member;
  if (member->standing != v1::STANDING_ACTIVE && !(owner && member->standing == v1::STANDING_LIMITED)) {
    return {};
  }
  if (!owner) return DecideOther(state, *member, *contributor, header);
  Decision decision;
  decision.view = FullView(header.record_class());
  decision.owner = true;
  return decision;
}

void WhoCanSee(const State& state, const HeaderView& header, int64_t now_s,
               absl::FunctionRef<void(uint32_t member, const Decision& decision)> seen) {
  const MemberState* contributor = state.member(header.contributor());
  if (contributor == nullptr || !header.LiveAt(now_s) || header.grants_size() == 0) return;
  for (const MemberState& member : state.members()) {
    if (&member == contributor || member.standing != v1::STANDING_ACTIVE) continue;
    const Decision decision = DecideOther(state, member, *contributor, header);
    if (decision.visible()) seen(member.number, decision);
  }
}

View SubjectBound(bool owner, const Decision& subject) {
  // These stand in the same places of every class's view: they are header fields.
  static const uint64_t seller = [] {
    uint64_t bits = 0;
    for (const char* path : {"seller.platform", "seller.seller_id"}) {
      bits |= uint64_t{1} << *FieldIndex(v1::RECORD_CLASS_OPINION, path);
    }
    return bits;
  }();
  if (!owner && !subject.visible()) return {};
  if (owner && subject.owner) return {~uint64_t{0}, ~uint64_t{0}};
  const uint64_t bounded = owner ? seller : HeaderFieldMask();
  return {subject.view.shown | ~bounded, subject.view.full | ~bounded};
}

Decision MeetWithSubject(const Decision& opinion, const Decision& subject) {
  if (!opinion.visible()) return opinion;
  Decision met = opinion;
  met.view = Meet(opinion.view, SubjectBound(opinion.owner, subject));
  return met.visible() ? met : Decision{};
}

}  // namespace coalition::policy
