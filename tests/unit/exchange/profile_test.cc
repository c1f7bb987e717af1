#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/errors.h"
#include "tests/support/exchange_world.h"

namespace coalition::exchange {
namespace {

using namespace coalition::testing;  // NOLINT: the room's own fixtures
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int64_t kHourNs = int64_t{3600} * 1'000'000'000;

// A report, a notice that rests on it, two outcomes (one without a seller), an opinion.
class ProfileTest : public ::testing::Test {
 protected:
  ProfileTest() {
    v1::Record report = Report("bazaar.example", "shop-1");
    GrantMember(report, "belmont");
    report_ = world_.Created("aurore", report).name();
    v1::Record notice = Notice("bazaar.example", "shop-1");
    notice.mutable_takedown_notice()->set_report(report_);
    GrantMember(notice, "bazaar", "notice");
    notice_ = world_.Created("aurore", notice).name();
    world_.clock.now_ns += 2 * kHourNs + 5;
    v1::Record partial = Outcome("bazaar.example", "");
    partial.mutable_takedown_outcome()->set_action_taken(v1::ACTION_TAKEN_PARTIAL);
    partial.mutable_takedown_outcome()->set_notice(notice_);
    GrantMember(partial, "aurore");
    partial_ = world_.Created("bazaar", partial).name();
    world_.clock.now_ns += kHourNs;
    v1::Record later = Outcome("bazaar.example", "shop-1");
    later.mutable_takedown_outcome()->set_action_taken(v1::ACTION_TAKEN_NO);
    later.mutable_takedown_outcome()->set_reinstated(true);
    later.mutable_takedown_outcome()->set_notice(notice_);
    GrantMember(later, "aurore");
    later_ = world_.Created("bazaar", later).name();
    v1::Record opinion = Opinion(report_, v1::OPINION_VERDICT_CONFIRMED);
    GrantMember(opinion, "aurore");
    opinion_ = world_.Created("belmont", opinion).name();
  }

  static std::vector<std::string> Names(const v1::SellerProfile& profile) {
    std::vector<std::string> names;
    for (const v1::Record& record : profile.records()) names.push_back(record.name());
    return names;
  }

  World world_;
  std::string report_, notice_, partial_, later_, opinion_;
};

TEST_F(ProfileTest, ShowsTheWholeCourseToWhoMaySeeIt) {
  const auto profile = world_.Profile(world_.As("aurore"), "Bazaar.example", "shop-1");
  ASSERT_TRUE(profile.ok()) << profile.status();
  EXPECT_EQ(profile->seller().platform(), "bazaar.example");
  EXPECT_EQ(profile->verdict(), v1::VERDICT_LISTED);
  EXPECT_THAT(Names(*profile), ElementsAre(opinion_, later_, notice_, report_));
  EXPECT_FALSE(profile->truncated());
  ASSERT_THAT(profile->counts(), SizeIs(4));
  ASSERT_THAT(profile->takedowns(), SizeIs(1));
  const v1::TakedownCourse& course = profile->takedowns(0);
  EXPECT_EQ(course.notice(), notice_);
  EXPECT_THAT(course.outcomes(), ElementsAre(partial_, later_)) << "oldest first";
  EXPECT_EQ(course.turnaround().seconds(), 2 * 3600);
  EXPECT_EQ(course.turnaround().nanos(), 5);
  EXPECT_EQ(course.last_action_taken(), v1::ACTION_TAKEN_NO);
  EXPECT_TRUE(course.reinstated());
}

TEST_F(ProfileTest, IsEachMembersOwn) {
  const auto belmont = world_.Profile(world_.As("belmont"), "bazaar.example", "shop-1");
  EXPECT_THAT(Names(*belmont), ElementsAre(opinion_, report_));
  EXPECT_THAT(belmont->takedowns(), IsEmpty());
  // The report, as itself and as what its own opinion is about.
  ASSERT_THAT(world_.disclosure.records, SizeIs(2));
  EXPECT_EQ(world_.disclosure.records[0].record, world_.disclosure.records[1].record);
  const auto bazaar = world_.Profile(world_.As("bazaar"), "bazaar.example", "shop-1");
  EXPECT_THAT(Names(*bazaar), ElementsAre(later_, notice_));
  EXPECT_EQ(bazaar->verdict(), v1::VERDICT_NOT_LISTED);
  ASSERT_THAT(bazaar->takedowns(), SizeIs(1));
  EXPECT_FALSE(bazaar->takedowns(0).has_turnaround()) << "the host sees the notice's day alone";
  // For who sees nothing of it, the seller is like any other.
  auto corsa = world_.Profile(world_.As("corsa"), "bazaar.example", "shop-1");
  const auto nobody = world_.Profile(world_.As("corsa"), "bazaar.example", "nobody");
  corsa->mutable_seller()->set_seller_id("nobody");
  EXPECT_EQ(corsa->SerializeAsString(), nobody->SerializeAsString());
}

TEST_F(ProfileTest, RecordsAreLimitedAndCountsAreNot) {
  WorldOptions options;
  options.exchange.profile_records_max = 3;
  World world(options);
  for (int i = 0; i < 5; ++i) world.Created("aurore", Report("bazaar.example", "shop-1"));
  const auto profile = world.Profile(world.As("aurore"), "bazaar.example", "shop-1");
  EXPECT_THAT(profile->records(), SizeIs(3));
  EXPECT_TRUE(profile->truncated());
  EXPECT_EQ(profile->counts(0).count(), 5);
}

TEST_F(ProfileTest, TurnaroundIsOfTheOutcomesThatAreSeen) {
  WorldOptions options;
  options.exchange.profile_records_max = 2;
  World world(options);
  v1::Record notice = Notice("bazaar.example", "shop-1");
  for (const char* host : {"bazaar", "souk"}) GrantMember(notice, host);
  const std::string name = world.Created("aurore", notice).name();
  world.clock.now_ns += kHourNs;
  v1::Record outcome = Outcome("souk.example", "");
  outcome.mutable_takedown_outcome()->set_notice(name);
  world.Created("souk", outcome);  // hidden
  outcome.mutable_seller()->set_platform("bazaar.example");
  GrantMember(outcome, "aurore");
  for (const bool all_named : {true, true, false}) {
    world.Created("bazaar", outcome);
    const auto profile = world.Profile(world.As("aurore"), "bazaar.example", "shop-1");
    ASSERT_TRUE(profile.ok()) << profile.status();
    const v1::TakedownCourse& course = profile->takedowns(0);
    EXPECT_LE(course.outcomes_size(), 2);
    EXPECT_EQ(course.has_turnaround(), all_named);
  }
}

TEST_F(ProfileTest, TheSellerIsChecked) {
  EXPECT_EQ(FieldsAtFault(world_.Profile(world_.As("aurore"), "bazaar.example", "").status()), "seller");
}

}  // namespace
}  // namespace coalition::exchange
