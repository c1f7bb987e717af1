#include "server/service/policy_service.h"

#include <utility>
#include <vector>

#include "common/errors.h"
#include "server/exchange/access.h"
#include "server/service/unary.h"

namespace coalition::service {
namespace {

using exchange::CallContext;

membership::Actor ActorOf(const CallContext& context) {
  return {context.caller, *context.snapshot, context.now_ns};
}

// Moves what was answered into the response. An error of the store as callers see it.
template <class T>
absl::Status Take(absl::StatusOr<T> answer, T* response) {
  if (!answer.ok()) return exchange::FromStore(answer.status());
  *response = *std::move(answer);
  return absl::OkStatus();
}

struct ByVersion {
  // Newest first, in as many digits each.
  std::string operator()(const storage::v1::StoredPolicy* policy) const {
    std::string digits = std::to_string(INT64_MAX - policy->version());
    return std::string(20 - digits.size(), '0') + digits;
  }
};

}  // namespace

template <class Request, class Response, class Work>
grpc::ServerUnaryReactor* PolicyService::Answer(Method method, grpc::CallbackServerContext* call,
                                                const grpc::ByteBuffer* request, grpc::ByteBuffer* response,
                                                Work work) {
  return ReadOnWorker<Request, Response>(
      kit_, method, call, request, response,
      [this, work = std::move(work)](const CallContext& context, const Request& asked, Response* answer,
                                     ledger::Disclosure*) { return work(context, asked, answer); });
}

grpc::ServerUnaryReactor* PolicyService::GetPolicy(grpc::CallbackServerContext* call,
                                                   const grpc::ByteBuffer* request,
                                                   grpc::ByteBuffer* response) {
  return Answer<v1::GetPolicyRequest, v1::GetPolicyResponse>(
      Method::kGetPolicy, call, request, response,
      [this](const CallContext& context, const v1::GetPolicyRequest& asked,
             v1::GetPolicyResponse* answer) -> absl::Status {
        absl::StatusOr<v1::PolicyVersion> policy = policies_.Get(ActorOf(context), asked.version());
        if (!policy.ok()) return policy.status();
        *answer->mutable_policy() = *std::move(policy);
        answer->set_epoch(static_cast<int64_t>(context.snapshot->policy_state().epoch()));
        return absl::OkStatus();
      });
}

grpc::ServerUnaryReactor* PolicyService::ListPolicyVersions(grpc::CallbackServerContext* call,
                                                            const grpc::ByteBuffer* request,
                                                            grpc::ByteBuffer* response) {
  return Answer<v1::ListPolicyVersionsRequest, v1::ListPolicyVersionsResponse>(
      Method::kListPolicyVersions, call, request, response,
      [this](const CallContext& context, const v1::ListPolicyVersionsRequest& asked,
             v1::ListPolicyVersionsResponse* answer) -> absl::Status {
        std::vector<const storage::v1::StoredPolicy*> all;
        const auto& stored = context.snapshot->stored().policies;
        for (auto policy = stored.rbegin(); policy != stored.rend(); ++policy) all.push_back(&*policy);
        const auto token = ListPage(sealer_, pages_, PageQuery(context, Method::kListPolicyVersions), all,
                                    asked, ByVersion(), [answer](const storage::v1::StoredPolicy* policy) {
                                      *answer->add_versions() = membership::Policies::Summary(*policy);
                                    });
        if (token.ok()) answer->set_next_page_token(*token);
        return token.status();
      });
}

grpc::ServerUnaryReactor* PolicyService::ValidatePolicy(grpc::CallbackServerContext* call,
                                                        const grpc::ByteBuffer* request,
                                                        grpc::ByteBuffer* response) {
  return Answer<v1::ValidatePolicyRequest, v1::ValidatePolicyResponse>(
      Method::kValidatePolicy, call, request, response,
      [this](const CallContext& context, const v1::ValidatePolicyRequest& asked,
             v1::ValidatePolicyResponse* answer) -> absl::Status {
        *answer = policies_.Validate(ActorOf(context), asked.policy());
        return absl::OkStatus();
      });
}

grpc::ServerUnaryReactor* PolicyService::DiffPolicy(grpc::CallbackServerContext* call,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  return Answer<v1::DiffPolicyRequest, v1::DiffPolicyResponse>(
      Method::kDiffPolicy, call, request, response,
      [this](const CallContext& context, const v1::DiffPolicyRequest& asked,
             v1::DiffPolicyResponse* answer) -> absl::Status {
        auto compared = policies_.Diff(ActorOf(context), asked);
        if (!compared.ok()) return exchange::FromStore(compared.status());
        *answer->mutable_diff() = std::move(compared->diff);
        if (compared->after == nullptr) return absl::OkStatus();
        return exchange_.CountAffected(context, context.snapshot->policy_state(), *compared->after,
                                       answer->mutable_diff()->mutable_own_records());
      });
}

grpc::ServerUnaryReactor* PolicyService::ApprovePolicy(grpc::CallbackServerContext* call,
                                                       const grpc::ByteBuffer* request,
                                                       grpc::ByteBuffer* response) {
  return Answer<v1::ApprovePolicyRequest, v1::ApprovePolicyResponse>(
      Method::kApprovePolicy, call, request, response,
      [this](const CallContext& context, const v1::ApprovePolicyRequest& asked,
             v1::ApprovePolicyResponse* answer) -> absl::Status {
        return Take(policies_.Approve(ActorOf(context), asked), answer);
      });
}

grpc::ServerUnaryReactor* PolicyService::ApplyPolicy(grpc::CallbackServerContext* call,
                                                     const grpc::ByteBuffer* request,
                                                     grpc::ByteBuffer* response) {
  return Answer<v1::ApplyPolicyRequest, v1::ApplyPolicyResponse>(
      Method::kApplyPolicy, call, request, response,
      [this](const CallContext& context, const v1::ApplyPolicyRequest& asked, v1::ApplyPolicyResponse* answer)
          -> absl::Status { return Take(policies_.Apply(ActorOf(context), asked), answer); });
}

grpc::ServerUnaryReactor* PolicyService::GetMemberPolicy(grpc::CallbackServerContext* call,
                                                         const grpc::ByteBuffer* request,
                                                         grpc::ByteBuffer* response) {
  return Answer<v1::GetMemberPolicyRequest, v1::GetMemberPolicyResponse>(
      Method::kGetMemberPolicy, call, request, response,
      [this](const CallContext& context, const v1::GetMemberPolicyRequest& asked,
             v1::GetMemberPolicyResponse* answer) -> absl::Status {
        return Take(policies_.GetOwn(ActorOf(context), asked.version()), answer->mutable_policy());
      });
}

grpc::ServerUnaryReactor* PolicyService::SetMemberPolicy(grpc::CallbackServerContext* call,
                                                         const grpc::ByteBuffer* request,
                                                         grpc::ByteBuffer* response) {
  return Answer<v1::SetMemberPolicyRequest, v1::SetMemberPolicyResponse>(
      Method::kSetMemberPolicy, call, request, response,
      [this](const CallContext& context, const v1::SetMemberPolicyRequest& asked,
             v1::SetMemberPolicyResponse* answer) -> absl::Status {
        auto compared = policies_.SetOwn(ActorOf(context), asked);
        if (!compared.ok()) return exchange::FromStore(compared.status());
        *answer = std::move(compared->response);
        v1::OwnRecordCounts& counts = *answer->mutable_own_records();
        absl::Status counted =
            exchange_.CountAffected(context, compared->before->policy_state(), *compared->after, &counts);
        // Only what the coalition widens can be accepted for older records.
        counts.clear_widened_if_accepted();
        return counted;
      });
}

grpc::ServerUnaryReactor* PolicyService::SaveAudience(grpc::CallbackServerContext* call,
                                                      const grpc::ByteBuffer* request,
                                                      grpc::ByteBuffer* response) {
  return Answer<v1::SaveAudienceRequest, v1::SaveAudienceResponse>(
      Method::kSaveAudience, call, request, response,
      [this](const CallContext& context, const v1::SaveAudienceRequest& asked,
             v1::SaveAudienceResponse* answer) -> absl::Status {
        return Take(exchange_.SaveAudience(context, asked), answer);
      });
}

grpc::ServerUnaryReactor* PolicyService::ListAudiences(grpc::CallbackServerContext* call,
                                                       const grpc::ByteBuffer* request,
                                                       grpc::ByteBuffer* response) {
  return Answer<v1::ListAudiencesRequest, v1::ListAudiencesResponse>(
      Method::kListAudiences, call, request, response,
      [this](const CallContext& context, const v1::ListAudiencesRequest& asked,
             v1::ListAudiencesResponse* answer) -> absl::Status {
        const auto all = exchange_.Audiences(context);
        if (!all.ok()) return all.status();
        const auto token =
            ListPage(sealer_, pages_, PageQuery(context, Method::kListAudiences), *all, asked, ByName(),
                     [answer](const v1::SavedAudience& audience) { *answer->add_audiences() = audience; });
        if (token.ok()) answer->set_next_page_token(*token);
        return token.status();
      });
}

}  // namespace coalition::service
