#include "client/internal/grpc_connection.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>

#include "client/internal/connection_driver.h"
#include "client/internal/credential_watch.h"
#include "client/internal/grpc_import_call.h"
#include "client/internal/grpc_status.h"
#include "client/internal/grpc_watch_call.h"
#include "coalition/v1/backup_service.grpc.pb.h"
#include "coalition/v1/erasure_service.grpc.pb.h"
#include "coalition/v1/exchange_service.grpc.pb.h"
#include "coalition/v1/ledger_service.grpc.pb.h"
#include "coalition/v1/membership_service.grpc.pb.h"
#include "coalition/v1/policy_service.grpc.pb.h"
#include "coalition/v1/proposal_service.grpc.pb.h"
#include "coalition/v1/watch_service.grpc.pb.h"
#include "common/mutex.h"

namespace coalition::client::internal {
namespace {

grpc::ChannelArguments Arguments(const ClientOptions& options) {
  grpc::ChannelArguments arguments;
  if (!options.server_name.empty()) arguments.SetSslTargetNameOverride(options.server_name);
  if (!options.user_agent.empty()) arguments.SetUserAgentPrefix(options.user_agent);
  arguments.SetMaxReceiveMessageSize(static_cast<int>(options.message_bytes_max));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, static_cast<int>(options.keepalive.count()));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  // Another client of this process, with another certificate, must never ride on this connection.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // Retries are ours: gRPC's don't know which calls can be repeated.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  // No service configuration from DNS, no proxy from the environment: both would reroute calls.
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 5'000);
  return arguments;
}

// One connection, and whom to ask over it.
struct Stubs {
  std::shared_ptr<grpc::Channel> channel;
  std::shared_ptr<v1::ExchangeService::Stub> exchange;
  std::shared_ptr<v1::MembershipService::Stub> membership;
  std::shared_ptr<v1::PolicyService::Stub> policy;
  std::shared_ptr<v1::ProposalService::Stub> proposals;
  std::shared_ptr<v1::WatchService::Stub> watches;
  std::shared_ptr<v1::LedgerService::Stub> ledger;
  std::shared_ptr<v1::BackupService::Stub> backups;
  std::shared_ptr<v1::ErasureService::Stub> erasures;
};

std::shared_ptr<const Stubs> MakeStubs(const ClientOptions& options, const Credentials& credentials) {
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = credentials.ca_pem;
  tls.pem_cert_chain = credentials.certificate_pem;
  tls.pem_private_key = credentials.key_pem;
  const auto channel =
      grpc::CreateCustomChannel(options.server, grpc::SslCredentials(tls), Arguments(options));
  return std::make_shared<const Stubs>(
      Stubs{channel, v1::ExchangeService::NewStub(channel), v1::MembershipService::NewStub(channel),
            v1::PolicyService::NewStub(channel), v1::ProposalService::NewStub(channel),
            v1::WatchService::NewStub(channel), v1::LedgerService::NewStub(channel),
            v1::BackupService::NewStub(channel), v1::ErasureService::NewStub(channel)});
}

// Whether the server knew who asked, whatever else it thinks of it.
bool IsIdentified(const grpc::Status& status) {
  return status.ok() || status.error_code() == grpc::StatusCode::PERMISSION_DENIED ||
         status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED;
}

class GrpcConnection final : public Connection {
 public:
  GrpcConnection(const ClientOptions& options, const Credentials& credentials)
      : options_(options),
        current_(MakeStubs(options, credentials)),
        watch_(
            options.tls, credentials,
            [this](const Credentials& renewed, const std::stop_token& stop) { return Use(renewed, stop); }),
        driver_([this] { return current()->channel; }) {}

