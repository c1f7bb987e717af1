// Each call of MembershipService over real mutual TLS.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/errors.h"
#include "tests/support/test_server.h"

namespace coalition::testing {
namespace {

using Stub = v1::MembershipService::Stub;

class MembershipRpcTest : public ::testing::Test {
 protected:
  TestServer server_;
};

TEST_F(MembershipRpcTest, WhoAmITellsWhoTheCertificateIs) {
  const auto who = server_.WhoAmI(server_.IdentityOf("aurore"));
  ASSERT_TRUE(who.ok()) << who.status();
  EXPECT_EQ(who->member().name(), "members/aurore");
  EXPECT_EQ(who->member().kind(), v1::MEMBER_KIND_BRAND);
  EXPECT_EQ(who->credential().name(), "members/aurore/credentials/backend");
  EXPECT_THAT(who->credential().roles(),
              ::testing::UnorderedElementsAre(v1::ROLE_READER, v1::ROLE_CONTRIBUTOR));
  EXPECT_EQ(who->credential().purpose(), "tests");
  EXPECT_GT(who->epoch(), 0);
  EXPECT_FALSE(who->server_version().empty());
}

TEST_F(MembershipRpcTest, ListMembersPagesByName) {
  const auto stub = server_.Membership("customs");
  std::vector<std::string> names;
  v1::ListMembersRequest request;
  request.set_page_size(3);
  do {
    const auto page = Call(stub, &Stub::ListMembers, request);
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_LE(page->members_size(), 3);
    for (const v1::Member& member : page->members()) names.push_back(member.name());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(names,
              ::testing::ElementsAre("members/aurore", "members/bazaar", "members/belmont", "members/corsa",
                                     "members/customs", "members/office", "members/paylink", "members/souk"));
}

TEST_F(MembershipRpcTest, PageTokensAreSealedAndTheirMembersOwn) {
  v1::ListMembersRequest request;
  request.set_page_size(2);
  const auto page = Call(server_.Membership("aurore"), &Stub::ListMembers, request);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_THAT(page->next_page_token(), ::testing::Not(::testing::HasSubstr("bazaar")));
  request.set_page_token(page->next_page_token());
  const auto stolen = Call(server_.Membership("corsa"), &Stub::ListMembers, request);
  EXPECT_EQ(GetErrorReason(stolen.status()), v1::ERROR_REASON_PAGE_TOKEN_INVALID) << stolen.status();
  v1::ListPlatformsRequest platforms;
  platforms.set_page_token(page->next_page_token());
  const auto other = Call(server_.Membership("aurore"), &Stub::ListPlatforms, platforms);
  EXPECT_EQ(GetErrorReason(other.status()), v1::ERROR_REASON_PAGE_TOKEN_INVALID) << other.status();
  request.set_page_size(-1);
  const auto negative = Call(server_.Membership("aurore"), &Stub::ListMembers, request);
  EXPECT_EQ(GetErrorReason(negative.status()), v1::ERROR_REASON_INVALID_FIELD) << negative.status();
}

TEST_F(MembershipRpcTest, GetMember) {
  v1::GetMemberRequest request;
  request.set_name("members/bazaar");
  const auto got = Call(server_.Membership("aurore"), &Stub::GetMember, request);
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->member().display_name(), "The bazaar");
  request.set_name("members/nobody");
  const auto absent = Call(server_.Membership("aurore"), &Stub::GetMember, request);
  EXPECT_EQ(GetErrorReason(absent.status()), v1::ERROR_REASON_NOT_FOUND) << absent.status();
  request.set_name("Members/bazaar");
  const auto malformed = Call(server_.Membership("aurore"), &Stub::GetMember, request);
  EXPECT_EQ(GetErrorReason(malformed.status()), v1::ERROR_REASON_INVALID_FIELD) << malformed.status();
}

TEST_F(MembershipRpcTest, ListPlatforms) {
  const auto page = Call(server_.Membership("aurore"), &Stub::ListPlatforms, v1::ListPlatformsRequest());
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_EQ(page->platforms_size(), 2);
  EXPECT_EQ(page->platforms(0).name(), "platforms/bazaar.example");
  EXPECT_EQ(page->platforms(0).holder(), "members/bazaar");
}

// A coalition in which belmont's standing is `standing`.
absl::Status BelmontsStatus(v1::Standing standing, bool screens) {
  TestServer::Options options;
  options.edit_bootstrap = [standing](config::v1::Bootstrap* bootstrap) {
    bootstrap->mutable_members(1)->set_standing(standing);
  };
  TestServer server(std::move(options));
  const absl::Status who = server.WhoAmI(server.IdentityOf("belmont")).status();
  EXPECT_EQ(who.ok(), standing == v1::STANDING_LIMITED) << who;
  if (screens) {
    return Call(server.Exchange("belmont"), &v1::ExchangeService::Stub::ScreenSellers,
                v1::ScreenSellersRequest())
        .status();
  }
  return Call(server.Membership("belmont"), &Stub::ListMembers, v1::ListMembersRequest()).status();
}

TEST(StandingTest, WhoIsNotActiveGetsTheOneAnswer) {
  for (const v1::Standing standing : {v1::STANDING_APPLICANT, v1::STANDING_SUSPENDED, v1::STANDING_EXITED}) {
    for (const bool screens : {true, false}) {
      const absl::Status status = BelmontsStatus(standing, screens);
      EXPECT_EQ(GetErrorReason(status), v1::ERROR_REASON_MEMBER_NOT_ACTIVE) << status;
      ASSERT_TRUE(GetErrorInfo(status).has_value());
      EXPECT_EQ(GetErrorInfo(status)->metadata().at("contact"), "members/office");
    }
  }
}

TEST(StandingTest, TheLimitedReadOnly) { EXPECT_TRUE(BelmontsStatus(v1::STANDING_LIMITED, false).ok()); }

}  // namespace
}  // namespace coalition::testing
