#include "common/policy/transfer.h"

#include <algorithm>

#include "common/ids.h"
#include "common/policy/subject.h"
#include "common/policy/words.h"

namespace coalition::policy {
namespace {

constexpr size_t kEntriesMax = 255;  // what a header holds

uint64_t AcceptedBy(const State& state, uint32_t member) {
  const ContributorRules* own = state.RulesOf(member);
  return own == nullptr ? 0 : own->accepted;
}

void SetSubject(const State& state, SubjectKind kind, uint32_t id, v1::Subject* subject) {
  switch (kind) {
    case SubjectKind::kMember:
      if (const MemberState* member = state.member(id)) subject->set_member(FormatMemberName(member->id));
      return;
    case SubjectKind::kGroup:
      if (const GroupState* group = state.group(id)) subject->set_group(FormatGroupName(group->id));
      return;
    case SubjectKind::kKind:
      return subject->set_kind(static_cast<v1::MemberKind>(id));
    case SubjectKind::kEveryone:
      return subject->set_everyone(true);
  }
}

void AddOnce(const HeaderExclusion& exclusion, std::vector<HeaderExclusion>* all) {
  if (std::find(all->begin(), all->end(), exclusion) == all->end()) all->push_back(exclusion);
}

}  // namespace

std::string WrongWithTransfer(const State& state, uint32_t from, uint32_t to) {
  const MemberState* giver = state.member(from);
  const MemberState* taker = state.member(to);
  if (giver == nullptr || taker == nullptr) return "there is no such member";
  if (giver == taker) return "a member can't be its own successor";
  const std::string name = FormatMemberName(taker->id), giver_name = FormatMemberName(giver->id);
  if (taker->standing != v1::STANDING_ACTIVE) return name + " is not ACTIVE";
  if (taker->kind != giver->kind) {
    return name + " is of kind " + Word(taker->kind) + ", not " + Word(giver->kind) +
           ": the policy names contributors by kind";
  }
  const ContributorRules* own = state.RulesOf(from);
  if (own != nullptr && !own->ceilings.empty()) {
    return "the own policy of " + giver_name +
           " bounds its records by ceilings, or did: they would not hold for its successor, and others would "
           "see more. "
           "Withdraw the records instead";
  }
  if (AcceptedBy(state, to) > AcceptedBy(state, from)) {
    return name + " accepts a later version of the coalition's policy for its older records than " +
           giver_name + ": others would see more of these. Accept that version too, or withdraw the records";
  }
  return {};
}

CarriedExclusions ExclusionsToCarry(const State& state, uint32_t from, uint64_t made) {
  CarriedExclusions carried;
  std::vector<const MemberPolicyInForce*> versions;
  for (const MemberPolicyInForce& version : state.rules().member_policies) {
    if (version.member == from) versions.push_back(&version);
  }
  for (size_t i = 0; i < versions.size(); ++i) {
    const bool counts = i + 1 == versions.size() || versions[i + 1]->from > made;
    if (!counts) continue;
    for (const v1::Subject& subject : versions[i]->policy.exclusions()) {
      const auto named = ResolveSubject(state, subject).subject;
      if (!named || named->kind == SubjectKind::kEveryone) {
        carried.all = true;
      } else {
        AddOnce(*named, &carried.named);
      }
    }
  }
  return carried;
}

Header GivenTo(const State& state, Header header, uint32_t to) {
  const CarriedExclusions carried = ExclusionsToCarry(state, header.contributor, header.made);
  header.contributor = to;
  std::vector<HeaderExclusion> exclusions = header.exclusions;
  for (const HeaderExclusion& exclusion : carried.named) AddOnce(exclusion, &exclusions);
  if (carried.all || exclusions.size() > kEntriesMax) {
    header.grants.clear();
  } else {
    header.exclusions = std::move(exclusions);
  }
  return header;
}

v1::Audience AudienceOf(const State& state, const Header& header) {
  v1::Audience audience;
  for (const HeaderGrant& grant : header.grants) {
    v1::Grant& said = *audience.add_grants();
    SetSubject(state, grant.kind, grant.id, said.mutable_subject());
    said.set_view(std::string(state.view_names().NameOf(grant.view)));
  }
  for (const HeaderExclusion& exclusion : header.exclusions) {
    SetSubject(state, exclusion.kind, exclusion.id, audience.add_exclusions());
  }
  return audience;
}

}  // namespace coalition::policy
