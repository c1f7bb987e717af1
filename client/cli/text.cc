#include "client/cli/text.h"

#include <wchar.h>

#include <algorithm>
#include <clocale>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "common/strings.h"

namespace coalition::cli {
namespace {

bool IsUnsafe(char32_t c) {
  if (c < 0x20 || (c >= 0x7f && c < 0xa0)) return true;
  if (c == 0x2028 || c == 0x2029 || c == 0xfeff || c == 0x61c) return true;
  // Marks, embeddings, overrides and isolates of direction; invisible operators; tags.
  return (c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
         (c >= 0xe0000 && c <= 0xe007f);
}

std::string Escape(char32_t c) {
  switch (c) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      return c < 0x80 ? absl::StrFormat("\\x%02x", static_cast<unsigned>(c))
                      : absl::StrFormat("\\u{%x}", static_cast<unsigned>(c));
  }
}

size_t Width(char32_t c) {
  const int width = ::wcwidth(static_cast<wchar_t>(c));
  return width < 0 ? 1 : static_cast<size_t>(width);
}

// The longest start of printable `text` that takes at most `width` columns.
std::string_view Cut(std::string_view text, size_t width) {
  size_t bytes = 0;
  size_t used = 0;
  while (bytes < text.size()) {
    char32_t c = 0;
    const size_t size = std::max<size_t>(1, Utf8Character(text.substr(bytes), &c));
    used += Width(c);
    if (used > width) break;
    bytes += size;
  }
  return text.substr(0, bytes);
}

std::string Cell(const std::string& text, size_t width_max) {
  std::string cell = Printable(text);
  if (width_max == 0 || DisplayWidth(cell) <= width_max) return cell;
  return std::string(Cut(cell, width_max - 1)) + "…";
}

// "second_column" -> "SECOND COLUMN".
std::string Heading(const std::string& name) {
  std::string heading = absl::AsciiStrToUpper(name);
  std::replace(heading.begin(), heading.end(), '_', ' ');
  return heading;
}

}  // namespace

std::string Printable(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    char32_t c = 0;
    const size_t size = Utf8Character(text, &c);
    if (size == 0) {
      result += absl::StrFormat("\\x%02x", static_cast<unsigned char>(text[0]));
      text.remove_prefix(1);
      continue;
    }
    if (IsUnsafe(c)) {
      result += Escape(c);
    } else {
      result += text.substr(0, size);
    }
    text.remove_prefix(size);
  }
  return result;
}

size_t DisplayWidth(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) {
    char32_t c = 0;
    const size_t size = std::max<size_t>(1, Utf8Character(text, &c));
    width += Width(c);
    text.remove_prefix(size);
  }
  return width;
}

void UseUtf8() { std::setlocale(LC_CTYPE, "C.UTF-8"); }

std::string CsvLine(const std::vector<std::string>& cells) {
  std::string line;
  for (size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) line += ',';
    const std::string& cell = cells[i];
    const bool spaces = !cell.empty() && (cell.front() == ' ' || cell.back() == ' ');
    if (cell.find_first_of(",\"\r\n\t") == std::string::npos && !spaces) {
      line += cell;
      continue;
    }
    line += '"';
    for (const char c : cell) {
      if (c == '"') line += '"';
      line += c;
    }
    line += '"';
  }
  return line + "\n";
}

void WriteCells(const std::vector<std::string>& cells, const std::vector<size_t>& widths, std::ostream& out) {
  std::string line;
  for (size_t i = 0; i < cells.size(); ++i) {
    line += cells[i];
    line.append(widths[i] - std::min(widths[i], DisplayWidth(cells[i])) + 2, ' ');
  }
  line.erase(line.find_last_not_of(' ') + 1);
  out << line << '\n';
}

void WriteTable(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows,
                size_t cell_width_max, std::ostream& out) {
  std::vector<std::vector<std::string>> lines;
  lines.emplace_back();
  for (const std::string& name : header) lines.back().push_back(Heading(name));
  for (const std::vector<std::string>& row : rows) {
    lines.emplace_back();
    for (const std::string& cell : row) lines.back().push_back(Cell(cell, cell_width_max));
  }
  std::vector<size_t> widths(header.size(), 0);
  for (const std::vector<std::string>& line : lines) {
    for (size_t i = 0; i < line.size() && i < widths.size(); ++i) {
      widths[i] = std::max(widths[i], DisplayWidth(line[i]));
    }
  }
  for (const std::vector<std::string>& line : lines) WriteCells(line, widths, out);
}

void WriteFacts(const std::vector<std::pair<std::string, std::string>>& facts, std::ostream& out) {
  size_t width = 0;
  for (const auto& [name, value] : facts) width = std::max(width, name.size());
  for (const auto& [name, value] : facts) {
    out << Heading(name) << std::string(width - name.size() + 2, ' ') << Printable(value) << '\n';
  }
}

std::string DurationText(int64_t seconds) {
  struct Unit {
    int64_t seconds;
    int64_t until;  // longer ones are said in the next unit
    const char* name;
  };
  constexpr Unit kUnits[] = {{1, 90, " s"}, {60, 90 * 60, " min"}, {3'600, 36 * 3'600, " h"}};
  for (const Unit& unit : kUnits) {
    if (seconds < unit.until) return std::to_string((seconds + unit.seconds / 2) / unit.seconds) + unit.name;
  }
  constexpr int64_t kDay = 86'400;
  return std::to_string(seconds / kDay + (seconds % kDay >= kDay / 2 ? 1 : 0)) + " days";
}

std::string WithThousands(uint64_t number) {
  const std::string digits = std::to_string(number);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

}  // namespace coalition::cli
