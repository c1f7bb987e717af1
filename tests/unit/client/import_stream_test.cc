// Windows, results, broken streams.
#include "client/import_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <set>

namespace coalition::client {
namespace {

using std::chrono::milliseconds;

// Answers every item CREATED, or UNCHANGED if it has seen its external_id before; breaks where told to.
struct FakeServer {
  std::set<std::string> kept;
  std::vector<int> batch_sizes;
  int opened = 0;
  size_t most_under_way = 0;
  // After so many batches of a stream have been received the stream breaks; -1: never. One entry for each
  // stream.
  std::deque<int> break_after;
  absl::Status break_status = absl::UnavailableError("connection reset");
  bool keep_before_breaking = false;
  bool answer_too_few = false;
};

class FakeCall final : public ImportCall {
 public:
  explicit FakeCall(FakeServer* server) : server_(server) {
    ++server->opened;
    if (server->break_after.empty()) return;
    left_ = server->break_after.front();
    server->break_after.pop_front();
  }

  bool Write(const v1::ImportRecordsRequest& request) override {
    if (cancelled_ || broken_) return false;
    if (left_ == 0) {
      broken_ = true;
      if (server_->keep_before_breaking) Answer(request);
      return false;
    }
    if (left_ > 0) --left_;
    server_->batch_sizes.push_back(request.items_size());
    answers_.push_back(Answer(request));
    server_->most_under_way = std::max(server_->most_under_way, answers_.size());
    return true;
  }
  bool Read(v1::ImportRecordsResponse* response) override {
    if (cancelled_ || answers_.empty()) return false;
    *response = answers_.front();
    answers_.pop_front();
    return true;
  }
  void WritesDone() override {}
  absl::Status Finish() override {
    if (cancelled_) return absl::CancelledError("");
    return broken_ ? server_->break_status : absl::OkStatus();
  }
  void Cancel() override { cancelled_ = true; }

 private:
  v1::ImportRecordsResponse Answer(const v1::ImportRecordsRequest& request) {
    v1::ImportRecordsResponse response;
    for (const v1::ImportItem& item : request.items()) {
      v1::ImportResult& result = *response.add_results();
      result.set_item_id(item.item_id());
      const bool is_new = server_->kept.insert(item.record().external_id()).second;
      result.set_status(is_new ? v1::IMPORT_STATUS_CREATED : v1::IMPORT_STATUS_UNCHANGED);
    }
    if (server_->answer_too_few) response.mutable_results()->RemoveLast();
    return response;
  }

  FakeServer* const server_;
  std::deque<v1::ImportRecordsResponse> answers_;
  int left_ = -1;
  bool broken_ = false;
  bool cancelled_ = false;
};

class ImportStreamTest : public ::testing::Test {
 protected:
  std::unique_ptr<ImportStream> Make() {
    return std::make_unique<ImportStream>(
        [this]() -> absl::StatusOr<std::unique_ptr<ImportCall>> {
          return std::make_unique<FakeCall>(&server_);
        },
        options_, retry_, [this](const v1::ImportResult& result) { results_.push_back(result); },
        [this](milliseconds) { ++sleeps_; });
  }
  static v1::ImportItem Item(int id, bool with_external_id = true) {
    v1::ImportItem item;
    item.set_item_id(id);
    if (with_external_id) item.mutable_record()->set_external_id("x" + std::to_string(id));
    return item;
  }
  // Every item has exactly one result, in order.
  void ExpectAllResults(int count) const {
    ASSERT_EQ(results_.size(), static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) EXPECT_EQ(results_[static_cast<size_t>(i)].item_id(), i);
  }

