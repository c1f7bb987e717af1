// Values of the protocol's enums as people write them.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/cli/values.h"
#include "common/strings.h"
#include "google/protobuf/generated_enum_reflection.h"

namespace coalition::cli {

// INVALID_ARGUMENT: `"typed" is not a label: red, amber, …`.
inline absl::Status NotAValue(std::string_view text, const std::string& what, const std::string& right) {
  return absl::InvalidArgumentError(absl::StrCat(Quoted(text), " is not ", what, ": ", right));
}

// A value of `Enum` by its `name` with or without `prefix`; the unspecified one is none. `text`: what was
// typed.
template <class Enum>
absl::StatusOr<Enum> ParseEnumNamed(std::string_view text, const std::string& name, const std::string& prefix,
                                    const std::string& what) {
  const google::protobuf::EnumDescriptor* descriptor = google::protobuf::GetEnumDescriptor<Enum>();
  std::string right;
  for (int i = 0; i < descriptor->value_count(); ++i) {
    const google::protobuf::EnumValueDescriptor* value = descriptor->value(i);
    if (value->number() == 0) continue;
    if (value->name() == name || value->name() == prefix + name) return static_cast<Enum>(value->number());
    absl::StrAppend(&right, right.empty() ? "" : ", ", EnumText(value->name(), prefix));
  }
  return NotAValue(text, what, right);
}

// The same in any case, with '-' for '_'.
template <class Enum>
absl::StatusOr<Enum> ParseEnum(std::string_view text, const std::string& prefix, const std::string& what) {
  return ParseEnumNamed<Enum>(text, EnumName(text), prefix, what);
}

}  // namespace coalition::cli
