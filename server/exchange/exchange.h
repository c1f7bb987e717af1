// Records: written, indexed, read, screened. Judges with the policy room, keeps in the store; knows nothing
// of gRPC.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coalition/v1/erasure_service.pb.h"
#include "coalition/v1/exchange_service.pb.h"
#include "coalition/v1/policy_service.pb.h"
#include "coalition/v1/proposal.pb.h"
#include "common/random.h"
#include "common/sealed.h"
#include "server/contents/contents.h"
#include "server/exchange/departures.h"
#include "server/exchange/expiry.h"
#include "server/identity/identity.h"
#include "server/ledger/disclosures.h"
#include "server/membership/directory.h"
#include "server/store/commit_lane.h"
#include "server/store/store.h"

namespace coalition::exchange {

// Limits and lifetimes; see ServerConfig for what each means.
struct ExchangeOptions {
  int sellers_per_screen_max = 1000;
  int matches_per_seller_max = 20;
  int items_per_import_message_max = 250;
  int records_per_batch_max = 250;
  int page_size_default = 50;
  int page_size_max = 1000;
  int profile_records_max = 200;
  int records_per_seller_max = 100;
  int outcomes_per_seller_max = 1000;
  int64_t record_bytes_max = 64 << 10;
  int audience_entries_max = 64;
  int repeated_values_max = 100;
  int audience_versions_max = 1000;
  int lifetime_days_default = 1825;
  int lifetime_days_max = 3650;
  int request_id_hours = 24;
  int departure_records_per_commit = 100;
  int expired_per_commit = 100;
};

// Keys kept outside the store: those that are strings of 32 bytes.
struct ExchangeKeys {
  std::string token_master;  // TOKEN levels
  std::string page_token;    // sealed page tokens
  std::string seller_hash;   // the presence filter's keyed hash (16 bytes are used)
  std::string etag;          // etags of projections
  // Opens page tokens and cursors from before page_token was changed, while they are good.
  std::vector<SealKey> page_token_former = {};
  // Of records' contents, and the pseudonyms in keys. Never null.
  std::shared_ptr<contents::ContentKeys> contents = {};
};

// Told of every stored record that a reading call looks at, seen or hidden, and can end the call: a question
// can have the server look at many. Used by one thread at a time.
class ReadWatch {
 public:
  virtual ~ReadWatch() = default;
  // Not OK: the call ends with this status.
  virtual absl::Status Look() = 0;
};

// On whose behalf, judged by which state, of which records, at what time. One per call; must outlive it.
struct CallContext {
  identity::Caller caller;
  std::shared_ptr<const membership::Snapshot> snapshot;
  // Records are read as they were at this revision; of one membership::Moment with the snapshot.
  store::Revision at = 0;
  store::Revision settled =
      0;  // as membership::Moment; for who must know to which revision the state belongs
  int64_t now_ns = 0;
  ReadWatch* watch = nullptr;  // may be null
  int64_t now_s() const { return now_ns / 1'000'000'000; }
};

// Thread-safe. Requests come unchecked: every function checks its request and answers INVALID_ARGUMENT with
// BadRequest. Roles and standing are checked here too (common/errors.h reasons), not by the caller alone.
//
// Reads answer at once, on the caller's thread, and may read from disk. They add what they show of others'
// records to `disclosure->records`; the caller records that before it sends. Writes answer through `done`,
// once, on the commit lane's thread, the caller's or one of `run_later`'s; when done has OK the write is
// durable.
class Exchange {
 public:
  // Runs the member's work once, soon, on a thread that may read from disk: the commit lane's must not, since
  // all who write wait for it. It may run at once, before this returns, where there is no such thread.
  using RunLater = std::function<void(uint32_t member, std::function<void()> work)>;

  // Fills the presence filter from the store: 10 M sellers in a few seconds. A store of a version without an
  // expiry index gets it, once. All references must outlive the exchange. FAILED_PRECONDITION: the store is
  // of a version that kept contents in clear.
  static absl::StatusOr<std::unique_ptr<Exchange>> Open(const ExchangeOptions& options,
                                                        const ExchangeKeys& keys, store::Store& store,
                                                        const membership::Directory& directory,
                                                        store::CommitLane& lane, Random& random,
                                                        RunLater run_later);
  virtual ~Exchange() = default;

  template <class T>
  using Done = std::function<void(absl::StatusOr<T>)>;
  // The same, with what the answer shows of others' records; to be recorded before it is sent.
  template <class T>
  using DoneShowing = std::function<void(absl::StatusOr<T>, ledger::Shown shown)>;