  absl::StatusOr<v1::CreateRecordResponse> CreateRecord(const CallOptions& options,
                                                        const v1::CreateRecordRequest& request) override {
    return Unary<v1::CreateRecordResponse>(&Stubs::exchange, &v1::ExchangeService::Stub::CreateRecord,
                                           options, request);
  }
  absl::StatusOr<v1::GetRecordResponse> GetRecord(const CallOptions& options,
                                                  const v1::GetRecordRequest& request) override {
    return Unary<v1::GetRecordResponse>(&Stubs::exchange, &v1::ExchangeService::Stub::GetRecord, options,
                                        request);
  }
  absl::StatusOr<v1::ListRecordsResponse> ListRecords(const CallOptions& options,
                                                      const v1::ListRecordsRequest& request) override {
    return Unary<v1::ListRecordsResponse>(&Stubs::exchange, &v1::ExchangeService::Stub::ListRecords, options,
                                          request);
  }
  absl::StatusOr<v1::ReviseRecordResponse> ReviseRecord(const CallOptions& options,
                                                        const v1::ReviseRecordRequest& request) override {
    return Unary<v1::ReviseRecordResponse>(&Stubs::exchange, &v1::ExchangeService::Stub::ReviseRecord,
                                           options, request);
  }
  absl::StatusOr<v1::WithdrawRecordResponse> WithdrawRecord(
      const CallOptions& options, const v1::WithdrawRecordRequest& request) override {
    return Unary<v1::WithdrawRecordResponse>(&Stubs::exchange, &v1::ExchangeService::Stub::WithdrawRecord,
                                             options, request);
  }
  absl::StatusOr<v1::ClearRecordResponse> ClearRecord(const CallOptions& options,
                                                      const v1::ClearRecordRequest& request) override {
    return Unary<v1::ClearRecordResponse>(&Stubs::exchange, &v1::ExchangeService::Stub::ClearRecord, options,
                                          request);
  }
  absl::StatusOr<v1::BatchWithdrawRecordsResponse> BatchWithdrawRecords(
      const CallOptions& options, const v1::BatchWithdrawRecordsRequest& request) override {
    return Unary<v1::BatchWithdrawRecordsResponse>(
        &Stubs::exchange, &v1::ExchangeService::Stub::BatchWithdrawRecords, options, request);
  }
  absl::StatusOr<v1::BatchClearRecordsResponse> BatchClearRecords(
      const CallOptions& options, const v1::BatchClearRecordsRequest& request) override {
    return Unary<v1::BatchClearRecordsResponse>(
        &Stubs::exchange, &v1::ExchangeService::Stub::BatchClearRecords, options, request);
  }
  absl::StatusOr<v1::ConfirmRecordResponse> ConfirmRecord(const CallOptions& options,
                                                          const v1::ConfirmRecordRequest& request) override {
    return Unary<v1::ConfirmRecordResponse>(&Stubs::exchange, &v1::ExchangeService::Stub::ConfirmRecord,
                                            options, request);
  }
  absl::StatusOr<std::unique_ptr<ImportCall>> ImportRecords(const CallOptions& options) override {
    return std::make_unique<GrpcImportCall>(current()->exchange, options);
  }
  absl::StatusOr<std::unique_ptr<WatchCall>> WatchRecords() override {
    return std::make_unique<GrpcWatchCall>(current()->watches);
  }
  absl::StatusOr<v1::ListRecallsResponse> ListRecalls(const CallOptions& options,
                                                      const v1::ListRecallsRequest& request) override {
    return Unary<v1::ListRecallsResponse>(&Stubs::watches, &v1::WatchService::Stub::ListRecalls, options,
                                          request);
  }
  absl::StatusOr<v1::AcknowledgeRecallsResponse> AcknowledgeRecalls(
      const CallOptions& options, const v1::AcknowledgeRecallsRequest& request) override {
    return Unary<v1::AcknowledgeRecallsResponse>(&Stubs::watches, &v1::WatchService::Stub::AcknowledgeRecalls,
                                                 options, request);
  }
  absl::StatusOr<v1::GetRecallStatusResponse> GetRecallStatus(
      const CallOptions& options, const v1::GetRecallStatusRequest& request) override {
    return Unary<v1::GetRecallStatusResponse>(&Stubs::watches, &v1::WatchService::Stub::GetRecallStatus,
                                              options, request);
  }
  absl::StatusOr<v1::ScreenSellersResponse> ScreenSellers(const CallOptions& options,
                                                          const v1::ScreenSellersRequest& request) override {
    return Unary<v1::ScreenSellersResponse>(&Stubs::exchange, &v1::ExchangeService::Stub::ScreenSellers,
                                            options, request);
  }
  absl::StatusOr<v1::GetSellerProfileResponse> GetSellerProfile(
      const CallOptions& options, const v1::GetSellerProfileRequest& request) override {
    return Unary<v1::GetSellerProfileResponse>(&Stubs::exchange, &v1::ExchangeService::Stub::GetSellerProfile,
                                               options, request);
  }
  absl::StatusOr<v1::PreviewAudienceResponse> PreviewAudience(
      const CallOptions& options, const v1::PreviewAudienceRequest& request) override {
    return Unary<v1::PreviewAudienceResponse>(&Stubs::exchange, &v1::ExchangeService::Stub::PreviewAudience,
                                              options, request);
  }
  absl::StatusOr<v1::ExplainAccessResponse> ExplainAccess(const CallOptions& options,
                                                          const v1::ExplainAccessRequest& request) override {
    return Unary<v1::ExplainAccessResponse>(&Stubs::exchange, &v1::ExchangeService::Stub::ExplainAccess,
                                            options, request);
  }
  absl::StatusOr<v1::WhoAmIResponse> WhoAmI(const CallOptions& options,
                                            const v1::WhoAmIRequest& request) override {
    return Unary<v1::WhoAmIResponse>(&Stubs::membership, &v1::MembershipService::Stub::WhoAmI, options,
                                     request);
  }
  absl::StatusOr<v1::ListMembersResponse> ListMembers(const CallOptions& options,
                                                      const v1::ListMembersRequest& request) override {
    return Unary<v1::ListMembersResponse>(&Stubs::membership, &v1::MembershipService::Stub::ListMembers,
                                          options, request);
  }
  absl::StatusOr<v1::GetMemberResponse> GetMember(const CallOptions& options,
                                                  const v1::GetMemberRequest& request) override {
    return Unary<v1::GetMemberResponse>(&Stubs::membership, &v1::MembershipService::Stub::GetMember, options,
                                        request);
  }
  absl::StatusOr<v1::ListPlatformsResponse> ListPlatforms(const CallOptions& options,
                                                          const v1::ListPlatformsRequest& request) override {
    return Unary<v1::ListPlatformsResponse>(&Stubs::membership, &v1::MembershipService::Stub::ListPlatforms,
                                            options, request);
  }
  absl::StatusOr<v1::ListGroupsResponse> ListGroups(const CallOptions& options,
                                                    const v1::ListGroupsRequest& request) override {
    return Unary<v1::ListGroupsResponse>(&Stubs::membership, &v1::MembershipService::Stub::ListGroups,
                                         options, request);
  }
  absl::StatusOr<v1::SetStandingResponse> SetStanding(const CallOptions& options,
                                                      const v1::SetStandingRequest& request) override {
    return Unary<v1::SetStandingResponse>(&Stubs::membership, &v1::MembershipService::Stub::SetStanding,
                                          options, request);
  }
  absl::StatusOr<v1::SetCertificatesNotBeforeResponse> SetCertificatesNotBefore(
      const CallOptions& options, const v1::SetCertificatesNotBeforeRequest& request) override {
    return Unary<v1::SetCertificatesNotBeforeResponse>(
        &Stubs::membership, &v1::MembershipService::Stub::SetCertificatesNotBefore, options, request);
  }
  absl::StatusOr<v1::LeaveCoalitionResponse> LeaveCoalition(
      const CallOptions& options, const v1::LeaveCoalitionRequest& request) override {
    return Unary<v1::LeaveCoalitionResponse>(&Stubs::membership, &v1::MembershipService::Stub::LeaveCoalition,
                                             options, request);
  }
  absl::StatusOr<v1::GetDepartureResponse> GetDeparture(const CallOptions& options,
                                                        const v1::GetDepartureRequest& request) override {
    return Unary<v1::GetDepartureResponse>(&Stubs::membership, &v1::MembershipService::Stub::GetDeparture,
                                           options, request);
  }
  absl::StatusOr<v1::RemoveFromGroupResponse> RemoveFromGroup(
      const CallOptions& options, const v1::RemoveFromGroupRequest& request) override {
    return Unary<v1::RemoveFromGroupResponse>(
        &Stubs::membership, &v1::MembershipService::Stub::RemoveFromGroup, options, request);
  }
  absl::StatusOr<v1::ReleasePlatformResponse> ReleasePlatform(
      const CallOptions& options, const v1::ReleasePlatformRequest& request) override {
    return Unary<v1::ReleasePlatformResponse>(
        &Stubs::membership, &v1::MembershipService::Stub::ReleasePlatform, options, request);
  }
  absl::StatusOr<v1::ListCredentialsResponse> ListCredentials(
      const CallOptions& options, const v1::ListCredentialsRequest& request) override {
    return Unary<v1::ListCredentialsResponse>(
        &Stubs::membership, &v1::MembershipService::Stub::ListCredentials, options, request);
  }
  absl::StatusOr<v1::SetCredentialResponse> SetCredential(const CallOptions& options,
                                                          const v1::SetCredentialRequest& request) override {
    return Unary<v1::SetCredentialResponse>(&Stubs::membership, &v1::MembershipService::Stub::SetCredential,
                                            options, request);
  }
  absl::StatusOr<v1::RegisterKeyResponse> RegisterKey(const CallOptions& options,
                                                      const v1::RegisterKeyRequest& request) override {
    return Unary<v1::RegisterKeyResponse>(&Stubs::membership, &v1::MembershipService::Stub::RegisterKey,
                                          options, request);
  }
  absl::StatusOr<v1::ConfirmKeyResponse> ConfirmKey(const CallOptions& options,
                                                    const v1::ConfirmKeyRequest& request) override {
    return Unary<v1::ConfirmKeyResponse>(&Stubs::membership, &v1::MembershipService::Stub::ConfirmKey,
                                         options, request);
  }
  absl::StatusOr<v1::RevokeCredentialResponse> RevokeCredential(
      const CallOptions& options, const v1::RevokeCredentialRequest& request) override {
    return Unary<v1::RevokeCredentialResponse>(
        &Stubs::membership, &v1::MembershipService::Stub::RevokeCredential, options, request);
  }
  absl::StatusOr<v1::ListMembershipEventsResponse> ListMembershipEvents(
      const CallOptions& options, const v1::ListMembershipEventsRequest& request) override {
    return Unary<v1::ListMembershipEventsResponse>(
        &Stubs::membership, &v1::MembershipService::Stub::ListMembershipEvents, options, request);
  }
  absl::StatusOr<v1::CreateProposalResponse> CreateProposal(
      const CallOptions& options, const v1::CreateProposalRequest& request) override {
    return Unary<v1::CreateProposalResponse>(&Stubs::proposals, &v1::ProposalService::Stub::CreateProposal,
                                             options, request);
  }
  absl::StatusOr<v1::GetProposalResponse> GetProposal(const CallOptions& options,
                                                      const v1::GetProposalRequest& request) override {
    return Unary<v1::GetProposalResponse>(&Stubs::proposals, &v1::ProposalService::Stub::GetProposal, options,
                                          request);
  }
  absl::StatusOr<v1::ListProposalsResponse> ListProposals(const CallOptions& options,
                                                          const v1::ListProposalsRequest& request) override {
    return Unary<v1::ListProposalsResponse>(&Stubs::proposals, &v1::ProposalService::Stub::ListProposals,
                                            options, request);
  }
  absl::StatusOr<v1::PreviewProposalResponse> PreviewProposal(
      const CallOptions& options, const v1::PreviewProposalRequest& request) override {
    return Unary<v1::PreviewProposalResponse>(&Stubs::proposals, &v1::ProposalService::Stub::PreviewProposal,
                                              options, request);
  }
  absl::StatusOr<v1::ApproveProposalResponse> ApproveProposal(
      const CallOptions& options, const v1::ApproveProposalRequest& request) override {
    return Unary<v1::ApproveProposalResponse>(&Stubs::proposals, &v1::ProposalService::Stub::ApproveProposal,
                                              options, request);
  }
  absl::StatusOr<v1::ObjectToProposalResponse> ObjectToProposal(
      const CallOptions& options, const v1::ObjectToProposalRequest& request) override {
    return Unary<v1::ObjectToProposalResponse>(
        &Stubs::proposals, &v1::ProposalService::Stub::ObjectToProposal, options, request);
  }
  absl::StatusOr<v1::ApplyProposalResponse> ApplyProposal(const CallOptions& options,
                                                          const v1::ApplyProposalRequest& request) override {
    return Unary<v1::ApplyProposalResponse>(&Stubs::proposals, &v1::ProposalService::Stub::ApplyProposal,
                                            options, request);
  }
  absl::StatusOr<v1::WithdrawProposalResponse> WithdrawProposal(
      const CallOptions& options, const v1::WithdrawProposalRequest& request) override {
    return Unary<v1::WithdrawProposalResponse>(
        &Stubs::proposals, &v1::ProposalService::Stub::WithdrawProposal, options, request);
  }
  absl::StatusOr<v1::GetPolicyResponse> GetPolicy(const CallOptions& options,
                                                  const v1::GetPolicyRequest& request) override {
    return Unary<v1::GetPolicyResponse>(&Stubs::policy, &v1::PolicyService::Stub::GetPolicy, options,
                                        request);
  }
  absl::StatusOr<v1::ListPolicyVersionsResponse> ListPolicyVersions(
      const CallOptions& options, const v1::ListPolicyVersionsRequest& request) override {
    return Unary<v1::ListPolicyVersionsResponse>(&Stubs::policy, &v1::PolicyService::Stub::ListPolicyVersions,
                                                 options, request);
  }
  absl::StatusOr<v1::ValidatePolicyResponse> ValidatePolicy(
      const CallOptions& options, const v1::ValidatePolicyRequest& request) override {
    return Unary<v1::ValidatePolicyResponse>(&Stubs::policy, &v1::PolicyService::Stub::ValidatePolicy,
                                             options, request);
  }
  absl::StatusOr<v1::DiffPolicyResponse> DiffPolicy(const CallOptions& options,
                                                    const v1::DiffPolicyRequest& request) override {
    return Unary<v1::DiffPolicyResponse>(&Stubs::policy, &v1::PolicyService::Stub::DiffPolicy, options,
                                         request);
  }
  absl::StatusOr<v1::ApprovePolicyResponse> ApprovePolicy(const CallOptions& options,
                                                          const v1::ApprovePolicyRequest& request) override {
    return Unary<v1::ApprovePolicyResponse>(&Stubs::policy, &v1::PolicyService::Stub::ApprovePolicy, options,
                                            request);
  }
  absl::StatusOr<v1::ApplyPolicyResponse> ApplyPolicy(const CallOptions& options,
                                                      const v1::ApplyPolicyRequest& request) override {
    return Unary<v1::ApplyPolicyResponse>(&Stubs::policy, &v1::PolicyService::Stub::ApplyPolicy, options,
                                          request);
  }
  absl::StatusOr<v1::GetMemberPolicyResponse> GetMemberPolicy(
      const CallOptions& options, const v1::GetMemberPolicyRequest& request) override {
    return Unary<v1::GetMemberPolicyResponse>(&Stubs::policy, &v1::PolicyService::Stub::GetMemberPolicy,
                                              options, request);
  }
  absl::StatusOr<v1::SetMemberPolicyResponse> SetMemberPolicy(
      const CallOptions& options, const v1::SetMemberPolicyRequest& request) override {
    return Unary<v1::SetMemberPolicyResponse>(&Stubs::policy, &v1::PolicyService::Stub::SetMemberPolicy,
                                              options, request);
  }
  absl::StatusOr<v1::SaveAudienceResponse> SaveAudience(const CallOptions& options,
                                                        const v1::SaveAudienceRequest& request) override {
    return Unary<v1::SaveAudienceResponse>(&Stubs::policy, &v1::PolicyService::Stub::SaveAudience, options,
                                           request);
  }
  absl::StatusOr<v1::ListAudiencesResponse> ListAudiences(const CallOptions& options,
                                                          const v1::ListAudiencesRequest& request) override {
    return Unary<v1::ListAudiencesResponse>(&Stubs::policy, &v1::PolicyService::Stub::ListAudiences, options,
                                            request);
  }
  absl::StatusOr<v1::GetCheckpointResponse> GetCheckpoint(const CallOptions& options,
                                                          const v1::GetCheckpointRequest& request) override {
    return Unary<v1::GetCheckpointResponse>(&Stubs::ledger, &v1::LedgerService::Stub::GetCheckpoint, options,
                                            request);
  }
  absl::StatusOr<v1::GetConsistencyProofResponse> GetConsistencyProof(
      const CallOptions& options, const v1::GetConsistencyProofRequest& request) override {
    return Unary<v1::GetConsistencyProofResponse>(
        &Stubs::ledger, &v1::LedgerService::Stub::GetConsistencyProof, options, request);
  }
  absl::StatusOr<v1::ListLedgerEntriesResponse> ListLedgerEntries(
      const CallOptions& options, const v1::ListLedgerEntriesRequest& request) override {
    return Unary<v1::ListLedgerEntriesResponse>(&Stubs::ledger, &v1::LedgerService::Stub::ListLedgerEntries,
                                                options, request);
  }
  absl::StatusOr<v1::GetLedgerEntryResponse> GetLedgerEntry(
      const CallOptions& options, const v1::GetLedgerEntryRequest& request) override {
    return Unary<v1::GetLedgerEntryResponse>(&Stubs::ledger, &v1::LedgerService::Stub::GetLedgerEntry,
                                             options, request);
  }
  absl::StatusOr<v1::ListDisclosuresResponse> ListDisclosures(
      const CallOptions& options, const v1::ListDisclosuresRequest& request) override {
    return Unary<v1::ListDisclosuresResponse>(&Stubs::ledger, &v1::LedgerService::Stub::ListDisclosures,
                                              options, request);
  }
  absl::StatusOr<v1::AddCosignatureResponse> AddCosignature(
      const CallOptions& options, const v1::AddCosignatureRequest& request) override {
    return Unary<v1::AddCosignatureResponse>(&Stubs::ledger, &v1::LedgerService::Stub::AddCosignature,
                                             options, request);
  }
  absl::Status CreateBackup(const v1::CreateBackupRequest& request, const TakeBackup& take) override {
    const std::shared_ptr<const Stubs> stubs = current();
    grpc::ClientContext context;
    const auto stream = stubs->backups->CreateBackup(&context, request);
    v1::CreateBackupResponse response;
    bool wanted = true;
    // The status is final only when all messages have been read.
    while (stream->Read(&response)) {
      if (!wanted || (wanted = take(response))) continue;
      context.TryCancel();
    }
    return FromGrpcStatus(stream->Finish());
  }
  absl::StatusOr<v1::EraseRecordsResponse> EraseRecords(const CallOptions& options,
                                                        const v1::EraseRecordsRequest& request) override {
    return Unary<v1::EraseRecordsResponse>(&Stubs::erasures, &v1::ErasureService::Stub::EraseRecords, options,
                                           request);
  }
  absl::StatusOr<v1::EraseLedgerEntriesResponse> EraseLedgerEntries(
      const CallOptions& options, const v1::EraseLedgerEntriesRequest& request) override {
    return Unary<v1::EraseLedgerEntriesResponse>(
        &Stubs::erasures, &v1::ErasureService::Stub::EraseLedgerEntries, options, request);
  }

