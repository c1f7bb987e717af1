// How long records live: by the coalition's policy, the server's settings, and new evidence.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/errors.h"
#include "tests/unit/exchange/contest_support.h"

namespace coalition::exchange {
namespace {

using namespace coalition::testing;  // NOLINT: the room's own fixtures

constexpr char kLimits[] = R"(
  lifetimes { days_max: 100 days_default: 20 }
  lifetimes { record_classes: RECORD_CLASS_OFFENDER_REPORT labels: LABEL_RED days_default: 10 })";

int64_t DaysOf(World& world, const v1::Record& record) {
  return (record.expire_time().seconds() - world.clock.NowS()) / kDayS;
}

v1::Record Red() {
  v1::Record record = Report("bazaar.example", "shop-1");
  record.set_label(v1::LABEL_RED);
  return record;
}

TEST(LifetimeTest, ThePolicysDefaultIsThatOfWhatDoesNotSay) {
  World world(WithLimits(kLimits));
  EXPECT_EQ(DaysOf(world, world.Created("aurore", Report("bazaar.example", "shop-1"))), 20);
  EXPECT_EQ(DaysOf(world, world.Created("aurore", Notice("bazaar.example", "shop-1"))), 20);
  EXPECT_EQ(DaysOf(world, world.Created("aurore", Red())), 10) << "of several the shortest";
  v1::Record says = Red();
  says.mutable_expire_time()->set_seconds(world.clock.NowS() + 100 * kDayS);
  EXPECT_EQ(DaysOf(world, world.Created("aurore", says)), 100);
  says.mutable_expire_time()->set_seconds(world.clock.NowS() + 100 * kDayS + 1);
  EXPECT_EQ(FieldsAtFault(world.Create(world.As("aurore"), CreateRequest(says)).status()),
            "record.expire_time");
}

TEST(LifetimeTest, NoDefaultIsOverAMaximum) {
  World by_policy(
      WithLimits("lifetimes { days_default: 300 } lifetimes { labels: LABEL_RED days_max: 100 }"));
  EXPECT_EQ(DaysOf(by_policy, by_policy.Created("aurore", Red())), 100);
  EXPECT_EQ(DaysOf(by_policy, by_policy.Created("aurore", Report("a.example", "1"))), 300);
  WorldOptions options = WithLimits("lifetimes { days_default: 300 }");
  options.exchange.lifetime_days_default = 5;
  options.exchange.lifetime_days_max = 200;
  World by_server(options);
  EXPECT_EQ(DaysOf(by_server, by_server.Created("aurore", Red())), 200);
}

TEST(LifetimeTest, WhereThePolicyDoesNotSayTheServerDoes) {
  WorldOptions options =
      WithLimits("lifetimes { labels: LABEL_RED days_default: 9 } lifetimes { days_max: 50 }");
  options.exchange.lifetime_days_default = 7;
  World world(options);
  EXPECT_EQ(DaysOf(world, world.Created("aurore", Report("a.example", "1"))), 7);
  EXPECT_EQ(DaysOf(world, world.Created("aurore", Red())), 9);
}

TEST(LifetimeTest, WhatAPolicyDoesNotBoundTheServerDoes) {
  WorldOptions options = WithLimits("lifetimes { days_default: 7 }");
  World world(options);
  v1::Record says = Red();
  says.mutable_expire_time()->set_seconds(world.clock.NowS() + 3'650 * kDayS);
  EXPECT_TRUE(world.Create(world.As("aurore"), CreateRequest(says)).ok());
}

std::string Hash(char digit) { return "sha256:" + std::string(64, digit); }

// A report with evidence whose longest life is 100 days, after 50 of them.
class EvidenceTest : public ::testing::Test {
 protected:
  EvidenceTest() {
    v1::Record report = Report("bazaar.example", "shop-1");
    report.mutable_offender_report()->add_evidence()->set_hash(Hash('a'));
    report.mutable_expire_time()->set_seconds(world_.clock.NowS() + 100 * kDayS);
    name_ = world_.Created("aurore", report).name();
    Pass(world_, 50 * kDayS);
  }

  // With this evidence, to live so much longer.
  absl::Status Extend(const std::vector<v1::Evidence>& evidence, int64_t seconds) {
    v1::ReviseRecordRequest request;
    request.mutable_record()->set_name(name_);
    request.mutable_record()->mutable_expire_time()->set_seconds(world_.clock.NowS() + seconds);
    for (const v1::Evidence& one : evidence)
      *request.mutable_record()->mutable_offender_report()->add_evidence() = one;
    request.mutable_update_mask()->add_paths("expire_time");
    request.mutable_update_mask()->add_paths("offender_report.evidence");
    return world_.Revise(world_.As("aurore"), request).status();
  }
  static v1::Evidence With(const std::string& hash) {
    v1::Evidence evidence;
    evidence.set_type("TEST_PURCHASE");
    evidence.set_hash(hash);
    return evidence;
  }

  World world_{WithLimits(kLimits)};
  std::string name_;
};

TEST_F(EvidenceTest, TheLongestLifeCountsAnew) {
  EXPECT_EQ(FieldsAtFault(Extend({With(Hash('a')), With(Hash('b'))}, 100 * kDayS + 1)), "record.expire_time");
  EXPECT_TRUE(Extend({With(Hash('a')), With(Hash('b'))}, 100 * kDayS).ok());
  ExpectIndexed(world_);
  // From then on it is known.
  Pass(world_, kDayS);
  EXPECT_TRUE(Extend({With(Hash('a')), With(Hash('b'))}, 99 * kDayS).ok()) << "the end that it has";
  EXPECT_EQ(FieldsAtFault(Extend({With(Hash('a')), With(Hash('b'))}, 99 * kDayS + 1)), "record.expire_time");
  EXPECT_TRUE(Extend({With(Hash('c'))}, 100 * kDayS).ok());
}

TEST_F(EvidenceTest, WithoutItTheLongestLifeCountsFromTheCreation) {
  for (const std::vector<v1::Evidence>& old :
       {std::vector<v1::Evidence>{}, {With(Hash('a'))}, {With("")}, {With(Hash('A'))}}) {
    EXPECT_EQ(FieldsAtFault(Extend(old, 50 * kDayS + 1)), "record.expire_time");
    EXPECT_TRUE(Extend(old, 50 * kDayS).ok());
    EXPECT_TRUE(Extend({With(Hash('a'))}, 50 * kDayS).ok());
  }
}

TEST_F(EvidenceTest, WhatIsNoHashIsNoEvidence) {
  EXPECT_EQ(FieldsAtFault(Extend({With("none")}, 50 * kDayS)), "record.offender_report.evidence[0].hash");
}

}  // namespace
}  // namespace coalition::exchange
