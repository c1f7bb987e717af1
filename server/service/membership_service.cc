#include "server/service/membership_service.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "common/errors.h"
#include "common/ids.h"
#include "common/timestamp.h"
#include "server/membership/events.h"
#include "server/service/acting.h"

namespace coalition::service {
namespace {

using exchange::CallContext;

constexpr v1::Role kRoles[] = {v1::ROLE_READER, v1::ROLE_CONTRIBUTOR, v1::ROLE_MEMBER_ADMIN,
                               v1::ROLE_COALITION_ADMIN, v1::ROLE_AUDITOR};

CutOffGates SetOf(const membership::GateList& gates) {
  CutOffGates set;
  for (const auto& gate : gates) set.insert(gate.get());
  return set;
}

// Follows one change that cuts off: counts what is under way before that, and ends it afterwards.
class CuttingOff {
 public:
  explicit CuttingOff(CutOffs& cut_offs) : cut_offs_(cut_offs) {}
  membership::CutOffHooks hooks() {
    return {.before_shut = [this](const auto& gates) { found_ = cut_offs_.Count(SetOf(gates)); },
            .when_empty = [this] { *found_.mutable_shut_time() = ToTimestamp(cut_offs_.clock().NowNs()); }};
  }
  // Of credentials that can do nothing any more.
  template <class Response>
  void EndAll(const membership::GateList& gates, Response* response) {
    if (gates.empty()) return;
    cut_offs_.EndAll(SetOf(gates));
    *response->mutable_cut_off() = found_;
  }
  // Of credentials some of whose certificates, or methods, go on: what was ended, and since when.
  template <class Response>
  void EndSome(const membership::GateList& gates, Response* response) {
    if (gates.empty()) return;
    v1::CutOff& ended = *response->mutable_cut_off();
    ended.set_streams(cut_offs_.EndSome(SetOf(gates)));
    *ended.mutable_shut_time() = found_.shut_time();
  }

