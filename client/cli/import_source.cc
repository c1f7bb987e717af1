#include "client/cli/import_source.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "client/cli/draft.h"
#include "common/strings.h"

namespace coalition::cli {
namespace {

class CsvSource final : public ImportSource {
 public:
  CsvSource(ByteSource source, size_t row_bytes_max, std::unique_ptr<RowMapper> mapper)
      : reader_(std::move(source), row_bytes_max), mapper_(std::move(mapper)) {}

  absl::Status Start(const std::function<void(const std::string&)>& warn) override {
    CsvRow row;
    if (!reader_.Next(&row)) {
      if (!reader_.status().ok()) return reader_.status();
      return absl::InvalidArgumentError("the input is empty: there is no header row");
    }
    if (!row.error.empty()) return absl::InvalidArgumentError("the header row can't be read: " + row.error);
    header_ = row.raw;
    if (header_.back() != '\n') header_ += '\n';
    return mapper_->SetHeader(row.fields, warn);
  }

  bool Next(ImportRow* row) override {
    CsvRow csv;
    if (!reader_.Next(&csv)) return false;
    row->line = csv.line;
    row->raw = std::move(csv.raw);
    row->continued = csv.continued;
    row->error = RowError();
    row->record.Clear();
    if (csv.error.empty()) {
      row->kind = mapper_->Map(csv.fields, &row->record, &row->error);
    } else {
      row->kind = RowKind::kRejected;
      row->error.reason = std::move(csv.error);
    }
    return true;
  }

  absl::Status status() const override { return reader_.status(); }
  const std::string& header() const override { return header_; }
  RowError Locate(const std::string& path) const override { return mapper_->Locate(path); }

 private:
  CsvReader reader_;
  const std::unique_ptr<RowMapper> mapper_;
  std::string header_;
};

class JsonlSource final : public ImportSource {
 public:
  JsonlSource(ByteSource source, size_t row_bytes_max)
      : reader_(std::move(source), row_bytes_max), row_bytes_max_(row_bytes_max) {}

  absl::Status Start(const std::function<void(const std::string&)>&) override { return absl::OkStatus(); }

  bool Next(ImportRow* row) override {
    Line line;
    do {
      if (!reader_.Next(&line)) return false;
    } while (IsBlank(line));
    row->line = line.number;
    row->continued = line.continued;
    row->kind = RowKind::kRecord;
    row->error = RowError();
    row->record.Clear();
    absl::Status status;
    if (line.partial || line.continued) {
      status = absl::InvalidArgumentError(absl::StrCat("the line is longer than ", row_bytes_max_, " bytes"));
    } else {
      const size_t skip = line.number == 1 && line.text.rfind("\xef\xbb\xbf", 0) == 0 ? 3 : 0;
      status = ParseRecordJson(line.text.substr(skip), &row->record);
    }
    row->raw = std::move(line.text);
    if (!status.ok()) {
      row->kind = RowKind::kRejected;
      row->error.reason = std::string(status.message());
    }
    return true;
  }

  absl::Status status() const override { return reader_.status(); }
  const std::string& header() const override { return header_; }
  RowError Locate(const std::string& path) const override { return {0, path, ""}; }

 private:
  static bool IsBlank(const Line& line) {
    return !line.continued && line.text.find_first_not_of(" \t\r\n") == std::string::npos && !line.partial;
  }

  LineReader reader_;
  const size_t row_bytes_max_;
  const std::string header_;
};

}  // namespace

std::unique_ptr<ImportSource> MakeCsvSource(ByteSource source, size_t row_bytes_max,
                                            std::unique_ptr<RowMapper> mapper) {
  return std::make_unique<CsvSource>(std::move(source), row_bytes_max, std::move(mapper));
}

std::unique_ptr<ImportSource> MakeJsonlSource(ByteSource source, size_t row_bytes_max) {
  return std::make_unique<JsonlSource>(std::move(source), row_bytes_max);
}

absl::Status Columns::Set(const std::vector<std::string>& names) {
  names_.clear();
  for (const std::string& name : names) {
    std::string lower = absl::AsciiStrToLower(name);
    if (lower.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("column ", names_.size() + 1, " of the header has no name"));
    }
    if (Find(lower) >= 0)
      return absl::InvalidArgumentError("the header has the column " + Quoted(lower) + " twice");
    names_.push_back(std::move(lower));
  }
  return absl::OkStatus();
}

int Columns::Find(const std::string& name) const {
  const auto found = std::find(names_.begin(), names_.end(), name);
  return found == names_.end() ? -1 : static_cast<int>(found - names_.begin());
}

RowError Columns::Error(int index, std::string reason) const {
  if (index < 0) return {0, "", std::move(reason)};
  return {static_cast<size_t>(index) + 1, names_[static_cast<size_t>(index)], std::move(reason)};
}

bool Columns::FindBadUtf8(const std::vector<std::string>& fields, RowError* error) const {
  for (size_t i = 0; i < fields.size(); ++i) {
    std::string_view text = fields[i];
    while (!text.empty()) {
      const bool ascii = static_cast<unsigned char>(text[0]) < 0x80;
      const size_t size = ascii ? 1 : Utf8Character(text, nullptr);
      if (size == 0) {
        *error = Error(static_cast<int>(i),
                       absl::StrCat("byte ", fields[i].size() - text.size() + 1, " is not UTF-8"));
        return true;
      }
      text.remove_prefix(size);
    }
  }
  return false;
}

}  // namespace coalition::cli
