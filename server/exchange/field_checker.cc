#include "server/exchange/field_checker.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "common/strings.h"
#include "google/protobuf/unknown_field_set.h"
#include "server/exchange/access.h"

namespace coalition::exchange {
namespace {

constexpr int64_t kTimeMin = -62'135'596'800;  // 0001-01-01T00:00:00Z
constexpr int64_t kTimeMax = 253'402'300'799;  // 9999-12-31T23:59:59Z

bool IsForbiddenControl(unsigned char c) {
  return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f;
}

// nullptr: nothing is wrong.
const char* WrongWithText(std::string_view text, size_t chars_max) {
  bool ascii = true;
  for (const unsigned char c : text) {
    if (IsForbiddenControl(c)) return "holds a control character";
    ascii = ascii && c < 0x80;
  }
  if (ascii) return text.size() > chars_max ? "is too long" : nullptr;
  size_t chars = 0;
  for (size_t at = 0; at < text.size(); ++chars) {
    const size_t bytes = Utf8Character(text.substr(at), nullptr);
    if (bytes == 0) return "is not UTF-8";
    if (bytes == 2 && text[at] == '\xc2' && static_cast<unsigned char>(text[at + 1]) < 0xa0) {
      return "holds a control character";  // C1
    }
    at += bytes;
  }
  return chars > chars_max ? "is too long" : nullptr;
}

std::string Describe(const char* wrong, size_t chars_max) {
  return std::string(wrong) + "; at most " + std::to_string(chars_max) + " characters of text";
}

}  // namespace

std::string FieldPath::ToString() const {
  std::string path = base;
  if (index >= 0) path += "[" + std::to_string(index) + "]";
  if (leaf != nullptr) path += std::string(".") + leaf;
  return path;
}

bool HasUnknownFields(const google::protobuf::Message& message) {
  return !message.GetReflection()->GetUnknownFields(message).empty();
}

void FieldChecker::Text(const FieldPath& path, const std::string& value, size_t chars_max) {
  if (value.empty()) return;
  if (const char* wrong = WrongWithText(value, chars_max)) Add(path, Describe(wrong, chars_max));
}

void FieldChecker::Texts(const char* path, const google::protobuf::RepeatedPtrField<std::string>& values,
                         size_t chars_max) {
  if (!Count(path, values.size())) return;
  for (int i = 0; i < values.size(); ++i) {
    if (values[i].empty()) Add({path, i}, "is empty");
    Text({path, i}, values[i], chars_max);
  }
}

void FieldChecker::YesNo(const char* path, const std::string& value) {
  if (!value.empty() && value != "Yes" && value != "No") Add({path}, "must be \"Yes\", \"No\" or absent");
}

void FieldChecker::Time(const char* path, bool present, const google::protobuf::Timestamp& time) {
  CheckTimestamp(path, present, time, &violations_);
}

bool FieldChecker::Count(const char* path, int count) {
  if (count <= repeated_values_max_) return true;
  if (over_limit_.ok()) {
    over_limit_ =
        OverLimit("repeated_values", repeated_values_max_, std::string(path) + " has too many values");
  }
  return false;
}

absl::Status FieldChecker::ToStatus() const {
  return over_limit_.ok() ? violations_.ToStatus() : over_limit_;
}

void CheckTimestamp(std::string_view path, bool present, const google::protobuf::Timestamp& time,
                    FieldViolations* violations) {
  if (!present) return;
  if (time.seconds() < kTimeMin || time.seconds() > kTimeMax || time.nanos() < 0 ||
      time.nanos() > 999'999'999) {
    violations->Add(path, "is no time between the years 1 and 9999");
  }
}

absl::Status CheckExternalId(std::string_view external_id) {
  const auto printable = [](unsigned char c) { return c >= 0x20 && c < 0x7f; };
  if (!external_id.empty() && external_id.size() <= kExternalIdBytesMax &&
      std::all_of(external_id.begin(), external_id.end(), printable)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError("an external_id is at most 128 printable ASCII characters");
}

absl::Status CheckRequestId(std::string_view request_id) {
  bool uuid = request_id.size() == 36;
  for (size_t i = 0; uuid && i < request_id.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    uuid = dash ? request_id[i] == '-' : absl::ascii_isxdigit(static_cast<unsigned char>(request_id[i]));
  }
  if (uuid) return absl::OkStatus();
  return absl::InvalidArgumentError("a request_id is a UUID, e.g. 7c9e6679-7425-40de-944b-e07fc1f90ae7");
}

}  // namespace coalition::exchange
