#include "client/internal/retry_connection.h"

#include <algorithm>
#include <cstring>
#include <thread>
#include <utility>

#include "common/errors.h"

namespace coalition::client::internal {

using std::chrono::milliseconds;

Timer SystemTimer() {
  return {[] { return std::chrono::steady_clock::now(); },
          [](milliseconds wait) { std::this_thread::sleep_for(wait); }};
}

bool IsTransient(const absl::Status& status) {
  if (absl::IsUnavailable(status)) return true;
  return absl::IsResourceExhausted(status) && GetRetryDelay(status).has_value();
}

Backoff::Backoff(const RetryPolicy& policy, Random& random)
    : policy_(policy), random_(random), step_ms_(static_cast<double>(policy.backoff_initial.count())) {}

milliseconds Backoff::Next(const absl::Status& status) {
  uint32_t bits = 0;
  const std::string bytes = random_.Bytes(sizeof(bits));
  std::memcpy(&bits, bytes.data(), sizeof(bits));
  const double share = 0.5 + 0.5 * (static_cast<double>(bits) / 4294967296.0);
  milliseconds wait(static_cast<int64_t>(step_ms_ * share));
  step_ms_ =
      std::min(step_ms_ * policy_.backoff_multiplier, static_cast<double>(policy_.backoff_max.count()));
  return std::max(wait, GetRetryDelay(status).value_or(milliseconds(0)));
}

RetryConnection::RetryConnection(std::unique_ptr<Connection> inner, const RetryPolicy& policy, Random& random,
                                 Timer timer)
    : inner_(std::move(inner)), policy_(policy), random_(random), timer_(std::move(timer)) {}

template <class Response, class Attempt>
absl::StatusOr<Response> RetryConnection::Repeat(bool repeatable, const CallOptions& options,
                                                 Attempt attempt) {
  const auto end = timer_.now() + policy_.budget;
  Backoff backoff(policy_, random_);
  CallOptions this_try = options;
  this_try.timeout = std::min(options.timeout, policy_.budget);
  for (int tries = 1;; ++tries) {
    absl::StatusOr<Response> response = attempt(this_try);
    if (response.ok() || !repeatable || tries >= policy_.attempts_max || !IsTransient(response.status())) {
      return response;
    }
    const milliseconds wait = backoff.Next(response.status());
    const auto left = std::chrono::duration_cast<milliseconds>(end - timer_.now()) - wait;
    if (left <= milliseconds(0)) return response;
    timer_.sleep(wait);
    this_try.timeout = std::min(options.timeout, left);
  }
}

absl::StatusOr<v1::CreateRecordResponse> RetryConnection::CreateRecord(
    const CallOptions& options, const v1::CreateRecordRequest& request) {
  const bool repeatable =
      request.validate_only() || !request.request_id().empty() || !request.record().external_id().empty();
  return Repeat<v1::CreateRecordResponse>(
      repeatable, options, [&](const CallOptions& o) { return inner_->CreateRecord(o, request); });
}

absl::StatusOr<v1::GetRecordResponse> RetryConnection::GetRecord(const CallOptions& options,
                                                                 const v1::GetRecordRequest& request) {
  return Repeat<v1::GetRecordResponse>(true, options,
                                       [&](const CallOptions& o) { return inner_->GetRecord(o, request); });
}

absl::StatusOr<v1::ListRecordsResponse> RetryConnection::ListRecords(const CallOptions& options,
                                                                     const v1::ListRecordsRequest& request) {
  return Repeat<v1::ListRecordsResponse>(
      true, options, [&](const CallOptions& o) { return inner_->ListRecords(o, request); });
}

absl::StatusOr<v1::ReviseRecordResponse> RetryConnection::ReviseRecord(
    const CallOptions& options, const v1::ReviseRecordRequest& request) {
  const bool repeatable = request.validate_only() || !request.request_id().empty();
  return Repeat<v1::ReviseRecordResponse>(
      repeatable, options, [&](const CallOptions& o) { return inner_->ReviseRecord(o, request); });
}

absl::StatusOr<v1::WithdrawRecordResponse> RetryConnection::WithdrawRecord(
    const CallOptions& options, const v1::WithdrawRecordRequest& request) {
  const bool repeatable = request.validate_only() || !request.request_id().empty();
  return Repeat<v1::WithdrawRecordResponse>(
      repeatable, options, [&](const CallOptions& o) { return inner_->WithdrawRecord(o, request); });
}

absl::StatusOr<v1::ClearRecordResponse> RetryConnection::ClearRecord(const CallOptions& options,
                                                                     const v1::ClearRecordRequest& request) {
  const bool repeatable = request.validate_only() || !request.request_id().empty();
  return Repeat<v1::ClearRecordResponse>(
      repeatable, options, [&](const CallOptions& o) { return inner_->ClearRecord(o, request); });
}

absl::StatusOr<v1::BatchWithdrawRecordsResponse> RetryConnection::BatchWithdrawRecords(
    const CallOptions& options, const v1::BatchWithdrawRecordsRequest& request) {
  return Repeat<v1::BatchWithdrawRecordsResponse>(
      true, options, [&](const CallOptions& o) { return inner_->BatchWithdrawRecords(o, request); });
}

absl::StatusOr<v1::BatchClearRecordsResponse> RetryConnection::BatchClearRecords(
    const CallOptions& options, const v1::BatchClearRecordsRequest& request) {
  return Repeat<v1::BatchClearRecordsResponse>(
      true, options, [&](const CallOptions& o) { return inner_->BatchClearRecords(o, request); });
}

absl::StatusOr<v1::ConfirmRecordResponse> RetryConnection::ConfirmRecord(
    const CallOptions& options, const v1::ConfirmRecordRequest& request) {
  const bool repeatable = request.validate_only() || !request.request_id().empty();
  return Repeat<v1::ConfirmRecordResponse>(
      repeatable, options, [&](const CallOptions& o) { return inner_->ConfirmRecord(o, request); });
}

absl::StatusOr<std::unique_ptr<ImportCall>> RetryConnection::ImportRecords(const CallOptions& options) {
  return inner_->ImportRecords(options);
}

absl::Status RetryConnection::CreateBackup(const v1::CreateBackupRequest& request, const TakeBackup& take) {
  return inner_->CreateBackup(request, take);
}

absl::StatusOr<std::unique_ptr<WatchCall>> RetryConnection::WatchRecords() { return inner_->WatchRecords(); }

absl::StatusOr<v1::ListRecallsResponse> RetryConnection::ListRecalls(const CallOptions& options,
                                                                     const v1::ListRecallsRequest& request) {
  return Repeat<v1::ListRecallsResponse>(
      true, options, [&](const CallOptions& o) { return inner_->ListRecalls(o, request); });
}

absl::StatusOr<v1::AcknowledgeRecallsResponse> RetryConnection::AcknowledgeRecalls(
    const CallOptions& options, const v1::AcknowledgeRecallsRequest& request) {
  return Repeat<v1::AcknowledgeRecallsResponse>(
      true, options, [&](const CallOptions& o) { return inner_->AcknowledgeRecalls(o, request); });
}

absl::StatusOr<v1::GetRecallStatusResponse> RetryConnection::GetRecallStatus(
    const CallOptions& options, const v1::GetRecallStatusRequest& request) {
  return Repeat<v1::GetRecallStatusResponse>(
      true, options, [&](const CallOptions& o) { return inner_->GetRecallStatus(o, request); });
}

absl::StatusOr<v1::ScreenSellersResponse> RetryConnection::ScreenSellers(
    const CallOptions& options, const v1::ScreenSellersRequest& request) {
  return Repeat<v1::ScreenSellersResponse>(
      true, options, [&](const CallOptions& o) { return inner_->ScreenSellers(o, request); });
}

absl::StatusOr<v1::GetSellerProfileResponse> RetryConnection::GetSellerProfile(
    const CallOptions& options, const v1::GetSellerProfileRequest& request) {
  return Repeat<v1::GetSellerProfileResponse>(
      true, options, [&](const CallOptions& o) { return inner_->GetSellerProfile(o, request); });
}

absl::StatusOr<v1::WhoAmIResponse> RetryConnection::WhoAmI(const CallOptions& options,
                                                           const v1::WhoAmIRequest& request) {
  return Repeat<v1::WhoAmIResponse>(true, options,
                                    [&](const CallOptions& o) { return inner_->WhoAmI(o, request); });
}

absl::StatusOr<v1::ListMembersResponse> RetryConnection::ListMembers(const CallOptions& options,
                                                                     const v1::ListMembersRequest& request) {
  return Repeat<v1::ListMembersResponse>(
      true, options, [&](const CallOptions& o) { return inner_->ListMembers(o, request); });
}

absl::StatusOr<v1::GetMemberResponse> RetryConnection::GetMember(const CallOptions& options,
                                                                 const v1::GetMemberRequest& request) {
  return Repeat<v1::GetMemberResponse>(true, options,
                                       [&](const CallOptions& o) { return inner_->GetMember(o, request); });
}

absl::StatusOr<v1::ListPlatformsResponse> RetryConnection::ListPlatforms(
    const CallOptions& options, const v1::ListPlatformsRequest& request) {
  return Repeat<v1::ListPlatformsResponse>(
      true, options, [&](const CallOptions& o) { return inner_->ListPlatforms(o, request); });
}

absl::StatusOr<v1::ListGroupsResponse> RetryConnection::ListGroups(const CallOptions& options,
                                                                   const v1::ListGroupsRequest& request) {
  return Repeat<v1::ListGroupsResponse>(true, options,
                                        [&](const CallOptions& o) { return inner_->ListGroups(o, request); });
}

absl::StatusOr<v1::SetStandingResponse> RetryConnection::SetStanding(const CallOptions& options,
                                                                     const v1::SetStandingRequest& request) {
  return Repeat<v1::SetStandingResponse>(
      true, options, [&](const CallOptions& o) { return inner_->SetStanding(o, request); });
}

absl::StatusOr<v1::SetCertificatesNotBeforeResponse> RetryConnection::SetCertificatesNotBefore(
    const CallOptions& options, const v1::SetCertificatesNotBeforeRequest& request) {
  return Repeat<v1::SetCertificatesNotBeforeResponse>(
      true, options, [&](const CallOptions& o) { return inner_->SetCertificatesNotBefore(o, request); });
}

absl::StatusOr<v1::LeaveCoalitionResponse> RetryConnection::LeaveCoalition(
    const CallOptions& options, const v1::LeaveCoalitionRequest& request) {
  return Repeat<v1::LeaveCoalitionResponse>(
      true, options, [&](const CallOptions& o) { return inner_->LeaveCoalition(o, request); });
}

absl::StatusOr<v1::GetDepartureResponse> RetryConnection::GetDeparture(
    const CallOptions& options, const v1::GetDepartureRequest& request) {
  return Repeat<v1::GetDepartureResponse>(
      true, options, [&](const CallOptions& o) { return inner_->GetDeparture(o, request); });
}

absl::StatusOr<v1::RemoveFromGroupResponse> RetryConnection::RemoveFromGroup(
    const CallOptions& options, const v1::RemoveFromGroupRequest& request) {
  return Repeat<v1::RemoveFromGroupResponse>(
      true, options, [&](const CallOptions& o) { return inner_->RemoveFromGroup(o, request); });
}

absl::StatusOr<v1::ReleasePlatformResponse> RetryConnection::ReleasePlatform(
    const CallOptions& options, const v1::ReleasePlatformRequest& request) {
  return Repeat<v1::ReleasePlatformResponse>(
      true, options, [&](const CallOptions& o) { return inner_->ReleasePlatform(o, request); });
}

absl::StatusOr<v1::ListCredentialsResponse> RetryConnection::ListCredentials(
    const CallOptions& options, const v1::ListCredentialsRequest& request) {
  return Repeat<v1::ListCredentialsResponse>(
      true, options, [&](const CallOptions& o) { return inner_->ListCredentials(o, request); });
}

absl::StatusOr<v1::SetCredentialResponse> RetryConnection::SetCredential(
    const CallOptions& options, const v1::SetCredentialRequest& request) {
  return Repeat<v1::SetCredentialResponse>(
      true, options, [&](const CallOptions& o) { return inner_->SetCredential(o, request); });
}

absl::StatusOr<v1::RegisterKeyResponse> RetryConnection::RegisterKey(const CallOptions& options,
                                                                     const v1::RegisterKeyRequest& request) {
  return Repeat<v1::RegisterKeyResponse>(
      true, options, [&](const CallOptions& o) { return inner_->RegisterKey(o, request); });
}

absl::StatusOr<v1::ConfirmKeyResponse> RetryConnection::ConfirmKey(const CallOptions& options,
                                                                   const v1::ConfirmKeyRequest& request) {
  return Repeat<v1::ConfirmKeyResponse>(true, options,
                                        [&](const CallOptions& o) { return inner_->ConfirmKey(o, request); });
}

absl::StatusOr<v1::RevokeCredentialResponse> RetryConnection::RevokeCredential(
    const CallOptions& options, const v1::RevokeCredentialRequest& request) {
  return Repeat<v1::RevokeCredentialResponse>(
      true, options, [&](const CallOptions& o) { return inner_->RevokeCredential(o, request); });
}

absl::StatusOr<v1::ListMembershipEventsResponse> RetryConnection::ListMembershipEvents(
    const CallOptions& options, const v1::ListMembershipEventsRequest& request) {
  return Repeat<v1::ListMembershipEventsResponse>(
      true, options, [&](const CallOptions& o) { return inner_->ListMembershipEvents(o, request); });
}

absl::StatusOr<v1::CreateProposalResponse> RetryConnection::CreateProposal(
    const CallOptions& options, const v1::CreateProposalRequest& request) {
  return Repeat<v1::CreateProposalResponse>(
      request.validate_only() || !request.request_id().empty(), options,
      [&](const CallOptions& o) { return inner_->CreateProposal(o, request); });
}

absl::StatusOr<v1::GetProposalResponse> RetryConnection::GetProposal(const CallOptions& options,
                                                                     const v1::GetProposalRequest& request) {
  return Repeat<v1::GetProposalResponse>(
      true, options, [&](const CallOptions& o) { return inner_->GetProposal(o, request); });
}

absl::StatusOr<v1::ListProposalsResponse> RetryConnection::ListProposals(
    const CallOptions& options, const v1::ListProposalsRequest& request) {
  return Repeat<v1::ListProposalsResponse>(
      true, options, [&](const CallOptions& o) { return inner_->ListProposals(o, request); });
}

absl::StatusOr<v1::PreviewProposalResponse> RetryConnection::PreviewProposal(
    const CallOptions& options, const v1::PreviewProposalRequest& request) {
  return Repeat<v1::PreviewProposalResponse>(
      true, options, [&](const CallOptions& o) { return inner_->PreviewProposal(o, request); });
}

absl::StatusOr<v1::ApproveProposalResponse> RetryConnection::ApproveProposal(
    const CallOptions& options, const v1::ApproveProposalRequest& request) {
  return Repeat<v1::ApproveProposalResponse>(
      true, options, [&](const CallOptions& o) { return inner_->ApproveProposal(o, request); });
}

absl::StatusOr<v1::ObjectToProposalResponse> RetryConnection::ObjectToProposal(
    const CallOptions& options, const v1::ObjectToProposalRequest& request) {
  return Repeat<v1::ObjectToProposalResponse>(
      true, options, [&](const CallOptions& o) { return inner_->ObjectToProposal(o, request); });
}

absl::StatusOr<v1::ApplyProposalResponse> RetryConnection::ApplyProposal(
    const CallOptions& options, const v1::ApplyProposalRequest& request) {
  return Repeat<v1::ApplyProposalResponse>(
      true, options, [&](const CallOptions& o) { return inner_->ApplyProposal(o, request); });
}

absl::StatusOr<v1::WithdrawProposalResponse> RetryConnection::WithdrawProposal(
    const CallOptions& options, const v1::WithdrawProposalRequest& request) {
  return Repeat<v1::WithdrawProposalResponse>(
      true, options, [&](const CallOptions& o) { return inner_->WithdrawProposal(o, request); });
}

absl::StatusOr<v1::PreviewAudienceResponse> RetryConnection::PreviewAudience(
    const CallOptions& options, const v1::PreviewAudienceRequest& request) {
  return Repeat<v1::PreviewAudienceResponse>(
      true, options, [&](const CallOptions& o) { return inner_->PreviewAudience(o, request); });
}

absl::StatusOr<v1::ExplainAccessResponse> RetryConnection::ExplainAccess(
    const CallOptions& options, const v1::ExplainAccessRequest& request) {
  return Repeat<v1::ExplainAccessResponse>(
      true, options, [&](const CallOptions& o) { return inner_->ExplainAccess(o, request); });
}

absl::StatusOr<v1::GetPolicyResponse> RetryConnection::GetPolicy(const CallOptions& options,
                                                                 const v1::GetPolicyRequest& request) {
  return Repeat<v1::GetPolicyResponse>(true, options,
                                       [&](const CallOptions& o) { return inner_->GetPolicy(o, request); });
}

absl::StatusOr<v1::ListPolicyVersionsResponse> RetryConnection::ListPolicyVersions(
    const CallOptions& options, const v1::ListPolicyVersionsRequest& request) {
  return Repeat<v1::ListPolicyVersionsResponse>(
      true, options, [&](const CallOptions& o) { return inner_->ListPolicyVersions(o, request); });
}

absl::StatusOr<v1::ValidatePolicyResponse> RetryConnection::ValidatePolicy(
    const CallOptions& options, const v1::ValidatePolicyRequest& request) {
  return Repeat<v1::ValidatePolicyResponse>(
      true, options, [&](const CallOptions& o) { return inner_->ValidatePolicy(o, request); });
}

absl::StatusOr<v1::DiffPolicyResponse> RetryConnection::DiffPolicy(const CallOptions& options,
                                                                   const v1::DiffPolicyRequest& request) {
  return Repeat<v1::DiffPolicyResponse>(true, options,
                                        [&](const CallOptions& o) { return inner_->DiffPolicy(o, request); });
}

absl::StatusOr<v1::ApprovePolicyResponse> RetryConnection::ApprovePolicy(
    const CallOptions& options, const v1::ApprovePolicyRequest& request) {
  return Repeat<v1::ApprovePolicyResponse>(
      true, options, [&](const CallOptions& o) { return inner_->ApprovePolicy(o, request); });
}

absl::StatusOr<v1::ApplyPolicyResponse> RetryConnection::ApplyPolicy(const CallOptions& options,
                                                                     const v1::ApplyPolicyRequest& request) {
  return Repeat<v1::ApplyPolicyResponse>(
      true, options, [&](const CallOptions& o) { return inner_->ApplyPolicy(o, request); });
}

absl::StatusOr<v1::GetMemberPolicyResponse> RetryConnection::GetMemberPolicy(
    const CallOptions& options, const v1::GetMemberPolicyRequest& request) {
  return Repeat<v1::GetMemberPolicyResponse>(
      true, options, [&](const CallOptions& o) { return inner_->GetMemberPolicy(o, request); });
}

absl::StatusOr<v1::SetMemberPolicyResponse> RetryConnection::SetMemberPolicy(
    const CallOptions& options, const v1::SetMemberPolicyRequest& request) {
  return Repeat<v1::SetMemberPolicyResponse>(request.validate_only(), options, [&](const CallOptions& o) {
    return inner_->SetMemberPolicy(o, request);
  });
}

absl::StatusOr<v1::SaveAudienceResponse> RetryConnection::SaveAudience(
    const CallOptions& options, const v1::SaveAudienceRequest& request) {
  return Repeat<v1::SaveAudienceResponse>(
      false, options, [&](const CallOptions& o) { return inner_->SaveAudience(o, request); });
}

absl::StatusOr<v1::ListAudiencesResponse> RetryConnection::ListAudiences(
    const CallOptions& options, const v1::ListAudiencesRequest& request) {
  return Repeat<v1::ListAudiencesResponse>(
      true, options, [&](const CallOptions& o) { return inner_->ListAudiences(o, request); });
}

absl::StatusOr<v1::GetCheckpointResponse> RetryConnection::GetCheckpoint(
    const CallOptions& options, const v1::GetCheckpointRequest& request) {
  return Repeat<v1::GetCheckpointResponse>(
      true, options, [&](const CallOptions& o) { return inner_->GetCheckpoint(o, request); });
}

absl::StatusOr<v1::GetConsistencyProofResponse> RetryConnection::GetConsistencyProof(
    const CallOptions& options, const v1::GetConsistencyProofRequest& request) {
  return Repeat<v1::GetConsistencyProofResponse>(
      true, options, [&](const CallOptions& o) { return inner_->GetConsistencyProof(o, request); });
}

absl::StatusOr<v1::ListLedgerEntriesResponse> RetryConnection::ListLedgerEntries(
    const CallOptions& options, const v1::ListLedgerEntriesRequest& request) {
  return Repeat<v1::ListLedgerEntriesResponse>(
      true, options, [&](const CallOptions& o) { return inner_->ListLedgerEntries(o, request); });
}

absl::StatusOr<v1::GetLedgerEntryResponse> RetryConnection::GetLedgerEntry(
    const CallOptions& options, const v1::GetLedgerEntryRequest& request) {
  return Repeat<v1::GetLedgerEntryResponse>(
      true, options, [&](const CallOptions& o) { return inner_->GetLedgerEntry(o, request); });
}

absl::StatusOr<v1::ListDisclosuresResponse> RetryConnection::ListDisclosures(
    const CallOptions& options, const v1::ListDisclosuresRequest& request) {
  return Repeat<v1::ListDisclosuresResponse>(
      true, options, [&](const CallOptions& o) { return inner_->ListDisclosures(o, request); });
}

absl::StatusOr<v1::AddCosignatureResponse> RetryConnection::AddCosignature(
    const CallOptions& options, const v1::AddCosignatureRequest& request) {
  return Repeat<v1::AddCosignatureResponse>(
      true, options, [&](const CallOptions& o) { return inner_->AddCosignature(o, request); });
}

absl::StatusOr<v1::EraseRecordsResponse> RetryConnection::EraseRecords(
    const CallOptions& options, const v1::EraseRecordsRequest& request) {
  return Repeat<v1::EraseRecordsResponse>(
      true, options, [&](const CallOptions& o) { return inner_->EraseRecords(o, request); });
}

absl::StatusOr<v1::EraseLedgerEntriesResponse> RetryConnection::EraseLedgerEntries(
    const CallOptions& options, const v1::EraseLedgerEntriesRequest& request) {
  return Repeat<v1::EraseLedgerEntriesResponse>(
      true, options, [&](const CallOptions& o) { return inner_->EraseLedgerEntries(o, request); });
}

absl::StatusOr<bool> RetryConnection::CheckHealth(const CallOptions& options, const std::string& service) {
  return Repeat<bool>(true, options, [&](const CallOptions& o) { return inner_->CheckHealth(o, service); });
}

}  // namespace coalition::client::internal
