// The client of a coalition's exchange.
//
//   coalition::client::ClientOptions options;
//   options.server = "exchange.coalition.example:7443";
//   options.tls = {.ca_file = "ca.pem", .certificate_file = "me.pem", .key_file = "me.key"};
//   auto client = coalition::client::Client::Connect(options);
//   if (!client.ok()) …
//   auto result = (*client)->ScreenSeller("bazaar.example", "shop-4711");
//
// Needs no gRPC header. Errors are absl::Status with gRPC's codes; what the server says beyond code and
// message (reason, metadata, fields at fault, when to try again) is in its payloads, read with
// GetErrorReason, GetErrorInfo, GetBadRequest and GetRetryDelay of common/errors.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/connection.h"
#include "client/import_stream.h"
#include "client/options.h"
#include "client/paging.h"
#include "client/record_watch.h"
#include "coalition/v1/backup_service.pb.h"
#include "coalition/v1/erasure_service.pb.h"
#include "coalition/v1/exchange_service.pb.h"
#include "coalition/v1/ledger_service.pb.h"
#include "coalition/v1/membership_service.pb.h"
#include "coalition/v1/policy_service.pb.h"
#include "coalition/v1/proposal_service.pb.h"
#include "coalition/v1/watch_service.pb.h"
#include "common/errors.h"  // IWYU pragma: export
#include "common/random.h"

namespace coalition::client {

struct WriteOptions {
  // A UUID that makes the write idempotent, also across processes that repeat it. Empty: the client makes one
  // for each call, which covers the client's own retries.
  std::string request_id{};
  // Checks everything, writes nothing.
  bool validate_only = false;
};

// Why a record was wrong.
struct Clearance {
  v1::ClearanceGrounds grounds = v1::CLEARANCE_GROUNDS_UNSPECIFIED;
  std::string comment{};
};

struct TakeBackOptions {
  // Checks everything, takes nothing back.
  bool validate_only = false;
  // Told the results of each request when they are there. False: no further request is made.
  std::function<bool(std::span<const v1::TakeBackResult> results)> on_results{};
};

// What became of many records.
struct TakenBack {
  // One for each name, in order; where `status` is an error, for those that were answered before it.
  std::vector<v1::TakeBackResult> results{};
  // Of the request that failed: what it named may or may not be taken back, and what comes after was not
  // asked. CANCELLED where on_results wanted no more.
  absl::Status status{};
};

// What was reviewed: of DiffPolicy's answer.
struct ReviewedDiff {
  int64_t epoch = 0;
  std::string digest{};
};

// Thread-safe: one client serves any number of threads over one connection, which is made when first needed
// and again after it broke. Every method blocks until the server has answered. Each call to it, with its
// retries, lasts at most the retry policy's budget; a method makes one, but those of many sellers, records or
// recalls one for each batch and a list one for each page. The server's answer decides what exists: NOT_FOUND
// means absent or not yours to see, and nothing tells the two apart.
class Client {
 public:
  // Checks the options and reads, parses and matches certificate, key and CA; reaches for no network.
  // INVALID_ARGUMENT or the file's error says which setting is wrong and how; FAILED_PRECONDITION: the
  // certificate has expired or is not yet valid.
  static absl::StatusOr<std::unique_ptr<Client>> Make(const ClientOptions& options);
  // The same, and asks the server who we are. The client is usable at once; an error is Make's or WhoAmI's.
  static absl::StatusOr<std::unique_ptr<Client>> Connect(const ClientOptions& options);
  // Over a connection of one's own, for tests. Options used: timeout, and retry for streams only.
  // `random`, for request ids, must outlive the client.
  Client(std::shared_ptr<Connection> connection, const ClientOptions& options, Random& random);
  ~Client();

  // Who the server takes us for. UNAUTHENTICATED, with IDENTITY_MALFORMED, CREDENTIAL_UNREGISTERED or
  // CERTIFICATE_NOT_CURRENT, for nobody.
  absl::StatusOr<v1::WhoAmIResponse> WhoAmI();
  PagedRange<v1::Member> ListMembers();
  // `name` is "members/aurore".
  absl::StatusOr<v1::Member> GetMember(const std::string& name);
  PagedRange<v1::Platform> ListPlatforms();
  PagedRange<v1::Group> ListGroups();
  // Newest first.
  PagedRange<v1::MembershipEvent> ListMembershipEvents();

