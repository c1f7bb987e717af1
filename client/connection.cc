#include "client/connection.h"

namespace coalition::client {
namespace {

absl::Status Unimplemented(const char* method) {
  return absl::UnimplementedError(std::string("this connection does not implement ") + method);
}

}  // namespace

absl::StatusOr<v1::CreateRecordResponse> Connection::CreateRecord(const CallOptions&,
                                                                  const v1::CreateRecordRequest&) {
  return Unimplemented("CreateRecord");
}

absl::StatusOr<v1::GetRecordResponse> Connection::GetRecord(const CallOptions&, const v1::GetRecordRequest&) {
  return Unimplemented("GetRecord");
}

absl::StatusOr<v1::ListRecordsResponse> Connection::ListRecords(const CallOptions&,
                                                                const v1::ListRecordsRequest&) {
  return Unimplemented("ListRecords");
}

absl::StatusOr<v1::ReviseRecordResponse> Connection::ReviseRecord(const CallOptions&,
                                                                  const v1::ReviseRecordRequest&) {
  return Unimplemented("ReviseRecord");
}

absl::StatusOr<v1::WithdrawRecordResponse> Connection::WithdrawRecord(const CallOptions&,
                                                                      const v1::WithdrawRecordRequest&) {
  return Unimplemented("WithdrawRecord");
}

absl::StatusOr<v1::ClearRecordResponse> Connection::ClearRecord(const CallOptions&,
                                                                const v1::ClearRecordRequest&) {
  return Unimplemented("ClearRecord");
}

absl::StatusOr<v1::BatchWithdrawRecordsResponse> Connection::BatchWithdrawRecords(
    const CallOptions&, const v1::BatchWithdrawRecordsRequest&) {
  return Unimplemented("BatchWithdrawRecords");
}

absl::StatusOr<v1::BatchClearRecordsResponse> Connection::BatchClearRecords(
    const CallOptions&, const v1::BatchClearRecordsRequest&) {
  return Unimplemented("BatchClearRecords");
}

absl::StatusOr<v1::ConfirmRecordResponse> Connection::ConfirmRecord(const CallOptions&,
                                                                    const v1::ConfirmRecordRequest&) {
  return Unimplemented("ConfirmRecord");
}

absl::StatusOr<std::unique_ptr<ImportCall>> Connection::ImportRecords(const CallOptions&) {
  return Unimplemented("ImportRecords");
}

absl::StatusOr<std::unique_ptr<WatchCall>> Connection::WatchRecords() {
  return Unimplemented("WatchRecords");
}

absl::StatusOr<v1::ListRecallsResponse> Connection::ListRecalls(const CallOptions&,
                                                                const v1::ListRecallsRequest&) {
  return Unimplemented("ListRecalls");
}

absl::StatusOr<v1::AcknowledgeRecallsResponse> Connection::AcknowledgeRecalls(
    const CallOptions&, const v1::AcknowledgeRecallsRequest&) {
  return Unimplemented("AcknowledgeRecalls");
}

absl::StatusOr<v1::GetRecallStatusResponse> Connection::GetRecallStatus(const CallOptions&,
                                                                        const v1::GetRecallStatusRequest&) {
  return Unimplemented("GetRecallStatus");
}

absl::StatusOr<v1::ScreenSellersResponse> Connection::ScreenSellers(const CallOptions&,
                                                                    const v1::ScreenSellersRequest&) {
  return Unimplemented("ScreenSellers");
}

absl::StatusOr<v1::GetSellerProfileResponse> Connection::GetSellerProfile(
    const CallOptions&, const v1::GetSellerProfileRequest&) {
  return Unimplemented("GetSellerProfile");
}

absl::StatusOr<v1::PreviewAudienceResponse> Connection::PreviewAudience(const CallOptions&,
                                                                        const v1::PreviewAudienceRequest&) {
  return Unimplemented("PreviewAudience");
}

absl::StatusOr<v1::ExplainAccessResponse> Connection::ExplainAccess(const CallOptions&,
                                                                    const v1::ExplainAccessRequest&) {
  return Unimplemented("ExplainAccess");
}

absl::StatusOr<v1::WhoAmIResponse> Connection::WhoAmI(const CallOptions&, const v1::WhoAmIRequest&) {
  return Unimplemented("WhoAmI");
}

absl::StatusOr<v1::ListMembersResponse> Connection::ListMembers(const CallOptions&,
                                                                const v1::ListMembersRequest&) {
  return Unimplemented("ListMembers");
}

absl::StatusOr<v1::GetMemberResponse> Connection::GetMember(const CallOptions&, const v1::GetMemberRequest&) {
  return Unimplemented("GetMember");
}

absl::StatusOr<v1::ListPlatformsResponse> Connection::ListPlatforms(const CallOptions&,
                                                                    const v1::ListPlatformsRequest&) {
  return Unimplemented("ListPlatforms");
}

absl::StatusOr<v1::ListGroupsResponse> Connection::ListGroups(const CallOptions&,
                                                              const v1::ListGroupsRequest&) {
  return Unimplemented("ListGroups");
}

absl::StatusOr<v1::SetStandingResponse> Connection::SetStanding(const CallOptions&,
                                                                const v1::SetStandingRequest&) {
  return Unimplemented("SetStanding");
}

absl::StatusOr<v1::SetCertificatesNotBeforeResponse> Connection::SetCertificatesNotBefore(
    const CallOptions&, const v1::SetCertificatesNotBeforeRequest&) {
  return Unimplemented("SetCertificatesNotBefore");
}

absl::StatusOr<v1::LeaveCoalitionResponse> Connection::LeaveCoalition(const CallOptions&,
                                                                      const v1::LeaveCoalitionRequest&) {
  return Unimplemented("LeaveCoalition");
}

absl::StatusOr<v1::GetDepartureResponse> Connection::GetDeparture(const CallOptions&,
                                                                  const v1::GetDepartureRequest&) {
  return Unimplemented("GetDeparture");
}

absl::StatusOr<v1::RemoveFromGroupResponse> Connection::RemoveFromGroup(const CallOptions&,
                                                                        const v1::RemoveFromGroupRequest&) {
  return Unimplemented("RemoveFromGroup");
}

absl::StatusOr<v1::ReleasePlatformResponse> Connection::ReleasePlatform(const CallOptions&,
                                                                        const v1::ReleasePlatformRequest&) {
  return Unimplemented("ReleasePlatform");
}

absl::StatusOr<v1::ListCredentialsResponse> Connection::ListCredentials(const CallOptions&,
                                                                        const v1::ListCredentialsRequest&) {
  return Unimplemented("ListCredentials");
}

absl::StatusOr<v1::SetCredentialResponse> Connection::SetCredential(const CallOptions&,
                                                                    const v1::SetCredentialRequest&) {
  return Unimplemented("SetCredential");
}

absl::StatusOr<v1::RegisterKeyResponse> Connection::RegisterKey(const CallOptions&,
                                                                const v1::RegisterKeyRequest&) {
  return Unimplemented("RegisterKey");
}

absl::StatusOr<v1::ConfirmKeyResponse> Connection::ConfirmKey(const CallOptions&,
                                                              const v1::ConfirmKeyRequest&) {
  return Unimplemented("ConfirmKey");
}

absl::StatusOr<v1::RevokeCredentialResponse> Connection::RevokeCredential(
    const CallOptions&, const v1::RevokeCredentialRequest&) {
  return Unimplemented("RevokeCredential");
}

absl::StatusOr<v1::ListMembershipEventsResponse> Connection::ListMembershipEvents(
    const CallOptions&, const v1::ListMembershipEventsRequest&) {
  return Unimplemented("ListMembershipEvents");
}

absl::StatusOr<v1::CreateProposalResponse> Connection::CreateProposal(const CallOptions&,
                                                                      const v1::CreateProposalRequest&) {
  return Unimplemented("CreateProposal");
}

absl::StatusOr<v1::GetProposalResponse> Connection::GetProposal(const CallOptions&,
                                                                const v1::GetProposalRequest&) {
  return Unimplemented("GetProposal");
}

absl::StatusOr<v1::ListProposalsResponse> Connection::ListProposals(const CallOptions&,
                                                                    const v1::ListProposalsRequest&) {
  return Unimplemented("ListProposals");
}

absl::StatusOr<v1::PreviewProposalResponse> Connection::PreviewProposal(const CallOptions&,
                                                                        const v1::PreviewProposalRequest&) {
  return Unimplemented("PreviewProposal");
}

absl::StatusOr<v1::ApproveProposalResponse> Connection::ApproveProposal(const CallOptions&,
                                                                        const v1::ApproveProposalRequest&) {
  return Unimplemented("ApproveProposal");
}

absl::StatusOr<v1::ObjectToProposalResponse> Connection::ObjectToProposal(
    const CallOptions&, const v1::ObjectToProposalRequest&) {
  return Unimplemented("ObjectToProposal");
}

absl::StatusOr<v1::ApplyProposalResponse> Connection::ApplyProposal(const CallOptions&,
                                                                    const v1::ApplyProposalRequest&) {
  return Unimplemented("ApplyProposal");
}

absl::StatusOr<v1::WithdrawProposalResponse> Connection::WithdrawProposal(
    const CallOptions&, const v1::WithdrawProposalRequest&) {
  return Unimplemented("WithdrawProposal");
}

absl::StatusOr<v1::GetPolicyResponse> Connection::GetPolicy(const CallOptions&, const v1::GetPolicyRequest&) {
  return Unimplemented("GetPolicy");
}

absl::StatusOr<v1::ListPolicyVersionsResponse> Connection::ListPolicyVersions(
    const CallOptions&, const v1::ListPolicyVersionsRequest&) {
  return Unimplemented("ListPolicyVersions");
}

absl::StatusOr<v1::ValidatePolicyResponse> Connection::ValidatePolicy(const CallOptions&,
                                                                      const v1::ValidatePolicyRequest&) {
  return Unimplemented("ValidatePolicy");
}

absl::StatusOr<v1::DiffPolicyResponse> Connection::DiffPolicy(const CallOptions&,
                                                              const v1::DiffPolicyRequest&) {
  return Unimplemented("DiffPolicy");
}

absl::StatusOr<v1::ApprovePolicyResponse> Connection::ApprovePolicy(const CallOptions&,
                                                                    const v1::ApprovePolicyRequest&) {
  return Unimplemented("ApprovePolicy");
}

absl::StatusOr<v1::ApplyPolicyResponse> Connection::ApplyPolicy(const CallOptions&,
                                                                const v1::ApplyPolicyRequest&) {
  return Unimplemented("ApplyPolicy");
}

absl::StatusOr<v1::GetMemberPolicyResponse> Connection::GetMemberPolicy(const CallOptions&,
                                                                        const v1::GetMemberPolicyRequest&) {
  return Unimplemented("GetMemberPolicy");
}

absl::StatusOr<v1::SetMemberPolicyResponse> Connection::SetMemberPolicy(const CallOptions&,
                                                                        const v1::SetMemberPolicyRequest&) {
  return Unimplemented("SetMemberPolicy");
}

absl::StatusOr<v1::SaveAudienceResponse> Connection::SaveAudience(const CallOptions&,
                                                                  const v1::SaveAudienceRequest&) {
  return Unimplemented("SaveAudience");
}

absl::StatusOr<v1::ListAudiencesResponse> Connection::ListAudiences(const CallOptions&,
                                                                    const v1::ListAudiencesRequest&) {
  return Unimplemented("ListAudiences");
}

absl::StatusOr<v1::GetCheckpointResponse> Connection::GetCheckpoint(const CallOptions&,
                                                                    const v1::GetCheckpointRequest&) {
  return Unimplemented("GetCheckpoint");
}

absl::StatusOr<v1::GetConsistencyProofResponse> Connection::GetConsistencyProof(
    const CallOptions&, const v1::GetConsistencyProofRequest&) {
  return Unimplemented("GetConsistencyProof");
}

absl::StatusOr<v1::ListLedgerEntriesResponse> Connection::ListLedgerEntries(
    const CallOptions&, const v1::ListLedgerEntriesRequest&) {
  return Unimplemented("ListLedgerEntries");
}

absl::StatusOr<v1::GetLedgerEntryResponse> Connection::GetLedgerEntry(const CallOptions&,
                                                                      const v1::GetLedgerEntryRequest&) {
  return Unimplemented("GetLedgerEntry");
}

absl::StatusOr<v1::ListDisclosuresResponse> Connection::ListDisclosures(const CallOptions&,
                                                                        const v1::ListDisclosuresRequest&) {
  return Unimplemented("ListDisclosures");
}

absl::StatusOr<v1::AddCosignatureResponse> Connection::AddCosignature(const CallOptions&,
                                                                      const v1::AddCosignatureRequest&) {
  return Unimplemented("AddCosignature");
}

absl::Status Connection::CreateBackup(const v1::CreateBackupRequest&, const TakeBackup&) {
  return Unimplemented("CreateBackup");
}

absl::StatusOr<v1::EraseRecordsResponse> Connection::EraseRecords(const CallOptions&,
                                                                  const v1::EraseRecordsRequest&) {
  return Unimplemented("EraseRecords");
}

absl::StatusOr<v1::EraseLedgerEntriesResponse> Connection::EraseLedgerEntries(
    const CallOptions&, const v1::EraseLedgerEntriesRequest&) {
  return Unimplemented("EraseLedgerEntries");
}

absl::StatusOr<bool> Connection::CheckHealth(const CallOptions&, const std::string&) {
  return Unimplemented("CheckHealth");
}

}  // namespace coalition::client
