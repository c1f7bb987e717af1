#include "server/service/membership_service.h"

#include <string_view>
#include <utility>

#include "common/errors.h"
#include "common/ids.h"
#include "server/service/pages.h"
#include "server/service/unary.h"

namespace coalition::service {
namespace {

constexpr v1::Role kRoles[] = {v1::ROLE_READER, v1::ROLE_CONTRIBUTOR, v1::ROLE_MEMBER_ADMIN,
                               v1::ROLE_COALITION_ADMIN, v1::ROLE_AUDITOR};

absl::Status AnswerWhoAmI(const exchange::CallContext& context, const std::string& version,
                          v1::WhoAmIResponse* response) {
  const identity::Caller& caller = context.caller;
  if (const v1::Member* member = context.snapshot->PublicMember(caller.member_number)) {
    *response->mutable_member() = *member;
  }
  v1::Credential* credential = response->mutable_credential();
  credential->set_name(FormatCredentialName(caller.member, caller.credential));
  credential->set_purpose(std::string(caller.purpose));
  for (const v1::Role role : kRoles) {
    if (caller.roles.Has(role)) credential->add_roles(role);
  }
  response->set_epoch(static_cast<int64_t>(context.snapshot->policy_state().epoch()));
  response->set_server_version(version);
  return absl::OkStatus();
}

absl::Status AnswerGetMember(const exchange::CallContext& context, const v1::GetMemberRequest& request,
                             v1::GetMemberResponse* response) {
  const absl::StatusOr<std::string> id = ParseMemberName(request.name());
  if (!id.ok()) {
    FieldViolations violations;
    violations.Check("name", id.status());
    return violations.ToStatus();
  }
  const policy::MemberState* state = context.snapshot->policy_state().FindMember(*id);
  const v1::Member* member = state == nullptr ? nullptr : context.snapshot->PublicMember(state->number);
  if (member == nullptr) return NotFound();
  *response->mutable_member() = *member;
  return absl::OkStatus();
}

}  // namespace

MembershipService::MembershipService(CallKit& kit, const Sealer& sealer, MembershipServiceOptions options)
    : kit_(kit), sealer_(sealer), options_(std::move(options)) {}

grpc::ServerUnaryReactor* MembershipService::WhoAmI(grpc::CallbackServerContext* call,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  return ReadInPlace<v1::WhoAmIRequest, v1::WhoAmIResponse>(
      kit_, Method::kWhoAmI, call, request, response,
      [this](const exchange::CallContext& context, const v1::WhoAmIRequest&, v1::WhoAmIResponse* who,
             ledger::Disclosure*) { return AnswerWhoAmI(context, options_.server_version, who); });
}

grpc::ServerUnaryReactor* MembershipService::ListMembers(grpc::CallbackServerContext* call,
                                                         const grpc::ByteBuffer* request,
                                                         grpc::ByteBuffer* response) {
  return ReadInPlace<v1::ListMembersRequest, v1::ListMembersResponse>(
      kit_, Method::kListMembers, call, request, response,
      [this](const exchange::CallContext& context, const v1::ListMembersRequest& list,
             v1::ListMembersResponse* page, ledger::Disclosure*) {
        const auto token = ListPage(sealer_, options_.pages, PageQuery(context, Method::kListMembers),
                                    context.snapshot->PublicMembers(), list, ByName(),
                                    [page](const v1::Member& member) { *page->add_members() = member; });
        if (token.ok()) page->set_next_page_token(*token);
        return token.status();
      });
}

grpc::ServerUnaryReactor* MembershipService::GetMember(grpc::CallbackServerContext* call,
                                                       const grpc::ByteBuffer* request,
                                                       grpc::ByteBuffer* response) {
  return ReadInPlace<v1::GetMemberRequest, v1::GetMemberResponse>(
      kit_, Method::kGetMember, call, request, response,
      [](const exchange::CallContext& context, const v1::GetMemberRequest& get, v1::GetMemberResponse* member,
         ledger::Disclosure*) { return AnswerGetMember(context, get, member); });
}

grpc::ServerUnaryReactor* MembershipService::ListPlatforms(grpc::CallbackServerContext* call,
                                                           const grpc::ByteBuffer* request,
                                                           grpc::ByteBuffer* response) {
  return ReadInPlace<v1::ListPlatformsRequest, v1::ListPlatformsResponse>(
      kit_, Method::kListPlatforms, call, request, response,
      [this](const exchange::CallContext& context, const v1::ListPlatformsRequest& list,
             v1::ListPlatformsResponse* page, ledger::Disclosure*) {
        const auto token =
            ListPage(sealer_, options_.pages, PageQuery(context, Method::kListPlatforms),
                     context.snapshot->PublicPlatforms(), list, ByName(),
                     [page](const v1::Platform& platform) { *page->add_platforms() = platform; });
        if (token.ok()) page->set_next_page_token(*token);
        return token.status();
      });
}

}  // namespace coalition::service
