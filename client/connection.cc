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

absl::StatusOr<std::unique_ptr<ImportCall>> Connection::ImportRecords(const CallOptions&) {
  return Unimplemented("ImportRecords");
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

absl::StatusOr<bool> Connection::CheckHealth(const CallOptions&, const std::string&) {
  return Unimplemented("CheckHealth");
}

}  // namespace coalition::client
