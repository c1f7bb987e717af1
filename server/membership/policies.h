// The coalition's policy and its members' own: shown, compared, agreed to and changed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coalition/v1/policy_service.pb.h"
#include "server/membership/actor.h"
#include "server/membership/directory.h"

namespace coalition::membership {

struct PolicyOptions {
  // Versions of its own policy that one member can set in 24 hours: each is kept for good.
  int own_policy_changes_per_day_max = 50;
};

// A difference and the states before and after it, for counting.
struct ComparedPolicies {
  v1::PolicyDiff diff;
  std::shared_ptr<const policy::State> after;
};

struct ComparedOwnPolicies {
  v1::SetMemberPolicyResponse response;  // without the counts
  std::shared_ptr<const Snapshot> before;
  std::shared_ptr<const policy::State> after;  // nullptr: nothing is different
};

// Thread-safe. Every function checks its request and the caller's roles. Functions that change wait for the
// disk.
class Policies {
 public:
  // `directory` must outlive this.
  Policies(Directory& directory, const PolicyOptions& options) : directory_(directory), options_(options) {}

  // NOT_FOUND: there is no such version.
  absl::StatusOr<v1::PolicyVersion> Get(const Actor& actor, int64_t version) const;
  // Without its text.
  static v1::PolicyVersion Summary(const storage::v1::StoredPolicy& stored);

  v1::ValidatePolicyResponse Validate(const Actor& actor, const v1::CoalitionPolicy& policy) const;
  // INVALID_FIELD: what is wrong with the policy. NOT_FOUND: no such base version.
  absl::StatusOr<ComparedPolicies> Diff(const Actor& actor, const v1::DiffPolicyRequest& request) const;

  // ROLE_MISSING; INVALID_FIELD; EPOCH_STALE; DIFF_NOT_REVIEWED: the digest is another. PERMISSION_DENIED
  // with APPROVAL_NOT_COUNTED: the member's would not count.
  absl::StatusOr<v1::ApprovePolicyResponse> Approve(const Actor& actor,
                                                    const v1::ApprovePolicyRequest& request);

  // ROLE_MISSING; INVALID_FIELD; POLICY_TEST_FAILED; EPOCH_STALE; DIFF_NOT_REVIEWED: the difference widens
  // and its digest is not the one given, or one is given and is another; APPROVALS_MISSING.
  absl::StatusOr<v1::ApplyPolicyResponse> Apply(const Actor& actor, const v1::ApplyPolicyRequest& request);

  // Of the caller's member. NOT_FOUND: no such version.
  absl::StatusOr<v1::MemberPolicy> GetOwn(const Actor& actor, int64_t version) const;
  // ROLE_MISSING; INVALID_FIELD; EPOCH_STALE: another version is in force than was expected; RATE_LIMITED.
  absl::StatusOr<ComparedOwnPolicies> SetOwn(const Actor& actor, const v1::SetMemberPolicyRequest& request);

 private:
  Directory& directory_;
  const PolicyOptions options_;
};

}  // namespace coalition::membership
