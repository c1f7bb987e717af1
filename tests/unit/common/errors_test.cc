#include "common/errors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace coalition {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(Errors, CarryReasonDomainAndMetadata) {
  const absl::Status status =
      Error(v1::ERROR_REASON_ROLE_MISSING, "The call needs a role.", {{"role", "CONTRIBUTOR"}});
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(status.message(), "The call needs a role.");
  const auto info = GetErrorInfo(status);
  ASSERT_TRUE(info.has_value());
  EXPECT_EQ(info->reason(), "ROLE_MISSING");
  EXPECT_EQ(info->domain(), "coalition.v1");
  EXPECT_EQ(info->metadata().at("role"), "CONTRIBUTOR");
  EXPECT_EQ(GetErrorReason(status), v1::ERROR_REASON_ROLE_MISSING);
  EXPECT_FALSE(GetBadRequest(status).has_value());
}

TEST(Errors, EveryReasonHasItsCode) {
  const auto* reasons = v1::ErrorReason_descriptor();
  for (int i = 0; i < reasons->value_count(); ++i) {
    const auto reason = static_cast<v1::ErrorReason>(reasons->value(i)->number());
    const bool unknown =
        reason == v1::ERROR_REASON_UNSPECIFIED || reason == v1::ERROR_REASON_WRITE_UNDETERMINED;
    EXPECT_EQ(CodeOf(reason) == absl::StatusCode::kUnknown, unknown) << reasons->value(i)->name();
    EXPECT_EQ(GetErrorReason(Error(reason, "x")), reason);
  }
}

TEST(Errors, AStatusOfAnotherMakerHasNoReason) {
  EXPECT_EQ(GetErrorReason(absl::NotFoundError("x")), v1::ERROR_REASON_UNSPECIFIED);
  absl::Status status = absl::NotFoundError("x");
  status.SetPayload("type.googleapis.com/google.rpc.ErrorInfo", absl::Cord("\xff\xff"));
  EXPECT_FALSE(GetErrorInfo(status).has_value());
  google::rpc::ErrorInfo other;
  other.set_reason("ROLE_MISSING");
  other.set_domain("elsewhere.example");
  status.SetPayload("type.googleapis.com/google.rpc.ErrorInfo", absl::Cord(other.SerializeAsString()));
  EXPECT_EQ(GetErrorReason(status), v1::ERROR_REASON_UNSPECIFIED);
}

TEST(NotFound, IsTheSameBytesEachTime) {
  EXPECT_EQ(NotFound(), NotFound());
  EXPECT_EQ(NotFound().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(GetErrorReason(NotFound()), v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(ToRpcStatus(NotFound()).SerializeAsString(), ToRpcStatus(NotFound()).SerializeAsString());
  EXPECT_TRUE(GetErrorInfo(NotFound())->metadata().empty());
}

TEST(FieldViolations, TellAllAtOnce) {
  FieldViolations violations;
  EXPECT_TRUE(violations.ToStatus().ok());
  EXPECT_TRUE(violations.Check("a", absl::OkStatus()));
  EXPECT_TRUE(violations.empty());
  violations.Add("record.seller.platform", "is empty");
  EXPECT_FALSE(violations.Check("record.label", absl::InvalidArgumentError("is unknown")));
  const absl::Status status = violations.ToStatus();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(GetErrorReason(status), v1::ERROR_REASON_INVALID_FIELD);
  EXPECT_EQ(status.message(), "record.seller.platform: is empty (and 1 more)");
  const auto bad_request = GetBadRequest(status);
  ASSERT_TRUE(bad_request.has_value());
  ASSERT_THAT(bad_request->field_violations(), SizeIs(2));
  EXPECT_EQ(bad_request->field_violations(1).field(), "record.label");
  EXPECT_EQ(bad_request->field_violations(1).description(), "is unknown");
}

TEST(Errors, StayUnderTheLimitWhateverTheyAreGiven) {
  const std::string huge(100'000, 'x');
  FieldViolations violations;
  for (int i = 0; i < 1000; ++i) violations.Add(huge, huge);
  const absl::Status field = violations.ToStatus();
  EXPECT_THAT(std::string(field.message()), HasSubstr("(and 999 more)"));
  const absl::Status info = WithRetryDelay(Error(v1::ERROR_REASON_RATE_LIMITED, huge,
                                                 {{"a", huge},
                                                  {"b", huge},
                                                  {"c", huge},
                                                  {"d", huge},
                                                  {"e", huge},
                                                  {"f", huge},
                                                  {"g", huge},
                                                  {"h", huge}}),
                                           std::chrono::milliseconds(1500));
  for (const absl::Status& status : {field, info}) {
    const google::rpc::Status rpc = ToRpcStatus(status);
    EXPECT_LE(rpc.ByteSizeLong(), kErrorDetailBytesMax);
    const absl::Status back = FromRpcStatus(rpc);
    EXPECT_NE(GetErrorReason(back), v1::ERROR_REASON_UNSPECIFIED);
  }
  EXPECT_TRUE(GetBadRequest(FromRpcStatus(ToRpcStatus(field))).has_value());
  EXPECT_EQ(GetRetryDelay(FromRpcStatus(ToRpcStatus(info))), std::chrono::milliseconds(1500));
}

TEST(Errors, HoldValidUtf8Only) {
  const absl::Status status = Error(v1::ERROR_REASON_INTERNAL, "a\xff", {{"k", "\xc3"}});
  EXPECT_EQ(status.message(), "a?");
  EXPECT_EQ(GetErrorInfo(status)->metadata().at("k"), "?");
}

TEST(Errors, GoOverTheWireAndBack) {
  const absl::Status status =
      WithRetryDelay(Error(v1::ERROR_REASON_RATE_LIMITED, "slow down",
                           {{"limit", "calls_per_second"}, {"max", "10"}, {"a", "b"}}),
                     std::chrono::milliseconds(250));
  EXPECT_EQ(FromRpcStatus(ToRpcStatus(status)), status);
  EXPECT_EQ(ToRpcStatus(status).SerializeAsString(),
            ToRpcStatus(FromRpcStatus(ToRpcStatus(status))).SerializeAsString());
  google::rpc::Status strange;
  strange.set_code(99);
  EXPECT_EQ(FromRpcStatus(strange).code(), absl::StatusCode::kUnknown);
  strange.set_code(-1);
  EXPECT_EQ(FromRpcStatus(strange).code(), absl::StatusCode::kUnknown);
}

TEST(Errors, APeersRetryDelayIsBounded) {
  google::rpc::RetryInfo info;
  info.mutable_retry_delay()->set_seconds(INT64_MAX);
  info.mutable_retry_delay()->set_nanos(-5);
  absl::Status status = absl::UnavailableError("x");
  status.SetPayload("type.googleapis.com/google.rpc.RetryInfo", absl::Cord(info.SerializeAsString()));
  EXPECT_EQ(GetRetryDelay(status), std::chrono::milliseconds(86'400'000));
}

}  // namespace
}  // namespace coalition
