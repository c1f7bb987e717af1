#include "client/client.h"

#include <algorithm>
#include <ctime>
#include <thread>
#include <utility>

#include "absl/strings/str_format.h"
#include "client/credentials.h"
#include "client/internal/grpc_connection.h"
#include "client/internal/retry_connection.h"
#include "client/internal/to_page.h"

namespace coalition::client {

using internal::ToPage;

namespace {

constexpr size_t kSellersPerCall = 1'000;

Random& SharedRandom() {
  static SystemRandom* const random =
      new SystemRandom;  // never destroyed: clients may outlive static objects
  return *random;
}

// RFC 9562, version 4.
std::string NewUuid(Random& random) {
  std::string b = random.Bytes(16);
  b[6] = static_cast<char>((b[6] & 0x0f) | 0x40);
  b[8] = static_cast<char>((b[8] & 0x3f) | 0x80);
  std::string uuid;
  for (size_t i = 0; i < b.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) uuid += '-';
    uuid += absl::StrFormat("%02x", static_cast<unsigned char>(b[i]));
  }
  return uuid;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Client>> Client::Make(const ClientOptions& options) {
  if (absl::Status status = CheckOptions(options); !status.ok()) return status;
  absl::StatusOr<Credentials> credentials = LoadCredentials(options.tls);
  if (!credentials.ok()) return credentials.status();
  if (absl::Status status = CheckCredentials(*credentials, std::time(nullptr)); !status.ok()) return status;
  auto retrying = std::make_shared<internal::RetryConnection>(
      internal::MakeGrpcConnection(options, *credentials), options.retry, SharedRandom());
  return std::make_unique<Client>(std::move(retrying), options, SharedRandom());
}

absl::StatusOr<std::unique_ptr<Client>> Client::Connect(const ClientOptions& options) {
  absl::StatusOr<std::unique_ptr<Client>> client = Make(options);
  if (!client.ok()) return client.status();
  if (auto me = (*client)->WhoAmI(); !me.ok()) return me.status();
  return client;
}

Client::Client(std::shared_ptr<Connection> connection, const ClientOptions& options, Random& random)
    : connection_(std::move(connection)), options_(options), random_(random) {}

Client::~Client() = default;

std::string Client::RequestId(const WriteOptions& options) {
  return options.request_id.empty() ? NewUuid(random_) : options.request_id;
}

absl::StatusOr<v1::WhoAmIResponse> Client::WhoAmI() { return connection_->WhoAmI(call_options(), {}); }

PagedRange<v1::Member> Client::ListMembers() {
  return PagedRange<v1::Member>([this](const std::string& token) -> absl::StatusOr<Page<v1::Member>> {
    v1::ListMembersRequest request;
    request.set_page_token(token);
    absl::StatusOr<v1::ListMembersResponse> response = connection_->ListMembers(call_options(), request);
    if (!response.ok()) return response.status();
    return ToPage<v1::Member>(response->mutable_members(), response->mutable_next_page_token());
  });
}

absl::StatusOr<v1::Member> Client::GetMember(const std::string& name) {
  v1::GetMemberRequest request;
  request.set_name(name);
  absl::StatusOr<v1::GetMemberResponse> response = connection_->GetMember(call_options(), request);
  if (!response.ok()) return response.status();
  return std::move(*response->mutable_member());
}

PagedRange<v1::Platform> Client::ListPlatforms() {
  return PagedRange<v1::Platform>([this](const std::string& token) -> absl::StatusOr<Page<v1::Platform>> {
    v1::ListPlatformsRequest request;
    request.set_page_token(token);
    absl::StatusOr<v1::ListPlatformsResponse> response = connection_->ListPlatforms(call_options(), request);
    if (!response.ok()) return response.status();
    return ToPage<v1::Platform>(response->mutable_platforms(), response->mutable_next_page_token());
  });
}

absl::StatusOr<v1::CreateRecordResponse> Client::CreateRecord(const v1::Record& record,
                                                              const WriteOptions& options) {
  v1::CreateRecordRequest request;
  *request.mutable_record() = record;
  request.set_request_id(RequestId(options));
  request.set_validate_only(options.validate_only);
  return connection_->CreateRecord(call_options(), request);
}

absl::StatusOr<v1::Record> Client::GetRecord(const std::string& name) {
  v1::GetRecordRequest request;
  request.set_name(name);
  absl::StatusOr<v1::GetRecordResponse> response = connection_->GetRecord(call_options(), request);
  if (!response.ok()) return response.status();
  return std::move(*response->mutable_record());
}

PagedRange<v1::Record> Client::ListRecords(const v1::RecordFilter& filter, int page_size) {
  return PagedRange<v1::Record>(
      [this, filter, page_size](const std::string& token) -> absl::StatusOr<Page<v1::Record>> {
        v1::ListRecordsRequest request;
        *request.mutable_filter() = filter;
        request.set_page_size(page_size);
        request.set_page_token(token);
        absl::StatusOr<v1::ListRecordsResponse> response = ListRecordsPage(request);
        if (!response.ok()) return response.status();
        return ToPage<v1::Record>(response->mutable_records(), response->mutable_next_page_token());
      });
}

absl::StatusOr<v1::ListRecordsResponse> Client::ListRecordsPage(const v1::ListRecordsRequest& request) {
  return connection_->ListRecords(call_options(), request);
}

absl::StatusOr<v1::Record> Client::ReviseRecord(const v1::Record& record,
                                                const std::vector<std::string>& paths,
                                                const WriteOptions& options) {
  v1::ReviseRecordRequest request;
  *request.mutable_record() = record;
  for (const std::string& path : paths) request.mutable_update_mask()->add_paths(path);
  request.set_request_id(RequestId(options));
  request.set_validate_only(options.validate_only);
  absl::StatusOr<v1::ReviseRecordResponse> response = connection_->ReviseRecord(call_options(), request);
  if (!response.ok()) return response.status();
  return std::move(*response->mutable_record());
}

absl::Status Client::WithdrawRecord(const std::string& name, const std::string& etag,
                                    const WriteOptions& options) {
  v1::WithdrawRecordRequest request;
  request.set_name(name);
  request.set_etag(etag);
  request.set_request_id(RequestId(options));
  request.set_validate_only(options.validate_only);
  return connection_->WithdrawRecord(call_options(), request).status();
}

absl::Status Client::ClearRecord(const std::string& name, const Clearance& clearance, const std::string& etag,
                                 const WriteOptions& options) {
  v1::ClearRecordRequest request;
  request.set_name(name);
  request.set_etag(etag);
  request.set_grounds(clearance.grounds);
  request.set_comment(clearance.comment);
  request.set_request_id(RequestId(options));
  request.set_validate_only(options.validate_only);
  return connection_->ClearRecord(call_options(), request).status();
}

absl::StatusOr<v1::Record> Client::ConfirmRecord(const std::string& name, const std::string& grounds,
                                                 const std::string& etag, const WriteOptions& options) {
  v1::ConfirmRecordRequest request;
  request.set_name(name);
  request.set_etag(etag);
  request.set_grounds(grounds);
  request.set_request_id(RequestId(options));
  request.set_validate_only(options.validate_only);
  absl::StatusOr<v1::ConfirmRecordResponse> response = connection_->ConfirmRecord(call_options(), request);
  if (!response.ok()) return response.status();
  return std::move(*response->mutable_record());
}

absl::StatusOr<v1::ScreenSellersResponse> Client::ScreenSellers(const std::vector<v1::Seller>& sellers) {
  v1::ScreenSellersResponse all;
  for (size_t from = 0; from < sellers.size(); from += kSellersPerCall) {
    const size_t to = std::min(sellers.size(), from + kSellersPerCall);
    v1::ScreenSellersRequest request;
    for (size_t i = from; i < to; ++i) *request.add_sellers() = sellers[i];
    absl::StatusOr<v1::ScreenSellersResponse> response = connection_->ScreenSellers(call_options(), request);
    if (!response.ok()) return response.status();
    if (static_cast<size_t>(response->results_size()) != to - from) {
      return absl::InternalError("the server did not answer for each seller");
    }
    all.set_handling(response->handling());
    for (v1::ScreenResult& result : *response->mutable_results())
      all.mutable_results()->Add(std::move(result));
  }
  return all;
}

absl::StatusOr<v1::ScreenResult> Client::ScreenSeller(const std::string& platform,
                                                      const std::string& seller_id) {
  v1::Seller seller;
  seller.set_platform(platform);
  seller.set_seller_id(seller_id);
  absl::StatusOr<v1::ScreenSellersResponse> response = ScreenSellers({seller});
  if (!response.ok()) return response.status();
  return std::move(*response->mutable_results(0));
}

absl::StatusOr<v1::SellerProfile> Client::GetSellerProfile(const v1::Seller& seller) {
  v1::GetSellerProfileRequest request;
  *request.mutable_seller() = seller;
  absl::StatusOr<v1::GetSellerProfileResponse> response =
      connection_->GetSellerProfile(call_options(), request);
  if (!response.ok()) return response.status();
  return std::move(*response->mutable_profile());
}

absl::StatusOr<v1::PreviewAudienceResponse> Client::PreviewAudience(const v1::Record& record) {
  v1::PreviewAudienceRequest request;
  *request.mutable_record() = record;
  return connection_->PreviewAudience(call_options(), request);
}

absl::StatusOr<v1::ExplainAccessResponse> Client::ExplainAccess(const std::string& name,
                                                                const std::string& member, int64_t epoch) {
  v1::ExplainAccessRequest request;
  request.set_name(name);
  request.set_member(member);
  request.set_epoch(epoch);
  return connection_->ExplainAccess(call_options(), request);
}

absl::StatusOr<v1::GetPolicyResponse> Client::GetPolicy(int64_t version) {
  v1::GetPolicyRequest request;
  request.set_version(version);
  return connection_->GetPolicy(call_options(), request);
}

PagedRange<v1::PolicyVersion> Client::ListPolicyVersions() {
  return PagedRange<v1::PolicyVersion>(
      [this](const std::string& token) -> absl::StatusOr<Page<v1::PolicyVersion>> {
        v1::ListPolicyVersionsRequest request;
        request.set_page_token(token);
        absl::StatusOr<v1::ListPolicyVersionsResponse> response =
            connection_->ListPolicyVersions(call_options(), request);
        if (!response.ok()) return response.status();
        return ToPage<v1::PolicyVersion>(response->mutable_versions(), response->mutable_next_page_token());
      });
}

absl::StatusOr<v1::ValidatePolicyResponse> Client::ValidatePolicy(const v1::CoalitionPolicy& policy) {
  v1::ValidatePolicyRequest request;
  *request.mutable_policy() = policy;
  return connection_->ValidatePolicy(call_options(), request);
}

absl::StatusOr<v1::PolicyDiff> Client::DiffPolicy(const v1::CoalitionPolicy& policy, int64_t base_version) {
  v1::DiffPolicyRequest request;
  *request.mutable_policy() = policy;
  request.set_base_version(base_version);
  absl::StatusOr<v1::DiffPolicyResponse> response = connection_->DiffPolicy(call_options(), request);
  if (!response.ok()) return response.status();
  return std::move(*response->mutable_diff());
}

absl::StatusOr<v1::ApprovePolicyResponse> Client::ApprovePolicy(const v1::CoalitionPolicy& policy,
                                                                const ReviewedDiff& reviewed) {
  v1::ApprovePolicyRequest request;
  *request.mutable_policy() = policy;
  request.set_expected_epoch(reviewed.epoch);
  request.set_diff_digest(reviewed.digest);
  return connection_->ApprovePolicy(call_options(), request);
}

absl::StatusOr<v1::PolicyVersion> Client::ApplyPolicy(const v1::CoalitionPolicy& policy,
                                                      const ReviewedDiff& reviewed, bool validate_only) {
  v1::ApplyPolicyRequest request;
  *request.mutable_policy() = policy;
  request.set_expected_epoch(reviewed.epoch);
  request.set_diff_digest(reviewed.digest);
  request.set_validate_only(validate_only);
  absl::StatusOr<v1::ApplyPolicyResponse> response = connection_->ApplyPolicy(call_options(), request);
  if (!response.ok()) return response.status();
  return std::move(*response->mutable_policy());
}

absl::StatusOr<v1::MemberPolicy> Client::GetMemberPolicy(int64_t version) {
  v1::GetMemberPolicyRequest request;
  request.set_version(version);
  absl::StatusOr<v1::GetMemberPolicyResponse> response =
      connection_->GetMemberPolicy(call_options(), request);
  if (!response.ok()) return response.status();
  return std::move(*response->mutable_policy());
}

absl::StatusOr<v1::SetMemberPolicyResponse> Client::SetMemberPolicy(const v1::MemberPolicy& policy,
                                                                    std::optional<int64_t> expected_version,
                                                                    bool validate_only) {
  v1::SetMemberPolicyRequest request;
  *request.mutable_policy() = policy;
  if (expected_version) request.set_expected_version(*expected_version);
  request.set_validate_only(validate_only);
  return connection_->SetMemberPolicy(call_options(), request);
}

absl::StatusOr<v1::SavedAudience> Client::SaveAudience(const v1::SaveAudienceRequest& request) {
  absl::StatusOr<v1::SaveAudienceResponse> response = connection_->SaveAudience(call_options(), request);
  if (!response.ok()) return response.status();
  return std::move(*response->mutable_audience());
}

PagedRange<v1::SavedAudience> Client::ListAudiences() {
  return PagedRange<v1::SavedAudience>(
      [this](const std::string& token) -> absl::StatusOr<Page<v1::SavedAudience>> {
        v1::ListAudiencesRequest request;
        request.set_page_token(token);
        absl::StatusOr<v1::ListAudiencesResponse> response =
            connection_->ListAudiences(call_options(), request);
        if (!response.ok()) return response.status();
        return ToPage<v1::SavedAudience>(response->mutable_audiences(), response->mutable_next_page_token());
      });
}

std::unique_ptr<ImportStream> Client::ImportRecords(const ImportOptions& options,
                                                    ImportStream::ResultCallback on_result) {
  auto open = [connection = connection_, timeout = options.answer_timeout] {
    return connection->ImportRecords(CallOptions{timeout});
  };
  return std::make_unique<ImportStream>(
      std::move(open), options, options_.retry, std::move(on_result),
      [](std::chrono::milliseconds wait) { std::this_thread::sleep_for(wait); });
}

std::unique_ptr<RecordWatch> Client::WatchRecords(const v1::RecordFilter& filter,
                                                  const WatchOptions& options) {
  return std::make_unique<RecordWatch>([connection = connection_] { return connection->WatchRecords(); },
                                       filter, options, options_.retry);
}

absl::StatusOr<bool> Client::CheckHealth(const std::string& service) {
  return connection_->CheckHealth(call_options(), service);
}

}  // namespace coalition::client
