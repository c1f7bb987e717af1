#include "server/service/membership_service.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/ids.h"
#include "common/strings.h"
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

// One page of `all`, which is ordered by name. The token holds the last name shown.
template <class Item, class Request, class Add>
absl::StatusOr<std::string> ListPage(const Sealer& sealer, const MembershipServiceOptions& options,
                                     std::string_view query, const std::vector<Item>& all,
                                     const Request& request, const Add& add) {
  if (request.page_size() < 0) {
    FieldViolations violations;
    violations.Add("page_size", "must not be negative");
    return violations.ToStatus();
  }
  auto at = all.begin();
  if (!request.page_token().empty()) {
    const absl::StatusOr<std::string> last = sealer.Open(request.page_token(), query);
    if (!last.ok()) {
      return Error(
          v1::ERROR_REASON_PAGE_TOKEN_INVALID,
          "The page token is not one of ours, or was issued to another member or for another query.");
    }
    at = std::upper_bound(all.begin(), all.end(), *last,
                          [](const std::string& name, const Item& item) { return name < item.name(); });
  }
  const int size = request.page_size() == 0 ? options.page_size_default : request.page_size();
  const auto left = static_cast<size_t>(all.end() - at);
  const size_t count = std::min(left, static_cast<size_t>(std::min(size, options.page_size_max)));
  for (size_t i = 0; i < count; ++i, ++at) add(*at);
  if (count == left || count == 0) return std::string();
  return sealer.Seal(std::prev(at)->name(), query);
}

// Whom and which question a token was made for.
std::string QueryOf(const exchange::CallContext& context, Method method) {
  return absl::StrCat("membership/", Absl(InfoOf(method).name), "/", Absl(context.caller.member));
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
        const auto token = ListPage(sealer_, options_, QueryOf(context, Method::kListMembers),
                                    context.snapshot->PublicMembers(), list,
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
        const auto token = ListPage(
            sealer_, options_, QueryOf(context, Method::kListPlatforms), context.snapshot->PublicPlatforms(),
            list, [page](const v1::Platform& platform) { *page->add_platforms() = platform; });
        if (token.ok()) page->set_next_page_token(*token);
        return token.status();
      });
}

}  // namespace coalition::service
