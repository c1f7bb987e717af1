// One watch: events out, and where it came to kept.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "client/cli/progress_line.h"
#include "client/cli/watch_output.h"
#include "client/record_watch.h"

namespace coalition::cli {

struct WatchSettings {
  Format format = Format::kTable;
  // Empty: nothing is kept.
  std::string resume_file;
  // Ends after so many events; with a resume file after the whole of the response that has the last of them,
  // so that the next run begins right behind. 0: does not.
  uint64_t count_max = 0;
  // Ends once everything that there is has been shown: of a watch that goes on from a cursor, what changed.
  bool snapshot = false;
  // The watch goes on from a cursor.
  bool resumed = false;
  std::ostream* out = nullptr;
  // Where the progress is told.
  std::ostream* err = nullptr;
  // One line that is written over and over: for terminals.
  bool progress = false;
};

// Shows the responses of `watch`, one after the other. The cursor is kept when all before it is written and
// flushed: a run that is cut off at any time loses nothing, and what it showed twice is one response, or
// those that have no cursor. Not thread-safe.
class WatchRun {
 public:
  // Both streams and `watch` must outlive it.
  WatchRun(client::RecordWatch& watch, const WatchSettings& settings);

  // OK: it is as the settings want it, or `out` has failed, and the cursor is that of before. An error: the
  // watch's, or, marked Local, of the resume file.
  absl::Status Run();

 private:
  void Show(const v1::WatchRecordsResponse& response);
  absl::Status KeepCursor();
  bool IsFull() const { return settings_.count_max > 0 && events_ >= settings_.count_max; }
  bool IsDone(const v1::WatchRecordsResponse& response) const;
  void ShowProgress(const v1::WatchRecordsResponse& response);

  client::RecordWatch& watch_;
  const WatchSettings settings_;
  const ProgressLine progress_;
  WatchPrinter printer_;
  std::string kept_;  // the cursor in the file
  uint64_t events_ = 0;
  bool told_of_unknown_ = false;
  // Events in a second, as of the last whole one.
  std::optional<uint64_t> rate_;
  uint64_t rated_events_ = 0;
  int64_t rated_ms_ = 0;
  int64_t shown_ms_ = 0;
};

}  // namespace coalition::cli
