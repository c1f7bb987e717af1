// Clearance, confirmation and recalls: what the client asks for, and what it repeats.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "client/client.h"
#include "client/internal/retry_connection.h"

namespace coalition::client {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

// Fails `failures` times, then answers. Notes the requests, those that failed too.
class RecallConnection final : public Connection {
 public:
  struct Notes {
    int failures = 0;
    std::vector<v1::ClearRecordRequest> clears;
    std::vector<v1::ConfirmRecordRequest> confirms;
    std::vector<v1::ListRecallsRequest> lists;
    std::vector<v1::AcknowledgeRecallsRequest> acknowledgements;
    std::vector<v1::GetRecallStatusRequest> asked;
  };
  explicit RecallConnection(Notes* notes) : notes_(*notes) {}

  absl::StatusOr<v1::ClearRecordResponse> ClearRecord(const CallOptions&,
                                                      const v1::ClearRecordRequest& request) override {
    notes_.clears.push_back(request);
    return Next<v1::ClearRecordResponse>();
  }
  absl::StatusOr<v1::ConfirmRecordResponse> ConfirmRecord(const CallOptions&,
                                                          const v1::ConfirmRecordRequest& request) override {
    notes_.confirms.push_back(request);
    auto response = Next<v1::ConfirmRecordResponse>();
    if (response.ok()) response->mutable_record()->set_name(request.name());
    return response;
  }
  // Three pages, the second of them empty.
  absl::StatusOr<v1::ListRecallsResponse> ListRecalls(const CallOptions&,
                                                      const v1::ListRecallsRequest& request) override {
    notes_.lists.push_back(request);
    auto response = Next<v1::ListRecallsResponse>();
    if (!response.ok()) return response;
    const std::string& token = request.page_token();
    if (token != "2") response->add_recalls()->set_name(token.empty() ? "records/a" : "records/b");
    if (token.empty()) response->set_next_page_token("2");
    if (token == "2") response->set_next_page_token("3");
    return response;
  }
  absl::StatusOr<v1::AcknowledgeRecallsResponse> AcknowledgeRecalls(
      const CallOptions&, const v1::AcknowledgeRecallsRequest& request) override {
    notes_.acknowledgements.push_back(request);
    return Next<v1::AcknowledgeRecallsResponse>();
  }
  absl::StatusOr<v1::GetRecallStatusResponse> GetRecallStatus(
      const CallOptions&, const v1::GetRecallStatusRequest& request) override {
    notes_.asked.push_back(request);
    auto response = Next<v1::GetRecallStatusResponse>();
    if (response.ok()) response->set_kind(v1::RETRACTION_KIND_CLEARED);
    return response;
  }

 private:
  template <class Response>
  absl::StatusOr<Response> Next() {
    if (notes_.failures-- > 0) return absl::UnavailableError("no connection");
    return Response();
  }
  Notes& notes_;
};

class RecallClientTest : public ::testing::Test {
 protected:
  RecallClientTest()
      : client_(std::make_shared<internal::RetryConnection>(
                    std::make_unique<RecallConnection>(&notes_), RetryPolicy{}, random_,
                    internal::Timer{[] { return std::chrono::steady_clock::now(); },
                                    [](std::chrono::milliseconds) {}}),
                ClientOptions(), random_) {}

