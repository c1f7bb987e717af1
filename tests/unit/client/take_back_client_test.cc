// Many records taken back: how they are asked for, what is repeated, and what is known after an error.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <memory>

#include "client/client.h"
#include "client/internal/retry_connection.h"

namespace coalition::client {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Each call gets the next status, then OK, with one result for each name. Notes the requests, those that
// failed too.
class TakeBackConnection final : public Connection {
 public:
  struct Notes {
    std::deque<absl::Status> statuses;
    bool forgets_one = false;
    std::vector<v1::BatchWithdrawRecordsRequest> withdrawals;
    std::vector<v1::BatchClearRecordsRequest> clearances;
  };
  explicit TakeBackConnection(Notes* notes) : notes_(*notes) {}

  absl::StatusOr<v1::BatchWithdrawRecordsResponse> BatchWithdrawRecords(
      const CallOptions&, const v1::BatchWithdrawRecordsRequest& request) override {
    notes_.withdrawals.push_back(request);
    return Answer<v1::BatchWithdrawRecordsResponse>(request);
  }
  absl::StatusOr<v1::BatchClearRecordsResponse> BatchClearRecords(
      const CallOptions&, const v1::BatchClearRecordsRequest& request) override {
    notes_.clearances.push_back(request);
    return Answer<v1::BatchClearRecordsResponse>(request);
  }

 private:
  template <class Response, class Request>
  absl::StatusOr<Response> Answer(const Request& request) {
    absl::Status status;
    if (!notes_.statuses.empty()) {
      status = notes_.statuses.front();
      notes_.statuses.pop_front();
    }
    if (!status.ok()) return status;
    Response response;
    for (const std::string& name : request.names()) {
      v1::TakeBackResult& result = *response.add_results();
      result.set_name(name);
      result.set_status(request.validate_only() ? v1::TAKE_BACK_STATUS_VALID : v1::TAKE_BACK_STATUS_DONE);
    }
    if (notes_.forgets_one) response.mutable_results()->RemoveLast();
    return response;
  }

  Notes& notes_;
};

std::vector<std::string> Names(size_t count) {
  std::vector<std::string> names;
  for (size_t i = 0; i < count; ++i) names.push_back("records/" + std::to_string(i));
  return names;
}

template <class Request>
std::vector<int> Sizes(const std::vector<Request>& requests) {
  std::vector<int> sizes;
  for (const Request& request : requests) sizes.push_back(request.names_size());
  return sizes;
}

std::vector<std::string> NamesOf(const std::vector<v1::TakeBackResult>& results) {
  std::vector<std::string> names;
  for (const v1::TakeBackResult& result : results) names.push_back(result.name());
  return names;
}

class TakeBackClientTest : public ::testing::Test {
 protected:
  TakeBackClientTest()
      : client_(std::make_shared<internal::RetryConnection>(
                    std::make_unique<TakeBackConnection>(&notes_), RetryPolicy{}, random_,
                    internal::Timer{[] { return std::chrono::steady_clock::now(); },
                                    [](std::chrono::milliseconds) {}}),
                ClientOptions(), random_) {}

