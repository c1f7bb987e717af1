// Results on stdout: a table for people, json, jsonl and csv for programs.
#pragma once

#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "google/protobuf/message.h"
#include "nlohmann/json_fwd.hpp"

namespace coalition::cli {

enum class Format { kTable, kJson, kJsonl, kCsv };

std::optional<Format> ParseFormat(const std::string& name);

// One line of proto-JSON: lowerCamelCase names, enums by name, fields without a value left out.
std::string ToJson(const google::protobuf::Message& message);
// One line; what is no UTF-8 is replaced.
std::string ToJson(const nlohmann::ordered_json& json);

// A list of things. `json` and `table` need all of it to end well: call Finish. Not thread-safe.
//
//   table   aligned columns; control characters are escaped
//   json    one array of objects
//   jsonl   one object a line, written as it comes
//   csv     a header line and one line each, written as it comes; the columns are those of the table, cells
//   in full
class ListPrinter {
 public:
  // `terminal`: escape control characters in csv too, and cut wide cells of tables.
  ListPrinter(Format format, bool terminal, std::vector<std::string> columns, std::ostream& out);
  // `json` is one line.
  void Row(std::vector<std::string> cells, const std::string& json);
  void Row(std::vector<std::string> cells, const google::protobuf::Message& message);
  void Finish();

 private:
  const Format format_;
  const bool terminal_;
  const std::vector<std::string> columns_;
  std::ostream& out_;
  std::vector<std::vector<std::string>> rows_;
  size_t count_ = 0;
};

using Facts = std::vector<std::pair<std::string, std::string>>;

// One thing: names and values below each other (those with a value), one JSON object, or one CSV line under
// its header.
void PrintOne(Format format, bool terminal, const Facts& facts, const std::string& json, std::ostream& out);

}  // namespace coalition::cli
