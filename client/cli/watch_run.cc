#include "client/cli/watch_run.h"

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cli/resume_file.h"
#include "client/cli/status.h"
#include "client/cli/text.h"
#include "client/cli/values.h"

namespace coalition::cli {
namespace {

int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

WatchRun::WatchRun(client::RecordWatch& watch, const WatchSettings& settings)
    : watch_(watch),
      settings_(settings),
      progress_(settings.err, settings.progress),
      printer_(settings.format, *settings.out),
      kept_(watch.cursor()),
      rated_ms_(NowMs()) {}

absl::Status WatchRun::Run() {
  absl::Status status;
  settings_.out->flush();
  while (status.ok()) {
    const absl::StatusOr<v1::WatchRecordsResponse> response = watch_.Next();
    if (!response.ok()) {
      status = response.status();
      break;
    }
    Show(*response);
    // Whoever reads has gone, or the disk is full: what was not written is to come again.
    if (!settings_.out->flush()) break;
    status = KeepCursor();
    if (IsDone(*response)) break;
    ShowProgress(*response);
  }
  progress_.Clear();
  return status;
}

void WatchRun::Show(const v1::WatchRecordsResponse& response) {
  if (response.events_size() > 0) progress_.Clear();
  for (const v1::WatchEvent& event : response.events()) {
    if (IsFull() && settings_.resume_file.empty()) return;
    if (printer_.Event(event)) {
      ++events_;
    } else if (!std::exchange(told_of_unknown_, true)) {
      *settings_.err << "warning: events of a kind that this program does not know are left out: it is older "
                        "than the server\n";
    }
  }
  printer_.Checkpoint(response);
}

absl::Status WatchRun::KeepCursor() {
  if (settings_.resume_file.empty() || watch_.cursor() == kept_) return absl::OkStatus();
  if (absl::Status status = SaveCursor(settings_.resume_file, watch_.cursor()); !status.ok())
    return Local(status);
  kept_ = watch_.cursor();
  return absl::OkStatus();
}

bool WatchRun::IsDone(const v1::WatchRecordsResponse& response) const {
  if (IsFull()) return true;
  if (!settings_.snapshot) return false;
  // After its snapshot was complete a watch never says so again, but that nothing is missing.
  return response.snapshot_complete() || (settings_.resumed && response.has_complete_until());
}

void WatchRun::ShowProgress(const v1::WatchRecordsResponse& response) {
  if (!settings_.progress) return;
  const int64_t now = NowMs();
  if (now - rated_ms_ >= 1'000) {
    rate_ = (events_ - rated_events_) * 1'000 / static_cast<uint64_t>(now - rated_ms_);
    rated_events_ = events_;
    rated_ms_ = now;
  }
  if (response.events_size() == 0 || now - shown_ms_ >= 200) {
    shown_ms_ = now;
    std::string line = WithThousands(events_) + (events_ == 1 ? " event" : " events");
    if (rate_) absl::StrAppend(&line, ", ", WithThousands(*rate_), "/s");
    if (response.has_complete_until())
      absl::StrAppend(&line, ", complete until ", TimeText(response.complete_until()));
    progress_.Show(line);
  }
}

}  // namespace coalition::cli
