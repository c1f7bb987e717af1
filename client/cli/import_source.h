// Rows of a file as records to be imported.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/cli/csv_reader.h"
#include "client/cli/line_reader.h"
#include "coalition/v1/record.pb.h"

namespace coalition::cli {

// Why a row is refused.
struct RowError {
  // Field of the row, counted from 1, and its name; 0 and empty: the row as a whole.
  size_t field = 0;
  std::string column;
  std::string reason;
};

// What a row is.
enum class RowKind {
  kRecord,   // `record` is set
  kSkipped,  // right, but not for this import, e.g. another platform's
  kRejected  // `error` is set
};

struct ImportRow {
  uint64_t line = 0;
  std::string raw;
  RowKind kind = RowKind::kRecord;
  v1::Record record;
  RowError error;
  // A further piece of the row before: its bytes alone, nothing to be counted.
  bool continued = false;
};

// Not thread-safe.
class ImportSource {
 public:
  virtual ~ImportSource() = default;
  // Reads what comes before the rows. INVALID_ARGUMENT: this is not a file of this format. `warn` is told
  // what is odd.
  virtual absl::Status Start(const std::function<void(const std::string&)>& warn) = 0;
  // False: the end, an error, or an interruption.
  virtual bool Next(ImportRow* row) = 0;
  virtual absl::Status status() const = 0;
  // What begins the file of refused rows, byte for byte; may be empty.
  virtual const std::string& header() const = 0;
  // The field of the row that a path in the server's answer ("record.takedown_outcome.uuid") comes from.
  virtual RowError Locate(const std::string& path) const = 0;
};

// Turns one row of CSV into a record. Not thread-safe.
class RowMapper {
 public:
  virtual ~RowMapper() = default;
  // The names in the first row. INVALID_ARGUMENT: required columns are missing, one is there twice, or
  // unknown ones are there that must not be.
  virtual absl::Status SetHeader(const std::vector<std::string>& names,
                                 const std::function<void(const std::string&)>& warn) = 0;
  // `fields` has as many as the header. `error` is set when the result is kRejected.
  virtual RowKind Map(const std::vector<std::string>& fields, v1::Record* record, RowError* error) = 0;
  virtual RowError Locate(const std::string& path) const = 0;
};

// CSV with a header row.
std::unique_ptr<ImportSource> MakeCsvSource(ByteSource source, size_t row_bytes_max,
                                            std::unique_ptr<RowMapper> mapper);
// One record in proto-JSON a line. Blank lines are passed over.
std::unique_ptr<ImportSource> MakeJsonlSource(ByteSource source, size_t row_bytes_max);

// Names of columns and where they are. For mappers.
class Columns {
 public:
  // Names are trimmed and put into lower case. INVALID_ARGUMENT: one is empty or there twice.
  absl::Status Set(const std::vector<std::string>& names);
  // The index; -1: there is no such column.
  int Find(const std::string& name) const;
  // The error of a cell, with field and column.
  RowError Error(int index, std::string reason) const;
  const std::vector<std::string>& names() const { return names_; }
  // The first of `fields` that is not UTF-8, as an error; false: none is.
  bool FindBadUtf8(const std::vector<std::string>& fields, RowError* error) const;

 private:
  std::vector<std::string> names_;
};

}  // namespace coalition::cli
