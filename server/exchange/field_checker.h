// Checks single values of a record, collecting what is wrong.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "common/errors.h"
#include "google/protobuf/message.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "google/protobuf/timestamp.pb.h"

namespace coalition::exchange {

// Lengths of text in characters. Those of the DSA are the official service's own.
inline constexpr size_t kNameCharsMax = 500;
inline constexpr size_t kUrlCharsMax = 2'048;
inline constexpr size_t kCodeCharsMax = 200;  // a value of a vocabulary
inline constexpr size_t kReferenceCharsMax = 500;
inline constexpr size_t kCommentCharsMax = 5'000;
inline constexpr size_t kDsaGroundCharsMax = 500;
inline constexpr size_t kDsaExplanationCharsMax = 2'000;
inline constexpr size_t kDsaFactsCharsMax = 5'000;
inline constexpr size_t kDsaPuidCharsMax = 500;
inline constexpr size_t kExternalIdBytesMax = 128;

// The place of a value, put together only when something is wrong with it: "{base}[{index}].{leaf}".
struct FieldPath {
  const char* base;
  int index = -1;
  const char* leaf = nullptr;
  std::string ToString() const;
};

// Of the message itself, not of those in it.
bool HasUnknownFields(const google::protobuf::Message& message);

// Not thread-safe.
class FieldChecker {
 public:
  explicit FieldChecker(int repeated_values_max) : repeated_values_max_(repeated_values_max) {}

  FieldViolations& violations() { return violations_; }
  void Add(const FieldPath& path, std::string_view description) {
    violations_.Add(path.ToString(), description);
  }

  // UTF-8 of at most `chars_max` characters, without control characters other than tabs and line ends.
  void Text(const FieldPath& path, const std::string& value, size_t chars_max);
  // Each a text; at most the limit of them.
  void Texts(const char* path, const google::protobuf::RepeatedPtrField<std::string>& values,
             size_t chars_max);
  // Empty, or one of the two.
  void YesNo(const char* path, const std::string& value);
  void Time(const char* path, bool present, const google::protobuf::Timestamp& time);
  // Whether a list is within the limit of repeated values.
  bool Count(const char* path, int count);
  // A field that this server does not know would be kept unread, or lost: refused instead.
  void Known(const FieldPath& path, const google::protobuf::Message& message) {
    if (HasUnknownFields(message)) Add(path, "has fields that this server does not know");
  }

  // The first limit that was passed, else the violations, else OK.
  absl::Status ToStatus() const;

 private:
  const int repeated_values_max_;
  FieldViolations violations_;
  absl::Status over_limit_;
};

// 0001-01-01 to 9999-12-31 and nanoseconds in range; adds a violation otherwise.
void CheckTimestamp(std::string_view path, bool present, const google::protobuf::Timestamp& time,
                    FieldViolations* violations);
// At most 128 printable ASCII characters, not none.
absl::Status CheckExternalId(std::string_view external_id);
// A UUID in its usual spelling, 8-4-4-4-12 hex digits.
absl::Status CheckRequestId(std::string_view request_id);

}  // namespace coalition::exchange
