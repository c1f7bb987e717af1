#include "client/cli/csv_reader.h"

#include <csv.h>

#include <new>
#include <utility>

#include "absl/strings/str_cat.h"

namespace coalition::cli {
namespace {

constexpr char kByteOrderMark[] = "\xef\xbb\xbf";
// libcsv's pstate when nothing of a row has been seen.
constexpr int kRowNotBegun = 0;

}  // namespace

// libcsv in strict mode, restarted after an error.
struct CsvReader::Parser {
  Parser() { Start(); }
  ~Parser() { csv_free(&csv); }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  void Restart() {
    csv_free(&csv);
    Start();
  }
  void Start() {
    if (csv_init(&csv, CSV_STRICT) != 0) throw std::bad_alloc();
    fields.clear();
    rows = 0;
  }

  static void OnField(void* text, size_t size, void* self) {
    static_cast<Parser*>(self)->fields.emplace_back(static_cast<const char*>(text), size);
  }
  static void OnRow(int, void* self) { ++static_cast<Parser*>(self)->rows; }

  csv_parser csv;
  std::vector<std::string> fields;
  int rows = 0;
};

CsvReader::CsvReader(ByteSource source, size_t row_bytes_max)
    : lines_(std::move(source), row_bytes_max),
      row_bytes_max_(row_bytes_max),
      parser_(std::make_unique<Parser>()) {}

CsvReader::~CsvReader() = default;

bool CsvReader::NextLine(Line* line) {
  if (put_back_.empty()) return lines_.Next(line);
  *line = std::move(put_back_.front());
  put_back_.pop_front();
  return true;
}

CsvReader::State CsvReader::Feed(const std::string& text) {
  const size_t skip = first_line_ && text.rfind(kByteOrderMark, 0) == 0 ? sizeof(kByteOrderMark) - 1 : 0;
  first_line_ = false;
  Parser& parser = *parser_;
  const size_t size = text.size() - skip;
  if (csv_parse(&parser.csv, text.data() + skip, size, Parser::OnField, Parser::OnRow, &parser) != size) {
    return State::kBad;
  }
  if (text.empty() || text.back() != '\n') {  // the last line of the input
    if (csv_parse(&parser.csv, "\n", 1, Parser::OnField, Parser::OnRow, &parser) != 1) return State::kBad;
  }
  if (parser.rows > 1) return State::kBad;
  if (parser.rows == 1) return parser.csv.pstate == kRowNotBegun ? State::kDone : State::kBad;
  return parser.csv.pstate == kRowNotBegun ? State::kBlank : State::kOpen;
}

bool CsvReader::Reject(std::vector<Line>& lines, std::string error, CsvRow* row) {
  row->line = lines.front().number;
  row->raw = std::move(lines.front().text);
  row->fields.clear();
  row->error = std::move(error);
  row->continued = false;
  put_back_.insert(put_back_.begin(), std::make_move_iterator(lines.begin() + 1),
                   std::make_move_iterator(lines.end()));
  return true;
}

bool CsvReader::Next(CsvRow* row) {
  parser_->Restart();
  std::vector<Line> lines(1);
  size_t bytes = 0;
  while (NextLine(&lines.back())) {
    const Line& line = lines.back();
    if (line.partial || line.continued) {
      if (lines.size() > 1) {
        return Reject(lines, absl::StrCat("a quoted field is not closed within ", row_bytes_max_, " bytes"),
                      row);
      }
      Reject(lines, absl::StrCat("the row is longer than ", row_bytes_max_, " bytes"), row);
      row->continued = line.continued;
      first_line_ = false;
      return true;
    }
    bytes += line.text.size();
    switch (Feed(line.text)) {
      case State::kBlank:
        lines.assign(1, Line());
        bytes = 0;
        continue;
      case State::kBad:
        return Reject(
            lines, "quotes are wrong: a quote inside an unquoted field, or text after a closing quote", row);
      case State::kOpen:
        if (bytes > row_bytes_max_) {
          return Reject(lines, absl::StrCat("a quoted field is not closed within ", row_bytes_max_, " bytes"),
                        row);
        }
        lines.emplace_back();
        continue;
      case State::kDone:
        break;
    }
    if (columns_ == 0) columns_ = parser_->fields.size();
    if (parser_->fields.size() != columns_) {
      return Reject(
          lines, absl::StrCat("the row has ", parser_->fields.size(), " fields and the first row ", columns_),
          row);
    }
    row->line = lines.front().number;
    row->raw.clear();
    for (const Line& part : lines) row->raw += part.text;
    row->fields = std::move(parser_->fields);
    row->error.clear();
    row->continued = false;
    return true;
  }
  lines.pop_back();
  if (lines.empty() || interrupted() || !status().ok()) return false;
  return Reject(lines, "a quoted field is not closed before the end of the input", row);
}

}  // namespace coalition::cli
