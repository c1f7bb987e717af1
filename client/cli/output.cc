#include "client/cli/output.h"

#include "client/cli/text.h"
#include "google/protobuf/util/json_util.h"
#include "nlohmann/json.hpp"

namespace coalition::cli {
namespace {

constexpr size_t kCellWidthOnTerminal = 60;

std::string Pretty(const std::string& json) {
  const auto value = nlohmann::ordered_json::parse(json, nullptr, /*allow_exceptions=*/false);
  return value.is_discarded() ? json
                              : value.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string Indented(const std::string& text) {
  std::string result = "  ";
  for (const char c : text) {
    result += c;
    if (c == '\n') result += "  ";
  }
  return result;
}

std::string Csv(std::vector<std::string> cells, bool terminal) {
  if (terminal) {
    for (std::string& cell : cells) cell = Printable(cell);
  }
  return CsvLine(cells);
}

}  // namespace

std::optional<Format> ParseFormat(const std::string& name) {
  if (name == "table") return Format::kTable;
  if (name == "json") return Format::kJson;
  if (name == "jsonl") return Format::kJsonl;
  if (name == "csv") return Format::kCsv;
  return std::nullopt;
}

std::string ToJson(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string ToJson(const google::protobuf::Message& message) {
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(message, &json).ok()) return "{}";
  return json;
}

ListPrinter::ListPrinter(Format format, bool terminal, std::vector<std::string> columns, std::ostream& out)
    : format_(format), terminal_(terminal), columns_(std::move(columns)), out_(out) {
  if (format_ == Format::kCsv) out_ << CsvLine(columns_);
}

void ListPrinter::Row(std::vector<std::string> cells, const std::string& json) {
  ++count_;
  switch (format_) {
    case Format::kTable:
      rows_.push_back(std::move(cells));
      break;
    case Format::kJson:
      out_ << (count_ == 1 ? "[\n" : ",\n") << Indented(Pretty(json));
      break;
    case Format::kJsonl:
      out_ << json << '\n';
      break;
    case Format::kCsv:
      out_ << Csv(std::move(cells), terminal_);
      break;
  }
}

void ListPrinter::Row(std::vector<std::string> cells, const google::protobuf::Message& message) {
  Row(std::move(cells),
      format_ == Format::kJson || format_ == Format::kJsonl ? ToJson(message) : std::string());
}

void ListPrinter::Finish() {
  if (format_ == Format::kTable) WriteTable(columns_, rows_, terminal_ ? kCellWidthOnTerminal : 0, out_);
  if (format_ == Format::kJson) out_ << (count_ == 0 ? "[]\n" : "\n]\n");
  out_.flush();
}

void PrintOne(Format format, bool terminal, const Facts& facts, const std::string& json, std::ostream& out) {
  switch (format) {
    case Format::kTable: {
      Facts present;
      for (const auto& fact : facts) {
        if (!fact.second.empty()) present.push_back(fact);
      }
      WriteFacts(present, out);
      break;
    }
    case Format::kJson:
      out << Pretty(json) << '\n';
      break;
    case Format::kJsonl:
      out << json << '\n';
      break;
    case Format::kCsv: {
      std::vector<std::string> names, values;
      for (const auto& [name, value] : facts) {
        names.push_back(name);
        values.push_back(value);
      }
      out << CsvLine(names) << Csv(values, terminal);
      break;
    }
  }
  out.flush();
}

}  // namespace coalition::cli