  // Administration, on the exchange's administration listener for COALITION_ADMIN and AUDITOR. Every one can
  // be repeated, and is by the client. What cuts somebody off is done when it returns OK.
  absl::StatusOr<v1::SetStandingResponse> SetStanding(const std::string& member, v1::Standing standing,
                                                      v1::StandingReason reason);
  // Certificates that became valid before `unix_s` are refused.
  absl::StatusOr<v1::SetCertificatesNotBeforeResponse> SetCertificatesNotBefore(const std::string& member,
                                                                                int64_t unix_s);
  // Our own member. `successor` empty: its records are withdrawn.
  absl::StatusOr<v1::Departure> LeaveCoalition(const std::string& member, const std::string& successor = "");
  absl::StatusOr<v1::Departure> GetDeparture(const std::string& member);
  absl::StatusOr<v1::Member> RemoveFromGroup(const std::string& group, const std::string& member);
  absl::StatusOr<v1::Platform> ReleasePlatform(const std::string& platform);

  // Of a member, also those without a key.
  PagedRange<v1::Credential> ListCredentials(const std::string& member);
  // `credential`, here and below, is "members/aurore/credentials/backend". Keys are SHA-256 in hex.
  absl::StatusOr<v1::Credential> SetCredential(const std::string& credential,
                                               const std::vector<v1::Role>& roles,
                                               const std::string& purpose);
  absl::StatusOr<v1::Credential> RegisterKey(const std::string& credential,
                                             const std::string& public_key_sha256);
  // `previous_key_seconds`: how long the key before is accepted too; the server's default without.
  absl::StatusOr<v1::Credential> ConfirmKey(const std::string& credential,
                                            const std::string& public_key_sha256,
                                            std::optional<int64_t> previous_key_seconds = std::nullopt);
  absl::StatusOr<v1::RevokeCredentialResponse> RevokeCredential(const std::string& credential,
                                                                v1::RevocationReason reason);

  absl::StatusOr<v1::Proposal> CreateProposal(const v1::ProposedChange& change, const std::string& reason,
                                              const WriteOptions& options = {});
  // `name`, here and below, is "proposals/7".
  absl::StatusOr<v1::Proposal> GetProposal(const std::string& name);
  // Newest first.
  PagedRange<v1::Proposal> ListProposals();
  // What it would show of our member's records.
  absl::StatusOr<v1::ProposalImpact> PreviewProposal(const std::string& name);
  // Both with the digest of the proposal that was reviewed.
  absl::StatusOr<v1::Proposal> ApproveProposal(const std::string& name, const std::string& digest);
  absl::StatusOr<v1::Proposal> ApplyProposal(const std::string& name, const std::string& digest);
  absl::StatusOr<v1::Proposal> ObjectToProposal(const std::string& name);
  absl::StatusOr<v1::Proposal> WithdrawProposal(const std::string& name);

  // The record as it was stored, or what is there already under its external_id (`existed`). ALREADY_EXISTS:
  // that external_id is taken for other contents. INVALID_ARGUMENT carries a BadRequest.
  absl::StatusOr<v1::CreateRecordResponse> CreateRecord(const v1::Record& record,
                                                        const WriteOptions& options = {});
  // `name` is "records/…".
  absl::StatusOr<v1::Record> GetRecord(const std::string& name);
  // Newest first, page by page. `page_size` 0: the server's.
  PagedRange<v1::Record> ListRecords(const v1::RecordFilter& filter, int page_size = 0);
  absl::StatusOr<v1::ListRecordsResponse> ListRecordsPage(const v1::ListRecordsRequest& request);
  // Replaces the fields that `paths` name ("audience", "offender_report.listings") by those of `record`,
  // whose name says which record is meant. With an etag in it, ABORTED if somebody was faster.
  absl::StatusOr<v1::Record> ReviseRecord(const v1::Record& record, const std::vector<std::string>& paths,
                                          const WriteOptions& options = {});
  // For good: nobody sees it any more. With `etag`, ABORTED if the record has changed since.
  absl::Status WithdrawRecord(const std::string& name, const std::string& etag = "",
                              const WriteOptions& options = {});
  // The same for a record that was wrong: whoever was shown it is told so. The grounds are kept, and shown to
  // nobody else.
  absl::Status ClearRecord(const std::string& name, const Clearance& clearance, const std::string& etag = "",
                           const WriteOptions& options = {});
  // The same of any number of names, each once, in requests of at most 250, one after the other, each with
  // the retry policy's budget to itself. A record that can't be taken back is a result (REJECTED, with the
  // reason), not an error, and hinders no other. All can be said again: what is done is then DONE_BEFORE, as
  // it is where the client's own repetition finds what its first try did.
  TakenBack WithdrawRecords(const std::vector<std::string>& names, const TakeBackOptions& options = {});
  TakenBack ClearRecords(const std::vector<std::string>& names, const Clearance& clearance,
                         const TakeBackOptions& options = {});
  // Stands by a contested report of our own, which is active again. FAILED_PRECONDITION: it is not contested.
  absl::StatusOr<v1::Record> ConfirmRecord(const std::string& name, const std::string& grounds,
                                           const std::string& etag = "", const WriteOptions& options = {});

