// What the benchmark prints.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace coalition::bench {

struct Row {
  std::string name;
  std::string measured;
  std::string baseline;
  std::optional<double> ratio;  // measured / baseline, unless the note says otherwise
  std::string target;
  bool ok = false;
  std::string note;  // shown below the table
  // For --json: the medians in base units.
  double measured_value = 0;
  double baseline_value = 0;
};

// Columns `name | measured | baseline | ratio | target | ok or short`, as Markdown, then the notes.
std::string FormatTable(const std::vector<Row>& rows);
std::string FormatJson(const std::vector<Row>& rows);

// "39,800/s ±2 %"
std::string FormatRate(const std::vector<double>& values, const std::string& unit);
// 39812 becomes "39,800": three significant digits, with separators.
std::string FormatNumber(double value);

}  // namespace coalition::bench
