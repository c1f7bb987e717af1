// coalition.v1.MembershipService: who is in the coalition, from the snapshot that the call is judged by.
#pragma once

#include <string>

#include "coalition/v1/membership_service.grpc.pb.h"
#include "common/sealed.h"
#include "server/service/call_kit.h"
#include "server/service/pages.h"

namespace coalition::service {

namespace internal {
using MembershipBase0 = v1::MembershipService::WithRawCallbackMethod_WhoAmI<v1::MembershipService::Service>;
using MembershipBase1 = v1::MembershipService::WithRawCallbackMethod_ListMembers<MembershipBase0>;
using MembershipBase2 = v1::MembershipService::WithRawCallbackMethod_GetMember<MembershipBase1>;
using MembershipBase3 = v1::MembershipService::WithRawCallbackMethod_ListPlatforms<MembershipBase2>;
}  // namespace internal

struct MembershipServiceOptions {
  PageOptions pages;
  std::string server_version;
};

// Thread-safe. References must outlive the service, the service the grpc::Server. Pages are by name: a member
// that is added between two pages is missed or seen, none is seen twice.
class MembershipService final : public internal::MembershipBase3 {
 public:
  MembershipService(CallKit& kit, const Sealer& sealer, MembershipServiceOptions options);

  grpc::ServerUnaryReactor* WhoAmI(grpc::CallbackServerContext* call, const grpc::ByteBuffer* request,
                                   grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListMembers(grpc::CallbackServerContext* call, const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetMember(grpc::CallbackServerContext* call, const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListPlatforms(grpc::CallbackServerContext* call, const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override;

 private:
  CallKit& kit_;
  const Sealer& sealer_;
  const MembershipServiceOptions options_;
};

}  // namespace coalition::service