  // Debian does not package grpc.health.v1: HealthCheckRequest{1: service}, HealthCheckResponse{1: status, 1
  // = SERVING}.
  absl::StatusOr<bool> CheckHealth(const CallOptions& options, const std::string& service) override {
    if (service.size() > 127) return absl::InvalidArgumentError("a service name has at most 127 bytes");
    std::string request;
    if (!service.empty()) request = std::string("\x0a") + static_cast<char>(service.size()) + service;
    const grpc::Slice slice(request);
    const grpc::ByteBuffer out(&slice, 1);
    grpc::ClientContext context;
    SetDeadline(context, options);
    grpc::CompletionQueue queue;
    const std::shared_ptr<const Stubs> stubs = current();
    auto call = grpc::GenericStub(stubs->channel)
                    .PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check", out, &queue);
    call->StartCall();
    grpc::ByteBuffer in;
    grpc::Status status;
    call->Finish(&in, &status, this);
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
    if (!status.ok()) return FromGrpcStatus(status);
    grpc::Slice answer;
    if (!in.DumpToSingleSlice(&answer).ok()) return absl::InternalError("the health answer can't be read");
    return std::string(answer.begin(), answer.end()) == std::string("\x08\x01");
  }

 private:
  static void SetDeadline(grpc::ClientContext& context, const CallOptions& options) {
    context.set_deadline(std::chrono::system_clock::now() + options.timeout);
  }

