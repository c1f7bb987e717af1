// One import: rows in, batches out, every row accounted for.
#pragma once

#include <cstdint>
#include <deque>
#include <fstream>
#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "client/cli/draft.h"
#include "client/cli/import_source.h"
#include "client/cli/progress_line.h"
#include "client/import_stream.h"

namespace coalition::cli {

struct ImportCounts {
  uint64_t rows = 0;
  uint64_t created = 0;
  uint64_t unchanged = 0;
  uint64_t valid = 0;  // dry run: would be created
  uint64_t rejected = 0;
  uint64_t skipped = 0;
  // Of those created, unchanged or valid: outcomes that name no seller.
  uint64_t sellerless = 0;
};

struct ImportSettings {
  // Label and audience where a row says nothing of its own; exclusions are added to a row's own.
  v1::Record defaults;
  // Emptied before the first row if it is there, else made for the first refused one. Empty: refused rows are
  // reported only.
  std::string rejects_file;
  // Bad rows told one by one; the rest is only counted.
  uint64_t errors_max = 20;
  // Where bad rows and progress are told.
  std::ostream* err = nullptr;
  // One line that is written over and over: for terminals.
  bool progress = false;
  std::function<bool()> interrupted;
};

// Rows of `source`, put into `stream`. An external_id is derived from a record that has none, from its
// contents without label and audience: so that repeating an import changes nothing. Refused rows go to the
// rejects file byte for byte (after the source's header), those that the server refuses as soon as it says
// so. Holds no more than the rows under way. Not thread-safe.
class ImportRun {
 public:
  using MakeStream =
      std::function<std::unique_ptr<client::ImportStream>(client::ImportStream::ResultCallback)>;
  ImportRun(ImportSource& source, const ImportSettings& settings, const MakeStream& make_stream);

  // All rows, or until the interruption: then what is under way is finished. OK also when rows were refused.
  // An error: the server, or, marked Local, reading and the rejects file, the first of them; that of the
  // rejects file is told beside another. `counts` says how far it came.
  absl::Status Run();
  const ImportCounts& counts() const { return counts_; }
  bool interrupted() const { return interrupted_; }
  // The input's first line is no record: it may be in another format.
  bool first_line_rejected() const { return first_line_rejected_; }
  // Sent, and not answered because of the error.
  uint64_t unanswered() const { return under_way_.size(); }

 private:
  struct UnderWay {
    int64_t item_id;
    uint64_t line;
    std::string raw;
    bool sellerless;
  };

  absl::Status EmptyRejects() const;
  absl::Status SendRows();
  void CountAccepted(const UnderWay& row, uint64_t* count);
  absl::Status CloseRejects();
  absl::Status HandleRow(ImportRow row);
  absl::Status Send(ImportRow row);
  void OnResult(const v1::ImportResult& result);
  void Reject(uint64_t line, const std::string& raw, const RowError& error);
  void KeepRejected(const std::string& raw);
  void ShowProgress();
  void ApplyDefaults(v1::Record* record) const;

  ImportSource& source_;
  const ImportSettings settings_;
  const ProgressLine progress_;
  std::unique_ptr<client::ImportStream> stream_;
  std::deque<UnderWay> under_way_;
  ImportCounts counts_;
  std::ofstream rejects_;
  bool rejects_open_ = false;
  bool last_rejected_here_ = false;  // further pieces belong to it
  bool interrupted_ = false;
  bool first_line_rejected_ = false;
  int64_t next_item_ = 1;
  int64_t started_ms_ = 0;
  int64_t shown_ms_ = 0;
};

// "sha256:…" of the record without label, audience and external_id.
std::string DeriveExternalId(const v1::Record& record);

}  // namespace coalition::cli