  SystemRandom random_;
  TakeBackConnection::Notes notes_;
  Client client_;
};

TEST_F(TakeBackClientTest, AnyNumberIsAskedForInOrderAndInBatches) {
  for (const auto& [count, sizes] : {std::pair<size_t, std::vector<int>>{0, {}},
                                     {1, {1}},
                                     {250, {250}},
                                     {251, {250, 1}},
                                     {600, {250, 250, 100}}}) {
    notes_ = {};
    const std::vector<std::string> names = Names(count);
    const TakenBack withdrawn = client_.WithdrawRecords(names);
    EXPECT_TRUE(withdrawn.status.ok()) << withdrawn.status;
    EXPECT_EQ(NamesOf(withdrawn.results), names);
    EXPECT_EQ(Sizes(notes_.withdrawals), sizes);
    const TakenBack cleared = client_.ClearRecords(names, {.grounds = v1::CLEARANCE_GROUNDS_OTHER});
    EXPECT_TRUE(cleared.status.ok()) << cleared.status;
    EXPECT_EQ(NamesOf(cleared.results), names);
    EXPECT_EQ(Sizes(notes_.clearances), sizes);
  }
}

TEST_F(TakeBackClientTest, EveryBatchSaysTheSame) {
  const TakenBack cleared = client_.ClearRecords(
      Names(300), {.grounds = v1::CLEARANCE_GROUNDS_GENUINE_GOODS, .comment = "we were shown them"});
  EXPECT_THAT(cleared.results, Each(::testing::ResultOf([](const auto& result) { return result.status(); },
                                                        v1::TAKE_BACK_STATUS_DONE)));
  ASSERT_THAT(notes_.clearances, SizeIs(2));
  for (const v1::BatchClearRecordsRequest& request : notes_.clearances) {
    EXPECT_EQ(request.grounds(), v1::CLEARANCE_GROUNDS_GENUINE_GOODS);
    EXPECT_EQ(request.comment(), "we were shown them");
    EXPECT_FALSE(request.validate_only());
  }
  client_.ClearRecords(Names(300), {}, {.validate_only = true});
  client_.WithdrawRecords(Names(300), {.validate_only = true});
  ASSERT_THAT(notes_.clearances, SizeIs(4));
  EXPECT_TRUE(notes_.clearances[2].validate_only() && notes_.clearances[3].validate_only());
  ASSERT_THAT(notes_.withdrawals, SizeIs(2));
  EXPECT_TRUE(notes_.withdrawals[0].validate_only() && notes_.withdrawals[1].validate_only());
}

TEST_F(TakeBackClientTest, ABatchIsRepeatedAsItWas) {
  notes_.statuses = {absl::OkStatus(), absl::UnavailableError("broken"), absl::UnavailableError("broken")};
  const TakenBack withdrawn = client_.WithdrawRecords(Names(600));
  EXPECT_TRUE(withdrawn.status.ok()) << withdrawn.status;
  EXPECT_EQ(NamesOf(withdrawn.results), Names(600));
  ASSERT_THAT(Sizes(notes_.withdrawals), ElementsAre(250, 250, 250, 250, 100));
  for (const size_t repeated : {2u, 3u}) {
    EXPECT_EQ(notes_.withdrawals[repeated].SerializeAsString(), notes_.withdrawals[1].SerializeAsString());
  }
  notes_.statuses = {absl::UnavailableError("broken")};
  EXPECT_TRUE(client_.ClearRecords(Names(1), {}).status.ok());
  EXPECT_THAT(notes_.clearances, SizeIs(2));
}

TEST_F(TakeBackClientTest, WhatWasAnsweredBeforeAnErrorIsKept) {
  notes_.statuses = {absl::OkStatus(), absl::PermissionDeniedError("suspended")};
  const TakenBack withdrawn = client_.WithdrawRecords(Names(600));
  EXPECT_EQ(withdrawn.status, absl::PermissionDeniedError("suspended"));
  EXPECT_EQ(NamesOf(withdrawn.results), Names(250));
  EXPECT_THAT(notes_.withdrawals, SizeIs(2));  // nothing after it
}

TEST_F(TakeBackClientTest, AnAnswerThatLeavesOneOutIsNone) {
  notes_.forgets_one = true;
  const TakenBack withdrawn = client_.WithdrawRecords(Names(300));
  EXPECT_TRUE(absl::IsInternal(withdrawn.status)) << withdrawn.status;
  EXPECT_THAT(withdrawn.results, IsEmpty());
  EXPECT_THAT(notes_.withdrawals, SizeIs(1));
}

TEST_F(TakeBackClientTest, ResultsAreToldAsTheyComeAndCanBeTheLast) {
  std::vector<std::string> told;
  size_t calls = 0;
  const auto until = [&](size_t last) {
    calls = 0;
    told.clear();
    return TakeBackOptions{.on_results = [&, last](std::span<const v1::TakeBackResult> results) {
      for (const v1::TakeBackResult& result : results) told.push_back(result.name());
      return ++calls < last;
    }};
  };
  EXPECT_TRUE(client_.WithdrawRecords(Names(600), until(9)).status.ok());
  EXPECT_EQ(told, Names(600));
  EXPECT_EQ(calls, 3u);
  const TakenBack stopped = client_.WithdrawRecords(Names(600), until(2));
  EXPECT_TRUE(absl::IsCancelled(stopped.status)) << stopped.status;
  EXPECT_EQ(NamesOf(stopped.results), Names(500));
  EXPECT_EQ(told, Names(500));
  EXPECT_THAT(notes_.withdrawals, SizeIs(5));
  // There was no more to be asked.
  EXPECT_TRUE(client_.WithdrawRecords(Names(600), until(3)).status.ok());
}

}  // namespace
}  // namespace coalition::client
