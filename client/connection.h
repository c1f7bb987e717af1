// The seam between Client and the network: one method for each RPC. Implement it, or derive from it and
// override what a test needs, to use Client without a server. New RPCs will be added with a default that
// answers UNIMPLEMENTED.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coalition/v1/backup_service.pb.h"
#include "coalition/v1/erasure_service.pb.h"
#include "coalition/v1/exchange_service.pb.h"
#include "coalition/v1/ledger_service.pb.h"
#include "coalition/v1/membership_service.pb.h"
#include "coalition/v1/policy_service.pb.h"
#include "coalition/v1/proposal_service.pb.h"
#include "coalition/v1/watch_service.pb.h"

namespace coalition::client {

struct CallOptions {
  // Of the call; for an import: of the server's silence while it owes an answer.
  std::chrono::milliseconds timeout{10'000};
};

// One import stream, as raw as the protocol has it. Used by one thread at a time, but for Cancel.
class ImportCall {
 public:
  // Cancels what is not finished; does not return before the call is over.
  virtual ~ImportCall() = default;
  // Returns when the transport has taken the message. Answers that arrive meanwhile are kept for Read, so
  // that a server that waits for its answers to be read can't block the writer. False: the call has ended;
  // see Finish.
  virtual bool Write(const v1::ImportRecordsRequest& request) = 0;
  // The next answer. False: there are no more.
  virtual bool Read(v1::ImportRecordsResponse* response) = 0;
  // Nothing more will be written.
  virtual void WritesDone() = 0;
  // How the call ended. Drops answers that were not read.
  virtual absl::Status Finish() = 0;
  // Ends the call with CANCELLED. From any thread, any time.
  virtual void Cancel() = 0;
};

// One watch stream, as raw as the protocol has it. One thread may read while another writes; Finish is for
// when neither does.
class WatchCall {
 public:
  // Cancels what is not finished; does not return before the call is over.
  virtual ~WatchCall() = default;
  // The start first. Returns when the transport has taken the message, which waits for a server that does not
  // read. False: the call has ended; see Finish.
  virtual bool Write(const v1::WatchRecordsRequest& request) = 0;
  // Waits for the next response, without end. False: there are no more.
  virtual bool Read(v1::WatchRecordsResponse* response) = 0;
  // How the call ended, once Write or Read has said that it did. Drops responses that were not read.
  virtual absl::Status Finish() = 0;
  // Ends the call with CANCELLED. From any thread, any time.
  virtual void Cancel() = 0;
};

// Thread-safe. Statuses carry the google.rpc details that the server sent (common/errors.h reads them). A
// call that the server did not answer within the timeout is DEADLINE_EXCEEDED; no connection, UNAVAILABLE.
class Connection {
 public:
  virtual ~Connection() = default;

  virtual absl::StatusOr<v1::CreateRecordResponse> CreateRecord(const CallOptions& options,
                                                                const v1::CreateRecordRequest& request);
  virtual absl::StatusOr<v1::GetRecordResponse> GetRecord(const CallOptions& options,
                                                          const v1::GetRecordRequest& request);
  virtual absl::StatusOr<v1::ListRecordsResponse> ListRecords(const CallOptions& options,
                                                              const v1::ListRecordsRequest& request);
  virtual absl::StatusOr<v1::ReviseRecordResponse> ReviseRecord(const CallOptions& options,
                                                                const v1::ReviseRecordRequest& request);
  virtual absl::StatusOr<v1::WithdrawRecordResponse> WithdrawRecord(const CallOptions& options,
                                                                    const v1::WithdrawRecordRequest& request);
  virtual absl::StatusOr<v1::ClearRecordResponse> ClearRecord(const CallOptions& options,
                                                              const v1::ClearRecordRequest& request);
  virtual absl::StatusOr<v1::BatchWithdrawRecordsResponse> BatchWithdrawRecords(
      const CallOptions& options, const v1::BatchWithdrawRecordsRequest& request);
  virtual absl::StatusOr<v1::BatchClearRecordsResponse> BatchClearRecords(
      const CallOptions& options, const v1::BatchClearRecordsRequest& request);
  virtual absl::StatusOr<v1::ConfirmRecordResponse> ConfirmRecord(const CallOptions& options,
                                                                  const v1::ConfirmRecordRequest& request);
  virtual absl::StatusOr<std::unique_ptr<ImportCall>> ImportRecords(const CallOptions& options);
  // Has no deadline.
  virtual absl::StatusOr<std::unique_ptr<WatchCall>> WatchRecords();
  virtual absl::StatusOr<v1::ListRecallsResponse> ListRecalls(const CallOptions& options,
                                                              const v1::ListRecallsRequest& request);
  virtual absl::StatusOr<v1::AcknowledgeRecallsResponse> AcknowledgeRecalls(
      const CallOptions& options, const v1::AcknowledgeRecallsRequest& request);
  virtual absl::StatusOr<v1::GetRecallStatusResponse> GetRecallStatus(
      const CallOptions& options, const v1::GetRecallStatusRequest& request);
  virtual absl::StatusOr<v1::ScreenSellersResponse> ScreenSellers(const CallOptions& options,
                                                                  const v1::ScreenSellersRequest& request);
  virtual absl::StatusOr<v1::GetSellerProfileResponse> GetSellerProfile(
      const CallOptions& options, const v1::GetSellerProfileRequest& request);
  virtual absl::StatusOr<v1::PreviewAudienceResponse> PreviewAudience(
      const CallOptions& options, const v1::PreviewAudienceRequest& request);
  virtual absl::StatusOr<v1::ExplainAccessResponse> ExplainAccess(const CallOptions& options,
                                                                  const v1::ExplainAccessRequest& request);

