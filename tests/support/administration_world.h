// A coalition whose members and policy can be changed, at the rooms themselves: by a clock that stands still.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "common/errors.h"
#include "common/hash.h"
#include "common/policy/default_policy.h"
#include "server/membership/credentials.h"
#include "server/membership/members.h"
#include "server/membership/proposals.h"
#include "tests/support/exchange_world.h"

namespace coalition::testing {

// The hash of a key that nobody has.
inline std::string KeyOf(const std::string& name) { return HexEncode(Bytes(Sha256(name))); }

// The `state` of a STATE_CONFLICT; of anything else, what it is.
inline std::string StateOf(const absl::Status& status) {
  const auto info = GetErrorInfo(status);
  return info && GetErrorReason(status) == v1::ERROR_REASON_STATE_CONFLICT ? info->metadata().at("state")
                                                                           : std::string(status.ToString());
}

// Of WorldBootstrap: every member has an "admin", its MEMBER_ADMIN, and office a COALITION_ADMIN "chief" and
// "deputy". `approvals`: of what widens, by brands of different control groups.
inline WorldOptions AdministrationOptions(int approvals = 0, int notice_days = 0) {
  WorldOptions options;
  options.in_memory = true;
  for (config::v1::BootstrapMember& member : *options.bootstrap.mutable_members()) {
    const auto add = [&member](const std::string& id, v1::Role role) {
      config::v1::BootstrapCredential& credential = *member.add_credentials();
      credential.set_id(id);
      credential.add_roles(role);
      credential.set_public_key_sha256(KeyOf(member.id() + "/" + id));
    };
    member.mutable_credentials(0)->set_public_key_sha256(KeyOf(member.id() + "/backend"));
    add("admin", v1::ROLE_MEMBER_ADMIN);
    if (member.id() != "office") continue;
    add("chief", v1::ROLE_COALITION_ADMIN);
    add("deputy", v1::ROLE_COALITION_ADMIN);
  }
  *options.bootstrap.mutable_policy() = policy::DefaultPolicy();
  options.bootstrap.mutable_policy()->clear_policy_test();
  v1::Quorum& widening = *options.bootstrap.mutable_policy()->mutable_limits()->mutable_widening();
  widening.Clear();
  widening.set_approvals(approvals);
  widening.set_notice_days(notice_days);
  if (approvals > 0) widening.add_electorate(v1::MEMBER_KIND_BRAND);
  return options;
}

// On whose behalf something is changed; what the room's Actor points to.
class ActingAs {
 public:
  ActingAs(const World& world, std::string_view member, std::string_view credential)
      : context_(world.As(member)) {
    const identity::RegisteredCredential* registered = context_.snapshot->Find(member, credential);
    if (registered == nullptr) std::abort();
    context_.caller.credential = registered->credential;
    context_.caller.roles = registered->roles;
    context_.caller.key_sha256 = registered->key_sha256;
    context_.caller.gate = registered->gate.get();
  }
  membership::Actor actor() const { return {context_.caller, *context_.snapshot, context_.now_ns}; }

 private:
  exchange::CallContext context_;
};

// The rooms, and what is done in them by office's chief.
class Administration {
 public:
  explicit Administration(World& world)
      : members(world.directory(), 20),
        credentials(world.directory(),
                    {.per_member_max = 10, .revoked_keys_max = 4, .changes_per_day_max = 20}),
        proposals(world.directory(), 10),
        world_(world) {}

  ActingAs Chief() const { return {world_, "office", "chief"}; }

  absl::Status SetStanding(const std::string& member, v1::Standing standing) {
    v1::SetStandingRequest request;
    request.set_member("members/" + member);
    request.set_standing(standing);
    request.set_reason(v1::STANDING_REASON_INVESTIGATION);
    return members.SetStanding(Chief().actor(), request, kNoHooks).status();
  }
  absl::Status RemoveFromGroup(const std::string& group, const std::string& member) {
    v1::RemoveFromGroupRequest request;
    request.set_group("groups/" + group);
    request.set_member("members/" + member);
    return members.RemoveFromGroup(Chief().actor(), request).status();
  }
  absl::StatusOr<v1::Credential> Revoke(const ActingAs& by, const std::string& name) {
    v1::RevokeCredentialRequest request;
    request.set_name(name);
    request.set_reason(v1::REVOCATION_REASON_KEY_COMPROMISE);
    auto cut = credentials.Revoke(by.actor(), request, kNoHooks);
    if (!cut.ok()) return cut.status();
    return cut->credential;
  }
  absl::StatusOr<v1::Proposal> Propose(const v1::ProposedChange& change) {
    v1::CreateProposalRequest request;
    *request.mutable_change() = change;
    request.set_reason("a test");
    return proposals.Create(Chief().actor(), request);
  }
  absl::Status Approve(const std::string& member, const v1::Proposal& proposal) {
    v1::ApproveProposalRequest request;
    request.set_name(proposal.name());
    request.set_digest(proposal.digest());
    return proposals.Approve(ActingAs(world_, member, "admin").actor(), request).status();
  }
  absl::Status Apply(const v1::Proposal& proposal) {
    v1::ApplyProposalRequest request;
    request.set_name(proposal.name());
    request.set_digest(proposal.digest());
    return proposals.Apply(Chief().actor(), request).status();
  }
  // Without approvals.
  absl::Status Make(const v1::ProposedChange& change) {
    const auto proposal = Propose(change);
    return proposal.ok() ? Apply(*proposal) : proposal.status();
  }

  membership::Members members;
  membership::Credentials credentials;
  membership::Proposals proposals;

  inline static const membership::CutOffHooks kNoHooks = {[](const auto&) {}, [] {}};

 private:
  World& world_;
};

}  // namespace coalition::testing
