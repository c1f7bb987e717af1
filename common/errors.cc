#include "common/errors.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "common/strings.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace coalition {
namespace {

constexpr size_t kMessageBytesMax = 1024;
constexpr size_t kMetadataKeyBytesMax = 64;
constexpr size_t kMetadataValueBytesMax = 256;
constexpr size_t kMetadataPairsMax = 6;
constexpr size_t kViolationsMax = 16;
constexpr size_t kPathBytesMax = 128;
constexpr size_t kDescriptionBytesMax = 256;
constexpr size_t kBadRequestBytesMax = 2048;

constexpr absl::string_view kErrorInfoUrl = "type.googleapis.com/google.rpc.ErrorInfo";
constexpr absl::string_view kBadRequestUrl = "type.googleapis.com/google.rpc.BadRequest";
constexpr absl::string_view kRetryInfoUrl = "type.googleapis.com/google.rpc.RetryInfo";
constexpr std::string_view kReasonPrefix = "ERROR_REASON_";

// Equal messages to equal bytes: maps in key order.
std::string Serialize(const google::protobuf::Message& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return bytes;
}

void Attach(absl::Status& status, absl::string_view url, const google::protobuf::Message& detail) {
  status.SetPayload(url, absl::Cord(Serialize(detail)));
}

template <class Detail>
std::optional<Detail> Get(const absl::Status& status, absl::string_view url) {
  const absl::optional<absl::Cord> payload = status.GetPayload(url);
  Detail detail;
  if (!payload || !detail.ParseFromString(std::string(*payload))) return std::nullopt;
  return detail;
}

absl::StatusCode KnownCode(int code) {
  return code >= 0 && code <= static_cast<int>(absl::StatusCode::kUnauthenticated)
             ? absl::StatusCode(code)
             : absl::StatusCode::kUnknown;
}

}  // namespace

absl::StatusCode CodeOf(v1::ErrorReason reason) {
  switch (reason) {
    case v1::ERROR_REASON_IDENTITY_MALFORMED:
    case v1::ERROR_REASON_CREDENTIAL_UNREGISTERED:
    case v1::ERROR_REASON_CERTIFICATE_NOT_CURRENT:
    case v1::ERROR_REASON_CREDENTIAL_REVOKED:
      return absl::StatusCode::kUnauthenticated;
    case v1::ERROR_REASON_MEMBER_NOT_ACTIVE:
    case v1::ERROR_REASON_ROLE_MISSING:
    case v1::ERROR_REASON_WRONG_LISTENER:
    case v1::ERROR_REASON_PLATFORM_NOT_HELD:
    case v1::ERROR_REASON_APPROVAL_NOT_COUNTED:
      return absl::StatusCode::kPermissionDenied;
    case v1::ERROR_REASON_NOT_FOUND:
      return absl::StatusCode::kNotFound;
    case v1::ERROR_REASON_INVALID_FIELD:
    case v1::ERROR_REASON_MALFORMED_REQUEST:
    case v1::ERROR_REASON_IMMUTABLE_FIELD:
    case v1::ERROR_REASON_LABEL_FORBIDS_AUDIENCE:
    case v1::ERROR_REASON_PAGE_TOKEN_INVALID:
    case v1::ERROR_REASON_POLICY_TEST_FAILED:
    case v1::ERROR_REASON_LIMIT_EXCEEDED:
    case v1::ERROR_REASON_CURSOR_INVALID:
      return absl::StatusCode::kInvalidArgument;
    case v1::ERROR_REASON_REFERENCE_NOT_FOUND:
    case v1::ERROR_REASON_DIFF_NOT_REVIEWED:
    case v1::ERROR_REASON_APPROVALS_MISSING:
    case v1::ERROR_REASON_STATE_CONFLICT:
    case v1::ERROR_REASON_LAST_ADMINISTRATOR:
    case v1::ERROR_REASON_TERMS_CHANGED:
      return absl::StatusCode::kFailedPrecondition;
    case v1::ERROR_REASON_ETAG_MISMATCH:
    case v1::ERROR_REASON_EPOCH_STALE:
    case v1::ERROR_REASON_WATCH_BEHIND:
      return absl::StatusCode::kAborted;
    case v1::ERROR_REASON_CURSOR_TOO_OLD:
      return absl::StatusCode::kOutOfRange;
    case v1::ERROR_REASON_EXTERNAL_ID_TAKEN:
    case v1::ERROR_REASON_REQUEST_ID_REUSED:
    case v1::ERROR_REASON_NAME_TAKEN:
      return absl::StatusCode::kAlreadyExists;
    case v1::ERROR_REASON_RATE_LIMITED:
      return absl::StatusCode::kResourceExhausted;
    case v1::ERROR_REASON_SHUTTING_DOWN:
    case v1::ERROR_REASON_STORE_UNAVAILABLE:
    case v1::ERROR_REASON_CUT_OFF_NOT_KEPT:
    case v1::ERROR_REASON_RIGHTS_CHANGING:
      return absl::StatusCode::kUnavailable;
    case v1::ERROR_REASON_CORRUPT:
      return absl::StatusCode::kDataLoss;
    case v1::ERROR_REASON_DEADLINE_EXCEEDED:
      return absl::StatusCode::kDeadlineExceeded;
    case v1::ERROR_REASON_INTERNAL:
      return absl::StatusCode::kInternal;
    default:
      return absl::StatusCode::kUnknown;  // WRITE_UNDETERMINED too
  }
}

std::string ReasonName(v1::ErrorReason reason) {
  const std::string& name = v1::ErrorReason_Name(reason);
  return name.size() > kReasonPrefix.size() ? name.substr(kReasonPrefix.size()) : "UNSPECIFIED";
}

