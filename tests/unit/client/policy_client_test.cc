// Policies, audiences and explanations: what the client asks for, and what it repeats.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "client/client.h"
#include "client/internal/retry_connection.h"

namespace coalition::client {
namespace {

using ::testing::ElementsAre;

// Fails `failures` times, then answers. Notes the last requests.
class PolicyConnection final : public Connection {
 public:
  struct Notes {
    int failures = 0;
    int calls = 0;
    v1::ApprovePolicyRequest approve;
    v1::ApplyPolicyRequest apply;
    v1::SetMemberPolicyRequest set;
    v1::DiffPolicyRequest diff;
    v1::ExplainAccessRequest explain;
    v1::PreviewAudienceRequest preview;
    std::vector<std::string> tokens;
  };
  explicit PolicyConnection(Notes* notes) : notes_(notes) {}

  absl::StatusOr<v1::GetPolicyResponse> GetPolicy(const CallOptions&,
                                                  const v1::GetPolicyRequest& request) override {
    auto response = Next<v1::GetPolicyResponse>();
    if (response.ok()) response->mutable_policy()->set_version(request.version());
    return response;
  }
  absl::StatusOr<v1::ListPolicyVersionsResponse> ListPolicyVersions(
      const CallOptions&, const v1::ListPolicyVersionsRequest& request) override {
    notes_->tokens.push_back(request.page_token());
    auto response = Next<v1::ListPolicyVersionsResponse>();
    if (!response.ok()) return response;
    response->add_versions()->set_version(request.page_token().empty() ? 2 : 1);
    if (request.page_token().empty()) response->set_next_page_token("more");
    return response;
  }
  absl::StatusOr<v1::DiffPolicyResponse> DiffPolicy(const CallOptions&,
                                                    const v1::DiffPolicyRequest& request) override {
    notes_->diff = request;
    auto response = Next<v1::DiffPolicyResponse>();
    if (response.ok()) response->mutable_diff()->set_digest("d");
    return response;
  }
  absl::StatusOr<v1::ApprovePolicyResponse> ApprovePolicy(const CallOptions&,
                                                          const v1::ApprovePolicyRequest& request) override {
    notes_->approve = request;
    return Next<v1::ApprovePolicyResponse>();
  }
  absl::StatusOr<v1::ApplyPolicyResponse> ApplyPolicy(const CallOptions&,
                                                      const v1::ApplyPolicyRequest& request) override {
    notes_->apply = request;
    return Next<v1::ApplyPolicyResponse>();
  }
  absl::StatusOr<v1::SetMemberPolicyResponse> SetMemberPolicy(
      const CallOptions&, const v1::SetMemberPolicyRequest& request) override {
    notes_->set = request;
    return Next<v1::SetMemberPolicyResponse>();
  }
  absl::StatusOr<v1::SaveAudienceResponse> SaveAudience(const CallOptions&,
                                                        const v1::SaveAudienceRequest&) override {
    return Next<v1::SaveAudienceResponse>();
  }
  absl::StatusOr<v1::ListAudiencesResponse> ListAudiences(const CallOptions&,
                                                          const v1::ListAudiencesRequest&) override {
    auto response = Next<v1::ListAudiencesResponse>();
    if (response.ok()) response->add_audiences()->set_name("audiences/brands");
    return response;
  }
  absl::StatusOr<v1::PreviewAudienceResponse> PreviewAudience(
      const CallOptions&, const v1::PreviewAudienceRequest& request) override {
    notes_->preview = request;
    return Next<v1::PreviewAudienceResponse>();
  }
  absl::StatusOr<v1::ExplainAccessResponse> ExplainAccess(const CallOptions&,
                                                          const v1::ExplainAccessRequest& request) override {
    notes_->explain = request;
    return Next<v1::ExplainAccessResponse>();
  }

 private:
  template <class Response>
  absl::StatusOr<Response> Next() {
    ++notes_->calls;
    if (notes_->failures-- > 0) return absl::UnavailableError("try again");
    return Response();
  }

  Notes* const notes_;
};

class PolicyClientTest : public ::testing::Test {
 protected:
  PolicyClientTest() {
    const internal::Timer timer{[] { return std::chrono::steady_clock::time_point(); },
                                [](std::chrono::milliseconds) {}};
    auto retrying = std::make_shared<internal::RetryConnection>(std::make_unique<PolicyConnection>(&notes_),
                                                                RetryPolicy(), random_, timer);
    client_ = std::make_unique<Client>(retrying, ClientOptions(), random_);
    policy_.set_title("t");
  }