  SystemRandom random_;
  RecallConnection::Notes notes_;
  Client client_;
};

TEST_F(RecallClientTest, AClearanceIsRepeatedUnderOneRequestId) {
  notes_.failures = 1;
  EXPECT_TRUE(
      client_
          .ClearRecord("records/x",
                       {.grounds = v1::CLEARANCE_GROUNDS_GENUINE_GOODS, .comment = "we were shown them"}, "e")
          .ok());
  ASSERT_THAT(notes_.clears, SizeIs(2));
  EXPECT_THAT(notes_.clears[0].request_id(), SizeIs(36));
  EXPECT_EQ(notes_.clears[1].SerializeAsString(), notes_.clears[0].SerializeAsString());
  EXPECT_EQ(notes_.clears[0].name(), "records/x");
  EXPECT_EQ(notes_.clears[0].etag(), "e");
  EXPECT_EQ(notes_.clears[0].grounds(), v1::CLEARANCE_GROUNDS_GENUINE_GOODS);
  EXPECT_EQ(notes_.clears[0].comment(), "we were shown them");
  EXPECT_FALSE(notes_.clears[0].validate_only());
  EXPECT_TRUE(client_.ClearRecord("records/x", {}, "", {.request_id = "r", .validate_only = true}).ok());
  EXPECT_EQ(notes_.clears[2].request_id(), "r");
  EXPECT_TRUE(notes_.clears[2].validate_only());
}

TEST_F(RecallClientTest, SoIsAConfirmation) {
  notes_.failures = 1;
  const auto record = client_.ConfirmRecord("records/x", "bought again", "e");
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(record->name(), "records/x");
  ASSERT_THAT(notes_.confirms, SizeIs(2));
  EXPECT_THAT(notes_.confirms[0].request_id(), SizeIs(36));
  EXPECT_EQ(notes_.confirms[1].SerializeAsString(), notes_.confirms[0].SerializeAsString());
  EXPECT_EQ(notes_.confirms[0].grounds(), "bought again");
  EXPECT_EQ(notes_.confirms[0].etag(), "e");
}

TEST_F(RecallClientTest, WithoutARequestIdNeitherIsRepeated) {
  v1::ClearRecordRequest clear;
  v1::ConfirmRecordRequest confirm;
  Connection& connection = client_.connection();
  for (const bool validate_only : {false, true}) {
    clear.set_validate_only(validate_only);
    confirm.set_validate_only(validate_only);
    notes_.failures = 1;
    EXPECT_EQ(connection.ClearRecord({}, clear).ok(), validate_only);
    notes_.failures = 1;
    EXPECT_EQ(connection.ConfirmRecord({}, confirm).ok(), validate_only);
  }
}

TEST_F(RecallClientTest, AListGoesOnBehindAnEmptyPage) {
  notes_.failures = 1;
  std::vector<std::string> names, tokens;
  for (const auto& recall : client_.ListRecalls(7)) names.push_back(recall.value().name());
  EXPECT_THAT(names, ElementsAre("records/a", "records/b"));
  for (const v1::ListRecallsRequest& request : notes_.lists) {
    EXPECT_EQ(request.page_size(), 7);
    tokens.push_back(request.page_token());
  }
  EXPECT_THAT(tokens, ElementsAre("", "", "2", "3"));
  v1::ListRecallsRequest one;
  one.set_page_token("2");
  const auto page = client_.ListRecallsPage(one);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->recalls_size(), 0);
  EXPECT_EQ(page->next_page_token(), "3");
}

TEST_F(RecallClientTest, ManyAreAcknowledgedInBatchesAsTheyWereListed) {
  std::vector<v1::Retraction> recalls(2'500);
  for (size_t i = 0; i < recalls.size(); ++i) {
    recalls[i].set_name("records/" + std::to_string(i));
    recalls[i].set_kind(i % 2 == 0 ? v1::RETRACTION_KIND_GONE : v1::RETRACTION_KIND_CLEARED);
  }
  notes_.failures = 1;
  EXPECT_TRUE(client_.AcknowledgeRecalls(recalls).ok());
  ASSERT_THAT(notes_.acknowledgements, SizeIs(4));
  std::vector<v1::Retraction> said;
  for (size_t call = 1; call < 4; ++call) {
    EXPECT_LE(notes_.acknowledgements[call].recalls_size(), 1'000);
    for (const v1::Retraction& recall : notes_.acknowledgements[call].recalls()) said.push_back(recall);
  }
  ASSERT_EQ(said.size(), recalls.size());
  for (size_t i = 0; i < said.size(); ++i)
    EXPECT_EQ(said[i].SerializeAsString(), recalls[i].SerializeAsString()) << i;
  // Nothing is asked about nothing; an error ends it.
  notes_.acknowledgements.clear();
  EXPECT_TRUE(client_.AcknowledgeRecalls({}).ok());
  EXPECT_THAT(notes_.acknowledgements, SizeIs(0));
  notes_.failures = 100;
  EXPECT_TRUE(absl::IsUnavailable(client_.AcknowledgeRecalls(recalls)));
  for (const v1::AcknowledgeRecallsRequest& request : notes_.acknowledgements)
    EXPECT_EQ(request.recalls(0).name(), "records/0");
}

TEST_F(RecallClientTest, TheStatusIsAskedAgain) {
  notes_.failures = 1;
  const auto status = client_.GetRecallStatus("records/x");
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_EQ(status->kind(), v1::RETRACTION_KIND_CLEARED);
  ASSERT_THAT(notes_.asked, SizeIs(2));
  EXPECT_EQ(notes_.asked[1].name(), "records/x");
}

}  // namespace
}  // namespace coalition::client