  virtual absl::StatusOr<v1::WhoAmIResponse> WhoAmI(const CallOptions& options,
                                                    const v1::WhoAmIRequest& request);
  virtual absl::StatusOr<v1::ListMembersResponse> ListMembers(const CallOptions& options,
                                                              const v1::ListMembersRequest& request);
  virtual absl::StatusOr<v1::GetMemberResponse> GetMember(const CallOptions& options,
                                                          const v1::GetMemberRequest& request);
  virtual absl::StatusOr<v1::ListPlatformsResponse> ListPlatforms(const CallOptions& options,
                                                                  const v1::ListPlatformsRequest& request);
  virtual absl::StatusOr<v1::ListGroupsResponse> ListGroups(const CallOptions& options,
                                                            const v1::ListGroupsRequest& request);
  virtual absl::StatusOr<v1::SetStandingResponse> SetStanding(const CallOptions& options,
                                                              const v1::SetStandingRequest& request);
  virtual absl::StatusOr<v1::SetCertificatesNotBeforeResponse> SetCertificatesNotBefore(
      const CallOptions& options, const v1::SetCertificatesNotBeforeRequest& request);
  virtual absl::StatusOr<v1::LeaveCoalitionResponse> LeaveCoalition(const CallOptions& options,
                                                                    const v1::LeaveCoalitionRequest& request);
  virtual absl::StatusOr<v1::GetDepartureResponse> GetDeparture(const CallOptions& options,
                                                                const v1::GetDepartureRequest& request);
  virtual absl::StatusOr<v1::RemoveFromGroupResponse> RemoveFromGroup(
      const CallOptions& options, const v1::RemoveFromGroupRequest& request);
  virtual absl::StatusOr<v1::ReleasePlatformResponse> ReleasePlatform(
      const CallOptions& options, const v1::ReleasePlatformRequest& request);
  virtual absl::StatusOr<v1::ListCredentialsResponse> ListCredentials(
      const CallOptions& options, const v1::ListCredentialsRequest& request);
  virtual absl::StatusOr<v1::SetCredentialResponse> SetCredential(const CallOptions& options,
                                                                  const v1::SetCredentialRequest& request);
  virtual absl::StatusOr<v1::RegisterKeyResponse> RegisterKey(const CallOptions& options,
                                                              const v1::RegisterKeyRequest& request);
  virtual absl::StatusOr<v1::ConfirmKeyResponse> ConfirmKey(const CallOptions& options,
                                                            const v1::ConfirmKeyRequest& request);
  virtual absl::StatusOr<v1::RevokeCredentialResponse> RevokeCredential(
      const CallOptions& options, const v1::RevokeCredentialRequest& request);
  virtual absl::StatusOr<v1::ListMembershipEventsResponse> ListMembershipEvents(
      const CallOptions& options, const v1::ListMembershipEventsRequest& request);

