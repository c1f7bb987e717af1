// coalition.v1.PolicyService: gRPC to the policies of the membership room and the audiences of the exchange,
// and back.
#pragma once

#include <vector>

#include "common/sealed.h"
#include "server/exchange/exchange.h"
#include "server/membership/policies.h"
#include "server/service/pages.h"
#include "server/service/unary.h"

namespace coalition::service {

// Thread-safe. References must outlive the service, the service what is served by its routes. Everything is
// done on workers: what changes something waits there for the disk.
class PolicyService {
 public:
  PolicyService(membership::Policies& policies, exchange::Exchange& exchange, const Sealer& sealer,
                PageOptions pages)
      : policies_(policies), exchange_(exchange), sealer_(sealer), pages_(pages) {}

  std::vector<Route> Routes() const;

 private:
  absl::Status GetPolicy(const exchange::CallContext& context, const v1::GetPolicyRequest& asked,
                         v1::GetPolicyResponse* answer) const;
  absl::Status ListPolicyVersions(const exchange::CallContext& context,
                                  const v1::ListPolicyVersionsRequest& asked,
                                  v1::ListPolicyVersionsResponse* answer) const;
  absl::Status ValidatePolicy(const exchange::CallContext& context, const v1::ValidatePolicyRequest& asked,
                              v1::ValidatePolicyResponse* answer) const;
  absl::Status DiffPolicy(const exchange::CallContext& context, const v1::DiffPolicyRequest& asked,
                          v1::DiffPolicyResponse* answer) const;
  absl::Status ApprovePolicy(const exchange::CallContext& context, const v1::ApprovePolicyRequest& asked,
                             v1::ApprovePolicyResponse* answer) const;
  absl::Status ApplyPolicy(const exchange::CallContext& context, const v1::ApplyPolicyRequest& asked,
                           v1::ApplyPolicyResponse* answer) const;
  absl::Status GetMemberPolicy(const exchange::CallContext& context, const v1::GetMemberPolicyRequest& asked,
                               v1::GetMemberPolicyResponse* answer) const;
  absl::Status SetMemberPolicy(const exchange::CallContext& context, const v1::SetMemberPolicyRequest& asked,
                               v1::SetMemberPolicyResponse* answer) const;
  absl::Status SaveAudience(const exchange::CallContext& context, const v1::SaveAudienceRequest& asked,
                            v1::SaveAudienceResponse* answer) const;
  absl::Status ListAudiences(const exchange::CallContext& context, const v1::ListAudiencesRequest& asked,
                             v1::ListAudiencesResponse* answer) const;

  membership::Policies& policies_;
  exchange::Exchange& exchange_;
  const Sealer& sealer_;
  const PageOptions pages_;
};

}  // namespace coalition::service
