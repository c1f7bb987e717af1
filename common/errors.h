// Refusals that a program can act upon: an absl::Status whose payloads are the google.rpc error details that
// go over the wire, and how to read them back. Every function is thread-safe.
#pragma once

#include <chrono>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "coalition/v1/error_reason.pb.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace coalition {

inline constexpr std::string_view kErrorDomain = "coalition.v1";
// gRPC turns a status with details over about 8 KB into another error: messages and details are cut to fit,
// together.
inline constexpr size_t kErrorDetailBytesMax = 4096;

using ErrorMetadata = std::initializer_list<std::pair<std::string_view, std::string_view>>;

// The code that error_reason.proto documents for the reason. UNKNOWN for a reason that it does not have.
absl::StatusCode CodeOf(v1::ErrorReason reason);

// "ROLE_MISSING" for ERROR_REASON_ROLE_MISSING: the wire's spelling.
std::string ReasonName(v1::ErrorReason reason);

// A status with an ErrorInfo of domain "coalition.v1". Texts are made valid UTF-8 and cut: the message to
// 1,024 bytes, each metadata value to 256.
absl::Status Error(absl::StatusCode code, v1::ErrorReason reason, std::string_view message,
                   ErrorMetadata metadata = {});
// With the code of CodeOf(reason), which is the right one but for a good cause.
absl::Status Error(v1::ErrorReason reason, std::string_view message, ErrorMetadata metadata = {});

// The one answer for what does not exist and for what the caller may not see: the same bytes each time, no
// name in it. Nothing else makes NOT_FOUND.
absl::Status NotFound();

// The one answer for a page token that was not made for the caller and its question, whatever is wrong with
// it.
absl::Status PageTokenInvalid();

// `status` with google.rpc.RetryInfo: when the caller may try again.
absl::Status WithRetryDelay(absl::Status status, std::chrono::milliseconds delay);

// Collects what is wrong with a request's fields, so that the caller learns all of it at once. Not
// thread-safe.
class FieldViolations {
 public:
  // `path` as in the request message, e.g. "record.seller.seller_id" or "sellers[3]". At most 16 are kept in
  // full, the others are counted.
  void Add(std::string_view path, std::string_view description);
  // Adds the message of `status` unless it is OK. Returns whether it was.
  bool Check(std::string_view path, const absl::Status& status);

  bool empty() const { return count_ == 0; }
  // OK when empty, else INVALID_ARGUMENT with reason INVALID_FIELD and a BadRequest.
  absl::Status ToStatus() const;

 private:
  google::rpc::BadRequest bad_request_;
  size_t count_ = 0;
};

// nullopt: the status has no such detail, or it is broken.
std::optional<google::rpc::ErrorInfo> GetErrorInfo(const absl::Status& status);
std::optional<google::rpc::BadRequest> GetBadRequest(const absl::Status& status);
std::optional<std::chrono::milliseconds> GetRetryDelay(const absl::Status& status);
// ERROR_REASON_UNSPECIFIED: no ErrorInfo of our domain, or a reason that this build does not know.
v1::ErrorReason GetErrorReason(const absl::Status& status);

// To and from the wire. Equal statuses give equal bytes. Codes outside gRPC's seventeen become UNKNOWN.
google::rpc::Status ToRpcStatus(const absl::Status& status);
absl::Status FromRpcStatus(const google::rpc::Status& status);

}  // namespace coalition
