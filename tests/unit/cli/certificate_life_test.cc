#include "client/cli/certificate_life.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/cli/administration_values.h"
#include "tests/support/certificates.h"

namespace coalition::cli {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kDay = 86'400;

CertificateFacts Lasting(int64_t days) {
  CertificateFacts facts;
  facts.not_before_s = 0;
  facts.not_after_s = days * kDay;
  return facts;
}

TEST(CertificateLifeTest, AShareOrASpanIsSoon) {
  const CertificateFacts facts = Lasting(100);
  const ExpiryThreshold share = ParseExpiryThreshold("30%").value();
  EXPECT_EQ(JudgeLife(facts, share, 70 * kDay), LifeState::kFine);
  EXPECT_EQ(JudgeLife(facts, share, 70 * kDay + 1), LifeState::kExpiresSoon);
  const ExpiryThreshold span = ParseExpiryThreshold("14d").value();
  EXPECT_EQ(JudgeLife(facts, span, 86 * kDay), LifeState::kFine);
  EXPECT_EQ(JudgeLife(facts, span, 86 * kDay + 1), LifeState::kExpiresSoon);
  for (const ExpiryThreshold& threshold : {share, span}) {
    EXPECT_EQ(JudgeLife(facts, threshold, 100 * kDay), LifeState::kExpiresSoon);
    EXPECT_EQ(JudgeLife(facts, threshold, 100 * kDay + 1), LifeState::kExpired);
    EXPECT_EQ(JudgeLife(facts, threshold, -1), LifeState::kNotYetValid);
  }
  EXPECT_EQ(PercentLeft(facts, 50 * kDay), 50);
  EXPECT_EQ(PercentLeft(facts, 200 * kDay), 0);
  EXPECT_EQ(PercentLeft(facts, -kDay), 100);
  EXPECT_EQ(PercentLeft(Lasting(0), 0), 0);
}

TEST(CertificateLifeTest, OtherThresholdsAreNone) {
  for (const char* text :
       {"", "%", "0%", "101%", "-1%", "30", "d", "-1d", "1.5d", "14 days", "99999999999w"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseExpiryThreshold(text).status())) << text;
  }
  EXPECT_EQ(ParseDuration("2w").value(), 14 * kDay);
  EXPECT_EQ(ParseDuration("0").value(), 0);
  EXPECT_EQ(ParseDuration("90s").value(), 90);
}

TEST(CertificateLifeTest, TheWarningNamesWhatEndsWhenAndWhatToDo) {
  testing::CertificateFactory factory;
  testing::CertificateSpec spec;
  spec.uris = {factory.SpiffeUri("aurore", "backend")};
  spec.begins_in_s = -80 * kDay;
  spec.ends_in_s = 10 * kDay;
  const std::string pem = factory.Make(spec).certificate_pem;
  const std::string warning = ExpiryWarning(pem, factory.now_s());
  EXPECT_THAT(warning, HasSubstr("members/aurore/credentials/backend expires at " +
                                 FormatTime(factory.now_s() + 10 * kDay) + " (in 10 days)"));
  EXPECT_THAT(warning, HasSubstr("coalition credential request --member aurore --credential backend --key"));
  EXPECT_EQ(ExpiryWarning(pem, factory.now_s() - 60 * kDay), "");
  EXPECT_EQ(ExpiryWarning("garbage", factory.now_s()), "");
}

}  // namespace
}  // namespace coalition::cli
