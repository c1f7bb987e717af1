// Disclosed means logged: no byte of others' records leaves before the log has said that it is recorded.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <mutex>
#include <utility>
#include <vector>

#include "common/errors.h"
#include "common/ids.h"
#include "tests/integration/records.h"
#include "tests/support/test_server.h"

namespace coalition::testing {
namespace {

using Stub = v1::ExchangeService::Stub;
using std::chrono::milliseconds;

// Keeps what it is given until it is told what to answer.
class HoldingLog final : public ledger::DisclosureLog {
 public:
  struct Held {
    std::string credential, method;
    std::vector<ledger::DisclosedRecord> records;
    std::function<void(absl::Status)> recorded;
  };

  void Record(ledger::Disclosure disclosure, std::function<void(absl::Status)> recorded) override {
    const std::lock_guard lock(mutex_);
    held_.push_back({std::string(disclosure.credential), std::string(disclosure.method), disclosure.records,
                     std::move(recorded)});
    arrived_.notify_all();
  }
  // The next one; waits for it.
  Held Take() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(arrived_.wait_for(lock, std::chrono::seconds(30), [this] { return !held_.empty(); }));
    if (held_.empty()) return {"", "", {}, [](const absl::Status&) {}};
    Held first = std::move(held_.front());
    held_.erase(held_.begin());
    return first;
  }
  // Forgets what was not taken, unanswered. It holds calls of the server, which must not be gone by then.
  void Clear() {
    std::vector<Held> dropped;
    const std::lock_guard lock(mutex_);
    held_.swap(dropped);
  }
  size_t size() {
    const std::lock_guard lock(mutex_);
    return held_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Held> held_;
};

class DisclosureTest : public ::testing::Test {
 protected:
  // By default no call ends by itself while a slow machine comes to its answer.
  explicit DisclosureTest(int call_duration_ms_max = 300'000) : call_duration_ms_max_(call_duration_ms_max) {}

  void SetUp() override {
    v1::Record report = Report("shop-4711");
    GrantMember(&report, "belmont");
    const auto created = Call(server_.Exchange("aurore"), &Stub::CreateRecord, CreateOf(report));
    ASSERT_TRUE(created.ok()) << created.status();
    record_ = created->record().name();
  }
  void TearDown() override {
    server_.server().Shutdown();
    log_->Clear();
  }

  TestServer::Options Options() {
    TestServer::Options options;
    options.disclosures = log_;
    options.clock = &clock_;
    options.edit_config = [this](config::v1::ServerConfig* config) {
      config->mutable_limits()->set_call_duration_ms_max(call_duration_ms_max_);
      config->set_drain_timeout_ms(300);
    };
    return options;
  }
  // Each call that shows the record to belmont.
  std::vector<std::pair<std::string, std::function<absl::Status()>>> Reads() {
    return {{"GetRecord", [this] { return Call(belmont_, &Stub::GetRecord, GetOf(record_)).status(); }},
            {"ListRecords",
             [this] { return Call(belmont_, &Stub::ListRecords, v1::ListRecordsRequest()).status(); }},
            {"ScreenSellers",
             [this] { return Call(belmont_, &Stub::ScreenSellers, ScreenOf("shop-4711")).status(); }},
            {"GetSellerProfile", [this] {
               v1::GetSellerProfileRequest request;
               *request.mutable_seller() = Report("shop-4711").seller();
               return Call(belmont_, &Stub::GetSellerProfile, request).status();
             }}};
  }

  const int call_duration_ms_max_;
  ShiftedClock clock_;
  std::shared_ptr<HoldingLog> log_ = std::make_shared<HoldingLog>();
  TestServer server_{Options()};
  std::unique_ptr<Stub> belmont_ = server_.Exchange("belmont");
  std::string record_;
};

TEST_F(DisclosureTest, NoReplyLeavesBeforeItIsRecorded) {
  for (const auto& [method, read] : Reads()) {
    auto answer = std::async(std::launch::async, read);
    const HoldingLog::Held held = log_->Take();
    EXPECT_EQ(held.method, method);
    EXPECT_EQ(held.credential, "backend");
    ASSERT_GE(held.records.size(), 1u) << method;
    EXPECT_EQ(
        FormatRecordName(RecordIdFromBytes(
            {reinterpret_cast<const char*>(held.records[0].record.data()), held.records[0].record.size()})),
        record_);
    EXPECT_EQ(answer.wait_for(milliseconds(200)), std::future_status::timeout) << method;
    held.recorded(absl::OkStatus());
    EXPECT_TRUE(answer.get().ok()) << method;
  }
}

TEST_F(DisclosureTest, ADisclosureThatIsNotRecordedFailsTheCall) {
  for (const auto& [method, read] : Reads()) {
    auto answer = std::async(std::launch::async, read);
    log_->Take().recorded(Error(v1::ERROR_REASON_STORE_UNAVAILABLE, "The ledger's disk is full."));
    EXPECT_EQ(GetErrorReason(answer.get()), v1::ERROR_REASON_STORE_UNAVAILABLE) << method;
  }
}

TEST_F(DisclosureTest, WhatShowsNothingOfOthersIsNotRecorded) {
  const auto aurore = server_.Exchange("aurore");
  EXPECT_TRUE(Call(aurore, &Stub::GetRecord, GetOf(record_)).ok());
  EXPECT_TRUE(Call(aurore, &Stub::ScreenSellers, ScreenOf("shop-4711")).ok());
  EXPECT_TRUE(Call(belmont_, &Stub::ScreenSellers, ScreenOf("shop-1")).ok());
  EXPECT_FALSE(Call(server_.Exchange("corsa"), &Stub::GetRecord, GetOf(record_)).ok());
  EXPECT_EQ(log_->size(), 0u);
}

TEST_F(DisclosureTest, WhoMayNoLongerSeeItWhenItIsRecordedIsNotSentIt) {
  for (const auto& [method, read] : Reads()) {
    auto answer = std::async(std::launch::async, read);
    const HoldingLog::Held held = log_->Take();
    clock_.Advance(std::chrono::hours(48));  // belmont's certificate ends
    held.recorded(absl::OkStatus());
    EXPECT_EQ(GetErrorReason(answer.get()), v1::ERROR_REASON_CERTIFICATE_NOT_CURRENT) << method;
    clock_.Advance(std::chrono::hours(-48));
  }
}

class ShortCallDisclosureTest : public DisclosureTest {
 protected:
  ShortCallDisclosureTest() : DisclosureTest(4000) {}
};

TEST_F(ShortCallDisclosureTest, ALogThatNeverAnswersKeepsNoCallForEver) {
  const absl::Status status = Call(belmont_, &Stub::GetRecord, GetOf(record_)).status();
  EXPECT_EQ(GetErrorReason(status), v1::ERROR_REASON_DEADLINE_EXCEEDED) << status;
  // And its late answer harms nobody.
  log_->Take().recorded(absl::OkStatus());
}

TEST_F(DisclosureTest, AStoppingServerDoesNotWaitForIt) {
  // A client that would wait for two minutes: what ends the call is the stop.
  auto answer = std::async(std::launch::async, [this] {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(2));
    v1::GetRecordResponse response;
    return belmont_->GetRecord(&context, GetOf(record_), &response);
  });
  const HoldingLog::Held held = log_->Take();
  const auto start = std::chrono::steady_clock::now();
  server_.server().Shutdown();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
  EXPECT_FALSE(answer.get().ok());
}

}  // namespace
}  // namespace coalition::testing
