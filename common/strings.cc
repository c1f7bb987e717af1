#include "common/strings.h"

#include <cstdint>

#include "absl/strings/escaping.h"

namespace coalition {

std::string Quoted(std::string_view text, size_t bytes_max) {
  const bool cut = text.size() > bytes_max;
  std::string quoted = "\"";
  quoted += absl::CHexEscape(Absl(text.substr(0, bytes_max)));
  quoted += cut ? "...\"" : "\"";
  return quoted;
}

size_t Utf8Character(std::string_view text, char32_t* code_point) {
  if (text.empty()) return 0;
  const auto byte = [&](size_t i) -> uint32_t { return static_cast<unsigned char>(text[i]); };
  const uint32_t first = byte(0);
  size_t length = 0;
  uint32_t value = 0;
  uint32_t smallest = 0;
  if (first < 0x80) {
    length = 1, value = first;
  } else if (first >= 0xc2 && first < 0xe0) {
    length = 2, value = first & 0x1f, smallest = 0x80;
  } else if (first >= 0xe0 && first < 0xf0) {
    length = 3, value = first & 0x0f, smallest = 0x800;
  } else if (first >= 0xf0 && first < 0xf5) {
    length = 4, value = first & 0x07, smallest = 0x10000;
  }
  if (length == 0 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    value = (value << 6) | (byte(i) & 0x3f);
  }
  if (value < smallest || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return 0;
  if (code_point != nullptr) *code_point = value;
  return length;
}

std::string CleanUtf8(std::string_view text, size_t bytes_max) {
  std::string clean;
  while (!text.empty()) {
    const size_t length = Utf8Character(text, nullptr);
    if (clean.size() + (length == 0 ? 1 : length) > bytes_max) break;
    if (length == 0) {
      clean.push_back('?');
      text.remove_prefix(1);
    } else {
      clean.append(text.substr(0, length));
      text.remove_prefix(length);
    }
  }
  return clean;
}

}  // namespace coalition
