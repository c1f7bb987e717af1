#include "client/cli/status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "common/errors.h"
#include "google/protobuf/descriptor.h"

namespace coalition::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Printed(const absl::Status& status, bool verbose = false) {
  std::ostringstream out;
  PrintError(status, verbose, out);
  return out.str();
}

TEST(StatusTest, ExitCodesAre64AndTheCode) {
  EXPECT_EQ(ExitCode(absl::OkStatus()), 0);
  EXPECT_EQ(ExitCode(absl::NotFoundError("")), 69);
  EXPECT_EQ(ExitCode(absl::UnavailableError("")), 78);
  EXPECT_EQ(ExitCode(absl::UnauthenticatedError("")), 80);
}

TEST(StatusTest, WhatCameAboutHereIsAMistakeOfUse) {
  EXPECT_EQ(ExitCode(Local(absl::OkStatus())), kExitOk);
  EXPECT_EQ(ExitCode(Local(absl::NotFoundError("x"))), kExitUsage);
  EXPECT_EQ(Printed(Local(absl::NotFoundError("x"))), "error: x\n");
}

TEST(StatusTest, ALoneFieldIsSaidOnce) {
  FieldViolations violations;
  violations.Add("record.label", "is missing");
  EXPECT_EQ(Printed(violations.ToStatus()), "error: record.label: is missing\n");
}

TEST(StatusTest, FieldsAtFaultAreNamed) {
  FieldViolations violations;
  violations.Add("record.seller.platform", "is missing");
  violations.Add("record.label", "is \x1b[31m unknown");
  const std::string text = Printed(violations.ToStatus());
  EXPECT_THAT(text, HasSubstr("\n  record.seller.platform: is missing\n"));
  EXPECT_THAT(text, HasSubstr("record.label"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST(StatusTest, RemediesComeFromTheReason) {
  EXPECT_THAT(Printed(Error(v1::ERROR_REASON_ROLE_MISSING, "no", {{"role", "CONTRIBUTOR"}})),
              HasSubstr("role CONTRIBUTOR"));
  EXPECT_THAT(Printed(Error(v1::ERROR_REASON_MEMBER_NOT_ACTIVE, "no", {{"contact", "members/office"}})),
              HasSubstr("Ask members/office"));
  EXPECT_THAT(Printed(NotFound()), HasSubstr("the answer is the same"));
  EXPECT_THAT(Printed(Error(v1::ERROR_REASON_CREDENTIAL_UNREGISTERED, "no", {{"state", "UNCONFIRMED"}})),
              HasSubstr("coalition credential confirm"));
  EXPECT_THAT(Printed(Error(v1::ERROR_REASON_DIFF_NOT_REVIEWED, "no", {{"proposal", "proposals/7"}})),
              HasSubstr("coalition proposal get proposals/7"));
  EXPECT_THAT(Printed(Error(v1::ERROR_REASON_DIFF_NOT_REVIEWED, "no")), HasSubstr("coalition policy diff"));
  EXPECT_THAT(Printed(absl::UnavailableError("Socket closed")), HasSubstr("coalition doctor"));
}

TEST(StatusTest, VerboseShowsReasonAndMetadata) {
  const absl::Status status = Error(v1::ERROR_REASON_ROLE_MISSING, "no", {{"role", "READER"}});
  EXPECT_THAT(Printed(status), Not(HasSubstr("ROLE_MISSING")));
  EXPECT_THAT(Printed(status, true), HasSubstr("reason: ROLE_MISSING"));
  EXPECT_THAT(Printed(status, true), HasSubstr("role: READER"));
  EXPECT_THAT(Printed(status, true), HasSubstr("code: PERMISSION_DENIED"));
}

TEST(StatusTest, EveryReasonPrintsAsWholeSentences) {
  const auto* reasons = v1::ErrorReason_descriptor();
  for (int i = 0; i < reasons->value_count(); ++i) {
    const auto reason = static_cast<v1::ErrorReason>(reasons->value(i)->number());
    if (reason == v1::ERROR_REASON_UNSPECIFIED) continue;
    const std::string remedy = Remedy(Error(reason, "m"));
    if (!remedy.empty()) {
      EXPECT_EQ(remedy.back(), '.') << reasons->value(i)->name();
    }
  }
}

}  // namespace
}  // namespace coalition::cli
