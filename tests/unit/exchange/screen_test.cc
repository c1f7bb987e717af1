#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/errors.h"
#include "tests/support/exchange_world.h"

namespace coalition::exchange {
namespace {

using namespace coalition::testing;  // NOLINT: the room's own fixtures
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

v1::Record ReportToEveryone(const std::string& seller_id) {
  v1::Record report = Report("bazaar.example", seller_id);
  GrantEveryone(report);
  return report;
}

TEST(ScreenTest, SaysWhatTheAudienceAllows) {
  World world;
  v1::Record report = Report("bazaar.example", "shop-1");
  GrantKind(report, v1::MEMBER_KIND_MARKETPLACE, "notice");
  const v1::Record created = world.Created("aurore", report);
  const v1::ScreenResult souk = world.ScreenOne("souk", "Bazaar.example", " shop-1");
  EXPECT_EQ(souk.verdict(), v1::VERDICT_LISTED);
  ASSERT_THAT(souk.matches(), SizeIs(1));
  EXPECT_EQ(souk.matches(0).record(), created.name());
  EXPECT_EQ(souk.matches(0).record_class(), v1::RECORD_CLASS_OFFENDER_REPORT);
  EXPECT_EQ(souk.matches(0).label(), v1::LABEL_AMBER);
  EXPECT_EQ(souk.matches(0).permitted_action(), v1::PERMITTED_ACTION_CONTACT_FOR_INSTRUCTION);
  EXPECT_EQ(souk.matches(0).state(), v1::RECORD_STATE_ACTIVE);
  EXPECT_THAT(world.disclosure.records, SizeIs(1));
  const v1::ScreenResult paylink = world.ScreenOne("paylink", "bazaar.example", "shop-1");
  EXPECT_THAT(world.disclosure.records, IsEmpty());
  EXPECT_EQ(paylink.SerializeAsString(),
            world.ScreenOne("paylink", "bazaar.example", "nobody").SerializeAsString());
  EXPECT_EQ(world.ScreenOne("aurore", "bazaar.example", "shop-1").verdict(), v1::VERDICT_LISTED);
  EXPECT_THAT(world.disclosure.records, IsEmpty()) << "its own";
}

// Ends a call at the n-th record that it looks at.
class EndAt final : public ReadWatch {
 public:
  explicit EndAt(int n) : n_(n) {}
  absl::Status Look() override { return ++looked == n_ ? absl::CancelledError("enough") : absl::OkStatus(); }
  int looked = 0;

