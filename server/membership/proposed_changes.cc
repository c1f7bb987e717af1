#include "server/membership/proposed_changes.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/errors.h"
#include "common/ids.h"
#include "common/strings.h"
#include "server/membership/actor.h"
#include "server/membership/credentials.h"

namespace coalition::membership {
namespace {

using storage::v1::StoredMember;
using v1::ProposedChange;

constexpr size_t kDisplayNameBytesMax = 200;

absl::Status NameTaken(const std::string& name) {
  return Error(v1::ERROR_REASON_NAME_TAKEN,
               "there is, or was, something of that name: names are never used again", {{"name", name}});
}

// Looks names up, and keeps what is wrong with them.
class Names {
 public:
  explicit Names(const Snapshot& current) : current_(current) {}

  // nullptr: wrong, or not there.
  const StoredMember* Member(std::string_view field, const std::string& name) {
    const absl::StatusOr<std::string> id = ParseMemberName(name);
    if (!violations.Check(field, id.status())) return nullptr;
    const StoredMember* member = FindMember(current_, *id);
    if (member == nullptr) not_found_ = true;
    return member;
  }

  const policy::GroupState* Group(std::string_view field, const std::string& name) {
    const absl::StatusOr<std::string> id = ParseGroupName(name);
    if (!violations.Check(field, id.status())) return nullptr;
    const policy::GroupState* group = current_.policy_state().FindGroup(*id);
    if (group == nullptr) not_found_ = true;
    return group;
  }

  // Nobody twice.
  template <class List>
  void Once(std::string_view field, const List& names) {
    std::set<std::string> seen;
    for (int i = 0; i < names.size(); ++i) {
      if (!seen.insert(names[i]).second)
        violations.Add(absl::StrCat(Absl(field), "[", i, "]"), "is there twice");
    }
  }

  template <class List>
  void Groups(std::string_view field, const List& names) {
    Once(field, names);
    for (int i = 0; i < names.size(); ++i) Group(absl::StrCat(Absl(field), "[", i, "]"), names[i]);
  }

  void Active(std::string_view field, const StoredMember* member) {
    if (member != nullptr && member->standing() != v1::STANDING_ACTIVE) {
      violations.Add(field, "must be a member that is ACTIVE");
    }
  }

  void ControlGroup(std::string_view field, const std::string& id) {
    if (!id.empty()) violations.Check(field, CheckId(id, "control group"));
  }

  void DisplayName(std::string_view field, const std::string& name) {
    if (name.size() > kDisplayNameBytesMax) {
      violations.Add(field, absl::StrCat("must be at most ", kDisplayNameBytesMax, " bytes"));
    }
  }

  absl::Status Result() const {
    if (absl::Status wrong = violations.ToStatus(); !wrong.ok()) return wrong;
    return not_found_ ? NotFound() : absl::OkStatus();
  }

  FieldViolations violations;