  // One answer for each seller, in order, for any number: asked in batches of 1,000, one after the other,
  // each with the retry policy's budget to itself. Fails as a whole.
  absl::StatusOr<v1::ScreenSellersResponse> ScreenSellers(const std::vector<v1::Seller>& sellers);
  absl::StatusOr<v1::ScreenResult> ScreenSeller(const std::string& platform, const std::string& seller_id);
  absl::StatusOr<v1::SellerProfile> GetSellerProfile(const v1::Seller& seller);

  // Who would see `record`, of which only header, class and an opinion's subject count, if it were created
  // now. It is never written. Problems with its audience are in the answer, not errors.
  absl::StatusOr<v1::PreviewAudienceResponse> PreviewAudience(const v1::Record& record);
  // Who sees the record, and why. An empty `member` ("members/…"): everyone, or only us where the record is
  // not ours. `epoch` 0: now.
  absl::StatusOr<v1::ExplainAccessResponse> ExplainAccess(const std::string& name,
                                                          const std::string& member = "", int64_t epoch = 0);

  // The coalition's policy. `version` 0: the one in force.
  absl::StatusOr<v1::GetPolicyResponse> GetPolicy(int64_t version = 0);
  // Newest first, without their texts.
  PagedRange<v1::PolicyVersion> ListPolicyVersions();
  // What is wrong with it, and how its tests end, as the server sees it. Changes nothing.
  absl::StatusOr<v1::ValidatePolicyResponse> ValidatePolicy(const v1::CoalitionPolicy& policy);
  // What would change if it took the place of the version in force, or of another `base_version`.
  // INVALID_ARGUMENT for one that ValidatePolicy finds something wrong with.
  absl::StatusOr<v1::PolicyDiff> DiffPolicy(const v1::CoalitionPolicy& policy, int64_t base_version = 0);
  // Both take the policy whole, and what was reviewed of it. ABORTED, with EPOCH_STALE: policy or members
  // have changed since. FAILED_PRECONDITION: DIFF_NOT_REVIEWED, or APPROVALS_MISSING.
  absl::StatusOr<v1::ApprovePolicyResponse> ApprovePolicy(const v1::CoalitionPolicy& policy,
                                                          const ReviewedDiff& reviewed);
  absl::StatusOr<v1::PolicyVersion> ApplyPolicy(const v1::CoalitionPolicy& policy,
                                                const ReviewedDiff& reviewed, bool validate_only = false);

  // Our member's own policy. `version` 0: the one in force.
  absl::StatusOr<v1::MemberPolicy> GetMemberPolicy(int64_t version = 0);
  // With `expected_version`, the one in force, ABORTED if somebody was faster. Not repeated by the client:
  // after UNAVAILABLE, GetMemberPolicy tells whether it is in force.
  absl::StatusOr<v1::SetMemberPolicyResponse> SetMemberPolicy(
      const v1::MemberPolicy& policy, std::optional<int64_t> expected_version = std::nullopt,
      bool validate_only = false);
  // Keeps an audience under a name of our member's, as a new version. Not repeated by the client.
  absl::StatusOr<v1::SavedAudience> SaveAudience(const v1::SaveAudienceRequest& request);
  // The coalition's and our own.
  PagedRange<v1::SavedAudience> ListAudiences();

  // See import_stream.h. The stream is opened at the first batch.
  std::unique_ptr<ImportStream> ImportRecords(const ImportOptions& options,
                                              ImportStream::ResultCallback on_result);

  // What there is, and then every change of it. See record_watch.h. The stream is opened at the first Next.
  std::unique_ptr<RecordWatch> WatchRecords(const v1::RecordFilter& filter, const WatchOptions& options = {});

