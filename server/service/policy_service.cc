#include "server/service/policy_service.h"

#include <utility>
#include <vector>

#include "common/errors.h"
#include "server/exchange/access.h"
#include "server/service/acting.h"

namespace coalition::service {
namespace {

using exchange::CallContext;

struct ByVersion {
  // Newest first.
  std::string operator()(const storage::v1::StoredPolicy* policy) const {
    return ByDigits(static_cast<uint64_t>(INT64_MAX - policy->version()));
  }
};

}  // namespace

absl::Status PolicyService::GetPolicy(const CallContext& context, const v1::GetPolicyRequest& asked,
                                      v1::GetPolicyResponse* answer) const {
  absl::StatusOr<v1::PolicyVersion> policy = policies_.Get(ActorOf(context), asked.version());
  if (!policy.ok()) return policy.status();
  *answer->mutable_policy() = *std::move(policy);
  answer->set_epoch(static_cast<int64_t>(context.snapshot->policy_state().epoch()));
  return absl::OkStatus();
}

absl::Status PolicyService::ListPolicyVersions(const CallContext& context,
                                               const v1::ListPolicyVersionsRequest& asked,
                                               v1::ListPolicyVersionsResponse* answer) const {
  std::vector<const storage::v1::StoredPolicy*> all;
  const auto& stored = context.snapshot->stored().policies;
  for (auto policy = stored.rbegin(); policy != stored.rend(); ++policy) all.push_back(&*policy);
  const auto token = ListPage(sealer_, pages_, PageQuery(context, Method::kListPolicyVersions), all, asked,
                              ByVersion(), [answer](const storage::v1::StoredPolicy* policy) {
                                *answer->add_versions() = membership::Policies::Summary(*policy);
                              });
  if (token.ok()) answer->set_next_page_token(*token);
  return token.status();
}

absl::Status PolicyService::ValidatePolicy(const CallContext& context, const v1::ValidatePolicyRequest& asked,
                                           v1::ValidatePolicyResponse* answer) const {
  *answer = policies_.Validate(ActorOf(context), asked.policy());
  return absl::OkStatus();
}

absl::Status PolicyService::DiffPolicy(const CallContext& context, const v1::DiffPolicyRequest& asked,
                                       v1::DiffPolicyResponse* answer) const {
  auto compared = policies_.Diff(ActorOf(context), asked);
  if (!compared.ok()) return exchange::FromStore(compared.status());
  *answer->mutable_diff() = std::move(compared->diff);
  if (compared->after == nullptr) return absl::OkStatus();
  return exchange_.CountAffected(context, context.snapshot->policy_state(), *compared->after,
                                 answer->mutable_diff()->mutable_own_records());
}

absl::Status PolicyService::ApprovePolicy(const CallContext& context, const v1::ApprovePolicyRequest& asked,
                                          v1::ApprovePolicyResponse* answer) const {
  return Take(policies_.Approve(ActorOf(context), asked), answer);
}

absl::Status PolicyService::ApplyPolicy(const CallContext& context, const v1::ApplyPolicyRequest& asked,
                                        v1::ApplyPolicyResponse* answer) const {
  return Take(policies_.Apply(ActorOf(context), asked), answer);
}

absl::Status PolicyService::GetMemberPolicy(const CallContext& context,
                                            const v1::GetMemberPolicyRequest& asked,
                                            v1::GetMemberPolicyResponse* answer) const {
  return Take(policies_.GetOwn(ActorOf(context), asked.version()), answer->mutable_policy());
}

absl::Status PolicyService::SetMemberPolicy(const CallContext& context,
                                            const v1::SetMemberPolicyRequest& asked,
                                            v1::SetMemberPolicyResponse* answer) const {
  auto compared = policies_.SetOwn(ActorOf(context), asked);
  if (!compared.ok()) return exchange::FromStore(compared.status());
  *answer = std::move(compared->response);
  if (compared->after == nullptr) return absl::OkStatus();
  v1::OwnRecordCounts& counts = *answer->mutable_own_records();
  absl::Status counted =
      exchange_.CountAffected(context, compared->before->policy_state(), *compared->after, &counts);
  // Only what the coalition widens can be accepted for older records.
  counts.clear_widened_if_accepted();
  return counted;
}

absl::Status PolicyService::SaveAudience(const CallContext& context, const v1::SaveAudienceRequest& asked,
                                         v1::SaveAudienceResponse* answer) const {
  return Take(exchange_.SaveAudience(context, asked), answer);
}

absl::Status PolicyService::ListAudiences(const CallContext& context, const v1::ListAudiencesRequest& asked,
                                          v1::ListAudiencesResponse* answer) const {
  const auto all = exchange_.Audiences(context);
  if (!all.ok()) return all.status();
  const auto token =
      ListPage(sealer_, pages_, PageQuery(context, Method::kListAudiences), *all, asked, ByName(),
               [answer](const v1::SavedAudience& audience) { *answer->add_audiences() = audience; });
  if (token.ok()) answer->set_next_page_token(*token);
  return token.status();
}

std::vector<Route> PolicyService::Routes() const {
  return {
      {Method::kGetPolicy, ServeOnWorker(this, &PolicyService::GetPolicy)},
      {Method::kListPolicyVersions, ServeOnWorker(this, &PolicyService::ListPolicyVersions)},
      {Method::kValidatePolicy, ServeOnWorker(this, &PolicyService::ValidatePolicy)},
      {Method::kDiffPolicy, ServeOnWorker(this, &PolicyService::DiffPolicy)},
      {Method::kApprovePolicy, ServeOnWorker(this, &PolicyService::ApprovePolicy)},
      {Method::kApplyPolicy, ServeOnWorker(this, &PolicyService::ApplyPolicy)},
      {Method::kGetMemberPolicy, ServeOnWorker(this, &PolicyService::GetMemberPolicy)},
      {Method::kSetMemberPolicy, ServeOnWorker(this, &PolicyService::SetMemberPolicy)},
      {Method::kSaveAudience, ServeOnWorker(this, &PolicyService::SaveAudience)},
      {Method::kListAudiences, ServeOnWorker(this, &PolicyService::ListAudiences)},
  };
}

}  // namespace coalition::service