  virtual absl::Status Get(const CallContext& context, const v1::GetRecordRequest& request,
                           v1::GetRecordResponse* response, ledger::Disclosure* disclosure) const = 0;
  virtual absl::Status List(const CallContext& context, const v1::ListRecordsRequest& request,
                            v1::ListRecordsResponse* response, ledger::Disclosure* disclosure) const = 0;
  // The hot path: a miss costs a hash and a filter look-up.
  virtual absl::Status Screen(const CallContext& context, const v1::ScreenSellersRequest& request,
                              v1::ScreenSellersResponse* response, ledger::Disclosure* disclosure) const = 0;
  virtual absl::Status Profile(const CallContext& context, const v1::GetSellerProfileRequest& request,
                               v1::GetSellerProfileResponse* response,
                               ledger::Disclosure* disclosure) const = 0;

  // The request and the context may be destroyed when the call returns. To refer to a record is to ask
  // whether it is there: that takes the role READER too.
  virtual void Create(const CallContext& context, const v1::CreateRecordRequest& request,
                      DoneShowing<v1::CreateRecordResponse> done) = 0;
  virtual void Revise(const CallContext& context, const v1::ReviseRecordRequest& request,
                      DoneShowing<v1::ReviseRecordResponse> done) = 0;
  virtual void Withdraw(const CallContext& context, const v1::WithdrawRecordRequest& request,
                        Done<v1::WithdrawRecordResponse> done) = 0;
  virtual void Clear(const CallContext& context, const v1::ClearRecordRequest& request,
                     Done<v1::ClearRecordResponse> done) = 0;
  // The same with many: one commit for all of them that can be taken back, or a few if they are large. An
  // error of `done` is of the call as a whole; where an earlier commit of it was made there is none but
  // WRITE_UNDETERMINED, and the results say which records were not reached.
  virtual void BatchWithdraw(const CallContext& context, const v1::BatchWithdrawRecordsRequest& request,
                             Done<v1::BatchWithdrawRecordsResponse> done) = 0;
  virtual void BatchClear(const CallContext& context, const v1::BatchClearRecordsRequest& request,
                          Done<v1::BatchClearRecordsResponse> done) = 0;
  virtual void Confirm(const CallContext& context, const v1::ConfirmRecordRequest& request,
                       DoneShowing<v1::ConfirmRecordResponse> done) = 0;
  // One message of an import stream: one commit for all items that pass. An error of `done` is of the message
  // as a whole.
  virtual void Import(const CallContext& context, const v1::ImportRecordsRequest& request,
                      Done<v1::ImportRecordsResponse> done) = 0;

  // Takes records of all members back and destroys the keys of what they say; `done` has OK when both are
  // durable. As ErasureService says it. It judges who may.
  virtual void Erase(const CallContext& context, const v1::EraseRecordsRequest& request,
                     Done<v1::EraseRecordsResponse> done) = 0;

  // Who would see a draft, and who sees a record, and why.
  virtual absl::Status Preview(const CallContext& context, const v1::PreviewAudienceRequest& request,
                               v1::PreviewAudienceResponse* response) const = 0;
  virtual absl::Status Explain(const CallContext& context, const v1::ExplainAccessRequest& request,
                               v1::ExplainAccessResponse* response, ledger::Disclosure* disclosure) const = 0;
  // How many of the caller's member's records somebody would see more or less of if `after` were the state
  // and not `before`. The newest ones are looked at.
  virtual absl::Status CountAffected(const CallContext& context, const policy::State& before,
                                     const policy::State& after, v1::OwnRecordCounts* counts) const = 0;

  // What each of these members would see of the caller's member's records if `after` were the state: of those
  // that there are, what it does not see now; and of records like them that are made at `made_after`.
  virtual absl::Status CountImpact(const CallContext& context, const policy::State& after,
                                   const std::vector<uint32_t>& gainers, store::Revision made_after,
                                   v1::ProposalImpact* impact) const = 0;

  // Audiences under a name: one's own are saved, one's own and the coalition's listed, by name. Both may wait
  // for the disk.
  virtual absl::StatusOr<v1::SaveAudienceResponse> SaveAudience(const CallContext& context,
                                                                const v1::SaveAudienceRequest& request) = 0;
  virtual absl::StatusOr<std::vector<v1::SavedAudience>> Audiences(const CallContext& context) const = 0;

  // What becomes of the records of members that leave. Does nothing before its Resume; must be drained before
  // the commit lane and what `run_later` runs on are.
  virtual Departures& departures() = 0;
  // Removes records that have expired; the same holds of it.
  virtual Expiry& expiry() = 0;

  // For metrics.
  struct Stats {
    uint64_t filter_bytes = 0;
    uint64_t sellers = 0;
  };
  virtual Stats stats() const = 0;
};

}  // namespace coalition::exchange