  std::shared_ptr<const Stubs> current() const {
    MutexLock lock(mutex_);
    return current_;
  }

  // The call holds on to its stubs, and so to its connection, until it has ended.
  template <class Response, class Stub, class Method, class Request>
  absl::StatusOr<Response> Unary(std::shared_ptr<Stub> Stubs::*service, Method method,
                                 const CallOptions& options, const Request& request) {
    const std::shared_ptr<const Stubs> stubs = current();
    grpc::ClientContext context;
    SetDeadline(context, options);
    Response response;
    const grpc::Status status = ((*stubs.*service).get()->*method)(&context, request, &response);
    if (!status.ok()) return FromGrpcStatus(status);
    return response;
  }

  // The other connection takes this one's place once the server has said over it that it knows us.
  absl::Status Use(const Credentials& renewed, const std::stop_token& stop) {
    const std::shared_ptr<const Stubs> next = MakeStubs(options_, renewed);
    grpc::ClientContext context;
    SetDeadline(context, CallOptions{options_.timeout});
    const std::stop_callback cancel(stop, [&context] { context.TryCancel(); });
    v1::WhoAmIResponse who;
    const grpc::Status status = next->membership->WhoAmI(&context, v1::WhoAmIRequest(), &who);
    if (!IsIdentified(status)) return FromGrpcStatus(status);
    MutexLock lock(mutex_);
    current_ = next;
    return absl::OkStatus();
  }

  const ClientOptions options_;
  mutable Mutex mutex_;
  std::shared_ptr<const Stubs> current_ ABSL_GUARDED_BY(mutex_);
  CredentialWatch watch_;  // these two last: use the others
  ConnectionDriver driver_;
};

}  // namespace

std::unique_ptr<Connection> MakeGrpcConnection(const ClientOptions& options, const Credentials& credentials) {
  return std::make_unique<GrpcConnection>(options, credentials);
}

}  // namespace coalition::client::internal
