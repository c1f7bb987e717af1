// The client's part of administration: members, credentials, proposals, backups and erasure.
#include <optional>
#include <utility>

#include "client/client.h"
#include "client/internal/to_page.h"
#include "common/hash.h"

namespace coalition::client {

using internal::ToPage;

namespace {

// What a response holds as its one field.
template <class T, class Response>
absl::StatusOr<T> Only(absl::StatusOr<Response> response, T* (Response::*field)()) {
  if (!response.ok()) return response.status();
  return std::move(*((*response).*field)());
}

template <class Request>
Request Named(const std::string& name) {
  Request request;
  request.set_name(name);
  return request;
}

}  // namespace

PagedRange<v1::Group> Client::ListGroups() {
  return PagedRange<v1::Group>([this](const std::string& token) -> absl::StatusOr<Page<v1::Group>> {
    v1::ListGroupsRequest request;
    request.set_page_token(token);
    absl::StatusOr<v1::ListGroupsResponse> response = connection_->ListGroups(call_options(), request);
    if (!response.ok()) return response.status();
    return ToPage<v1::Group>(response->mutable_groups(), response->mutable_next_page_token());
  });
}

PagedRange<v1::MembershipEvent> Client::ListMembershipEvents() {
  return PagedRange<v1::MembershipEvent>(
      [this](const std::string& token) -> absl::StatusOr<Page<v1::MembershipEvent>> {
        v1::ListMembershipEventsRequest request;
        request.set_page_token(token);
        absl::StatusOr<v1::ListMembershipEventsResponse> response =
            connection_->ListMembershipEvents(call_options(), request);
        if (!response.ok()) return response.status();
        return ToPage<v1::MembershipEvent>(response->mutable_events(), response->mutable_next_page_token());
      });
}

absl::StatusOr<v1::SetStandingResponse> Client::SetStanding(const std::string& member, v1::Standing standing,
                                                            v1::StandingReason reason) {
  v1::SetStandingRequest request;
  request.set_member(member);
  request.set_standing(standing);
  request.set_reason(reason);
  return connection_->SetStanding(call_options(), request);
}

absl::StatusOr<v1::SetCertificatesNotBeforeResponse> Client::SetCertificatesNotBefore(
    const std::string& member, int64_t unix_s) {
  v1::SetCertificatesNotBeforeRequest request;
  request.set_member(member);
  request.mutable_certificates_not_before()->set_seconds(unix_s);
  return connection_->SetCertificatesNotBefore(call_options(), request);
}

absl::StatusOr<v1::Departure> Client::LeaveCoalition(const std::string& member,
                                                     const std::string& successor) {
  v1::LeaveCoalitionRequest request;
  request.set_member(member);
  request.set_successor(successor);
  request.set_disposition(successor.empty() ? v1::RECORD_DISPOSITION_WITHDRAW
                                            : v1::RECORD_DISPOSITION_TRANSFER);
  return Only(connection_->LeaveCoalition(call_options(), request),
              &v1::LeaveCoalitionResponse::mutable_departure);
}

absl::StatusOr<v1::Departure> Client::GetDeparture(const std::string& member) {
  v1::GetDepartureRequest request;
  request.set_member(member);
  return Only(connection_->GetDeparture(call_options(), request),
              &v1::GetDepartureResponse::mutable_departure);
}

absl::StatusOr<v1::Member> Client::RemoveFromGroup(const std::string& group, const std::string& member) {
  v1::RemoveFromGroupRequest request;
  request.set_group(group);
  request.set_member(member);
  return Only(connection_->RemoveFromGroup(call_options(), request),
              &v1::RemoveFromGroupResponse::mutable_member);
}

absl::StatusOr<v1::Platform> Client::ReleasePlatform(const std::string& platform) {
  v1::ReleasePlatformRequest request;
  request.set_platform(platform);
  return Only(connection_->ReleasePlatform(call_options(), request),
              &v1::ReleasePlatformResponse::mutable_platform);
}

PagedRange<v1::Credential> Client::ListCredentials(const std::string& member) {
  return PagedRange<v1::Credential>(
      [this, member](const std::string& token) -> absl::StatusOr<Page<v1::Credential>> {
        v1::ListCredentialsRequest request;
        request.set_parent(member);
        request.set_page_token(token);
        absl::StatusOr<v1::ListCredentialsResponse> response =
            connection_->ListCredentials(call_options(), request);
        if (!response.ok()) return response.status();
        return ToPage<v1::Credential>(response->mutable_credentials(), response->mutable_next_page_token());
      });
}

absl::StatusOr<v1::Credential> Client::SetCredential(const std::string& credential,
                                                     const std::vector<v1::Role>& roles,
                                                     const std::string& purpose) {
  v1::SetCredentialRequest request = Named<v1::SetCredentialRequest>(credential);
  for (const v1::Role role : roles) request.add_roles(role);
  request.set_purpose(purpose);
  return Only(connection_->SetCredential(call_options(), request),
              &v1::SetCredentialResponse::mutable_credential);
}

absl::StatusOr<v1::Credential> Client::RegisterKey(const std::string& credential,
                                                   const std::string& public_key_sha256) {
  v1::RegisterKeyRequest request;
  request.set_credential(credential);
  request.set_public_key_sha256(public_key_sha256);
  return Only(connection_->RegisterKey(call_options(), request),
              &v1::RegisterKeyResponse::mutable_credential);
}

absl::StatusOr<v1::Credential> Client::ConfirmKey(const std::string& credential,
                                                  const std::string& public_key_sha256,
                                                  std::optional<int64_t> previous_key_seconds) {
  v1::ConfirmKeyRequest request;
  request.set_credential(credential);
  request.set_public_key_sha256(public_key_sha256);
  if (previous_key_seconds) request.set_previous_key_seconds(*previous_key_seconds);
  return Only(connection_->ConfirmKey(call_options(), request), &v1::ConfirmKeyResponse::mutable_credential);
}

absl::StatusOr<v1::RevokeCredentialResponse> Client::RevokeCredential(const std::string& credential,
                                                                      v1::RevocationReason reason) {
  v1::RevokeCredentialRequest request = Named<v1::RevokeCredentialRequest>(credential);
  request.set_reason(reason);
  return connection_->RevokeCredential(call_options(), request);
}

absl::StatusOr<v1::Proposal> Client::CreateProposal(const v1::ProposedChange& change,
                                                    const std::string& reason, const WriteOptions& options) {
  v1::CreateProposalRequest request;
  *request.mutable_change() = change;
  request.set_reason(reason);
  request.set_request_id(RequestId(options));
  request.set_validate_only(options.validate_only);
  return Only(connection_->CreateProposal(call_options(), request),
              &v1::CreateProposalResponse::mutable_proposal);
}

absl::StatusOr<v1::Proposal> Client::GetProposal(const std::string& name) {
  return Only(connection_->GetProposal(call_options(), Named<v1::GetProposalRequest>(name)),
              &v1::GetProposalResponse::mutable_proposal);
}

PagedRange<v1::Proposal> Client::ListProposals() {
  return PagedRange<v1::Proposal>([this](const std::string& token) -> absl::StatusOr<Page<v1::Proposal>> {
    v1::ListProposalsRequest request;
    request.set_page_token(token);
    absl::StatusOr<v1::ListProposalsResponse> response = connection_->ListProposals(call_options(), request);
    if (!response.ok()) return response.status();
    return ToPage<v1::Proposal>(response->mutable_proposals(), response->mutable_next_page_token());
  });
}

absl::StatusOr<v1::ProposalImpact> Client::PreviewProposal(const std::string& name) {
  return Only(connection_->PreviewProposal(call_options(), Named<v1::PreviewProposalRequest>(name)),
              &v1::PreviewProposalResponse::mutable_impact);
}

absl::StatusOr<v1::Proposal> Client::ApproveProposal(const std::string& name, const std::string& digest) {
  v1::ApproveProposalRequest request = Named<v1::ApproveProposalRequest>(name);
  request.set_digest(digest);
  return Only(connection_->ApproveProposal(call_options(), request),
              &v1::ApproveProposalResponse::mutable_proposal);
}

absl::StatusOr<v1::Proposal> Client::ApplyProposal(const std::string& name, const std::string& digest) {
  v1::ApplyProposalRequest request = Named<v1::ApplyProposalRequest>(name);
  request.set_digest(digest);
  return Only(connection_->ApplyProposal(call_options(), request),
              &v1::ApplyProposalResponse::mutable_proposal);
}

absl::StatusOr<v1::Proposal> Client::ObjectToProposal(const std::string& name) {
  return Only(connection_->ObjectToProposal(call_options(), Named<v1::ObjectToProposalRequest>(name)),
              &v1::ObjectToProposalResponse::mutable_proposal);
}

absl::StatusOr<v1::Proposal> Client::WithdrawProposal(const std::string& name) {
  return Only(connection_->WithdrawProposal(call_options(), Named<v1::WithdrawProposalRequest>(name)),
              &v1::WithdrawProposalResponse::mutable_proposal);
}

absl::StatusOr<v1::BackupSummary> Client::CreateBackup(
    const std::function<absl::Status(std::string_view bytes)>& take) {
  absl::Status taken;
  std::optional<v1::BackupSummary> summary;
  int64_t bytes = 0;
  Sha256Stream digest;
  const absl::Status ended =
      connection_->CreateBackup(v1::CreateBackupRequest(), [&](const v1::CreateBackupResponse& response) {
        if (response.has_summary()) summary = response.summary();
        // Nothing is behind the summary; a part that we do not know of is missed below.
        if (!response.has_data()) return true;
        bytes += static_cast<int64_t>(response.data().size());
        digest.Update(response.data());
        taken = take(response.data());
        return taken.ok();
      });
  if (!taken.ok()) return taken;
  if (!ended.ok()) return ended;
  if (!summary || summary->bytes() != bytes || summary->sha256() != Bytes(digest.Finish())) {
    return absl::DataLossError("what came is not the backup that the server has made: begin it anew");
  }
  return *summary;
}

absl::StatusOr<v1::EraseRecordsResponse> Client::EraseRecords(const v1::EraseRecordsRequest& request) {
  return connection_->EraseRecords(call_options(), request);
}

absl::StatusOr<v1::EraseLedgerEntriesResponse> Client::EraseLedgerEntries(
    const v1::EraseLedgerEntriesRequest& request) {
  return connection_->EraseLedgerEntries(call_options(), request);
}

}  // namespace coalition::client
