// Page tokens: of another member, of another question, edited or of other keys, they get one answer. None
// goes stale; they grant nothing.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/errors.h"
#include "tests/integration/records.h"
#include "tests/support/test_server.h"

namespace coalition::testing {
namespace {

using Exchange = v1::ExchangeService::Stub;
using Membership = v1::MembershipService::Stub;
using Policy = v1::PolicyService::Stub;

// Begins a listing, or goes on with it; the next token, or why not.
using Listing = std::function<absl::StatusOr<std::string>(TestServer&, const std::string& member,
                                                          const std::string& token)>;

template <class Response>
absl::StatusOr<std::string> NextToken(const absl::StatusOr<Response>& response) {
  if (!response.ok()) return response.status();
  return response->next_page_token();
}

template <class Request>
Request PageOf(const std::string& token) {
  Request request;
  request.set_page_size(1);
  request.set_page_token(token);
  return request;
}

// By the question.
const std::map<std::string, Listing>& Listings() {
  static const auto& listings = *new std::map<std::string, Listing>{
      {"records",
       [](TestServer& server, const std::string& member, const std::string& token) {
         return NextToken(
             Call(server.Exchange(member), &Exchange::ListRecords, PageOf<v1::ListRecordsRequest>(token)));
       }},
      {"reports",
       [](TestServer& server, const std::string& member, const std::string& token) {
         auto request = PageOf<v1::ListRecordsRequest>(token);
         request.mutable_filter()->add_record_classes(v1::RECORD_CLASS_OFFENDER_REPORT);
         return NextToken(Call(server.Exchange(member), &Exchange::ListRecords, request));
       }},
      {"members",
       [](TestServer& server, const std::string& member, const std::string& token) {
         return NextToken(Call(server.Membership(member), &Membership::ListMembers,
                               PageOf<v1::ListMembersRequest>(token)));
       }},
      {"platforms",
       [](TestServer& server, const std::string& member, const std::string& token) {
         return NextToken(Call(server.Membership(member), &Membership::ListPlatforms,
                               PageOf<v1::ListPlatformsRequest>(token)));
       }},
      {"policy versions",
       [](TestServer& server, const std::string& member, const std::string& token) {
         return NextToken(Call(server.Policy(member), &Policy::ListPolicyVersions,
                               PageOf<v1::ListPolicyVersionsRequest>(token)));
       }},
      {"audiences", [](TestServer& server, const std::string& member, const std::string& token) {
         return NextToken(
             Call(server.Policy(member), &Policy::ListAudiences, PageOf<v1::ListAudiencesRequest>(token)));
       }}};
  return listings;
}

// Two of everything, for aurore and for belmont.
void Fill(TestServer& server) {
  for (const char* member : {"aurore", "belmont"}) {
    for (const char* name : {"one", "two"}) {
      v1::Record record = Report(std::string("shop-") + name);
      GrantKind(&record, v1::MEMBER_KIND_BRAND, "full");
      ASSERT_TRUE(Call(server.Exchange(member), &Exchange::CreateRecord, CreateOf(record)).ok());
      v1::SaveAudienceRequest save;
      save.set_audience_id(name);
      *save.mutable_audience() = record.audience();
      ASSERT_TRUE(Call(server.Policy(member), &Policy::SaveAudience, save).ok());
    }
  }
  const auto first = Call(server.Policy("office"), &Policy::GetPolicy, v1::GetPolicyRequest());
  ASSERT_TRUE(first.ok()) << first.status();
  v1::ApplyPolicyRequest apply;
  *apply.mutable_policy() = first->policy().policy();
  apply.mutable_policy()->set_title("The second one");
  apply.set_expected_epoch(first->epoch());
  ASSERT_TRUE(Call(server.Policy("office", "admin"), &Policy::ApplyPolicy, apply).ok());
}

class PageTokenTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Fill(server_);
    for (const auto& [name, listing] : Listings()) {
      const auto token = listing(server_, "aurore", "");
      ASSERT_TRUE(token.ok()) << name << ": " << token.status();
      ASSERT_NE(*token, "") << name;
      tokens_[name] = *token;
    }
  }

  // Every refusal there is has the same bytes.
  void ExpectRefused(const std::string& name, const std::string& member, const std::string& token,
                     const std::string& why) {
    const absl::Status status = Listings().at(name)(server_, member, token).status();
    EXPECT_EQ(status, PageTokenInvalid()) << name << ", " << why;
  }

  TestServer server_;
  std::map<std::string, std::string> tokens_;  // aurore's
};

// The positive control: nothing below is refused for another reason.
TEST_F(PageTokenTest, OnesOwnIsTaken) {
  for (const auto& [name, listing] : Listings()) {
    EXPECT_TRUE(listing(server_, "aurore", tokens_[name]).ok()) << name;
  }
}

TEST_F(PageTokenTest, OfAnotherMember) {
  for (const auto& [name, listing] : Listings()) {
    ExpectRefused(name, "belmont", tokens_[name], "of another member");
  }
}

TEST_F(PageTokenTest, OfAnotherQuestion) {
  for (const auto& [name, listing] : Listings()) {
    for (const auto& [other, token] : tokens_) {
      if (other != name) ExpectRefused(name, "aurore", token, "of " + other);
    }
  }
}

TEST_F(PageTokenTest, EditedInAnyPlace) {
  for (const auto& [name, listing] : Listings()) {
    const std::string& token = tokens_[name];
    for (size_t i = 0; i < token.size(); ++i) {
      std::string edited = token;
      edited[i] = edited[i] == 'a' ? 'b' : 'a';
      ExpectRefused(name, "aurore", edited, "edited at " + std::to_string(i));
    }
    ExpectRefused(name, "aurore", token.substr(0, token.size() - 1), "cut");
    ExpectRefused(name, "aurore", token + token, "twice");
    ExpectRefused(name, "aurore", "a", "one letter");
    ExpectRefused(name, "aurore", std::string(100'000, 'a'), "very long");
  }
}

TEST_F(PageTokenTest, OfOtherKeys) {
  TestServer other;
  Fill(other);
  for (const auto& [name, listing] : Listings()) {
    const auto token = listing(other, "aurore", "");
    ASSERT_TRUE(token.ok()) << token.status();
    ExpectRefused(name, "aurore", *token, "of a server with other keys");
  }
}

// What was granted when it was made is judged again.
TEST_F(PageTokenTest, GrantsNothing) {
  const auto before = Listings().at("records")(server_, "belmont", "");
  ASSERT_TRUE(before.ok()) << before.status();
  auto request = PageOf<v1::ListRecordsRequest>(*before);
  request.set_page_size(50);
  const auto all = Call(server_.Exchange("belmont"), &Exchange::ListRecords, request);
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_EQ(all->records_size(), 3);
  v1::SetMemberPolicyRequest own;
  own.mutable_policy()->set_unbounded(true);
  own.mutable_policy()->add_exclusions()->set_member("members/belmont");
  ASSERT_TRUE(Call(server_.Policy("aurore", "admin"), &Policy::SetMemberPolicy, own).ok());
  const auto rest = Call(server_.Exchange("belmont"), &Exchange::ListRecords, request);
  ASSERT_TRUE(rest.ok()) << rest.status();
  for (const v1::Record& record : rest->records()) EXPECT_EQ(record.contributor(), "members/belmont");
  EXPECT_EQ(rest->records_size(), 1);
}

}  // namespace
}  // namespace coalition::testing
