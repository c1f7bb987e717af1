// An exchange over a real store in a temporary directory, with a coalition of fictional members, a clock that
// stands still and randomness that repeats.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "coalition/config/v1/bootstrap.pb.h"
#include "coalition/v1/exchange_service.pb.h"
#include "common/clock.h"
#include "common/random.h"
#include "server/exchange/exchange.h"
#include "server/ledger/disclosures.h"
#include "server/membership/directory.h"
#include "server/store/commit_lane.h"
#include "server/store/store.h"
#include "tests/support/content_keys.h"
#include "tests/support/entry_keys.h"
#include "tests/support/seeded_random.h"
#include "tests/support/store/forwarding_store.h"
#include "tests/support/store/memory_store.h"

namespace coalition::testing {

class TestClock final : public Clock {
 public:
  int64_t NowNs() const override { return now_ns; }
  int64_t now_ns = 1'790'000'000'000'000'000;  // September 2026
};

// A directory that goes when it does.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Brands aurore, belmont, corsa; marketplaces bazaar and souk, which hold bazaar.example and souk.example
// (free.example is held by nobody); payment firm paylink, authority customs, observer watcher, secretariat
// office; and in other standings brands limbo (LIMITED), banned (SUSPENDED), left (EXITED), newcomer
// (APPLICANT). Group ring (closed): aurore, belmont. Group club: aurore, belmont, paylink.
config::v1::Bootstrap WorldBootstrap();

struct WorldOptions {
  exchange::ExchangeOptions exchange;
  config::v1::Bootstrap bootstrap = WorldBootstrap();
  // In memory instead of in a directory: for very many worlds. Passes the same conformance suite.
  bool in_memory = false;
  // Put between the exchange and the real store.
  std::function<std::unique_ptr<store::Store>(store::Store&)> wrap_store;
  std::string seller_hash_key = std::string(32, 's');
  exchange::Exchange::RunLater run_later = [](uint32_t, const std::function<void()>& work) { work(); };
};

class World {
 public:
  explicit World(WorldOptions options = {});
  ~World();

  // Closes everything and opens it again on the same directory.
  void Restart();
  void RestartWith(std::string seller_hash_key);

  // With both roles, and by the present state of the coalition.
  exchange::CallContext As(std::string_view member) const;
  exchange::CallContext As(std::string_view member, identity::Roles roles) const;

  // Each waits for the answer.
  absl::StatusOr<v1::CreateRecordResponse> Create(const exchange::CallContext& context,
                                                  const v1::CreateRecordRequest& request);
  // The record, or aborts.
  v1::Record Created(std::string_view member, const v1::Record& record);
  absl::StatusOr<v1::ReviseRecordResponse> Revise(const exchange::CallContext& context,
                                                  const v1::ReviseRecordRequest& request);
  absl::StatusOr<v1::WithdrawRecordResponse> Withdraw(const exchange::CallContext& context,
                                                      const v1::WithdrawRecordRequest& request);
  absl::StatusOr<v1::ClearRecordResponse> Clear(const exchange::CallContext& context,
                                                const v1::ClearRecordRequest& request);
  absl::StatusOr<v1::BatchWithdrawRecordsResponse> BatchWithdraw(
      const exchange::CallContext& context, const v1::BatchWithdrawRecordsRequest& request);
  absl::StatusOr<v1::BatchClearRecordsResponse> BatchClear(const exchange::CallContext& context,
                                                           const v1::BatchClearRecordsRequest& request);
  absl::StatusOr<v1::ConfirmRecordResponse> Confirm(const exchange::CallContext& context,
                                                    const v1::ConfirmRecordRequest& request);
  absl::StatusOr<v1::ImportRecordsResponse> Import(const exchange::CallContext& context,
                                                   const v1::ImportRecordsRequest& request);
  absl::StatusOr<v1::Record> Get(const exchange::CallContext& context, const std::string& name);
  absl::StatusOr<v1::ListRecordsResponse> List(const exchange::CallContext& context,
                                               const v1::ListRecordsRequest& request);
  // The names of all pages, in order; aborts on an error.
  std::vector<std::string> ListAll(const exchange::CallContext& context, v1::ListRecordsRequest request);
  absl::StatusOr<v1::ScreenSellersResponse> Screen(const exchange::CallContext& context,
                                                   const v1::ScreenSellersRequest& request);
  // Of one seller; aborts on an error.
  v1::ScreenResult ScreenOne(std::string_view member, const std::string& platform,
                             const std::string& seller_id);
  absl::StatusOr<v1::SellerProfile> Profile(const exchange::CallContext& context, const std::string& platform,
                                            const std::string& seller_id);

  exchange::Exchange& exchange() { return *exchange_; }
  store::Store& store() { return *store_; }
  exchange::ExchangeKeys keys() const;
  std::shared_ptr<ledger::EntryKeys> entry_keys() const { return entry_keys_; }
  membership::Directory& directory() { return *directory_; }
  const membership::Directory& directory() const { return *directory_; }

  TestClock clock;
  SeededRandom random;
  // Of the last call that reads, creates, revises or confirms.
  ledger::Disclosure disclosure;

 private:
  void Open();
  void Close();

  WorldOptions options_;
  // Kept when it is opened again, as the files that they are of.
  const std::shared_ptr<contents::ContentKeys> contents_ = TestContentKeys();
  const std::shared_ptr<ledger::EntryKeys> entry_keys_ = TestEntryKeys();
  std::optional<TempDir> dir_;
  std::shared_ptr<MemoryDisk> memory_;
  std::unique_ptr<store::Store> real_store_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<store::CommitLane> lane_;
  std::unique_ptr<membership::Directory> directory_;
  std::unique_ptr<exchange::Exchange> exchange_;
};

// Smallest valid records; change them as a test needs.
v1::Record Report(const std::string& platform, const std::string& seller_id);
v1::Record Notice(const std::string& platform, const std::string& seller_id);
v1::Record Outcome(const std::string& platform, const std::string& seller_id);
v1::Record Opinion(const std::string& subject, v1::OpinionVerdict verdict);
// Adds a grant; labels GREEN when it is to everyone.
void GrantMember(v1::Record& record, const std::string& member, const std::string& view = "full");
void GrantGroup(v1::Record& record, const std::string& group, const std::string& view = "full");
void GrantKind(v1::Record& record, v1::MemberKind kind, const std::string& view = "full");
void GrantEveryone(v1::Record& record, const std::string& view = "full");
void ExcludeMember(v1::Record& record, const std::string& member);

v1::CreateRecordRequest CreateRequest(const v1::Record& record, const std::string& request_id = "");

// The paths of the BadRequest, joined with ", ".
std::string FieldsAtFault(const absl::Status& status);

}  // namespace coalition::testing
