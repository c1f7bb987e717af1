#include "common/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "google/protobuf/stubs/logging.h"
#include "google/protobuf/timestamp.pb.h"
#include "google/protobuf/wrappers.pb.h"

namespace coalition {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int64_t kNow = 1'795'467'600'123'456'789;  // 2026-11-23T21:00:00.123Z

std::string Text(std::string_view event, LogFields fields) {
  return Log::Format(LogFormat::kText, kNow, LogLevel::kInfo, event, fields);
}
std::string Json(std::string_view event, LogFields fields) {
  return Log::Format(LogFormat::kJson, kNow, LogLevel::kWarn, event, fields);
}

TEST(LogFormatting, TextIsOneReadableLine) {
  EXPECT_EQ(
      Text("started", {{"port", 7443}, {"tls", true}, {"member", "members/souk"}, {"why", "two words"}}),
      "2026-11-23T21:00:00.123Z info started port=7443 tls=true member=members/souk why=\"two words\"");
  EXPECT_EQ(Text("x", {{"empty", ""}, {"half", 0.5}, {"big", uint64_t{1} << 63}, {"minus", -1}}),
            "2026-11-23T21:00:00.123Z info x empty=\"\" half=0.5 big=9223372036854775808 minus=-1");
}

TEST(LogFormatting, JsonIsOneObject) {
  EXPECT_EQ(Json("stopped", {{"port", 7443}, {"clean", false}, {"member", std::string("a\"b\\c\n\x7f")}}),
            "{\"time\":\"2026-11-23T21:00:00.123Z\",\"level\":\"warn\",\"event\":\"stopped\",\"port\":7443,"
            "\"clean\":false,\"member\":\"a\\\"b\\\\c\\u000a\\u007f\"}");
  EXPECT_THAT(Json("x", {{"n", std::numeric_limits<double>::infinity()}}),
              HasSubstr("\"n\":\"not a number\""));
}

TEST(LogFormatting, NoValueCanForgeALineOrAField) {
  const std::string forged = "a\n2026-01-01T00:00:00.000Z error x\r\xe2\x80\xa8 level=error";
  EXPECT_THAT(Text("x", {{"v", forged}}), Not(HasSubstr("\n")));
  EXPECT_THAT(Text("x", {{"v", forged}}), EndsWith("\\u000d\\u2028 level=error\""));
  EXPECT_THAT(Text("x", {{"v", "\xff\xfe"}}), EndsWith("v=\"??\""));
}

TEST(LogFormatting, LinesAreBounded) {
  const std::string huge(100'000, '\n');
  const LogField field{"key", huge};
  const std::string line = Json("x", {field, field, field, field, field, field, field, field, field, field,
                                      field, field, field, field, field, field, field, field, field, field});
  EXPECT_LT(line.size(), 8192U);
  EXPECT_THAT(line, EndsWith("}"));
}

TEST(LogLimit, LetsOnePassInEachIntervalAndCountsTheRest) {
  LogLimit limit(1000);
  uint64_t suppressed = 99;
  EXPECT_TRUE(limit.Admit(5'000'000'000, &suppressed));
  EXPECT_EQ(suppressed, 0U);
  EXPECT_FALSE(limit.Admit(5'000'000'001, &suppressed));
  EXPECT_FALSE(limit.Admit(5'999'999'999, &suppressed));
  EXPECT_TRUE(limit.Admit(6'000'000'000, &suppressed));
  EXPECT_EQ(suppressed, 2U);
  EXPECT_TRUE(limit.Admit(9'000'000'000, &suppressed));
  EXPECT_EQ(suppressed, 0U);
}

TEST(Log, WritesToStderrFromTheLevelUp) {
  Log::Configure(LogLevel::kWarn, LogFormat::kText);
  ::testing::internal::CaptureStderr();
  Log::Info("quiet");
  Log::Warn("loud", {{"n", 1}});
  const std::string written = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(written, EndsWith(" warn loud n=1\n"));
  EXPECT_THAT(written, Not(HasSubstr("quiet")));
  EXPECT_FALSE(Log::Enabled(LogLevel::kInfo));
}

TEST(Log, LimitedSaysHowManyItLeftOut) {
  Log::Configure(LogLevel::kInfo, LogFormat::kText);
  LogLimit limit(3'600'000);
  ::testing::internal::CaptureStderr();
  for (int i = 0; i < 10; ++i) Log::Limited(limit, LogLevel::kWarn, "handshake_failed", {{"n", i}});
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), EndsWith("warn handshake_failed n=0\n"));
  LogLimit none(0);
  uint64_t suppressed = 0;
  EXPECT_TRUE(none.Admit(1, &suppressed));
}

TEST(Log, ProtobufsComplaintsAreForDebuggingAndComeWithoutTheirText) {
  // Not UTF-8, as any client may send it.
  google::protobuf::StringValue value;
  Log::Configure(LogLevel::kInfo, LogFormat::kJson);
  ::testing::internal::CaptureStderr();
  EXPECT_FALSE(value.ParseFromString("\x0a\x02\xc3\x28"));
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");

  Log::Configure(LogLevel::kDebug, LogFormat::kJson);
  ::testing::internal::CaptureStderr();
  GOOGLE_LOG(ERROR) << "the secret contents";
  const std::string written = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(written, HasSubstr("\"level\":\"debug\",\"event\":\"protobuf\""));
  EXPECT_THAT(written, Not(HasSubstr("secret")));
}

TEST(Log, ReadsLevels) {
  LogLevel level = LogLevel::kInfo;
  EXPECT_TRUE(Log::ParseLevel("debug", &level));
  EXPECT_EQ(level, LogLevel::kDebug);
  EXPECT_FALSE(Log::ParseLevel("DEBUG", &level));
  EXPECT_FALSE(Log::ParseLevel("", &level));
  EXPECT_EQ(level, LogLevel::kDebug);
}

}  // namespace
}  // namespace coalition