  FakeServer server_;
  ImportOptions options_;
  RetryPolicy retry_;
  std::vector<v1::ImportResult> results_;
  int sleeps_ = 0;
};

TEST_F(ImportStreamTest, BatchesByItemsAndAnswersInOrder) {
  options_.items_per_request = 10;
  auto stream = Make();
  for (int i = 0; i < 25; ++i) ASSERT_TRUE(stream->Add(Item(i)).ok());
  ASSERT_TRUE(stream->Finish().ok());
  EXPECT_EQ(server_.batch_sizes, (std::vector<int>{10, 10, 5}));
  ExpectAllResults(25);
  EXPECT_EQ(server_.opened, 1);
}

TEST_F(ImportStreamTest, BatchesByBytes) {
  options_.bytes_per_request = 1'000;
  auto stream = Make();
  for (int i = 0; i < 10; ++i) {
    v1::ImportItem item = Item(i);
    item.mutable_record()->mutable_offender_report()->set_comment(std::string(400, 'x'));
    ASSERT_TRUE(stream->Add(std::move(item)).ok());
  }
  ASSERT_TRUE(stream->Finish().ok());
  EXPECT_EQ(server_.batch_sizes, (std::vector<int>{2, 2, 2, 2, 2}));
}

TEST_F(ImportStreamTest, KeepsNoMoreThanTheWindowUnderWay) {
  options_.items_per_request = 1;
  options_.window = 3;
  auto stream = Make();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(stream->Add(Item(i)).ok());
  EXPECT_GE(results_.size(), 47u);
  ASSERT_TRUE(stream->Finish().ok());
  EXPECT_EQ(server_.most_under_way, 3u);
  ExpectAllResults(50);
}

TEST_F(ImportStreamTest, ABrokenStreamIsReopenedAndEveryItemHasOneResult) {
  options_.items_per_request = 5;
  server_.break_after = {3, 2, -1};
  server_.keep_before_breaking = true;
  auto stream = Make();
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(stream->Add(Item(i)).ok());
  ASSERT_TRUE(stream->Finish().ok());
  EXPECT_EQ(server_.opened, 3);
  EXPECT_EQ(sleeps_, 2);
  ExpectAllResults(60);
  EXPECT_EQ(server_.kept.size(), 60u);
}

TEST_F(ImportStreamTest, ItemsWithoutExternalIdAreNeverSentTwice) {
  options_.items_per_request = 1;
  server_.break_after = {1, -1};
  auto stream = Make();
  absl::Status status;
  for (int i = 0; i < 5 && status.ok(); ++i) status = stream->Add(Item(i, false));
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_EQ(server_.opened, 1);
  EXPECT_EQ(stream->Finish(), status);
}

TEST_F(ImportStreamTest, OtherErrorsAreFinal) {
  options_.items_per_request = 1;
  server_.break_after = {1, -1};
  server_.break_status = absl::PermissionDeniedError("role");
  auto stream = Make();
  absl::Status status;
  for (int i = 0; i < 5 && status.ok(); ++i) status = stream->Add(Item(i));
  EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
  EXPECT_EQ(server_.opened, 1);
}

TEST_F(ImportStreamTest, GivesUpWhenThePolicyDoes) {
  retry_.attempts_max = 3;
  server_.break_after = std::deque<int>(100, 0);
  auto stream = Make();
  ASSERT_TRUE(stream->Add(Item(0)).ok());
  EXPECT_TRUE(absl::IsUnavailable(stream->Finish()));
  EXPECT_EQ(server_.opened, 3);
}

TEST_F(ImportStreamTest, AnswersThatDoNotFitAreAnError) {
  server_.answer_too_few = true;
  auto stream = Make();
  ASSERT_TRUE(stream->Add(Item(0)).ok());
  ASSERT_TRUE(stream->Add(Item(1)).ok());
  EXPECT_TRUE(absl::IsInternal(stream->Finish()));
  EXPECT_TRUE(results_.empty());
}

TEST_F(ImportStreamTest, CancelEndsIt) {
  options_.items_per_request = 1;
  auto stream = Make();
  ASSERT_TRUE(stream->Add(Item(0)).ok());
  stream->Cancel();
  EXPECT_TRUE(absl::IsCancelled(stream->Add(Item(1))));
  EXPECT_TRUE(absl::IsCancelled(stream->Finish()));
}

TEST_F(ImportStreamTest, NothingWrittenOpensNothing) {
  auto stream = Make();
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(server_.opened, 0);
  EXPECT_TRUE(absl::IsFailedPrecondition(stream->Write([] {
    v1::ImportRecordsRequest batch;
    batch.add_items();
    return batch;
  }())));
}

}  // namespace
}  // namespace coalition::client
