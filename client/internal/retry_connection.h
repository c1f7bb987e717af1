// A connection that tries again where that can't do harm.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "client/connection.h"
#include "client/options.h"
#include "common/random.h"

namespace coalition::client::internal {

// Time as retries need it: what passes, and waiting. Replaced in tests.
struct Timer {
  std::function<std::chrono::steady_clock::time_point()> now;
  std::function<void(std::chrono::milliseconds)> sleep;
};
Timer SystemTimer();

// Whether a call that failed with `status` may be made again, if it is one that can be made twice.
bool IsTransient(const absl::Status& status);

// The waits of one call. Not thread-safe.
class Backoff {
 public:
  // `random` must outlive it.
  Backoff(const RetryPolicy& policy, Random& random);
  // The wait after `status`: the next step, shortened by up to half; at least the server's RetryInfo.
  std::chrono::milliseconds Next(const absl::Status& status);

 private:
  const RetryPolicy policy_;
  Random& random_;
  double step_ms_;
};

// `inner` makes one try. Calls that can be repeated: reads, writes with a request_id, and writes
// that name what they make, replace or take back (approving and applying a policy, taking back many records,
// acknowledging recalls, cosigning, all of administration). When the budget ends, or the waiting would not
// fit into it, the last error is returned as it is. Import and watch streams are passed through: ImportStream
// and RecordWatch reopen them.
class RetryConnection final : public Connection {
 public:
  // `random` must outlive it.
  RetryConnection(std::unique_ptr<Connection> inner, const RetryPolicy& policy, Random& random,
                  Timer timer = SystemTimer());