  virtual absl::StatusOr<v1::CreateProposalResponse> CreateProposal(const CallOptions& options,
                                                                    const v1::CreateProposalRequest& request);
  virtual absl::StatusOr<v1::GetProposalResponse> GetProposal(const CallOptions& options,
                                                              const v1::GetProposalRequest& request);
  virtual absl::StatusOr<v1::ListProposalsResponse> ListProposals(const CallOptions& options,
                                                                  const v1::ListProposalsRequest& request);
  virtual absl::StatusOr<v1::PreviewProposalResponse> PreviewProposal(
      const CallOptions& options, const v1::PreviewProposalRequest& request);
  virtual absl::StatusOr<v1::ApproveProposalResponse> ApproveProposal(
      const CallOptions& options, const v1::ApproveProposalRequest& request);
  virtual absl::StatusOr<v1::ObjectToProposalResponse> ObjectToProposal(
      const CallOptions& options, const v1::ObjectToProposalRequest& request);
  virtual absl::StatusOr<v1::ApplyProposalResponse> ApplyProposal(const CallOptions& options,
                                                                  const v1::ApplyProposalRequest& request);
  virtual absl::StatusOr<v1::WithdrawProposalResponse> WithdrawProposal(
      const CallOptions& options, const v1::WithdrawProposalRequest& request);

  virtual absl::StatusOr<v1::GetPolicyResponse> GetPolicy(const CallOptions& options,
                                                          const v1::GetPolicyRequest& request);
  virtual absl::StatusOr<v1::ListPolicyVersionsResponse> ListPolicyVersions(
      const CallOptions& options, const v1::ListPolicyVersionsRequest& request);
  virtual absl::StatusOr<v1::ValidatePolicyResponse> ValidatePolicy(const CallOptions& options,
                                                                    const v1::ValidatePolicyRequest& request);
  virtual absl::StatusOr<v1::DiffPolicyResponse> DiffPolicy(const CallOptions& options,
                                                            const v1::DiffPolicyRequest& request);
  virtual absl::StatusOr<v1::ApprovePolicyResponse> ApprovePolicy(const CallOptions& options,
                                                                  const v1::ApprovePolicyRequest& request);
  virtual absl::StatusOr<v1::ApplyPolicyResponse> ApplyPolicy(const CallOptions& options,
                                                              const v1::ApplyPolicyRequest& request);
  virtual absl::StatusOr<v1::GetMemberPolicyResponse> GetMemberPolicy(
      const CallOptions& options, const v1::GetMemberPolicyRequest& request);
  virtual absl::StatusOr<v1::SetMemberPolicyResponse> SetMemberPolicy(
      const CallOptions& options, const v1::SetMemberPolicyRequest& request);
  virtual absl::StatusOr<v1::SaveAudienceResponse> SaveAudience(const CallOptions& options,
                                                                const v1::SaveAudienceRequest& request);
  virtual absl::StatusOr<v1::ListAudiencesResponse> ListAudiences(const CallOptions& options,
                                                                  const v1::ListAudiencesRequest& request);

  virtual absl::StatusOr<v1::GetCheckpointResponse> GetCheckpoint(const CallOptions& options,
                                                                  const v1::GetCheckpointRequest& request);
  virtual absl::StatusOr<v1::GetConsistencyProofResponse> GetConsistencyProof(
      const CallOptions& options, const v1::GetConsistencyProofRequest& request);
  virtual absl::StatusOr<v1::ListLedgerEntriesResponse> ListLedgerEntries(
      const CallOptions& options, const v1::ListLedgerEntriesRequest& request);
  virtual absl::StatusOr<v1::GetLedgerEntryResponse> GetLedgerEntry(const CallOptions& options,
                                                                    const v1::GetLedgerEntryRequest& request);
  virtual absl::StatusOr<v1::ListDisclosuresResponse> ListDisclosures(
      const CallOptions& options, const v1::ListDisclosuresRequest& request);
  virtual absl::StatusOr<v1::AddCosignatureResponse> AddCosignature(const CallOptions& options,
                                                                    const v1::AddCosignatureRequest& request);

  // Gives each message to `take`, on this thread, until it answers false, which ends the call with CANCELLED.
  // Has no deadline.
  using TakeBackup = std::function<bool(const v1::CreateBackupResponse& response)>;
  virtual absl::Status CreateBackup(const v1::CreateBackupRequest& request, const TakeBackup& take);

  virtual absl::StatusOr<v1::EraseRecordsResponse> EraseRecords(const CallOptions& options,
                                                                const v1::EraseRecordsRequest& request);
  virtual absl::StatusOr<v1::EraseLedgerEntriesResponse> EraseLedgerEntries(
      const CallOptions& options, const v1::EraseLedgerEntriesRequest& request);

  // grpc.health.v1.Health/Check. True: SERVING. An empty service means the server as a whole.
  virtual absl::StatusOr<bool> CheckHealth(const CallOptions& options, const std::string& service);
};

}  // namespace coalition::client