  // What we were shown, do not see any more, and have not acknowledged; also while we are suspended. In no
  // order. Whoever watches needs none of this: the watch tells it, and acknowledges. `page_size` counts
  // records looked at, 0: the server's.
  PagedRange<v1::Retraction> ListRecalls(int page_size = 0);
  // May be empty and not the last.
  absl::StatusOr<v1::ListRecallsResponse> ListRecallsPage(const v1::ListRecallsRequest& request);
  // These, as they were listed, are dealt with: the records are not used any more. Any number, in batches of
  // 1,000; after an error some may be acknowledged, and all can be said again.
  absl::Status AcknowledgeRecalls(const std::vector<v1::Retraction>& recalls);
  // Who was shown a record of our own, and, of those who see it no more, who knows. Also after it was taken
  // back.
  absl::StatusOr<v1::GetRecallStatusResponse> GetRecallStatus(const std::string& name);

  // The disclosure ledger. What these answer is what the server says: common/ledger_verify.h verifies it with
  // the log's key, which is to come from elsewhere.
  //
  // The newest checkpoint: a signed note.
  absl::StatusOr<std::string> GetLedgerCheckpoint();
  // That the log of `old_size` ticks is the beginning of that of `new_size`; 0: of the newest checkpoint's.
  absl::StatusOr<v1::GetConsistencyProofResponse> GetConsistencyProof(int64_t old_size, int64_t new_size = 0);
  // Those that we may open and that the request asks for, oldest first; its page token goes with the range.
  PagedRange<v1::LedgerEntry> ListLedgerEntries(const v1::ListLedgerEntriesRequest& request);
  // With its proof. `name` is "ledgerEntries/{tick}-{slot}".
  absl::StatusOr<v1::LedgerEntry> GetLedgerEntry(const std::string& name);
  // Who was shown a record of our own, first shown first; also after it was taken back.
  absl::StatusOr<v1::ListDisclosuresResponse> ListDisclosures(const std::string& record);
  // Adds a witness's cosignature to the newest checkpoint. FAILED_PRECONDITION: there is a newer one by now.
  absl::Status AddCosignature(const std::string& note);

  // A backup of the exchange's store, encrypted to the key of the server's configuration. `take` is given the
  // file's bytes as they come; another status than OK ends the backup with that one. OK: they were all of it,
  // and as many and with the SHA-256 that the server says. DATA_LOSS: they were not. Not repeated by the
  // client. Needs COALITION_ADMIN.
  absl::StatusOr<v1::BackupSummary> CreateBackup(
      const std::function<absl::Status(std::string_view bytes)>& take);

  // Takes records back and destroys the keys of what they say, for good: the store, its copies and backups
  // from before yield it no more. Of names, at most 250, also of records that were taken back or have
  // expired, or of a seller, all that there are about it. OK: all of it is done, also after a restore; the
  // server's copies of its keys from before still open it and are to be replaced. May be repeated, and is by
  // the client: what was erased before, or by the client's own first try, is `erased_before`. Needs
  // COALITION_ADMIN.
  //
  // INVALID_ARGUMENT: names and seller, or neither, no grounds, too many. NOT_FOUND: a name of which nothing
  // was ever known; FAILED_PRECONDITION: another record, which it names, would be lost too; nothing is erased
  // then. UNAVAILABLE, UNKNOWN, DEADLINE_EXCEEDED: some of it may be erased; repeat it. Of a seller it goes
  // through the whole store, which may take longer than `timeout` allows.
  absl::StatusOr<v1::EraseRecordsResponse> EraseRecords(const v1::EraseRecordsRequest& request);

  // The same of what entries of the ledger say, at most 250. The entries stay, as commitments, and all proofs
  // are what they were; who was shown which record stays known. Copies of the server's ledger_contents from
  // before still open them and are to be replaced. Needs COALITION_ADMIN.
  //
  // INVALID_ARGUMENT: no names or too many, no grounds. NOT_FOUND: there is no such entry; nothing is erased
  // then. UNAVAILABLE, UNKNOWN, DEADLINE_EXCEEDED: some of it may be erased; repeat it.
  absl::StatusOr<v1::EraseLedgerEntriesResponse> EraseLedgerEntries(
      const v1::EraseLedgerEntriesRequest& request);

  // Whether the server says of itself that it serves.
  absl::StatusOr<bool> CheckHealth(const std::string& service = "");

  // Requests as the protocol has them.
  Connection& connection() { return *connection_; }
  CallOptions call_options() const { return {options_.timeout}; }

 private:
  std::string RequestId(const WriteOptions& options);

  const std::shared_ptr<Connection> connection_;
  const ClientOptions options_;
  Random& random_;
};

}  // namespace coalition::client
