#include "server/membership/proposed_change_checks.h"

#include <set>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
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

// Who is to join a group, or to leave it. `check`: of each member that there is.
template <class GroupChange, class CheckOne>
absl::Status CheckGroup(const Snapshot& current, std::string_view path, const GroupChange& change,
                        const CheckOne& check) {
  Names names(current);
  const std::string place(path);
  const policy::GroupState* group = names.Group(place + ".group", change.group());
  if (change.members().empty()) names.violations.Add(place + ".members", "is required");
  names.Once(place + ".members", change.members());
  for (int i = 0; i < change.members_size(); ++i) {
    const std::string field = absl::StrCat(place, ".members[", i, "]");
    const StoredMember* member = names.Member(field, change.members(i));
    if (member != nullptr && group != nullptr) check(names, field, *member, group->number);
  }
  return names.Result();
}

absl::Status Check(const Snapshot& current, const v1::GroupAddition& addition) {
  return CheckGroup(current, "change.group_addition", addition,
                    [](Names& names, const std::string& field, const StoredMember& member, uint32_t group) {
                      names.Active(field, &member);
                      if (IsInGroup(member, group)) names.violations.Add(field, "is in the group already");
                    });
}

absl::Status Check(const Snapshot& current, const v1::GroupRemoval& removal) {
  return CheckGroup(current, "change.group_removal", removal,
                    [](Names& names, const std::string& field, const StoredMember& member, uint32_t group) {
                      if (!IsNamedByGroup(member, group)) names.violations.Add(field, "is not in the group");
                    });
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
  if (grant.public_key_sha256().empty()) return names.Result();
  const auto key = ReadKey("change.role_grant.public_key_sha256", grant.public_key_sha256());
  if (!names.violations.Check("change.role_grant.public_key_sha256", key.status())) return names.Result();
  if (absl::Status wrong = names.Result(); !wrong.ok()) return wrong;
  return CheckKeyFree(current, grant.credential(), *key);
}

absl::Status Check(const Snapshot& current, const v1::ControlGroupChange& change) {
  Names names(current);
  const StoredMember* member = names.Member("change.control_group_change.member", change.member());
  names.ControlGroup("change.control_group_change.control_group", change.control_group());
  if (absl::Status wrong = names.Result(); !wrong.ok()) return wrong;
  if (member->control_group() != change.control_group()) return absl::OkStatus();
  return StateConflict("the member is in that control group already", "SAME");
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

}  // namespace coalition::membership
