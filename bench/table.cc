#include "bench/table.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "bench/statistics.h"

namespace coalition::bench {
namespace {

std::string Fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f", digits, value);
  return text;
}

std::string FormatLine(const std::vector<std::string>& cells, const std::vector<size_t>& widths) {
  std::string line = "|";
  for (size_t i = 0; i < cells.size(); ++i) {
    // Width in characters: ± is one character of two bytes.
    const auto characters = static_cast<size_t>(
        std::count_if(cells[i].begin(), cells[i].end(), [](char c) { return (c & 0xC0) != 0x80; }));
    line += " " + cells[i] + std::string(widths[i] - characters, ' ') + " |";
  }
  return line + "\n";
}

}  // namespace

std::string FormatNumber(double value) {
  if (value == 0) return "0";
  const double magnitude = std::abs(value);
  const int digits = static_cast<int>(std::floor(std::log10(magnitude)));
  if (digits < 2) return Fixed(value, 2 - digits > 6 ? 6 : 2 - digits);
  const double unit = std::pow(10.0, digits - 2);
  std::string text = Fixed(std::round(value / unit) * unit, 0);
  for (int at = static_cast<int>(text.size()) - 3; at > (value < 0 ? 1 : 0); at -= 3) {
    text.insert(static_cast<size_t>(at), ",");
  }
  return text;
}

std::string FormatRate(const std::vector<double>& values, const std::string& unit) {
  std::string text = FormatNumber(Median(values)) + unit;
  if (values.size() > 1) text += " ±" + Fixed(100 * Spread(values), 0) + " %";
  return text;
}

std::string FormatTable(const std::vector<Row>& rows) {
  std::vector<std::vector<std::string>> lines = {
      {"name", "measured", "baseline", "ratio", "target", "ok or short"}};
  for (const Row& row : rows) {
    lines.push_back({row.name, row.measured, row.baseline, row.ratio ? Fixed(*row.ratio, 2) : "", row.target,
                     row.ok ? "ok" : "short"});
  }
  std::vector<size_t> widths(lines[0].size(), 0);
  for (const auto& cells : lines) {
    for (size_t i = 0; i < cells.size(); ++i) {
      const auto characters = static_cast<size_t>(
          std::count_if(cells[i].begin(), cells[i].end(), [](char c) { return (c & 0xC0) != 0x80; }));
      widths[i] = std::max(widths[i], characters);
    }
  }
  std::string text;
  for (size_t i = 0; i < lines.size(); ++i) {
    text += FormatLine(lines[i], widths);
    if (i == 0) {
      text += "|";
      for (const size_t width : widths) text += std::string(width + 2, '-') + "|";
      text += "\n";
    }
  }
  text += "\n";
  for (const Row& row : rows) {
    if (!row.note.empty()) text += "- `" + row.name + "`: " + row.note + "\n";
  }
  return text;
}

std::string FormatJson(const std::vector<Row>& rows) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const Row& row : rows) {
    nlohmann::ordered_json entry = {{"name", row.name},
                                    {"measured", row.measured_value},
                                    {"baseline", row.baseline_value},
                                    {"target", row.target},
                                    {"ok", row.ok},
                                    {"note", row.note}};
    entry["ratio"] = row.ratio ? nlohmann::ordered_json(*row.ratio) : nlohmann::ordered_json(nullptr);
    json.push_back(std::move(entry));
  }
  return json.dump(2) + "\n";
}

}  // namespace coalition::bench
