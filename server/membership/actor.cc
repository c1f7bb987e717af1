#include "server/membership/actor.h"

#include <algorithm>
#include <utility>

#include "common/errors.h"
#include "common/ids.h"

namespace coalition::membership {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kDayNs = 86'400 * kSecondNs;

void End(store::Revision revision, google::protobuf::RepeatedPtrField<storage::v1::Interval>* held) {
  for (storage::v1::Interval& interval : *held) {
    if (interval.to_revision() == 0) interval.set_to_revision(revision);
  }
}

bool Holds(const storage::v1::HeldGroup& group) {
  return std::any_of(group.held().begin(), group.held().end(),
                     [](const storage::v1::Interval& interval) { return interval.to_revision() == 0; });
}

bool HasKey(const identity::RegisteredCredential& credential) {
  return credential.key_sha256 != Sha256Digest{};
}

}  // namespace

std::string NameOf(const identity::Caller& caller) {
  return FormatCredentialName(caller.member, caller.credential);
}

absl::Status CheckStillMay(const Snapshot& current, const identity::Caller& caller, int64_t now_s) {
  const policy::MemberState* member = current.policy_state().member(caller.member_number);
  if (member == nullptr || member->standing != v1::STANDING_ACTIVE) return NotActive(current);
  const identity::RegisteredCredential* credential = current.Find(caller.member, caller.credential);
  if (credential == nullptr ||
      identity::UseOf(*credential, caller.key_sha256, caller.certificate_not_before_s, now_s) !=
          identity::KeyUse::kAccepted) {
    return identity::RevokedSince();
  }
  const identity::Gate::Shut shut = credential->gate->shut();
  return shut == identity::Gate::Shut::kNot ? absl::OkStatus() : BeingCutOff(shut, current);
}

absl::Status CheckMayChange(const Snapshot& current, const Actor& actor, v1::Role role) {
  if (auto may = CheckStillMay(current, actor.caller, actor.now_ns / kSecondNs); !may.ok()) return may;
  if (current.Find(actor.caller.member, actor.caller.credential)->roles.Has(role)) return absl::OkStatus();
  return RoleMissing(role == v1::ROLE_MEMBER_ADMIN ? "MEMBER_ADMIN" : "COALITION_ADMIN");
}

bool IsCoalitionAdmin(const Snapshot& current, const Actor& actor) {
  return CheckMayChange(current, actor, v1::ROLE_COALITION_ADMIN).ok();
}

absl::Status CheckMayAdminister(const Snapshot& current, const Actor& actor, uint32_t member) {
  const absl::Status may = CheckMayChange(current, actor, v1::ROLE_COALITION_ADMIN);
  if (may.ok() || GetErrorReason(may) != v1::ERROR_REASON_ROLE_MISSING) return may;
  if (actor.caller.member_number != member) {
    return RoleMissing("COALITION_ADMIN", "only the coalition's administrators do this for another member");
  }
  return CheckMayChange(current, actor, v1::ROLE_MEMBER_ADMIN);
}

const storage::v1::StoredMember* FindMember(const Snapshot& current, std::string_view id) {
  const policy::MemberState* state = current.policy_state().FindMember(id);
  return state == nullptr ? nullptr : &current.stored().members[state->number - 1];
}

absl::StatusOr<const storage::v1::StoredMember*> MemberOfName(const Snapshot& current, std::string_view field,
                                                              const std::string& name) {
  const absl::StatusOr<std::string> id = ParseMemberName(name);
  if (!id.ok()) {
    FieldViolations violations;
    violations.Check(field, id.status());
    return violations.ToStatus();
  }
  const storage::v1::StoredMember* member = FindMember(current, *id);
  if (member == nullptr) return NotFound();
  return member;
}

absl::Status CountCredentialChange(const Actor& actor, int per_day_max, storage::v1::StoredMember* member) {
  if (actor.caller.member_number != member->number()) return absl::OkStatus();
  const int64_t day = actor.now_ns / kDayNs;
  const int today = member->credential_changes_day() == day ? member->credential_changes() : 0;
  if (today >= per_day_max) {
    return Error(
        v1::ERROR_REASON_RATE_LIMITED,
        "the member's credentials were changed as often today as they may be; revoking is not limited",
        {{"limit", "credential_changes_per_day"}, {"max", std::to_string(per_day_max)}});
  }
  member->set_credential_changes_day(day);
  member->set_credential_changes(today + 1);
  return absl::OkStatus();
}