  // The status, and how many calls were made, when the first one fails.
  template <class Call>
  int CallsAfterAFailure(Call call, bool* ok) {
    notes_.failures = 1;
    notes_.calls = 0;
    *ok = call();
    return notes_.calls;
  }

  SystemRandom random_;
  PolicyConnection::Notes notes_;
  std::unique_ptr<Client> client_;
  v1::CoalitionPolicy policy_;
};

TEST_F(PolicyClientTest, WhatWasReviewedIsNamed) {
  EXPECT_TRUE(client_->ApprovePolicy(policy_, {17, "d1"}).ok());
  EXPECT_EQ(notes_.approve.policy().title(), "t");
  EXPECT_EQ(notes_.approve.expected_epoch(), 17);
  EXPECT_EQ(notes_.approve.diff_digest(), "d1");
  EXPECT_TRUE(client_->ApplyPolicy(policy_, {18, "d2"}, true).ok());
  EXPECT_EQ(notes_.apply.policy().title(), "t");
  EXPECT_EQ(notes_.apply.expected_epoch(), 18);
  EXPECT_EQ(notes_.apply.diff_digest(), "d2");
  EXPECT_TRUE(notes_.apply.validate_only());
  EXPECT_EQ(client_->DiffPolicy(policy_, 3)->digest(), "d");
  EXPECT_EQ(notes_.diff.base_version(), 3);
}

TEST_F(PolicyClientTest, AnExpectedVersionOfNoneIsNotNoExpectation) {
  EXPECT_TRUE(client_->SetMemberPolicy({}).ok());
  EXPECT_FALSE(notes_.set.has_expected_version());
  EXPECT_TRUE(client_->SetMemberPolicy({}, 0).ok());
  EXPECT_TRUE(notes_.set.has_expected_version());
}

TEST_F(PolicyClientTest, ListsArriveWhole) {
  std::vector<int64_t> versions;
  for (const auto& version : client_->ListPolicyVersions()) versions.push_back(version->version());
  EXPECT_THAT(versions, ElementsAre(2, 1));
  EXPECT_THAT(notes_.tokens, ElementsAre("", "more"));
  std::vector<std::string> names;
  for (const auto& audience : client_->ListAudiences()) names.push_back(audience->name());
  EXPECT_THAT(names, ElementsAre("audiences/brands"));
}

TEST_F(PolicyClientTest, QuestionsAboutARecord) {
  EXPECT_TRUE(client_->ExplainAccess("records/a", "members/b", 4).ok());
  EXPECT_EQ(notes_.explain.name(), "records/a");
  EXPECT_EQ(notes_.explain.member(), "members/b");
  EXPECT_EQ(notes_.explain.epoch(), 4);
  v1::Record record;
  record.set_label(v1::LABEL_RED);
  EXPECT_TRUE(client_->PreviewAudience(record).ok());
  EXPECT_EQ(notes_.preview.record().label(), v1::LABEL_RED);
}

TEST_F(PolicyClientTest, WhatDoesNoHarmTwiceIsRepeated) {
  bool ok = false;
  EXPECT_EQ(CallsAfterAFailure([&] { return client_->GetPolicy().ok(); }, &ok), 2);
  EXPECT_TRUE(ok);
  EXPECT_EQ(CallsAfterAFailure([&] { return client_->ApprovePolicy(policy_, {1, "d"}).ok(); }, &ok), 2);
  EXPECT_EQ(CallsAfterAFailure([&] { return client_->ApplyPolicy(policy_, {1, "d"}).ok(); }, &ok), 2);
  EXPECT_TRUE(ok);
  EXPECT_EQ(CallsAfterAFailure([&] { return client_->SetMemberPolicy({}, 1, true).ok(); }, &ok), 2);
  EXPECT_EQ(CallsAfterAFailure([&] { return client_->PreviewAudience({}).ok(); }, &ok), 2);
  EXPECT_EQ(CallsAfterAFailure([&] { return client_->ExplainAccess("records/a").ok(); }, &ok), 2);
  EXPECT_TRUE(ok);
}

TEST_F(PolicyClientTest, WhatMakesAVersionIsNot) {
  bool ok = true;
  EXPECT_EQ(CallsAfterAFailure([&] { return client_->SetMemberPolicy({}, 1).ok(); }, &ok), 1);
  EXPECT_FALSE(ok);
  EXPECT_EQ(CallsAfterAFailure([&] { return client_->SaveAudience({}).ok(); }, &ok), 1);
  EXPECT_FALSE(ok);
}

}  // namespace
}  // namespace coalition::client