 private:
  const int n_;
};

TEST(ScreenTest, AReadIsWatchedAlsoWhereNothingIsSeen) {
  World world;
  for (int i = 0; i < 5; ++i) world.Created("aurore", Report("bazaar.example", "shop-1"));
  v1::ScreenSellersRequest screen;
  *screen.add_sellers() = Report("bazaar.example", "shop-1").seller();
  v1::ListRecordsRequest list;
  *list.mutable_filter()->mutable_seller() = screen.sellers(0);
  for (const char* member : {"aurore", "souk"}) {
    CallContext context = world.As(member);
    EndAt third(3);
    context.watch = &third;
    EXPECT_EQ(world.Screen(context, screen).status(), absl::CancelledError("enough")) << member;
    EXPECT_EQ(third.looked, 3);
    third.looked = 0;
    EXPECT_EQ(world.List(context, list).status(), absl::CancelledError("enough")) << member;
    EndAt never(0);
    context.watch = &never;
    EXPECT_TRUE(world.Screen(context, screen).ok()) << member;
    EXPECT_EQ(never.looked, 5);
  }
  CallContext context = world.As("aurore");
  EndAt second(2);
  context.watch = &second;
  EXPECT_EQ(world.List(context, {}).status(), absl::CancelledError("enough"));
  EXPECT_EQ(second.looked, 2);
}

TEST(ScreenTest, AnswersStandInTheOrderAsked) {
  World world;
  for (int i = 0; i < 200; i += 3) world.Created("aurore", ReportToEveryone("shop-" + std::to_string(i)));
  v1::ScreenSellersRequest request;
  for (int i = 199; i >= 0; --i) {
    v1::Seller* seller = request.add_sellers();
    seller->set_platform("bazaar.example");
    seller->set_seller_id("shop-" + std::to_string(i));
  }
  *request.add_sellers() = request.sellers(1);  // asked twice
  const auto response = world.Screen(world.As("customs"), request);
  ASSERT_TRUE(response.ok());
  ASSERT_THAT(response->results(), SizeIs(201));
  EXPECT_THAT(response->handling(), HasSubstr("never the sole basis"));
  for (int i = 0; i < 200; ++i) {
    const bool listed = (199 - i) % 3 == 0;
    EXPECT_EQ(response->results(i).verdict(), listed ? v1::VERDICT_LISTED : v1::VERDICT_NOT_LISTED) << i;
    EXPECT_THAT(response->results(i).matches(), SizeIs(listed ? 1 : 0));
  }
  EXPECT_EQ(response->results(200).SerializeAsString(), response->results(1).SerializeAsString());
}

TEST(ScreenTest, OneSellersIdIsNoPrefixOfAnothers) {
  World world;
  world.Created("aurore", ReportToEveryone("shop-11"));
  EXPECT_EQ(world.ScreenOne("souk", "bazaar.example", "shop-1").verdict(), v1::VERDICT_NOT_LISTED);
  EXPECT_EQ(world.ScreenOne("souk", "bazaar.example", "shop-11").verdict(), v1::VERDICT_LISTED);
  EXPECT_EQ(world.ScreenOne("souk", "souk.example", "shop-11").verdict(), v1::VERDICT_NOT_LISTED);
}

TEST(ScreenTest, OutcomesAreMatchesAndNeverList) {
  World world;
  v1::Record outcome = Outcome("bazaar.example", "shop-1");
  GrantEveryone(outcome);
  world.Created("bazaar", outcome);
  v1::Record notice = Notice("bazaar.example", "shop-1");
  GrantEveryone(notice);
  world.Created("aurore", notice);
  const v1::ScreenResult result = world.ScreenOne("souk", "bazaar.example", "shop-1");
  EXPECT_EQ(result.verdict(), v1::VERDICT_NOT_LISTED);
  ASSERT_THAT(result.matches(), SizeIs(1)) << "notices are between the parties";
  EXPECT_EQ(result.matches(0).record_class(), v1::RECORD_CLASS_TAKEDOWN_OUTCOME);
}

TEST(ScreenTest, AnOutcomeWithoutASellerIsNeverScreened) {
  World world;
  v1::Record outcome = Outcome("bazaar.example", "");
  GrantEveryone(outcome);
  world.Created("bazaar", outcome);
  v1::ScreenSellersRequest request;
  request.add_sellers()->set_platform("bazaar.example");
  EXPECT_EQ(FieldsAtFault(world.Screen(world.As("souk"), request).status()), "sellers[0]");
}

TEST(ScreenTest, DisputedReportsDoNotList) {
  World world;
  const std::string report = world.Created("aurore", ReportToEveryone("shop-1")).name();
  for (const auto verdict : {v1::OPINION_VERDICT_CONFIRMED, v1::OPINION_VERDICT_DISPUTED}) {
    v1::Record opinion = Opinion(report, verdict);
    GrantMember(opinion, "souk");
    world.Created("belmont", opinion);
  }
  EXPECT_EQ(world.ScreenOne("souk", "bazaar.example", "shop-1").verdict(), v1::VERDICT_DISPUTED);
  EXPECT_THAT(world.disclosure.records, SizeIs(3)) << "the opinions told in the verdict";
  EXPECT_EQ(world.ScreenOne("paylink", "bazaar.example", "shop-1").verdict(), v1::VERDICT_LISTED)
      << "does not see the opinions";
  EXPECT_EQ(world.ScreenOne("aurore", "bazaar.example", "shop-1").verdict(), v1::VERDICT_DISPUTED)
      << "the owner's counts all";
  world.Created("corsa", ReportToEveryone("shop-1"));
  EXPECT_EQ(world.ScreenOne("souk", "bazaar.example", "shop-1").verdict(), v1::VERDICT_LISTED)
      << "another report stands";
}

// Otherwise a hidden report, which has the seller looked up, would show in the log of disclosures.
TEST(ScreenTest, DisputesOfWhatTheVerdictDoesNotTellOfAreNotDisclosed) {
  World world;
  v1::Record notice = Notice("bazaar.example", "shop-1");
  GrantEveryone(notice);
  const std::string name = world.Created("aurore", notice).name();
  for (const auto verdict : {v1::OPINION_VERDICT_CONFIRMED, v1::OPINION_VERDICT_DISPUTED}) {
    v1::Record opinion = Opinion(name, verdict);
    GrantMember(opinion, "souk");
    world.Created("belmont", opinion);
  }
  world.Created("corsa", Report("bazaar.example", "shop-1"));  // to nobody
  EXPECT_EQ(world.ScreenOne("souk", "bazaar.example", "shop-1").verdict(), v1::VERDICT_NOT_LISTED);
  EXPECT_THAT(world.disclosure.records, IsEmpty());
}

TEST(ScreenTest, WithdrawnAndHiddenAreMisses) {
  World world;
  v1::WithdrawRecordRequest withdraw;
  withdraw.set_name(world.Created("aurore", ReportToEveryone("shop-1")).name());
  EXPECT_EQ(world.ScreenOne("souk", "bazaar.example", "shop-1").verdict(), v1::VERDICT_LISTED);
  ASSERT_TRUE(world.Withdraw(world.As("aurore"), withdraw).ok());
  EXPECT_EQ(world.ScreenOne("souk", "bazaar.example", "shop-1").SerializeAsString(),
            world.ScreenOne("souk", "bazaar.example", "other").SerializeAsString());
}

TEST(ScreenTest, MatchesAreNewestFirstAndLimited) {
  World world;
  std::vector<std::string> names;
  for (int i = 0; i < 25; ++i) names.push_back(world.Created("aurore", ReportToEveryone("shop-1")).name());
  const v1::ScreenResult result = world.ScreenOne("souk", "bazaar.example", "shop-1");
  ASSERT_THAT(result.matches(), SizeIs(20));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(result.matches(i).record(), names[24 - i]);
  EXPECT_THAT(world.disclosure.records, SizeIs(25)) << "all of them told in the verdict";
}

TEST(ScreenTest, FindsEverySellerAfterARestartAndUnderANewHashKey) {
  World world;
  constexpr int kSellers = 60;
  for (int i = 0; i < kSellers; ++i) world.Created("aurore", ReportToEveryone("shop-" + std::to_string(i)));
  const auto all_listed = [&] {
    for (int i = 0; i < kSellers; ++i) {
      EXPECT_EQ(world.ScreenOne("souk", "bazaar.example", "shop-" + std::to_string(i)).verdict(),
                v1::VERDICT_LISTED);
    }
    EXPECT_EQ(world.exchange().stats().sellers, kSellers);
  };
  all_listed();
  world.Restart();
  all_listed();
  world.RestartWith(std::string(32, 'S'));
  all_listed();
  world.Created("aurore", ReportToEveryone("shop-1"));
  world.Restart();
  EXPECT_EQ(world.ScreenOne("souk", "bazaar.example", "shop-1").matches_size(), 2);
  EXPECT_GT(world.exchange().stats().filter_bytes, 0);
}

TEST(ScreenTest, RequestsAreChecked) {
  World world;
  v1::ScreenSellersRequest request;
  for (int i = 0; i < 1001; ++i) request.add_sellers()->set_platform("bazaar.example");
  const auto info = GetErrorInfo(world.Screen(world.As("souk"), request).status());
  ASSERT_TRUE(info.has_value());
  EXPECT_EQ(info->reason(), "LIMIT_EXCEEDED");
  EXPECT_EQ(info->metadata().at("limit"), "sellers_per_screen");
  request.clear_sellers();
  EXPECT_TRUE(world.Screen(world.As("souk"), request).ok());
}

}  // namespace
}  // namespace coalition::exchange