store::Write MemberWrite(const storage::v1::StoredMember& member) {
  return Stored(std::string(kMemberPrefix) + BigEndian(member.number()), member);
}

void EndIntervals(store::Revision revision, storage::v1::StoredMember* member) {
  End(revision, member->mutable_kind_held());
  for (storage::v1::HeldGroup& group : *member->mutable_groups()) {
    if (Holds(group)) group.set_lost_with_standing(true);
    End(revision, group.mutable_held());
  }
}

void LetGroupsGo(storage::v1::StoredMember* member) {
  for (storage::v1::HeldGroup& group : *member->mutable_groups()) group.clear_lost_with_standing();
}

void BeginKind(store::Revision revision, storage::v1::StoredMember* member) {
  member->add_kind_held()->set_from_revision(revision);
}

void BeginGroup(uint32_t number, store::Revision revision, storage::v1::StoredMember* member) {
  if (IsInGroup(*member, number)) return;
  auto& groups = *member->mutable_groups();
  auto group = std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return g.group() == number; });
  storage::v1::HeldGroup& held = group != groups.end() ? *group : *groups.Add();
  held.set_group(number);
  held.clear_lost_with_standing();
  held.add_held()->set_from_revision(revision);
}

void EndGroup(uint32_t number, store::Revision revision, storage::v1::StoredMember* member) {
  for (storage::v1::HeldGroup& group : *member->mutable_groups()) {
    if (group.group() != number) continue;
    group.clear_lost_with_standing();
    End(revision, group.mutable_held());
  }
}

bool IsInGroup(const storage::v1::StoredMember& member, uint32_t number) {
  return std::any_of(member.groups().begin(), member.groups().end(),
                     [&](const auto& group) { return group.group() == number && Holds(group); });
}

bool IsNamedByGroup(const storage::v1::StoredMember& member, uint32_t number) {
  return std::any_of(member.groups().begin(), member.groups().end(), [&](const auto& group) {
    return group.group() == number && (Holds(group) || group.lost_with_standing());
  });
}

store::Write PlatformWrite(const storage::v1::StoredPlatform& platform) {
  return Stored(std::string(kPlatformPrefix) + BigEndian(platform.number()), platform);
}

bool EndHolding(store::Revision revision, storage::v1::StoredPlatform* platform) {
  // One after the other.
  if (platform->holders().empty()) return false;
  storage::v1::Interval& held = *platform->mutable_holders()->rbegin()->mutable_held();
  if (held.to_revision() != 0) return false;
  held.set_to_revision(revision);
  return true;
}

absl::Status StateConflict(std::string_view message, std::string_view state) {
  return Error(v1::ERROR_REASON_STATE_CONFLICT, message, {{"state", state}});
}

std::string WithoutPrefix(const std::string& name, std::string_view prefix) {
  return name.size() > prefix.size() ? name.substr(prefix.size()) : "UNKNOWN";
}

std::string StandingName(v1::Standing standing) {
  return WithoutPrefix(v1::Standing_Name(standing), "STANDING_");
}

absl::Status CheckAdministratorLeft(const Snapshot& current, uint32_t number, std::string_view credential) {
  if (current.stored().members[number - 1].kind() != v1::MEMBER_KIND_SECRETARIAT) return absl::OkStatus();
  for (const storage::v1::StoredMember& member : current.stored().members) {
    if (member.standing() != v1::STANDING_ACTIVE) continue;
    for (const storage::v1::StoredCredential& stored : member.credentials()) {
      const bool goes = member.number() == number && (credential.empty() || credential == stored.id());
      const identity::RegisteredCredential* registered = current.Find(member.id(), stored.id());
      if (goes || registered == nullptr || !HasKey(*registered)) continue;
      if (registered->roles.Has(v1::ROLE_COALITION_ADMIN)) return absl::OkStatus();
    }
  }
  return Error(
      v1::ERROR_REASON_LAST_ADMINISTRATOR,
      "the coalition would have no administrator left that can act: give the role to another credential "
      "first, by a proposal");
}

}  // namespace coalition::membership
