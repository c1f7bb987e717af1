// CSV row by row with each row's own bytes, in bounded memory, and back on its feet after a bad row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "client/cli/line_reader.h"

namespace coalition::cli {

struct CsvRow {
  // Of its first line, counted from 1.
  uint64_t line = 0;
  // Byte for byte, line ends included.
  std::string raw;
  std::vector<std::string> fields;
  // Why the row can't be read; `fields` is then empty. `raw` is its first line alone: reading goes on with
  // the line after.
  std::string error;
  // A further piece of a row that is over the limit: bytes only, to be kept with the first piece and counted
  // with it.
  bool continued = false;
};

// RFC 4180 in UTF-8 or whatever the bytes are: commas, double quotes, LF or CRLF, and a byte order mark at
// the start is passed over. Blank lines are passed over. A quote inside an unquoted field, text after a
// closing quote, an unclosed quote and a row of another number of fields than the first row make a row bad.
// Not thread-safe.
class CsvReader {
 public:
  // A row over `row_bytes_max` is bad, and arrives in pieces.
  CsvReader(ByteSource source, size_t row_bytes_max);
  ~CsvReader();

  // False: the end, an error of reading, or an interruption.
  bool Next(CsvRow* row);
  const absl::Status& status() const { return lines_.status(); }
  bool interrupted() const { return lines_.interrupted(); }

 private:
  struct Parser;

  bool NextLine(Line* line);
  // Feeds what is in `text` and says how the row stands.
  enum class State { kDone, kBlank, kOpen, kBad };
  State Feed(const std::string& text);
  // Makes `row` a bad one of the first of `lines` and puts the others back.
  bool Reject(std::vector<Line>& lines, std::string error, CsvRow* row);

  LineReader lines_;
  const size_t row_bytes_max_;
  std::deque<Line> put_back_;
  std::unique_ptr<Parser> parser_;
  size_t columns_ = 0;  // of the first row
  bool first_line_ = true;
};

}  // namespace coalition::cli
