// Changes of the coalition that widen: proposed, agreed to, objected to and made (ADR 0012).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "coalition/v1/proposal_service.pb.h"
#include "common/policy/state.h"
#include "server/membership/actor.h"
#include "server/membership/directory.h"

namespace coalition::membership {

// The states before and after a proposed change, and who gains by it: for counting.
struct ProposedStates {
  std::shared_ptr<const Snapshot> after;
  std::vector<uint32_t> gainers;
  // A record that is made then is made after the change.
  store::Revision made_after = 0;
};

using NumberedProposal = std::pair<uint64_t, v1::Proposal>;

// Thread-safe. Every function checks its request and the caller's roles by the newest state; those that
// change wait for the disk. `directory` must outlive this.
class Proposals {
 public:
  // `open_max`: proposals that are open at once.
  Proposals(Directory& directory, int open_max) : directory_(directory), open_max_(open_max) {}

  // ROLE_MISSING; what CheckProposedChange answers; APPROVALS_MISSING: fewer control groups could ever
  // approve than the policy wants; LIMIT_EXCEEDED; REQUEST_ID_REUSED.
  absl::StatusOr<v1::Proposal> Create(const Actor& actor, const v1::CreateProposalRequest& request);
  absl::StatusOr<v1::Proposal> Get(const Actor& actor, const std::string& name) const;
  // At most `count`, newest first, of those that were made before the one of this number.
  std::vector<NumberedProposal> ListBefore(const Actor& actor, uint64_t number, size_t count) const;
  // STATE_CONFLICT: it is not open, or what it would change has changed.
  absl::StatusOr<ProposedStates> Preview(const Actor& actor, const std::string& name) const;

  // ROLE_MISSING; STATE_CONFLICT: it is not open; DIFF_NOT_REVIEWED: another digest; TERMS_CHANGED;
  // APPROVAL_NOT_COUNTED: not of the electorate.
  absl::StatusOr<v1::Proposal> Approve(const Actor& actor, const v1::ApproveProposalRequest& request);
  // ROLE_MISSING; STATE_CONFLICT: it is not open, or no admission or re-instatement.
  absl::StatusOr<v1::Proposal> Object(const Actor& actor, const v1::ObjectToProposalRequest& request);
  // ROLE_MISSING; STATE_CONFLICT: not open, or its notice runs; DIFF_NOT_REVIEWED; TERMS_CHANGED;
  // APPROVALS_MISSING; what CheckProposedChange answers.
  absl::StatusOr<v1::Proposal> Apply(const Actor& actor, const v1::ApplyProposalRequest& request);
  absl::StatusOr<v1::Proposal> Withdraw(const Actor& actor, const v1::WithdrawProposalRequest& request);

 private:
  Directory& directory_;
  const int open_max_;
};

}  // namespace coalition::membership