  absl::StatusOr<v1::CreateRecordResponse> CreateRecord(const CallOptions& options,
                                                        const v1::CreateRecordRequest& request) override;
  absl::StatusOr<v1::GetRecordResponse> GetRecord(const CallOptions& options,
                                                  const v1::GetRecordRequest& request) override;
  absl::StatusOr<v1::ListRecordsResponse> ListRecords(const CallOptions& options,
                                                      const v1::ListRecordsRequest& request) override;
  absl::StatusOr<v1::ReviseRecordResponse> ReviseRecord(const CallOptions& options,
                                                        const v1::ReviseRecordRequest& request) override;
  absl::StatusOr<v1::WithdrawRecordResponse> WithdrawRecord(
      const CallOptions& options, const v1::WithdrawRecordRequest& request) override;
  absl::StatusOr<v1::ClearRecordResponse> ClearRecord(const CallOptions& options,
                                                      const v1::ClearRecordRequest& request) override;
  absl::StatusOr<v1::BatchWithdrawRecordsResponse> BatchWithdrawRecords(
      const CallOptions& options, const v1::BatchWithdrawRecordsRequest& request) override;
  absl::StatusOr<v1::BatchClearRecordsResponse> BatchClearRecords(
      const CallOptions& options, const v1::BatchClearRecordsRequest& request) override;
  absl::StatusOr<v1::ConfirmRecordResponse> ConfirmRecord(const CallOptions& options,
                                                          const v1::ConfirmRecordRequest& request) override;
  absl::StatusOr<std::unique_ptr<ImportCall>> ImportRecords(const CallOptions& options) override;
  absl::StatusOr<std::unique_ptr<WatchCall>> WatchRecords() override;
  absl::StatusOr<v1::ListRecallsResponse> ListRecalls(const CallOptions& options,
                                                      const v1::ListRecallsRequest& request) override;
  absl::StatusOr<v1::AcknowledgeRecallsResponse> AcknowledgeRecalls(
      const CallOptions& options, const v1::AcknowledgeRecallsRequest& request) override;
  absl::StatusOr<v1::GetRecallStatusResponse> GetRecallStatus(
      const CallOptions& options, const v1::GetRecallStatusRequest& request) override;
  absl::StatusOr<v1::ScreenSellersResponse> ScreenSellers(const CallOptions& options,
                                                          const v1::ScreenSellersRequest& request) override;
  absl::StatusOr<v1::GetSellerProfileResponse> GetSellerProfile(
      const CallOptions& options, const v1::GetSellerProfileRequest& request) override;
  absl::StatusOr<v1::WhoAmIResponse> WhoAmI(const CallOptions& options,
                                            const v1::WhoAmIRequest& request) override;
  absl::StatusOr<v1::ListMembersResponse> ListMembers(const CallOptions& options,
                                                      const v1::ListMembersRequest& request) override;
  absl::StatusOr<v1::GetMemberResponse> GetMember(const CallOptions& options,
                                                  const v1::GetMemberRequest& request) override;
  absl::StatusOr<v1::ListPlatformsResponse> ListPlatforms(const CallOptions& options,
                                                          const v1::ListPlatformsRequest& request) override;
  absl::StatusOr<v1::ListGroupsResponse> ListGroups(const CallOptions& options,
                                                    const v1::ListGroupsRequest& request) override;
  absl::StatusOr<v1::SetStandingResponse> SetStanding(const CallOptions& options,
                                                      const v1::SetStandingRequest& request) override;
  absl::StatusOr<v1::SetCertificatesNotBeforeResponse> SetCertificatesNotBefore(
      const CallOptions& options, const v1::SetCertificatesNotBeforeRequest& request) override;
  absl::StatusOr<v1::LeaveCoalitionResponse> LeaveCoalition(
      const CallOptions& options, const v1::LeaveCoalitionRequest& request) override;
  absl::StatusOr<v1::GetDepartureResponse> GetDeparture(const CallOptions& options,
                                                        const v1::GetDepartureRequest& request) override;
  absl::StatusOr<v1::RemoveFromGroupResponse> RemoveFromGroup(
      const CallOptions& options, const v1::RemoveFromGroupRequest& request) override;
  absl::StatusOr<v1::ReleasePlatformResponse> ReleasePlatform(
      const CallOptions& options, const v1::ReleasePlatformRequest& request) override;
  absl::StatusOr<v1::ListCredentialsResponse> ListCredentials(
      const CallOptions& options, const v1::ListCredentialsRequest& request) override;
  absl::StatusOr<v1::SetCredentialResponse> SetCredential(const CallOptions& options,
                                                          const v1::SetCredentialRequest& request) override;
  absl::StatusOr<v1::RegisterKeyResponse> RegisterKey(const CallOptions& options,
                                                      const v1::RegisterKeyRequest& request) override;
  absl::StatusOr<v1::ConfirmKeyResponse> ConfirmKey(const CallOptions& options,
                                                    const v1::ConfirmKeyRequest& request) override;
  absl::StatusOr<v1::RevokeCredentialResponse> RevokeCredential(
      const CallOptions& options, const v1::RevokeCredentialRequest& request) override;
  absl::StatusOr<v1::ListMembershipEventsResponse> ListMembershipEvents(
      const CallOptions& options, const v1::ListMembershipEventsRequest& request) override;
  absl::StatusOr<v1::CreateProposalResponse> CreateProposal(
      const CallOptions& options, const v1::CreateProposalRequest& request) override;
  absl::StatusOr<v1::GetProposalResponse> GetProposal(const CallOptions& options,
                                                      const v1::GetProposalRequest& request) override;
  absl::StatusOr<v1::ListProposalsResponse> ListProposals(const CallOptions& options,
                                                          const v1::ListProposalsRequest& request) override;
  absl::StatusOr<v1::PreviewProposalResponse> PreviewProposal(
      const CallOptions& options, const v1::PreviewProposalRequest& request) override;
  absl::StatusOr<v1::ApproveProposalResponse> ApproveProposal(
      const CallOptions& options, const v1::ApproveProposalRequest& request) override;
  absl::StatusOr<v1::ObjectToProposalResponse> ObjectToProposal(
      const CallOptions& options, const v1::ObjectToProposalRequest& request) override;
  absl::StatusOr<v1::ApplyProposalResponse> ApplyProposal(const CallOptions& options,
                                                          const v1::ApplyProposalRequest& request) override;
  absl::StatusOr<v1::WithdrawProposalResponse> WithdrawProposal(
      const CallOptions& options, const v1::WithdrawProposalRequest& request) override;
  absl::StatusOr<v1::PreviewAudienceResponse> PreviewAudience(
      const CallOptions& options, const v1::PreviewAudienceRequest& request) override;
  absl::StatusOr<v1::ExplainAccessResponse> ExplainAccess(const CallOptions& options,
                                                          const v1::ExplainAccessRequest& request) override;
  absl::StatusOr<v1::GetPolicyResponse> GetPolicy(const CallOptions& options,
                                                  const v1::GetPolicyRequest& request) override;
  absl::StatusOr<v1::ListPolicyVersionsResponse> ListPolicyVersions(
      const CallOptions& options, const v1::ListPolicyVersionsRequest& request) override;
  absl::StatusOr<v1::ValidatePolicyResponse> ValidatePolicy(
      const CallOptions& options, const v1::ValidatePolicyRequest& request) override;
  absl::StatusOr<v1::DiffPolicyResponse> DiffPolicy(const CallOptions& options,
                                                    const v1::DiffPolicyRequest& request) override;
  absl::StatusOr<v1::ApprovePolicyResponse> ApprovePolicy(const CallOptions& options,
                                                          const v1::ApprovePolicyRequest& request) override;
  absl::StatusOr<v1::ApplyPolicyResponse> ApplyPolicy(const CallOptions& options,
                                                      const v1::ApplyPolicyRequest& request) override;
  absl::StatusOr<v1::GetMemberPolicyResponse> GetMemberPolicy(
      const CallOptions& options, const v1::GetMemberPolicyRequest& request) override;
  absl::StatusOr<v1::SetMemberPolicyResponse> SetMemberPolicy(
      const CallOptions& options, const v1::SetMemberPolicyRequest& request) override;
  absl::StatusOr<v1::SaveAudienceResponse> SaveAudience(const CallOptions& options,
                                                        const v1::SaveAudienceRequest& request) override;
  absl::StatusOr<v1::ListAudiencesResponse> ListAudiences(const CallOptions& options,
                                                          const v1::ListAudiencesRequest& request) override;
  absl::StatusOr<v1::GetCheckpointResponse> GetCheckpoint(const CallOptions& options,
                                                          const v1::GetCheckpointRequest& request) override;
  absl::StatusOr<v1::GetConsistencyProofResponse> GetConsistencyProof(
      const CallOptions& options, const v1::GetConsistencyProofRequest& request) override;
  absl::StatusOr<v1::ListLedgerEntriesResponse> ListLedgerEntries(
      const CallOptions& options, const v1::ListLedgerEntriesRequest& request) override;
  absl::StatusOr<v1::GetLedgerEntryResponse> GetLedgerEntry(
      const CallOptions& options, const v1::GetLedgerEntryRequest& request) override;
  absl::StatusOr<v1::ListDisclosuresResponse> ListDisclosures(
      const CallOptions& options, const v1::ListDisclosuresRequest& request) override;
  absl::StatusOr<v1::AddCosignatureResponse> AddCosignature(
      const CallOptions& options, const v1::AddCosignatureRequest& request) override;

  absl::Status CreateBackup(const v1::CreateBackupRequest& request, const TakeBackup& take) override;
  absl::StatusOr<v1::EraseRecordsResponse> EraseRecords(const CallOptions& options,
                                                        const v1::EraseRecordsRequest& request) override;
  absl::StatusOr<v1::EraseLedgerEntriesResponse> EraseLedgerEntries(
      const CallOptions& options, const v1::EraseLedgerEntriesRequest& request) override;
  absl::StatusOr<bool> CheckHealth(const CallOptions& options, const std::string& service) override;

 private:
  // `attempt` is called with the options of that try.
  template <class Response, class Attempt>
  absl::StatusOr<Response> Repeat(bool repeatable, const CallOptions& options, Attempt attempt);

  const std::unique_ptr<Connection> inner_;
  const RetryPolicy policy_;
  Random& random_;
  const Timer timer_;
};

}  // namespace coalition::client::internal