 private:
  CutOffs& cut_offs_;
  v1::CutOff found_;
};

}  // namespace

MembershipService::MembershipService(membership::Directory& directory, membership::Members& members,
                                     membership::Credentials& credentials, CutOffs& cut_offs,
                                     DepartureWork departures, const Sealer& sealer,
                                     MembershipServiceOptions options)
    : directory_(directory),
      members_(members),
      credentials_(credentials),
      cut_offs_(cut_offs),
      departures_(std::move(departures)),
      sealer_(sealer),
      options_(std::move(options)) {}

template <class Item, class Request, class Add>
absl::Status MembershipService::Page(const CallContext& context, Method method, const std::vector<Item>& all,
                                     const Request& asked, std::string* next_page_token,
                                     const Add& add) const {
  const auto token = ListPage(sealer_, options_.pages, PageQuery(context, method), all, asked, ByName(), add);
  if (token.ok()) *next_page_token = *token;
  return token.status();
}

absl::Status MembershipService::WhoAmI(const CallContext& context, const v1::WhoAmIRequest&,
                                       v1::WhoAmIResponse* answer) const {
  const identity::Caller& caller = context.caller;
  if (const v1::Member* member = context.snapshot->PublicMember(caller.member_number)) {
    *answer->mutable_member() = *member;
  }
  v1::Credential& credential = *answer->mutable_credential();
  credential.set_name(FormatCredentialName(caller.member, caller.credential));
  credential.set_purpose(std::string(caller.purpose));
  for (const v1::Role role : kRoles) {
    if (caller.roles.Has(role)) credential.add_roles(role);
  }
  answer->set_epoch(static_cast<int64_t>(context.snapshot->policy_state().epoch()));
  answer->set_server_version(options_.server_version);
  answer->mutable_certificate_expire_time()->set_seconds(caller.certificate_not_after_s);
  return absl::OkStatus();
}

absl::Status MembershipService::ListMembers(const CallContext& context, const v1::ListMembersRequest& asked,
                                            v1::ListMembersResponse* answer) const {
  return Page(context, Method::kListMembers, context.snapshot->PublicMembers(), asked,
              answer->mutable_next_page_token(),
              [answer](const v1::Member* member) { *answer->add_members() = *member; });
}

absl::Status MembershipService::GetMember(const CallContext& context, const v1::GetMemberRequest& asked,
                                          v1::GetMemberResponse* answer) const {
  const auto found = membership::MemberOfName(*context.snapshot, "name", asked.name());
  if (!found.ok()) return found.status();
  *answer->mutable_member() = *context.snapshot->PublicMember((*found)->number());
  return absl::OkStatus();
}

absl::Status MembershipService::ListPlatforms(const CallContext& context,
                                              const v1::ListPlatformsRequest& asked,
                                              v1::ListPlatformsResponse* answer) const {
  return Page(context, Method::kListPlatforms, context.snapshot->PublicPlatforms(), asked,
              answer->mutable_next_page_token(),
              [answer](const v1::Platform& platform) { *answer->add_platforms() = platform; });
}

absl::Status MembershipService::ListGroups(const CallContext& context, const v1::ListGroupsRequest& asked,
                                           v1::ListGroupsResponse* answer) const {
  return Page(context, Method::kListGroups, context.snapshot->PublicGroups(), asked,
              answer->mutable_next_page_token(),
              [answer](const v1::Group& group) { *answer->add_groups() = group; });
}

absl::Status MembershipService::SetStanding(const CallContext& context, const v1::SetStandingRequest& asked,
                                            v1::SetStandingResponse* answer) const {
  CuttingOff cutting(cut_offs_);
  auto cut = members_.SetStanding(ActorOf(context), asked, cutting.hooks());
  if (!cut.ok()) return exchange::FromStore(cut.status());
  if (asked.standing() == v1::STANDING_LIMITED) {
    cutting.EndSome(cut->gates, answer);
  } else {
    cutting.EndAll(cut->gates, answer);
  }
  if (cut->member.standing() == v1::STANDING_EXITED) departures_.start(cut->number);
  *answer->mutable_member() = std::move(cut->member);
  return absl::OkStatus();
}

absl::Status MembershipService::SetCertificatesNotBefore(const CallContext& context,
                                                         const v1::SetCertificatesNotBeforeRequest& asked,
                                                         v1::SetCertificatesNotBeforeResponse* answer) const {
  CuttingOff cutting(cut_offs_);
  auto cut = members_.SetCertificatesNotBefore(ActorOf(context), asked, cutting.hooks());
  if (!cut.ok()) return exchange::FromStore(cut.status());
  cutting.EndSome(cut->gates, answer);
  *answer->mutable_member() = std::move(cut->member);
  return absl::OkStatus();
}

absl::Status MembershipService::LeaveCoalition(const CallContext& context,
                                               const v1::LeaveCoalitionRequest& asked,
                                               v1::LeaveCoalitionResponse* answer) const {
  CuttingOff cutting(cut_offs_);
  const auto cut = members_.Leave(ActorOf(context), asked, cutting.hooks());
  if (!cut.ok()) return exchange::FromStore(cut.status());
  cutting.EndSome(cut->gates, answer);
  departures_.start(context.caller.member_number);
  CallContext now = context;
  now.snapshot = directory_.Current();
  v1::GetDepartureRequest departure;
  departure.set_member(asked.member());
  v1::GetDepartureResponse progress;
  if (absl::Status status = GetDeparture(now, departure, &progress); !status.ok()) return status;
  *answer->mutable_departure() = progress.departure();
  return absl::OkStatus();
}

absl::Status MembershipService::GetDeparture(const CallContext& context, const v1::GetDepartureRequest& asked,
                                             v1::GetDepartureResponse* answer) const {
  auto departure = members_.GetDeparture(ActorOf(context), asked);
  if (!departure.ok()) return departure.status();
  const auto member = membership::MemberOfName(*context.snapshot, "member", asked.member());
  *answer->mutable_departure() = *std::move(departure);
  // How many records a member had is nobody else's affair.
  if ((*member)->number() != context.caller.member_number) return absl::OkStatus();
  const absl::StatusOr<int64_t> done = departures_.records_done((*member)->number());
  if (!done.ok()) return exchange::FromStore(done.status());
  answer->mutable_departure()->set_records_done(*done);
  return absl::OkStatus();
}

absl::Status MembershipService::RemoveFromGroup(const CallContext& context,
                                                const v1::RemoveFromGroupRequest& asked,
                                                v1::RemoveFromGroupResponse* answer) const {
  return Take(members_.RemoveFromGroup(ActorOf(context), asked), answer->mutable_member());
}

absl::Status MembershipService::ReleasePlatform(const CallContext& context,
                                                const v1::ReleasePlatformRequest& asked,
                                                v1::ReleasePlatformResponse* answer) const {
  return Take(members_.ReleasePlatform(ActorOf(context), asked), answer->mutable_platform());
}

absl::Status MembershipService::ListCredentials(const CallContext& context,
                                                const v1::ListCredentialsRequest& asked,
                                                v1::ListCredentialsResponse* answer) const {
  const auto all = credentials_.List(ActorOf(context), asked.parent());
  if (!all.ok()) return all.status();
  // A token is of one member's list.
  const auto token =
      ListPage(sealer_, options_.pages, PageQuery(context, Method::kListCredentials) + "/" + asked.parent(),
               *all, asked, ByName(),
               [answer](const v1::Credential& credential) { *answer->add_credentials() = credential; });
  if (token.ok()) answer->set_next_page_token(*token);
  return token.status();
}

absl::Status MembershipService::SetCredential(const CallContext& context,
                                              const v1::SetCredentialRequest& asked,
                                              v1::SetCredentialResponse* answer) const {
  return Take(credentials_.Set(ActorOf(context), asked), answer->mutable_credential());
}

absl::Status MembershipService::RegisterKey(const CallContext& context, const v1::RegisterKeyRequest& asked,
                                            v1::RegisterKeyResponse* answer) const {
  return Take(credentials_.Register(ActorOf(context), asked), answer->mutable_credential());
}

absl::Status MembershipService::ConfirmKey(const CallContext& context, const v1::ConfirmKeyRequest& asked,
                                           v1::ConfirmKeyResponse* answer) const {
  return Take(credentials_.Confirm(ActorOf(context), asked), answer->mutable_credential());
}

absl::Status MembershipService::RevokeCredential(const CallContext& context,
                                                 const v1::RevokeCredentialRequest& asked,
                                                 v1::RevokeCredentialResponse* answer) const {
  CuttingOff cutting(cut_offs_);
  auto cut = credentials_.Revoke(ActorOf(context), asked, cutting.hooks());
  if (!cut.ok()) return exchange::FromStore(cut.status());
  cutting.EndAll(cut->gates, answer);
  *answer->mutable_credential() = std::move(cut->credential);
  return absl::OkStatus();
}

absl::Status MembershipService::ListMembershipEvents(const CallContext& context,
                                                     const v1::ListMembershipEventsRequest& asked,
                                                     v1::ListMembershipEventsResponse* answer) const {
  const std::string query = PageQuery(context, Method::kListMembershipEvents);
  const auto page = ReadPage(sealer_, options_.pages, query, asked);
  if (!page.ok()) return page.status();
  // One more says whether there is another page.
  auto events =
      membership::EventsAfter(directory_.store(), context.at, ActorOf(context), page->last, page->count + 1);
  if (!events.ok()) return exchange::FromStore(events.status());
  answer->set_next_page_token(
      TakePage(sealer_, query, page->count, *events,
               [answer](v1::MembershipEvent event) { *answer->add_events() = std::move(event); }));
  return absl::OkStatus();
}

std::vector<Route> MembershipService::Routes() const {
  return {
      {Method::kWhoAmI, ServeInPlace(this, &MembershipService::WhoAmI)},
      {Method::kListMembers, ServeInPlace(this, &MembershipService::ListMembers)},
      {Method::kGetMember, ServeInPlace(this, &MembershipService::GetMember)},
      {Method::kListPlatforms, ServeInPlace(this, &MembershipService::ListPlatforms)},
      {Method::kListGroups, ServeInPlace(this, &MembershipService::ListGroups)},
      {Method::kSetStanding, ServeOnWorker(this, &MembershipService::SetStanding)},
      {Method::kSetCertificatesNotBefore, ServeOnWorker(this, &MembershipService::SetCertificatesNotBefore)},
      {Method::kLeaveCoalition, ServeOnWorker(this, &MembershipService::LeaveCoalition)},
      {Method::kGetDeparture, ServeOnWorker(this, &MembershipService::GetDeparture)},
      {Method::kRemoveFromGroup, ServeOnWorker(this, &MembershipService::RemoveFromGroup)},
      {Method::kReleasePlatform, ServeOnWorker(this, &MembershipService::ReleasePlatform)},
      {Method::kListCredentials, ServeOnWorker(this, &MembershipService::ListCredentials)},
      {Method::kSetCredential, ServeOnWorker(this, &MembershipService::SetCredential)},
      {Method::kRegisterKey, ServeOnWorker(this, &MembershipService::RegisterKey)},
      {Method::kConfirmKey, ServeOnWorker(this, &MembershipService::ConfirmKey)},
      {Method::kRevokeCredential, ServeOnWorker(this, &MembershipService::RevokeCredential)},
      {Method::kListMembershipEvents, ServeOnWorker(this, &MembershipService::ListMembershipEvents)},
  };
}

}  // namespace coalition::service
