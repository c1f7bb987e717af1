// Which calls are made again, when, and how often.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <set>

#include "client/client.h"
#include "client/internal/retry_connection.h"
#include "common/errors.h"

namespace coalition::client {
namespace {

using internal::RetryConnection;
using std::chrono::milliseconds;

// Every call gets the next status; then OK. Notes what it was asked.
class ScriptedConnection final : public Connection {
 public:
  struct Script {
    std::deque<absl::Status> statuses;
    std::vector<milliseconds> timeouts;
    std::vector<std::string> request_ids;
    milliseconds takes{0};  // each try
  };
  ScriptedConnection(Script* script, std::function<void(milliseconds)> pass)
      : script_(script), pass_(std::move(pass)) {}

  absl::StatusOr<v1::CreateRecordResponse> CreateRecord(const CallOptions& options,
                                                        const v1::CreateRecordRequest& request) override {
    script_->request_ids.push_back(request.request_id());
    return Next<v1::CreateRecordResponse>(options);
  }
  absl::StatusOr<v1::ReviseRecordResponse> ReviseRecord(const CallOptions& options,
                                                        const v1::ReviseRecordRequest& request) override {
    script_->request_ids.push_back(request.request_id());
    return Next<v1::ReviseRecordResponse>(options);
  }
  absl::StatusOr<v1::WithdrawRecordResponse> WithdrawRecord(
      const CallOptions& options, const v1::WithdrawRecordRequest& request) override {
    script_->request_ids.push_back(request.request_id());
    return Next<v1::WithdrawRecordResponse>(options);
  }
  absl::StatusOr<v1::BatchWithdrawRecordsResponse> BatchWithdrawRecords(
      const CallOptions& options, const v1::BatchWithdrawRecordsRequest&) override {
    return Next<v1::BatchWithdrawRecordsResponse>(options);
  }
  absl::StatusOr<v1::BatchClearRecordsResponse> BatchClearRecords(
      const CallOptions& options, const v1::BatchClearRecordsRequest&) override {
    return Next<v1::BatchClearRecordsResponse>(options);
  }
  absl::StatusOr<v1::GetCheckpointResponse> GetCheckpoint(const CallOptions& options,
                                                          const v1::GetCheckpointRequest&) override {
    return Next<v1::GetCheckpointResponse>(options);
  }
  absl::StatusOr<v1::GetConsistencyProofResponse> GetConsistencyProof(
      const CallOptions& options, const v1::GetConsistencyProofRequest&) override {
    return Next<v1::GetConsistencyProofResponse>(options);
  }
  absl::StatusOr<v1::ListLedgerEntriesResponse> ListLedgerEntries(
      const CallOptions& options, const v1::ListLedgerEntriesRequest&) override {
    return Next<v1::ListLedgerEntriesResponse>(options);
  }
  absl::StatusOr<v1::GetLedgerEntryResponse> GetLedgerEntry(const CallOptions& options,
                                                            const v1::GetLedgerEntryRequest&) override {
    return Next<v1::GetLedgerEntryResponse>(options);
  }
  absl::StatusOr<v1::ListDisclosuresResponse> ListDisclosures(const CallOptions& options,
                                                              const v1::ListDisclosuresRequest&) override {
    return Next<v1::ListDisclosuresResponse>(options);
  }
  absl::StatusOr<v1::AddCosignatureResponse> AddCosignature(const CallOptions& options,
                                                            const v1::AddCosignatureRequest&) override {
    return Next<v1::AddCosignatureResponse>(options);
  }
  absl::StatusOr<v1::WhoAmIResponse> WhoAmI(const CallOptions& options, const v1::WhoAmIRequest&) override {
    return Next<v1::WhoAmIResponse>(options);
  }
  absl::StatusOr<v1::ScreenSellersResponse> ScreenSellers(const CallOptions& options,
                                                          const v1::ScreenSellersRequest& request) override {
    auto response = Next<v1::ScreenSellersResponse>(options);
    for (int i = 0; response.ok() && i < request.sellers_size(); ++i) response->add_results();
    return response;
  }

