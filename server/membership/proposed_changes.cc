#include "server/membership/proposed_changes.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/ids.h"
#include "server/membership/actor.h"
#include "server/membership/credentials.h"

namespace coalition::membership {
namespace {

using storage::v1::StoredMember;
using v1::ProposedChange;

const StoredMember& Of(const StoredState& state, const std::string& id) {
  return *std::find_if(state.members.begin(), state.members.end(),
                       [&](const StoredMember& member) { return member.id() == id; });
}

const StoredMember& OfName(const StoredState& state, const std::string& name) {
  return Of(state, *ParseMemberName(name));
}

uint32_t GroupNumber(const StoredState& state, const std::string& name) {
  const std::string id = *ParseGroupName(name);
  const auto group =
      std::find_if(state.groups.begin(), state.groups.end(), [&](const auto& one) { return one.id() == id; });
  return group->number();
}

using Writes = std::vector<store::Write>;

template <class Groups>
Writes Activate(const Groups& groups, store::Revision revision, int64_t now_ns, const StoredState& state,
                StoredMember member) {
  member.set_standing(v1::STANDING_ACTIVE);
  member.set_standing_time_ns(now_ns);
  member.clear_standing_reason();
  BeginKind(revision, &member);
  LetGroupsGo(&member);
  for (const std::string& group : groups) BeginGroup(GroupNumber(state, group), revision, &member);
  return {MemberWrite(member)};
}

Writes AddToGroup(uint32_t group, const google::protobuf::RepeatedPtrField<std::string>& members,
                  store::Revision revision, const StoredState& state) {
  Writes writes;
  for (const std::string& name : members) {
    StoredMember member = OfName(state, name);
    BeginGroup(group, revision, &member);
    writes.push_back(MemberWrite(member));
  }
  return writes;
}

Writes Remove(const v1::GroupRemoval& removal, store::Revision revision, const StoredState& state) {
  const uint32_t group = GroupNumber(state, removal.group());
  Writes writes;
  for (const std::string& name : removal.members()) {
    StoredMember member = OfName(state, name);
    EndGroup(group, revision, &member);
    writes.push_back(MemberWrite(member));
  }
  return writes;
}

Writes Create(const v1::GroupCreation& creation, store::Revision revision, const StoredState& state) {
  storage::v1::StoredGroup group;
  group.set_number(static_cast<uint32_t>(state.groups.size() + 1));
  group.set_id(creation.group_id());
  group.set_display_name(creation.display_name().empty() ? creation.group_id() : creation.display_name());
  group.set_closed(creation.closed());
  Writes writes = AddToGroup(group.number(), creation.members(), revision, state);
  writes.push_back(Stored(std::string(kGroupPrefix) + BigEndian(group.number()), group));
  return writes;
}

Writes Assign(const v1::PlatformAssignment& assignment, store::Revision revision, const StoredState& state) {
  storage::v1::StoredPlatform platform;
  platform.set_number(static_cast<uint32_t>(state.platforms.size() + 1));
  platform.set_id(*ParsePlatformName(assignment.platform()));
  for (const auto& known : state.platforms) {
    if (known.id() == platform.id()) platform = known;
  }
  EndHolding(revision, &platform);
  storage::v1::HeldPlatform& holder = *platform.add_holders();
  holder.set_member(OfName(state, assignment.holder()).number());
  holder.mutable_held()->set_from_revision(revision);
  return {PlatformWrite(platform)};
}

Writes Grant(const v1::RoleGrant& grant, const StoredState& state) {
  const CredentialName name = *ParseCredentialName(grant.credential());
  StoredMember member = Of(state, name.member);
  auto& all = *member.mutable_credentials();
  auto credential =
      std::find_if(all.begin(), all.end(), [&](const auto& c) { return c.id() == name.credential; });
  storage::v1::StoredCredential& granted = credential != all.end() ? *credential : *all.Add();
  granted.set_id(name.credential);
  if (!IsAdministrative(granted) || !grant.public_key_sha256().empty()) {
    // Its member alone, or one administrator, has said whose keys they are.
    granted.clear_unconfirmed_public_key_sha256();
    granted.clear_registered_by();
    granted.clear_previous_public_key_sha256();
    granted.clear_previous_key_until_s();
    granted.clear_public_key_sha256();
    if (!grant.public_key_sha256().empty()) {
      granted.set_public_key_sha256(*ReadKey("public_key_sha256", grant.public_key_sha256()));
    }
  }
  for (const int role : grant.roles()) {
    if (std::find(granted.roles().begin(), granted.roles().end(), role) == granted.roles().end()) {
      granted.add_roles(static_cast<v1::Role>(role));
    }
  }
  return {MemberWrite(member)};
}

bool IsHeldByNobody(const Snapshot& current, const std::string& name) {
  const absl::StatusOr<std::string> id = ParsePlatformName(name);
  const policy::PlatformState* platform = id.ok() ? current.policy_state().FindPlatform(*id) : nullptr;
  return platform == nullptr || current.policy_state().HolderOf(platform->number) == 0;
}

// As long as nobody holds a platform, any of them might: each sees no more than its host would and others
// would (RELATION_FORMER_OR_UNASSIGNED). With a holder they are the others, who may see more.
void AddMarketplaces(const Snapshot& current, std::vector<uint32_t>* gainers) {
  for (const policy::MemberState& member : current.policy_state().members()) {
    const bool there = std::find(gainers->begin(), gainers->end(), member.number) != gainers->end();
    const bool may_see = member.standing != v1::STANDING_EXITED && member.standing != v1::STANDING_APPLICANT;
    if (member.kind == v1::MEMBER_KIND_MARKETPLACE && may_see && !there) gainers->push_back(member.number);
  }
}

// Beside those of its gainers.
std::vector<std::string> ControlGroupsNamed(const ProposedChange& change) {
  std::vector<std::string> named;
  for (const std::string& group :
       {change.admission().control_group(), change.control_group_change().control_group()}) {
    if (!group.empty()) named.push_back(group);
  }
  return named;
}

}  // namespace

std::vector<uint32_t> GainersOf(const Snapshot& current, const ProposedChange& change) {
  std::vector<uint32_t> gainers;
  const auto add = [&](const absl::StatusOr<std::string>& id) {
    const StoredMember* member = id.ok() ? FindMember(current, *id) : nullptr;
    if (member != nullptr) gainers.push_back(member->number());
  };
  if (change.has_admission()) add(change.admission().member_id());
  if (change.has_reinstatement()) add(ParseMemberName(change.reinstatement().member()));
  for (const std::string& name : change.group_addition().members()) add(ParseMemberName(name));
  for (const std::string& name : change.group_creation().members()) add(ParseMemberName(name));
  for (const std::string& name : change.group_removal().members()) add(ParseMemberName(name));
  if (change.has_platform_assignment()) {
    add(ParseMemberName(change.platform_assignment().holder()));
    if (IsHeldByNobody(current, change.platform_assignment().platform())) AddMarketplaces(current, &gainers);
  }
  if (change.has_role_grant()) {
    const auto name = ParseCredentialName(change.role_grant().credential());
    if (name.ok()) add(name->member);
  }
  if (change.has_control_group_change()) add(ParseMemberName(change.control_group_change().member()));
  // What names one names all under common control with it, before and afterwards.
  const policy::State& state = current.policy_state();
  const std::vector<std::string> named = ControlGroupsNamed(change);
  const auto besides = [&](uint32_t member) {
    if (std::find(gainers.begin(), gainers.end(), member) == gainers.end()) gainers.push_back(member);
  };
  for (size_t i = 0, first = gainers.size(); i < first; ++i) {
    for (const uint32_t sibling : state.ControlGroup(gainers[i])) besides(sibling);
  }
  for (const policy::MemberState& member : state.members()) {
    if (std::find(named.begin(), named.end(), member.control_group) != named.end()) besides(member.number);
  }
  return gainers;
}

bool TakenAwaySince(const Snapshot& current, const ProposedChange& change, int64_t time_ns) {
  if (change.has_reinstatement()) {
    const auto id = ParseMemberName(change.reinstatement().member());
    const StoredMember* member = id.ok() ? FindMember(current, *id) : nullptr;
    return member != nullptr && member->standing_time_ns() > time_ns;
  }
  if (!change.has_role_grant()) return false;
  const auto name = ParseCredentialName(change.role_grant().credential());
  const StoredMember* member = name.ok() ? FindMember(current, name->member) : nullptr;
  return member != nullptr &&
         std::any_of(member->credentials().begin(), member->credentials().end(), [&](const auto& credential) {
           return credential.id() == name->credential && credential.revoke_time_ns() > time_ns;
         });
}

bool CanBeObjectedTo(const ProposedChange& change) {
  return change.has_admission() || change.has_reinstatement();
}

std::optional<StoredMember> NewApplicant(const Snapshot& current, const ProposedChange& change) {
  const v1::Admission& admission = change.admission();
  if (!change.has_admission() || FindMember(current, admission.member_id()) != nullptr) return std::nullopt;
  StoredMember member;
  member.set_number(static_cast<uint32_t>(current.stored().members.size() + 1));
  member.set_id(admission.member_id());
  member.set_display_name(admission.display_name().empty() ? admission.member_id()
                                                           : admission.display_name());
  member.set_kind(admission.kind());
  member.set_standing(v1::STANDING_APPLICANT);
  member.set_control_group(admission.control_group());
  return member;
}

std::vector<store::Write> MakeProposedChange(const ProposedChange& change, store::Revision revision,
                                             int64_t now_ns, const StoredState& state) {
  switch (change.change_case()) {
    case ProposedChange::kAdmission: {
      StoredMember member = Of(state, change.admission().member_id());
      if (!change.admission().display_name().empty()) {
        member.set_display_name(change.admission().display_name());
      }
      return Activate(change.admission().groups(), revision, now_ns, state, std::move(member));
    }
    case ProposedChange::kReinstatement:
      return Activate(change.reinstatement().groups(), revision, now_ns, state,
                      OfName(state, change.reinstatement().member()));
    case ProposedChange::kGroupAddition:
      return AddToGroup(GroupNumber(state, change.group_addition().group()),
                        change.group_addition().members(), revision, state);
    case ProposedChange::kGroupRemoval:
      return Remove(change.group_removal(), revision, state);
    case ProposedChange::kGroupCreation:
      return Create(change.group_creation(), revision, state);
    case ProposedChange::kPlatformAssignment:
      return Assign(change.platform_assignment(), revision, state);
    case ProposedChange::kRoleGrant:
      return Grant(change.role_grant(), state);
    case ProposedChange::kControlGroupChange: {
      StoredMember member = OfName(state, change.control_group_change().member());
      member.set_control_group(change.control_group_change().control_group());
      return {MemberWrite(member)};
    }
    case ProposedChange::CHANGE_NOT_SET:
      break;
  }
  return {};
}

Described Describe(const ProposedChange& change) {
  switch (change.change_case()) {
    case ProposedChange::kAdmission:
      return {FormatMemberName(change.admission().member_id()),
              "admitted as " + WithoutPrefix(v1::MemberKind_Name(change.admission().kind()), "MEMBER_KIND_")};
    case ProposedChange::kReinstatement:
      return {change.reinstatement().member(), "re-instated"};
    case ProposedChange::kGroupAddition:
      return {change.group_addition().group(),
              absl::StrCat("joined by ", absl::StrJoin(change.group_addition().members(), ", "))};
    case ProposedChange::kGroupRemoval:
      return {change.group_removal().group(),
              absl::StrCat("left by ", absl::StrJoin(change.group_removal().members(), ", "))};
    case ProposedChange::kGroupCreation:
      return {FormatGroupName(change.group_creation().group_id()),
              absl::StrCat("made, with ", absl::StrJoin(change.group_creation().members(), ", "))};
    case ProposedChange::kPlatformAssignment:
      return {change.platform_assignment().platform(), "is held by " + change.platform_assignment().holder()};
    case ProposedChange::kRoleGrant: {
      std::string roles;
      for (const int role : change.role_grant().roles()) {
        absl::StrAppend(&roles, " ", WithoutPrefix(v1::Role_Name(static_cast<v1::Role>(role)), "ROLE_"));
      }
      if (!change.role_grant().public_key_sha256().empty()) {
        absl::StrAppend(&roles, " with the key ", change.role_grant().public_key_sha256());
      }
      return {change.role_grant().credential(), "may act as" + roles};
    }
    case ProposedChange::kControlGroupChange: {
      const std::string& group = change.control_group_change().control_group();
      return {change.control_group_change().member(),
              group.empty() ? "is under common control with nobody" : "is in the control group " + group};
    }
    case ProposedChange::CHANGE_NOT_SET:
      break;
  }
  return {};
}

}  // namespace coalition::membership
