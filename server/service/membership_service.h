// coalition.v1.MembershipService: who is in the coalition, and how they are cut off.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/sealed.h"
#include "server/membership/credentials.h"
#include "server/membership/members.h"
#include "server/service/cut_off.h"
#include "server/service/pages.h"
#include "server/service/unary.h"

namespace coalition::service {

struct MembershipServiceOptions {
  PageOptions pages;
  std::string server_version;
};

// What becomes of the records of members that leave: the exchange's part.
struct DepartureWork {
  // A departure was recorded: its work begins. May be called again.
  std::function<void(uint32_t member)> start;
  // Records done so far.
  std::function<absl::StatusOr<int64_t>(uint32_t member)> records_done;
};

// Thread-safe. References must outlive the service, the service what is served by its routes. Pages are by
// name: a member that is added between two pages is missed or seen, none is seen twice.
class MembershipService {
 public:
  MembershipService(membership::Directory& directory, membership::Members& members,
                    membership::Credentials& credentials, CutOffs& cut_offs, DepartureWork departures,
                    const Sealer& sealer, MembershipServiceOptions options);

  std::vector<Route> Routes() const;

 private:
  absl::Status WhoAmI(const exchange::CallContext& context, const v1::WhoAmIRequest& asked,
                      v1::WhoAmIResponse* answer) const;
  absl::Status ListMembers(const exchange::CallContext& context, const v1::ListMembersRequest& asked,
                           v1::ListMembersResponse* answer) const;
  absl::Status GetMember(const exchange::CallContext& context, const v1::GetMemberRequest& asked,
                         v1::GetMemberResponse* answer) const;
  absl::Status ListPlatforms(const exchange::CallContext& context, const v1::ListPlatformsRequest& asked,
                             v1::ListPlatformsResponse* answer) const;
  absl::Status ListGroups(const exchange::CallContext& context, const v1::ListGroupsRequest& asked,
                          v1::ListGroupsResponse* answer) const;
  absl::Status SetStanding(const exchange::CallContext& context, const v1::SetStandingRequest& asked,
                           v1::SetStandingResponse* answer) const;
  absl::Status SetCertificatesNotBefore(const exchange::CallContext& context,
                                        const v1::SetCertificatesNotBeforeRequest& asked,
                                        v1::SetCertificatesNotBeforeResponse* answer) const;
  absl::Status LeaveCoalition(const exchange::CallContext& context, const v1::LeaveCoalitionRequest& asked,
                              v1::LeaveCoalitionResponse* answer) const;
  absl::Status GetDeparture(const exchange::CallContext& context, const v1::GetDepartureRequest& asked,
                            v1::GetDepartureResponse* answer) const;
  absl::Status RemoveFromGroup(const exchange::CallContext& context, const v1::RemoveFromGroupRequest& asked,
                               v1::RemoveFromGroupResponse* answer) const;
  absl::Status ReleasePlatform(const exchange::CallContext& context, const v1::ReleasePlatformRequest& asked,
                               v1::ReleasePlatformResponse* answer) const;
  absl::Status ListCredentials(const exchange::CallContext& context, const v1::ListCredentialsRequest& asked,
                               v1::ListCredentialsResponse* answer) const;
  absl::Status SetCredential(const exchange::CallContext& context, const v1::SetCredentialRequest& asked,
                             v1::SetCredentialResponse* answer) const;
  absl::Status RegisterKey(const exchange::CallContext& context, const v1::RegisterKeyRequest& asked,
                           v1::RegisterKeyResponse* answer) const;
  absl::Status ConfirmKey(const exchange::CallContext& context, const v1::ConfirmKeyRequest& asked,
                          v1::ConfirmKeyResponse* answer) const;
  absl::Status RevokeCredential(const exchange::CallContext& context,
                                const v1::RevokeCredentialRequest& asked,
                                v1::RevokeCredentialResponse* answer) const;
  absl::Status ListMembershipEvents(const exchange::CallContext& context,
                                    const v1::ListMembershipEventsRequest& asked,
                                    v1::ListMembershipEventsResponse* answer) const;

  template <class Item, class Request, class Add>
  absl::Status Page(const exchange::CallContext& context, Method method, const std::vector<Item>& all,
                    const Request& asked, std::string* next_page_token, const Add& add) const;

  membership::Directory& directory_;
  membership::Members& members_;
  membership::Credentials& credentials_;
  CutOffs& cut_offs_;
  const DepartureWork departures_;
  const Sealer& sealer_;
  const MembershipServiceOptions options_;
};

}  // namespace coalition::service