 private:
  template <class Response>
  absl::StatusOr<Response> Next(const CallOptions& options) {
    script_->timeouts.push_back(options.timeout);
    pass_(script_->takes);
    if (script_->statuses.empty()) return Response();
    absl::Status status = script_->statuses.front();
    script_->statuses.pop_front();
    if (!status.ok()) return status;
    return Response();
  }

  Script* const script_;
  const std::function<void(milliseconds)> pass_;
};

class RetryTest : public ::testing::Test {
 protected:
  std::unique_ptr<RetryConnection> Make(std::deque<absl::Status> statuses) {
    script_.statuses = std::move(statuses);
    internal::Timer timer{[this] { return now_; },
                          [this](milliseconds wait) {
                            waits_.push_back(wait);
                            now_ += wait;
                          }};
    auto connection =
        std::make_unique<ScriptedConnection>(&script_, [this](milliseconds time) { now_ += time; });
    return std::make_unique<RetryConnection>(std::move(connection), policy_, random_, timer);
  }
  size_t tries() const { return script_.timeouts.size(); }

  ScriptedConnection::Script script_;
  RetryPolicy policy_;
  SystemRandom random_;
  std::chrono::steady_clock::time_point now_{};
  std::vector<milliseconds> waits_;
  const CallOptions options_{milliseconds(10'000)};
};

TEST_F(RetryTest, AReadIsTriedAgainAfterUnavailable) {
  auto connection = Make({absl::UnavailableError("a"), absl::UnavailableError("b")});
  EXPECT_TRUE(connection->WhoAmI(options_, {}).ok());
  EXPECT_EQ(tries(), 3u);
  EXPECT_EQ(waits_.size(), 2u);
}

TEST_F(RetryTest, NothingElseIsTriedAgain) {
  for (const absl::Status& status :
       {absl::InvalidArgumentError(""), absl::NotFoundError(""), absl::PermissionDeniedError(""),
        absl::UnauthenticatedError(""), absl::DeadlineExceededError(""), absl::AbortedError(""),
        absl::AlreadyExistsError(""), absl::InternalError(""), absl::UnknownError(""),
        absl::DataLossError(""), absl::ResourceExhaustedError("without RetryInfo"),
        absl::CancelledError("")}) {
    script_ = {};
    auto connection = Make({status});
    EXPECT_EQ(connection->WhoAmI(options_, {}).status().code(), status.code());
    EXPECT_EQ(tries(), 1u) << status;
  }
}

TEST_F(RetryTest, WaitsAsLongAsTheServerSays) {
  auto connection = Make({WithRetryDelay(absl::ResourceExhaustedError("slow down"), milliseconds(1'234))});
  EXPECT_TRUE(connection->WhoAmI(options_, {}).ok());
  ASSERT_EQ(waits_.size(), 1u);
  EXPECT_EQ(waits_[0], milliseconds(1'234));
}

TEST_F(RetryTest, WritesAreTriedAgainOnlyIfTheyCanHappenTwice) {
  v1::CreateRecordRequest create;
  EXPECT_FALSE(Make({absl::UnavailableError("")})->CreateRecord(options_, create).ok());
  EXPECT_EQ(tries(), 1u);
  create.set_request_id("r");
  EXPECT_TRUE(Make({absl::UnavailableError("")})->CreateRecord(options_, create).ok());
  create.clear_request_id();
  create.mutable_record()->set_external_id("case-17");
  EXPECT_TRUE(Make({absl::UnavailableError("")})->CreateRecord(options_, create).ok());

  v1::ReviseRecordRequest revise;
  EXPECT_FALSE(Make({absl::UnavailableError("")})->ReviseRecord(options_, revise).ok());
  revise.set_request_id("r");
  EXPECT_TRUE(Make({absl::UnavailableError("")})->ReviseRecord(options_, revise).ok());

  v1::WithdrawRecordRequest withdraw;
  EXPECT_FALSE(Make({absl::UnavailableError("")})->WithdrawRecord(options_, withdraw).ok());
  withdraw.set_validate_only(true);
  EXPECT_TRUE(Make({absl::UnavailableError("")})->WithdrawRecord(options_, withdraw).ok());
}

// They name what they take back: done twice is done once.
TEST_F(RetryTest, TakingManyBackIsAlwaysTriedAgain) {
  for (const bool validate_only : {false, true}) {
    v1::BatchWithdrawRecordsRequest withdraw;
    withdraw.set_validate_only(validate_only);
    EXPECT_TRUE(Make({absl::UnavailableError("")})->BatchWithdrawRecords(options_, withdraw).ok());
    v1::BatchClearRecordsRequest clear;
    clear.set_validate_only(validate_only);
    EXPECT_TRUE(Make({absl::UnavailableError("")})->BatchClearRecords(options_, clear).ok());
  }
  EXPECT_EQ(tries(), 8u);
}

// A cosignature that is there already is put in its own place.
TEST_F(RetryTest, AllOfTheLedgerIsTriedAgain) {
  EXPECT_TRUE(Make({absl::UnavailableError("")})->GetCheckpoint(options_, {}).ok());
  EXPECT_TRUE(Make({absl::UnavailableError("")})->GetConsistencyProof(options_, {}).ok());
  EXPECT_TRUE(Make({absl::UnavailableError("")})->ListLedgerEntries(options_, {}).ok());
  EXPECT_TRUE(Make({absl::UnavailableError("")})->GetLedgerEntry(options_, {}).ok());
  EXPECT_TRUE(Make({absl::UnavailableError("")})->ListDisclosures(options_, {}).ok());
  EXPECT_TRUE(Make({absl::UnavailableError("")})->AddCosignature(options_, {}).ok());
  EXPECT_EQ(tries(), 12u);
  const absl::Status superseded = Error(v1::ERROR_REASON_STATE_CONFLICT, "there is a newer one");
  EXPECT_EQ(Make({superseded})->AddCosignature(options_, {}).status(), superseded);
  EXPECT_EQ(tries(), 13u);
}

TEST_F(RetryTest, StopsAfterTheLastAttemptWithItsErrorWhole) {
  policy_.attempts_max = 3;
  const absl::Status last = Error(v1::ERROR_REASON_SHUTTING_DOWN, "the server is shutting down");
  auto connection =
      Make({absl::UnavailableError("first"), absl::UnavailableError("second"), last, absl::OkStatus()});
  const auto result = connection->WhoAmI(options_, {});
  EXPECT_EQ(result.status(), last);
  EXPECT_EQ(GetErrorReason(result.status()), v1::ERROR_REASON_SHUTTING_DOWN);
  EXPECT_EQ(tries(), 3u);
}

TEST_F(RetryTest, WaitsGrowAndAreShortenedByAtMostHalf) {
  policy_.attempts_max = 8;
  policy_.backoff_initial = milliseconds(100);
  policy_.backoff_max = milliseconds(1'000);
  std::deque<absl::Status> statuses(7, absl::UnavailableError(""));
  EXPECT_TRUE(Make(statuses)->WhoAmI(options_, {}).ok());
  ASSERT_EQ(waits_.size(), 7u);
  int64_t step = 100;
  for (const milliseconds wait : waits_) {
    EXPECT_GE(wait.count(), step / 2 - 1);
    EXPECT_LE(wait.count(), step);
    step = std::min<int64_t>(step * 2, 1'000);
  }
}

TEST_F(RetryTest, TheFirstTryIsCutToTheBudget) {
  policy_.budget = milliseconds(30'000);
  for (const auto& [timeout, cut] : {std::pair{60'000, 30'000}, {30'000, 30'000}, {10'000, 10'000}}) {
    script_ = {};
    EXPECT_TRUE(Make({})->WhoAmI({milliseconds(timeout)}, {}).ok());
    EXPECT_EQ(script_.timeouts, std::vector{milliseconds(cut)});
    // Also where it is the only one.
    script_ = {};
    EXPECT_FALSE(Make({absl::UnavailableError("")})->CreateRecord({milliseconds(timeout)}, {}).ok());
    EXPECT_EQ(script_.timeouts, std::vector{milliseconds(cut)});
  }
}

TEST_F(RetryTest, TheTimeThatATryTookIsNotThereForTheNext) {
  policy_.budget = milliseconds(30'000);
  script_.takes = milliseconds(20'000);
  EXPECT_TRUE(Make({absl::UnavailableError("")})->WhoAmI({milliseconds(60'000)}, {}).ok());
  ASSERT_EQ(tries(), 2u);
  EXPECT_EQ(script_.timeouts[1], milliseconds(10'000) - waits_[0]);
}

TEST_F(RetryTest, EachBatchOfSellersHasABudgetOfItsOwn) {
  policy_.budget = milliseconds(30'000);
  script_.takes = milliseconds(20'000);
  ClientOptions options;
  options.timeout = milliseconds(60'000);
  Client client(Make({}), options, random_);
  const auto screened = client.ScreenSellers(std::vector<v1::Seller>(2'500));
  ASSERT_TRUE(screened.ok()) << screened.status();
  EXPECT_EQ(screened->results_size(), 2'500);
  EXPECT_EQ(script_.timeouts, std::vector(3, policy_.budget));
}

TEST_F(RetryTest, NoTryBeginsAfterTheBudgetAndEachIsCutToIt) {
  policy_.attempts_max = 100;
  policy_.backoff_initial = milliseconds(400);
  policy_.backoff_max = milliseconds(400);
  policy_.budget = milliseconds(1'000);
  std::deque<absl::Status> statuses(100, absl::UnavailableError(""));
  EXPECT_FALSE(Make(statuses)->WhoAmI(options_, {}).ok());
  milliseconds waited(0);
  for (const milliseconds wait : waits_) waited += wait;
  EXPECT_LT(waited, policy_.budget);
  EXPECT_GE(tries(), 3u);
  EXPECT_EQ(script_.timeouts.front(), policy_.budget);
  EXPECT_LE(script_.timeouts.back(), policy_.budget - waited);
}

TEST_F(RetryTest, TheClientGivesEachWriteOneRequestIdForAllItsTries) {
  Client client(Make({absl::UnavailableError(""), absl::UnavailableError("")}), ClientOptions(), random_);
  EXPECT_TRUE(client.CreateRecord(v1::Record()).ok());
  EXPECT_TRUE(client.WithdrawRecord("records/x").ok());
  EXPECT_TRUE(client.WithdrawRecord("records/x", "", {.request_id = "mine"}).ok());
  ASSERT_EQ(script_.request_ids.size(), 5u);
  EXPECT_THAT(script_.request_ids[0],
              ::testing::MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
  EXPECT_EQ(script_.request_ids[1], script_.request_ids[0]);
  EXPECT_EQ(script_.request_ids[2], script_.request_ids[0]);
  EXPECT_NE(script_.request_ids[3], script_.request_ids[0]);
  EXPECT_EQ(script_.request_ids[4], "mine");
}

TEST(ConnectionTest, AMockNeedsOnlyTheCallsThatItsTestMakes) {
  class Nothing final : public Connection {};
  SystemRandom random;
  Client client(std::make_shared<Nothing>(), ClientOptions(), random);
  EXPECT_TRUE(absl::IsUnimplemented(client.WhoAmI().status()));
  EXPECT_TRUE(absl::IsUnimplemented(client.GetRecord("records/x").status()));
}

}  // namespace
}  // namespace coalition::client
