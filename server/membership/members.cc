#include "server/membership/members.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/ids.h"
#include "common/policy/transfer.h"
#include "common/timestamp.h"
#include "server/membership/acts.h"
#include "server/membership/events.h"

namespace coalition::membership {
namespace {

using storage::v1::StoredMember;
using Judged = absl::StatusOr<std::optional<Change>>;

constexpr int64_t kSecondNs = 1'000'000'000;

GateList GatesOf(const Snapshot& current, const StoredMember& member) {
  GateList gates;
  for (const storage::v1::StoredCredential& credential : member.credentials()) {
    gates.push_back(current.Find(member.id(), credential.id())->gate);
  }
  return gates;
}

// Whether one administrator may set this standing where that one is.
bool MayBecome(v1::Standing from, v1::Standing to) {
  switch (to) {
    case v1::STANDING_LIMITED:
      return from == v1::STANDING_ACTIVE;
    case v1::STANDING_SUSPENDED:
      return from == v1::STANDING_ACTIVE || from == v1::STANDING_LIMITED;
    case v1::STANDING_EXITED:
      return from == v1::STANDING_SUSPENDED || from == v1::STANDING_APPLICANT;
    default:
      return false;
  }
}

absl::Status CheckSetStanding(const v1::SetStandingRequest& request) {
  FieldViolations violations;
  const v1::Standing to = request.standing();
  if (to != v1::STANDING_LIMITED && to != v1::STANDING_SUSPENDED && to != v1::STANDING_EXITED) {
    violations.Add(
        "standing",
        "must be LIMITED, SUSPENDED or EXITED: to let a member see more is a proposal (re-instatement)");
  }
  if (request.reason() == v1::STANDING_REASON_UNSPECIFIED || !v1::StandingReason_IsValid(request.reason())) {
    violations.Add("reason", "is required");
  }
  return violations.ToStatus();
}

// The member's hold on platforms ends at `revision`.
void ReleasePlatforms(const StoredState& stored, uint32_t member, store::Revision revision,
                      std::vector<store::Write>* writes) {
  for (const storage::v1::StoredPlatform& platform : stored.platforms) {
    if (platform.holders().empty() || platform.holders().rbegin()->member() != member) continue;
    storage::v1::StoredPlatform next = platform;
    if (EndHolding(revision, &next)) writes->push_back(PlatformWrite(next));
  }
}

// Whether being in the group takes something away.
bool IsDenied(const v1::CoalitionPolicy& policy, const std::string& group) {
  return std::any_of(policy.denies().begin(), policy.denies().end(),
                     [&](const v1::Deny& deny) { return deny.subject().group() == group; });
}

// What becomes of a member with another standing: what it holds ends, and when it leaves its platforms are
// free.
Change ChangeOfStanding(const std::shared_ptr<const Snapshot>& current, const Actor& actor, StoredMember next,
                        std::string text, GateList gates, const CutOffHooks& hooks) {
  Change change;
  const bool limited = next.standing() == v1::STANDING_LIMITED;
  ShutIn(actor, std::move(gates), limited ? identity::Gate::Shut::kLimited : identity::Gate::Shut::kMember,
         hooks, &change);
  next.set_standing_time_ns(actor.now_ns);
  change.writes = [current, &actor, next = std::move(next), text = std::move(text)](
                      store::Revision revision, uint64_t epoch, storage::v1::StoredCoalition*) {
    StoredMember member = next;
    EndIntervals(revision, &member);
    std::vector<store::Write> writes = {MemberWrite(member)};
    if (member.standing() == v1::STANDING_EXITED) {
      ReleasePlatforms(current->stored(), member.number(), revision, &writes);
    }
    AddEvents({{FormatMemberName(member.id()), text}}, actor, revision, epoch, &writes);
    return writes;
  };
  return change;
}

// Nobody becomes the contributor of what it did not ask for.
bool AcceptsRecordsOf(const Snapshot& current, uint32_t successor, const std::string& member) {
  const v1::MemberPolicy* newest = nullptr;
  for (const auto& own : current.stored().own_policies) {
    if (own.member() == successor) newest = &own.policy();
  }
  if (newest == nullptr) return false;
  const auto& accepted = newest->accepts_records_of();
  return std::find(accepted.begin(), accepted.end(), member) != accepted.end();
}

absl::Status CheckLeave(const Snapshot& current, const Actor& actor, const v1::LeaveCoalitionRequest& request,
                        const StoredMember& member) {
  FieldViolations violations;
  if (member.number() != actor.caller.member_number) violations.Add("member", "must be the caller's own");
  const bool transfers = request.disposition() == v1::RECORD_DISPOSITION_TRANSFER;
  if (!transfers && request.disposition() != v1::RECORD_DISPOSITION_WITHDRAW) {
    violations.Add("disposition", "must be WITHDRAW or TRANSFER");
  }
  if (!transfers && !request.successor().empty()) violations.Add("successor", "is for TRANSFER alone");
  if (!violations.empty() || !transfers) return violations.ToStatus();
  const auto successor = MemberOfName(current, "successor", request.successor());
  if (!successor.ok()) return successor.status();
  const std::string wrong =
      policy::WrongWithTransfer(current.policy_state(), member.number(), (*successor)->number());
  if (!wrong.empty()) {
    violations.Add("successor", wrong);
  } else if (!AcceptsRecordsOf(current, (*successor)->number(), request.member())) {
    violations.Add("successor",
                   "has not said that it takes your records: accepts_records_of of its own policy");
  }
  return violations.ToStatus();
}

// Of a state that has the member.
CutMember Done(const Snapshot& state, uint32_t member, GateList gates) {
  return {member, *state.PublicMember(member), std::move(gates)};
}

}  // namespace

absl::StatusOr<CutMember> Members::SetStanding(const Actor& actor, const v1::SetStandingRequest& request,
                                               const CutOffHooks& hooks) {
  uint32_t number = 0;
  GateList gates;
  const auto judge = [&](const std::shared_ptr<const Snapshot>& current) -> Judged {
    if (auto may = CheckMayChange(*current, actor, v1::ROLE_COALITION_ADMIN); !may.ok()) return may;
    if (auto sound = CheckSetStanding(request); !sound.ok()) return sound;
    const auto member = MemberOfName(*current, "member", request.member());
    if (!member.ok()) return member.status();
    number = (*member)->number();
    if ((*member)->standing() == request.standing()) return std::optional<Change>();
    if (!MayBecome((*member)->standing(), request.standing())) {
      return StateConflict(absl::StrCat("a member that is ", StandingName((*member)->standing()),
                                        " can't become ", StandingName(request.standing()), " so"),
                           StandingName((*member)->standing()));
    }
    if (auto left = CheckAdministratorLeft(*current, number); !left.ok()) return left;
    gates = GatesOf(*current, **member);
    StoredMember next = **member;
    next.set_standing(request.standing());
    next.set_standing_reason(request.reason());
    if (request.standing() == v1::STANDING_EXITED) {
      // Nobody is there to say where its records go, or to answer for them.
      next.mutable_departure()->set_disposition(v1::RECORD_DISPOSITION_WITHDRAW);
      next.mutable_departure()->set_start_time_ns(actor.now_ns);
    }
    std::string text =
        absl::StrCat(StandingName(request.standing()), ": ",
                     WithoutPrefix(v1::StandingReason_Name(request.reason()), "STANDING_REASON_"));
    return ChangeOfStanding(current, actor, std::move(next), std::move(text), gates, hooks);
  };
  const auto made = directory_.Make(judge);
  if (!made.ok()) return NotKept(made.status(), gates);
  return Done(**made, number, std::move(gates));
}

absl::StatusOr<CutMember> Members::SetCertificatesNotBefore(
    const Actor& actor, const v1::SetCertificatesNotBeforeRequest& request, const CutOffHooks& hooks) {
  uint32_t number = 0;
  GateList gates;
  const int64_t from_s = request.certificates_not_before().seconds();
  const auto judge = [&](const std::shared_ptr<const Snapshot>& current) -> Judged {
    const auto member = MemberOfName(*current, "member", request.member());
    if (!member.ok()) return member.status();
    number = (*member)->number();
    if (auto may = CheckMayAdminister(*current, actor, number); !may.ok()) return may;
    FieldViolations violations;
    if (!request.has_certificates_not_before()) {
      violations.Add("certificates_not_before", "is required");
    } else if (from_s == (*member)->certificates_not_before_s()) {
      return std::optional<Change>();
    } else if (from_s < (*member)->certificates_not_before_s()) {
      violations.Add("certificates_not_before", "must not be before what was set earlier");
    } else if (number == actor.caller.member_number && (*member)->kind() == v1::MEMBER_KIND_SECRETARIAT &&
               from_s <= actor.caller.certificate_not_before_s) {
      // Who has the newest certificate would else lock all other administrators out, and go on alone.
      violations.Add("certificates_not_before", "must be after your own certificate's beginning");
    } else if (from_s > actor.now_ns / kSecondNs || request.certificates_not_before().nanos() != 0) {
      violations.Add("certificates_not_before", "must be a whole second, and not in the future");
    }
    if (auto sound = violations.ToStatus(); !sound.ok()) return sound;
    StoredMember counted = **member;
    if (auto may = CountCredentialChange(actor, credential_changes_per_day_max_, &counted); !may.ok())
      return may;
    gates = GatesOf(*current, **member);
    Change change;
    change.begins_epoch = false;
    ShutIn(actor, gates, identity::Gate::Shut::kNotBefore, hooks, &change);
    change.writes = [&actor, from_s, next = std::move(counted)](store::Revision revision, uint64_t epoch,
                                                                storage::v1::StoredCoalition*) mutable {
      next.set_certificates_not_before_s(from_s);
      std::vector<store::Write> writes = {MemberWrite(next)};
      AddEvents(
          {{FormatMemberName(next.id()), "certificates from before that time are refused", next.number()}},
          actor, revision, epoch, &writes);
      return writes;
    };
    return change;
  };
  const auto made = directory_.Make(judge);
  if (!made.ok()) return NotKept(made.status(), gates);
  return Done(**made, number, std::move(gates));
}

absl::StatusOr<CutMember> Members::Leave(const Actor& actor, const v1::LeaveCoalitionRequest& request,
                                         const CutOffHooks& hooks) {
  uint32_t number = 0;
  GateList gates;
  const auto judge = [&](const std::shared_ptr<const Snapshot>& current) -> Judged {
    const policy::MemberState* caller = current->policy_state().member(actor.caller.member_number);
    if (caller->standing == v1::STANDING_EXITED &&
        request.member() != FormatMemberName(actor.caller.member)) {
      return NotActive(*current);
    }
    const auto member = MemberOfName(*current, "member", request.member());
    if (!member.ok()) return member.status();
    number = (*member)->number();
    // A repetition of what was done, by who may ask for it.
    if ((*member)->has_departure() && number == actor.caller.member_number) return std::optional<Change>();
    if (auto may = CheckMayChange(*current, actor, v1::ROLE_MEMBER_ADMIN); !may.ok()) return may;
    if (auto sound = CheckLeave(*current, actor, request, **member); !sound.ok()) return sound;
    if (auto left = CheckAdministratorLeft(*current, number); !left.ok()) return left;
    gates = GatesOf(*current, **member);
    StoredMember next = **member;
    next.set_standing(v1::STANDING_EXITED);
    next.set_standing_reason(v1::STANDING_REASON_REQUESTED_BY_MEMBER);
    storage::v1::StoredDeparture& departure = *next.mutable_departure();
    departure.set_disposition(request.disposition());
    departure.set_start_time_ns(actor.now_ns);
    std::string text = "left; its records are withdrawn";
    if (request.disposition() == v1::RECORD_DISPOSITION_TRANSFER) {
      departure.set_successor((*MemberOfName(*current, "successor", request.successor()))->number());
      text = "left; its records go to " + request.successor();
    }
    return ChangeOfStanding(current, actor, std::move(next), std::move(text), gates, hooks);
  };
  const auto made = directory_.Make(judge);
  if (!made.ok()) return NotKept(made.status(), gates);
  return Done(**made, number, std::move(gates));
}

absl::Status Members::EndDeparture(uint32_t number, int64_t now_ns) {
  const auto judge = [&](const std::shared_ptr<const Snapshot>& current) -> Judged {
    StoredMember next = current->stored().members[number - 1];
    if (!next.has_departure() || next.departure().end_time_ns() != 0) return std::optional<Change>();
    next.mutable_departure()->set_end_time_ns(now_ns);
    Change change;
    change.begins_epoch = false;
    change.writes = [current, next, now_ns](store::Revision revision, uint64_t epoch,
                                            storage::v1::StoredCoalition*) {
      std::vector<store::Write> writes = {MemberWrite(next)};
      AddServersAct(*current->entry_keys(),
                    {FormatMemberName(next.id()), "its records have been dealt with", next.number()}, now_ns,
                    revision, epoch, &writes);
      return writes;
    };
    return change;
  };
  return directory_.Make(judge).status();
}

absl::StatusOr<v1::Departure> Members::GetDeparture(const Actor& actor,
                                                    const v1::GetDepartureRequest& request) const {
  const Snapshot& current = actor.snapshot;
  const policy::MemberState* caller = current.policy_state().member(actor.caller.member_number);
  // Who has left is told of its own leaving, and learns nothing of others by asking for them.
  if (caller != nullptr && caller->standing == v1::STANDING_EXITED &&
      request.member() != FormatMemberName(actor.caller.member)) {
    return NotActive(current);
  }
  const auto found = MemberOfName(current, "member", request.member());
  if (!found.ok()) return found.status();
  const StoredMember& member = **found;
  const bool own =
      member.number() == actor.caller.member_number && actor.caller.roles.Has(v1::ROLE_MEMBER_ADMIN);
  if (!own && !IsCoalitionAdmin(current, actor)) return RoleMissing("MEMBER_ADMIN");
  if (!member.has_departure()) return NotFound();
  v1::Departure departure;
  departure.set_member(FormatMemberName(member.id()));
  departure.set_disposition(member.departure().disposition());
  if (const uint32_t successor = member.departure().successor(); successor != 0) {
    departure.set_successor(FormatMemberName(current.stored().members[successor - 1].id()));
  }
  *departure.mutable_start_time() = ToTimestamp(member.departure().start_time_ns());
  if (const int64_t end = member.departure().end_time_ns(); end != 0) {
    *departure.mutable_end_time() = ToTimestamp(end);
  }
  return departure;
}

absl::StatusOr<v1::Member> Members::RemoveFromGroup(const Actor& actor,
                                                    const v1::RemoveFromGroupRequest& request) {
  uint32_t number = 0;
  const auto judge = [&](const std::shared_ptr<const Snapshot>& current) -> Judged {
    if (auto may = CheckMayChange(*current, actor, v1::ROLE_COALITION_ADMIN); !may.ok()) return may;
    const auto member = MemberOfName(*current, "member", request.member());
    if (!member.ok()) return member.status();
    number = (*member)->number();
    const absl::StatusOr<std::string> id = ParseGroupName(request.group());
    FieldViolations violations;
    if (!violations.Check("group", id.status())) return violations.ToStatus();
    const policy::GroupState* group = current->policy_state().FindGroup(*id);
    if (group == nullptr) return NotFound();
    if (!IsInGroup(**member, group->number)) return std::optional<Change>();
    if (IsDenied(current->policy_state().policy(), request.group())) {
      return StateConflict(
          "the coalition's policy denies this group something, so outside it the member would see more: "
          "that is a proposal (group_removal)",
          "DENIED");
    }
    Change change;
    change.writes = [&actor, next = **member, group = group->number, name = request.group()](
                        store::Revision revision, uint64_t epoch, storage::v1::StoredCoalition*) mutable {
      EndGroup(group, revision, &next);
      std::vector<store::Write> writes = {MemberWrite(next)};
      AddEvents({{FormatMemberName(next.id()), "is no more in " + name}}, actor, revision, epoch, &writes);
      return writes;
    };
    return change;
  };
  const auto made = directory_.Make(judge);
  if (!made.ok()) return made.status();
  return *(*made)->PublicMember(number);
}

absl::StatusOr<v1::Platform> Members::ReleasePlatform(const Actor& actor,
                                                      const v1::ReleasePlatformRequest& request) {
  const auto judge = [&](const std::shared_ptr<const Snapshot>& current) -> Judged {
    const absl::StatusOr<std::string> id = ParsePlatformName(request.platform());
    FieldViolations violations;
    if (!violations.Check("platform", id.status())) return violations.ToStatus();
    const policy::PlatformState* platform = current->policy_state().FindPlatform(*id);
    if (platform == nullptr) return NotFound();
    const uint32_t holder = current->policy_state().HolderOf(platform->number);
    const storage::v1::StoredPlatform& stored = current->stored().platforms[platform->number - 1];
    // Whoever held it last may ask again for what was done.
    const uint32_t last = stored.holders().empty() ? 0 : stored.holders().rbegin()->member();
    if (auto may = CheckMayAdminister(*current, actor, last); !may.ok()) return may;
    if (holder == 0) return std::optional<Change>();
    Change change;
    change.writes = [&actor, current, number = platform->number, name = request.platform()](
                        store::Revision revision, uint64_t epoch, storage::v1::StoredCoalition*) {
      storage::v1::StoredPlatform next = current->stored().platforms[number - 1];
      EndHolding(revision, &next);
      std::vector<store::Write> writes = {PlatformWrite(next)};
      AddEvents({{name, "is held by nobody"}}, actor, revision, epoch, &writes);
      return writes;
    };
    return change;
  };
  const auto made = directory_.Make(judge);
  if (!made.ok()) return made.status();
  const auto& all = (*made)->PublicPlatforms();
  return *std::find_if(all.begin(), all.end(), [&](const auto& p) { return p.name() == request.platform(); });
}

}  // namespace coalition::membership
