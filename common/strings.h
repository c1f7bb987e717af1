// Debian's absl::string_view is not std::string_view and neither converts to the other. And text fit for
// messages.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/strings/string_view.h"

namespace coalition {

inline absl::string_view Absl(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view Std(absl::string_view text) { return {text.data(), text.size()}; }

// `text` in double quotes for a message: everything but printable ASCII is escaped, and what is over
// `bytes_max` bytes of `text` is replaced by an ellipsis. Thread-safe.
std::string Quoted(std::string_view text, size_t bytes_max = 80);

// `text` as valid UTF-8 of at most `bytes_max` bytes: invalid bytes become '?', and the end is cut between
// characters.
std::string CleanUtf8(std::string_view text, size_t bytes_max);

// The length in bytes of the well-formed UTF-8 character (Unicode table 3-7) at the start of `text`, 0 if
// there is none. `code_point` is set when it is not null and the result is not 0.
size_t Utf8Character(std::string_view text, char32_t* code_point);

}  // namespace coalition
