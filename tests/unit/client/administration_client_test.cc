// Administration: what the client asks for, and that it repeats it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "client/client.h"
#include "client/internal/retry_connection.h"

namespace coalition::client {
namespace {

using ::testing::ElementsAre;

// Fails once, then answers with `Response`.
class FlakyConnection final : public Connection {
 public:
  explicit FlakyConnection(int* calls) : calls_(calls) {}

  absl::StatusOr<v1::SetStandingResponse> SetStanding(const CallOptions&,
                                                      const v1::SetStandingRequest&) override {
    return Next<v1::SetStandingResponse>();
  }
  absl::StatusOr<v1::RegisterKeyResponse> RegisterKey(const CallOptions&,
                                                      const v1::RegisterKeyRequest&) override {
    return Next<v1::RegisterKeyResponse>();
  }
  absl::StatusOr<v1::RevokeCredentialResponse> RevokeCredential(const CallOptions&,
                                                                const v1::RevokeCredentialRequest&) override {
    return Next<v1::RevokeCredentialResponse>();
  }
  absl::StatusOr<v1::LeaveCoalitionResponse> LeaveCoalition(const CallOptions&,
                                                            const v1::LeaveCoalitionRequest&) override {
    return Next<v1::LeaveCoalitionResponse>();
  }
  absl::StatusOr<v1::CreateProposalResponse> CreateProposal(
      const CallOptions&, const v1::CreateProposalRequest& request) override {
    request_ids.push_back(request.request_id());
    return Next<v1::CreateProposalResponse>();
  }
  absl::StatusOr<v1::ApplyProposalResponse> ApplyProposal(const CallOptions&,
                                                          const v1::ApplyProposalRequest&) override {
    return Next<v1::ApplyProposalResponse>();
  }
  absl::StatusOr<v1::EraseRecordsResponse> EraseRecords(const CallOptions&,
                                                        const v1::EraseRecordsRequest&) override {
    return Next<v1::EraseRecordsResponse>();
  }
  absl::StatusOr<v1::EraseLedgerEntriesResponse> EraseLedgerEntries(
      const CallOptions&, const v1::EraseLedgerEntriesRequest&) override {
    return Next<v1::EraseLedgerEntriesResponse>();
  }
  absl::StatusOr<v1::ListMembershipEventsResponse> ListMembershipEvents(
      const CallOptions&, const v1::ListMembershipEventsRequest& request) override {
    auto response = Next<v1::ListMembershipEventsResponse>();
    if (!response.ok()) return response;
    response->add_events()->set_epoch(request.page_token().empty() ? 9 : 8);
    if (request.page_token().empty()) response->set_next_page_token("more");
    return response;
  }

  std::vector<std::string> request_ids;

 private:
  template <class Response>
  absl::StatusOr<Response> Next() {
    if (++*calls_ % 2 == 1) return absl::UnavailableError("no connection");
    return Response();
  }
  int* calls_;
};

class AdministrationClientTest : public ::testing::Test {
 protected:
  AdministrationClientTest() {
    auto flaky = std::make_unique<FlakyConnection>(&calls_);
    flaky_ = flaky.get();
    client_ = std::make_unique<Client>(std::make_shared<internal::RetryConnection>(
                                           std::move(flaky), RetryPolicy{}, random_,
                                           internal::Timer{[] { return std::chrono::steady_clock::now(); },
                                                           [](std::chrono::milliseconds) {}}),
                                       ClientOptions(), random_);
  }

  SystemRandom random_;
  int calls_ = 0;
  FlakyConnection* flaky_ = nullptr;
  std::unique_ptr<Client> client_;
};

TEST_F(AdministrationClientTest, WhatCanBeRepeatedIs) {
  const std::string credential = "members/souk/credentials/backend";
  EXPECT_TRUE(client_->SetStanding("members/souk", v1::STANDING_SUSPENDED, v1::STANDING_REASON_OTHER).ok());
  EXPECT_EQ(calls_, 2);
  EXPECT_TRUE(client_->RegisterKey(credential, "aa").ok());
  EXPECT_TRUE(client_->RevokeCredential(credential, v1::REVOCATION_REASON_SUPERSEDED).ok());
  EXPECT_TRUE(client_->LeaveCoalition("members/souk").ok());
  EXPECT_TRUE(client_->ApplyProposal("proposals/7", "d").ok());
  EXPECT_TRUE(client_->EraseRecords({}).ok());
  EXPECT_TRUE(client_->EraseLedgerEntries({}).ok());
  EXPECT_EQ(calls_, 14);
}

TEST_F(AdministrationClientTest, AProposalIsRepeatedUnderOneRequestId) {
  EXPECT_TRUE(client_->CreateProposal({}, "why").ok());
  ASSERT_EQ(flaky_->request_ids.size(), 2u);
  EXPECT_EQ(flaky_->request_ids[0].size(), 36u);
  EXPECT_EQ(flaky_->request_ids[0], flaky_->request_ids[1]);
  // Without one, as only the protocol itself can ask, not at all.
  EXPECT_TRUE(absl::IsUnavailable(client_->connection().CreateProposal({}, {}).status()));
}

TEST_F(AdministrationClientTest, ListsGoOnToTheirEnd) {
  std::vector<int64_t> epochs;
  for (const auto& event : client_->ListMembershipEvents()) epochs.push_back(event.value().epoch());
  EXPECT_THAT(epochs, ElementsAre(9, 8));
}

}  // namespace
}  // namespace coalition::client
