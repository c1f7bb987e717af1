#include "common/policy/limits.h"

#include <gtest/gtest.h>

#include "tests/unit/policy/support.h"

namespace coalition::policy {
namespace {

TEST(LifetimeDays, OfSeveralThatFitTheShortestCounts) {
  const auto limits = FromText<v1::PolicyLimits>(R"(
    lifetimes { labels: [LABEL_RED, LABEL_AMBER] days_max: 183 }
    lifetimes { record_classes: RECORD_CLASS_OPINION days_max: 90 }
    lifetimes { record_classes: RECORD_CLASS_OPINION labels: LABEL_RED days_max: 365 })");
  EXPECT_EQ(LifetimeDays(limits, v1::RECORD_CLASS_OFFENDER_REPORT, v1::LABEL_RED), 183);
  EXPECT_EQ(LifetimeDays(limits, v1::RECORD_CLASS_OFFENDER_REPORT, v1::LABEL_AMBER), 183);
  EXPECT_EQ(LifetimeDays(limits, v1::RECORD_CLASS_OPINION, v1::LABEL_RED), 90);
  EXPECT_EQ(LifetimeDays(limits, v1::RECORD_CLASS_OPINION, v1::LABEL_GREEN), 90);
}

TEST(LifetimeDays, AnEmptyListMeansAll) {
  const auto limits = FromText<v1::PolicyLimits>("lifetimes { days_max: 1095 }");
  EXPECT_EQ(LifetimeDays(limits, v1::RECORD_CLASS_TAKEDOWN_NOTICE, v1::LABEL_CLEAR), 1095);
}

TEST(LifetimeDays, WhereNoneFitsThePolicyDoesNotSay) {
  const auto limits = FromText<v1::PolicyLimits>("lifetimes { labels: LABEL_RED days_max: 1 }");
  EXPECT_EQ(LifetimeDays(limits, v1::RECORD_CLASS_OPINION, v1::LABEL_AMBER), 0);
  EXPECT_EQ(LifetimeDays({}, v1::RECORD_CLASS_OPINION, v1::LABEL_RED), 0);
}

TEST(LifetimeDays, AnEntryThatSetsNoneDoesNotCount) {
  const auto limits = FromText<v1::PolicyLimits>(R"(
    lifetimes { days_default: 30 }
    lifetimes { labels: LABEL_RED days_max: 183 }
    lifetimes { labels: LABEL_RED days_max: 90 days_default: 60 })");
  EXPECT_EQ(LifetimeDays(limits, v1::RECORD_CLASS_OPINION, v1::LABEL_RED), 90);
  EXPECT_EQ(LifetimeDays(limits, v1::RECORD_CLASS_OPINION, v1::LABEL_AMBER), 0);
  EXPECT_EQ(DefaultLifetimeDays(limits, v1::RECORD_CLASS_OPINION, v1::LABEL_RED), 30);
}

TEST(DefaultLifetimeDays, OfSeveralThatFitTheShortestCounts) {
  const auto limits = FromText<v1::PolicyLimits>(R"(
    lifetimes { days_max: 10 }
    lifetimes { labels: [LABEL_RED, LABEL_AMBER] days_default: 183 }
    lifetimes { record_classes: RECORD_CLASS_OPINION days_default: 90 })");
  EXPECT_EQ(DefaultLifetimeDays(limits, v1::RECORD_CLASS_OFFENDER_REPORT, v1::LABEL_RED), 183);
  EXPECT_EQ(DefaultLifetimeDays(limits, v1::RECORD_CLASS_OPINION, v1::LABEL_RED), 90);
  EXPECT_EQ(DefaultLifetimeDays(limits, v1::RECORD_CLASS_OPINION, v1::LABEL_GREEN), 90);
  EXPECT_EQ(DefaultLifetimeDays(limits, v1::RECORD_CLASS_OFFENDER_REPORT, v1::LABEL_GREEN), 0);
}

TEST(ContestDays, ThirtyWhereThePolicyDoesNotSay) {
  EXPECT_EQ(ContestDays({}), 30);
  EXPECT_EQ(ContestDays(FromText<v1::PolicyLimits>("contest_days: 7")), 7);
}

TEST(AllowsLabel, ThoseThatAreListedOrAll) {
  const auto limits = FromText<v1::PolicyLimits>("labels: [LABEL_RED, LABEL_AMBER]");
  EXPECT_TRUE(AllowsLabel(limits, v1::LABEL_AMBER));
  EXPECT_FALSE(AllowsLabel(limits, v1::LABEL_AMBER_STRICT));
  EXPECT_FALSE(AllowsLabel(limits, v1::LABEL_GREEN));
  EXPECT_TRUE(AllowsLabel({}, v1::LABEL_GREEN));
}

TEST(IsShownByKind, ThoseThatAreListed) {
  const auto limits = FromText<v1::PolicyLimits>("shown_to_by_kind: MEMBER_KIND_PAYMENT");
  EXPECT_TRUE(IsShownByKind(limits, v1::MEMBER_KIND_PAYMENT));
  EXPECT_FALSE(IsShownByKind(limits, v1::MEMBER_KIND_BRAND));
  EXPECT_FALSE(IsShownByKind({}, v1::MEMBER_KIND_PAYMENT));
}

TEST(IsShowingSealed, OfAuthoritiesUntilSoManyDaysAfterTheEndOfTheDay) {
  const auto limits = FromText<v1::PolicyLimits>("authority_reads_sealed_days: 2");
  constexpr int64_t kDay = 86'400;
  for (const int64_t first : {20'000 * kDay, 20'000 * kDay + 1, 20'001 * kDay - 1}) {
    EXPECT_TRUE(IsShowingSealed(limits, v1::MEMBER_KIND_AUTHORITY, first, first));
    EXPECT_TRUE(IsShowingSealed(limits, v1::MEMBER_KIND_AUTHORITY, first, 20'003 * kDay - 1));
    EXPECT_FALSE(IsShowingSealed(limits, v1::MEMBER_KIND_AUTHORITY, first, 20'003 * kDay));
    EXPECT_FALSE(IsShowingSealed(limits, v1::MEMBER_KIND_BRAND, first, first));
    EXPECT_FALSE(IsShowingSealed({}, v1::MEMBER_KIND_AUTHORITY, first, first)) << "0: at once";
  }
}

}  // namespace
}  // namespace coalition::policy