absl::Status Error(absl::StatusCode code, v1::ErrorReason reason, std::string_view message,
                   ErrorMetadata metadata) {
  google::rpc::ErrorInfo info;
  info.set_reason(ReasonName(reason));
  info.set_domain(std::string(kErrorDomain));
  for (const auto& [key, value] : metadata) {
    if (info.metadata().size() >= kMetadataPairsMax) break;
    (*info.mutable_metadata())[CleanUtf8(key, kMetadataKeyBytesMax)] =
        CleanUtf8(value, kMetadataValueBytesMax);
  }
  absl::Status status(code, CleanUtf8(message, kMessageBytesMax));
  Attach(status, kErrorInfoUrl, info);
  return status;
}

absl::Status Error(v1::ErrorReason reason, std::string_view message, ErrorMetadata metadata) {
  return Error(CodeOf(reason), reason, message, metadata);
}

absl::Status NotFound() {
  // Built once: every answer is the same object's bytes.
  static const absl::Status* const status =
      new absl::Status(Error(v1::ERROR_REASON_NOT_FOUND, "There is nothing of that name that you may see."));
  return *status;
}

absl::Status PageTokenInvalid() {
  return Error(v1::ERROR_REASON_PAGE_TOKEN_INVALID,
               "the page token was not made for you and this question; begin again without one");
}

absl::Status WithRetryDelay(absl::Status status, std::chrono::milliseconds delay) {
  google::rpc::RetryInfo info;
  info.mutable_retry_delay()->set_seconds(delay.count() / 1000);
  info.mutable_retry_delay()->set_nanos(static_cast<int32_t>(delay.count() % 1000) * 1'000'000);
  Attach(status, kRetryInfoUrl, info);
  return status;
}

void FieldViolations::Add(std::string_view path, std::string_view description) {
  ++count_;
  if (bad_request_.field_violations_size() >= static_cast<int>(kViolationsMax)) return;
  google::rpc::BadRequest::FieldViolation* violation = bad_request_.add_field_violations();
  violation->set_field(CleanUtf8(path, kPathBytesMax));
  violation->set_description(CleanUtf8(description, kDescriptionBytesMax));
  if (bad_request_.field_violations_size() > 1 && bad_request_.ByteSizeLong() > kBadRequestBytesMax) {
    bad_request_.mutable_field_violations()->RemoveLast();
  }
}

bool FieldViolations::Check(std::string_view path, const absl::Status& status) {
  if (!status.ok()) Add(path, Std(status.message()));
  return status.ok();
}

absl::Status FieldViolations::ToStatus() const {
  if (count_ == 0) return absl::OkStatus();
  const google::rpc::BadRequest::FieldViolation& first = bad_request_.field_violations(0);
  std::string message = absl::StrCat(first.field(), ": ", first.description());
  if (count_ > 1) absl::StrAppend(&message, " (and ", count_ - 1, " more)");
  absl::Status status = Error(v1::ERROR_REASON_INVALID_FIELD, message);
  Attach(status, kBadRequestUrl, bad_request_);
  return status;
}

std::optional<google::rpc::ErrorInfo> GetErrorInfo(const absl::Status& status) {
  return Get<google::rpc::ErrorInfo>(status, kErrorInfoUrl);
}

std::optional<google::rpc::BadRequest> GetBadRequest(const absl::Status& status) {
  return Get<google::rpc::BadRequest>(status, kBadRequestUrl);
}

std::optional<std::chrono::milliseconds> GetRetryDelay(const absl::Status& status) {
  const std::optional<google::rpc::RetryInfo> info = Get<google::rpc::RetryInfo>(status, kRetryInfoUrl);
  if (!info || !info->has_retry_delay()) return std::nullopt;
  // A peer's number: bounded to a day, so that no arithmetic on it overflows.
  const int64_t seconds = std::clamp<int64_t>(info->retry_delay().seconds(), 0, 86'400);
  const int32_t nanos = std::clamp(info->retry_delay().nanos(), 0, 999'999'999);
  return std::chrono::milliseconds(seconds * 1000 + nanos / 1'000'000);
}

v1::ErrorReason GetErrorReason(const absl::Status& status) {
  const std::optional<google::rpc::ErrorInfo> info = GetErrorInfo(status);
  v1::ErrorReason reason = v1::ERROR_REASON_UNSPECIFIED;
  if (!info || info->domain() != kErrorDomain) return reason;
  if (!v1::ErrorReason_Parse(std::string(kReasonPrefix) + info->reason(), &reason)) {
    return v1::ERROR_REASON_UNSPECIFIED;
  }
  return reason;
}

google::rpc::Status ToRpcStatus(const absl::Status& status) {
  google::rpc::Status rpc;
  rpc.set_code(static_cast<int>(KnownCode(status.raw_code())));
  rpc.set_message(CleanUtf8(Std(status.message()), kMessageBytesMax));
  // absl visits payloads in no promised order.
  std::vector<std::pair<std::string, std::string>> details;
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) {
    details.emplace_back(std::string(url), std::string(payload));
  });
  std::sort(details.begin(), details.end());
  for (auto& [url, value] : details) {
    google::protobuf::Any* detail = rpc.add_details();
    detail->set_type_url(std::move(url));
    detail->set_value(std::move(value));
    if (rpc.ByteSizeLong() > kErrorDetailBytesMax) rpc.mutable_details()->RemoveLast();
  }
  return rpc;
}

absl::Status FromRpcStatus(const google::rpc::Status& rpc) {
  absl::Status status(KnownCode(rpc.code()), rpc.message());
  if (status.ok()) return status;
  for (const google::protobuf::Any& detail : rpc.details()) {
    status.SetPayload(detail.type_url(), absl::Cord(detail.value()));
  }
  return status;
}

}  // namespace coalition
