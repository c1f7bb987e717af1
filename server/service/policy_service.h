// coalition.v1.PolicyService: gRPC to the policies of the membership room and the audiences of the exchange,
// and back.
#pragma once

#include <string>

#include "coalition/v1/policy_service.grpc.pb.h"
#include "common/sealed.h"
#include "server/exchange/exchange.h"
#include "server/membership/policies.h"
#include "server/service/call_kit.h"
#include "server/service/pages.h"

namespace coalition::service {

namespace internal {
using PolicyBase0 = v1::PolicyService::WithRawCallbackMethod_GetPolicy<v1::PolicyService::Service>;
using PolicyBase1 = v1::PolicyService::WithRawCallbackMethod_ListPolicyVersions<PolicyBase0>;
using PolicyBase2 = v1::PolicyService::WithRawCallbackMethod_ValidatePolicy<PolicyBase1>;
using PolicyBase3 = v1::PolicyService::WithRawCallbackMethod_DiffPolicy<PolicyBase2>;
using PolicyBase4 = v1::PolicyService::WithRawCallbackMethod_ApprovePolicy<PolicyBase3>;
using PolicyBase5 = v1::PolicyService::WithRawCallbackMethod_ApplyPolicy<PolicyBase4>;
using PolicyBase6 = v1::PolicyService::WithRawCallbackMethod_GetMemberPolicy<PolicyBase5>;
using PolicyBase7 = v1::PolicyService::WithRawCallbackMethod_SetMemberPolicy<PolicyBase6>;
using PolicyBase8 = v1::PolicyService::WithRawCallbackMethod_SaveAudience<PolicyBase7>;
using PolicyBase9 = v1::PolicyService::WithRawCallbackMethod_ListAudiences<PolicyBase8>;
}  // namespace internal

// Thread-safe. References must outlive the service, the service the grpc::Server. Everything is done on
// workers: what changes something waits there for the disk.
class PolicyService final : public internal::PolicyBase9 {
 public:
  PolicyService(CallKit& kit, membership::Policies& policies, exchange::Exchange& exchange,
                const Sealer& sealer, PageOptions pages)
      : kit_(kit), policies_(policies), exchange_(exchange), sealer_(sealer), pages_(pages) {}

  grpc::ServerUnaryReactor* GetPolicy(grpc::CallbackServerContext* call, const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListPolicyVersions(grpc::CallbackServerContext* call,
                                               const grpc::ByteBuffer* request,
                                               grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ValidatePolicy(grpc::CallbackServerContext* call, const grpc::ByteBuffer* request,
                                           grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* DiffPolicy(grpc::CallbackServerContext* call, const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ApprovePolicy(grpc::CallbackServerContext* call, const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ApplyPolicy(grpc::CallbackServerContext* call, const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetMemberPolicy(grpc::CallbackServerContext* call,
                                            const grpc::ByteBuffer* request,
                                            grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* SetMemberPolicy(grpc::CallbackServerContext* call,
                                            const grpc::ByteBuffer* request,
                                            grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* SaveAudience(grpc::CallbackServerContext* call, const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListAudiences(grpc::CallbackServerContext* call, const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override;

 private:
  // Runs `work` with the actor of the call.
  template <class Request, class Response, class Work>
  grpc::ServerUnaryReactor* Answer(Method method, grpc::CallbackServerContext* call,
                                   const grpc::ByteBuffer* request, grpc::ByteBuffer* response, Work work);

  CallKit& kit_;
  membership::Policies& policies_;
  exchange::Exchange& exchange_;
  const Sealer& sealer_;
  const PageOptions pages_;
};

}  // namespace coalition::service