 private:
  const Snapshot& current_;
  bool not_found_ = false;
};

absl::Status Check(const Snapshot& current, const v1::Admission& admission) {
  Names names(current);
  names.violations.Check("change.admission.member_id", CheckId(admission.member_id(), "member id"));
  names.DisplayName("change.admission.display_name", admission.display_name());
  if (admission.kind() == v1::MEMBER_KIND_UNSPECIFIED || !v1::MemberKind_IsValid(admission.kind())) {
    names.violations.Add("change.admission.kind", "is required");
  }
  names.Groups("change.admission.groups", admission.groups());
  names.ControlGroup("change.admission.control_group", admission.control_group());
  if (absl::Status wrong = names.Result(); !wrong.ok()) return wrong;
  const StoredMember* member = FindMember(current, admission.member_id());
  if (member == nullptr) return absl::OkStatus();
  // Of a proposal that has expired, proposed again.
  const bool same = member->standing() == v1::STANDING_APPLICANT && member->kind() == admission.kind() &&
                    member->control_group() == admission.control_group();
  return same ? absl::OkStatus() : NameTaken(FormatMemberName(admission.member_id()));
}

absl::Status Check(const Snapshot& current, const v1::Reinstatement& reinstatement) {
  Names names(current);
  const StoredMember* member = names.Member("change.reinstatement.member", reinstatement.member());
  names.Groups("change.reinstatement.groups", reinstatement.groups());
  if (absl::Status wrong = names.Result(); !wrong.ok()) return wrong;
  if (member->standing() == v1::STANDING_SUSPENDED || member->standing() == v1::STANDING_LIMITED) {
    return absl::OkStatus();
  }
  return StateConflict("only a member that is SUSPENDED or LIMITED can be re-instated",
                       StandingName(member->standing()));
}

absl::Status Check(const Snapshot& current, const v1::GroupAddition& addition) {
  Names names(current);
  const policy::GroupState* group = names.Group("change.group_addition.group", addition.group());
  if (addition.members().empty()) names.violations.Add("change.group_addition.members", "is required");
  names.Once("change.group_addition.members", addition.members());
  for (int i = 0; i < addition.members_size(); ++i) {
    const std::string field = absl::StrCat("change.group_addition.members[", i, "]");
    const StoredMember* member = names.Member(field, addition.members(i));
    names.Active(field, member);
    if (member != nullptr && group != nullptr && IsInGroup(*member, group->number)) {
      names.violations.Add(field, "is in the group already");
    }
  }
  return names.Result();
}

absl::Status Check(const Snapshot& current, const v1::GroupRemoval& removal) {
  Names names(current);
  const policy::GroupState* group = names.Group("change.group_removal.group", removal.group());
  if (removal.members().empty()) names.violations.Add("change.group_removal.members", "is required");
  names.Once("change.group_removal.members", removal.members());
  for (int i = 0; i < removal.members_size(); ++i) {
    const std::string field = absl::StrCat("change.group_removal.members[", i, "]");
    const StoredMember* member = names.Member(field, removal.members(i));
    if (member != nullptr && group != nullptr && !IsNamedByGroup(*member, group->number)) {
      names.violations.Add(field, "is not in the group");
    }
  }
  return names.Result();
}

absl::Status Check(const Snapshot& current, const v1::GroupCreation& creation) {
  Names names(current);
  names.violations.Check("change.group_creation.group_id", CheckId(creation.group_id(), "group id"));
  names.DisplayName("change.group_creation.display_name", creation.display_name());
  names.Once("change.group_creation.members", creation.members());
  for (int i = 0; i < creation.members_size(); ++i) {
    const std::string field = absl::StrCat("change.group_creation.members[", i, "]");
    names.Active(field, names.Member(field, creation.members(i)));
  }
  if (absl::Status wrong = names.Result(); !wrong.ok()) return wrong;
  if (current.policy_state().FindGroup(creation.group_id()) == nullptr) return absl::OkStatus();
  return NameTaken(FormatGroupName(creation.group_id()));
}

absl::Status Check(const Snapshot& current, const v1::PlatformAssignment& assignment) {
  Names names(current);
  const absl::StatusOr<std::string> id = ParsePlatformName(assignment.platform());
  names.violations.Check("change.platform_assignment.platform", id.status());
  const StoredMember* holder = names.Member("change.platform_assignment.holder", assignment.holder());
  names.Active("change.platform_assignment.holder", holder);
  if (holder != nullptr && holder->kind() != v1::MEMBER_KIND_MARKETPLACE) {
    names.violations.Add("change.platform_assignment.holder", "must be a MARKETPLACE");
  }
  if (absl::Status wrong = names.Result(); !wrong.ok()) return wrong;
  const policy::PlatformState* platform = current.policy_state().FindPlatform(*id);
  if (platform == nullptr || current.policy_state().HolderOf(platform->number) != holder->number()) {
    return absl::OkStatus();
  }
  return StateConflict("the member holds the platform already", "HELD");
}

absl::Status Check(const Snapshot& current, const v1::RoleGrant& grant) {
  Names names(current);
  const absl::StatusOr<CredentialName> name = ParseCredentialName(grant.credential());
  if (!names.violations.Check("change.role_grant.credential", name.status())) return names.Result();
  const StoredMember* member = names.Member("change.role_grant.credential", FormatMemberName(name->member));
  names.Active("change.role_grant.credential", member);
  if (grant.roles().empty()) names.violations.Add("change.role_grant.roles", "is required");
  if (grant.roles_size() > v1::Role_ARRAYSIZE) {
    names.violations.Add("change.role_grant.roles", "has more than there are roles");
    return names.Result();
  }
  for (int i = 0; i < grant.roles_size() && member != nullptr; ++i) {
    const std::string field = absl::StrCat("change.role_grant.roles[", i, "]");
    const bool secretariat = member->kind() == v1::MEMBER_KIND_SECRETARIAT;
    if (grant.roles(i) == v1::ROLE_COALITION_ADMIN) {
      if (!secretariat) names.violations.Add(field, "COALITION_ADMIN exists only at a SECRETARIAT");
    } else if (grant.roles(i) != v1::ROLE_AUDITOR) {
      names.violations.Add(field, "must be COALITION_ADMIN or AUDITOR");
    } else if (!secretariat && member->kind() != v1::MEMBER_KIND_OBSERVER) {
      names.violations.Add(field, "AUDITOR exists only at a SECRETARIAT or an OBSERVER");
    }
  }
  return names.Result();
}

absl::Status Check(const Snapshot& current, const v1::ControlGroupChange& change) {
  Names names(current);
  const StoredMember* member = names.Member("change.control_group_change.member", change.member());
  names.ControlGroup("change.control_group_change.control_group", change.control_group());
  if (absl::Status wrong = names.Result(); !wrong.ok()) return wrong;
  if (member->control_group() != change.control_group()) return absl::OkStatus();
  return StateConflict("the member is in that control group already", "SAME");
}

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
  if (!IsAdministrative(granted)) {
    // Its member alone has said whose key it is: now another administrator confirms it.
    if (!granted.public_key_sha256().empty()) {
      granted.set_unconfirmed_public_key_sha256(granted.public_key_sha256());
    }
    granted.clear_public_key_sha256();
    granted.clear_previous_public_key_sha256();
    granted.clear_previous_key_until_s();
  }
  for (const int role : grant.roles()) {
    if (std::find(granted.roles().begin(), granted.roles().end(), role) == granted.roles().end()) {
      granted.add_roles(static_cast<v1::Role>(role));
    }
  }
  return {MemberWrite(member)};
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

absl::Status CheckProposedChange(const Snapshot& current, const ProposedChange& change) {
  switch (change.change_case()) {
    case ProposedChange::kAdmission:
      return Check(current, change.admission());
    case ProposedChange::kReinstatement:
      return Check(current, change.reinstatement());
    case ProposedChange::kGroupAddition:
      return Check(current, change.group_addition());
    case ProposedChange::kGroupCreation:
      return Check(current, change.group_creation());
    case ProposedChange::kPlatformAssignment:
      return Check(current, change.platform_assignment());
    case ProposedChange::kRoleGrant:
      return Check(current, change.role_grant());
    case ProposedChange::kControlGroupChange:
      return Check(current, change.control_group_change());
    case ProposedChange::kGroupRemoval:
      return Check(current, change.group_removal());
    case ProposedChange::CHANGE_NOT_SET:
      break;
  }
  FieldViolations violations;
  violations.Add("change", "is required");
  return violations.ToStatus();
}

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
  if (change.has_platform_assignment()) add(ParseMemberName(change.platform_assignment().holder()));
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
