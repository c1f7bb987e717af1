#include "client/mirror_runner.h"

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "client/internal/retry_connection.h"
#include "common/errors.h"
#include "common/random.h"

namespace coalition::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Whether the watch may be opened again as it was. Also after what the exchange did not say: a server that
// stops cancels the calls that came in meanwhile, and what lies between may break in its own ways.
bool MayGoOn(const absl::Status& status) {
  if (internal::IsTransient(status)) return true;
  switch (GetErrorReason(status)) {
    case v1::ERROR_REASON_WATCH_BEHIND:
      return absl::IsAborted(status);
    case v1::ERROR_REASON_UNSPECIFIED:
      return absl::IsCancelled(status) || absl::IsInternal(status) || absl::IsUnknown(status);
    default:
      return false;
  }
}

}  // namespace

MirrorRunner::MirrorRunner(Mirror& mirror, Watch watch, MirrorRunnerOptions options)
    : mirror_(mirror), make_watch_(std::move(watch)), options_(std::move(options)) {}

MirrorRunner::~MirrorRunner() = default;

absl::Status MirrorRunner::Run() {
  SystemRandom random;
  std::optional<internal::Backoff> backoff;
  // What an earlier watch of the mirror left without a cursor.
  absl::Status rewound = mirror_.Rewind();
  mirror_failed_ = !rewound.ok();
  if (mirror_failed_) return rewound;
  const auto began = steady_clock::now();
  for (;;) {
    // What broke is opened again here: what came without a cursor has to be undone first.
    const std::unique_ptr<RecordWatch> watch = make_watch_({.cursor = mirror_.cursor(), .reconnect = false});
    absl::Status status = absl::CancelledError("the mirror was stopped");
    if (SetWatch(watch.get())) status = Follow(*watch);
    const bool stopped = !SetWatch(nullptr);
    // Also when it is stopped: how the watch has ended may mean that the mirror is to be wiped.
    const Next next = mirror_failed_ ? Next::kEnd : AfterEnd(&status);
    if (next == Next::kEnd) return status;
    if (stopped) return absl::CancelledError("the mirror was stopped");
    if (options_.on_break) options_.on_break(status);
    if (received_ || !backoff) backoff.emplace(options_.retry, random);
    if (next == Next::kGoOn && received_) continue;
    const milliseconds wait = backoff->Next(status);
    if (!reached_ && steady_clock::now() + wait > began + options_.retry.budget) return status;
    if (!Wait(wait)) return absl::CancelledError("the mirror was stopped");
  }
}

absl::Status MirrorRunner::Follow(RecordWatch& watch) {
  received_ = false;
  for (;;) {
    const absl::StatusOr<v1::WatchRecordsResponse> response = watch.Next();
    if (!response.ok()) return response.status();
    reached_ = received_ = true;
    if (absl::Status status = mirror_.Apply(*response); !status.ok()) {
      mirror_failed_ = true;
      return status;
    }
    if (options_.on_response) options_.on_response(*response);
  }
}

MirrorRunner::Next MirrorRunner::AfterEnd(absl::Status* status) {
  const v1::ErrorReason reason = GetErrorReason(*status);
  absl::Status done;
  Next next = Next::kEnd;
  if (absl::IsPermissionDenied(*status) && reason == v1::ERROR_REASON_MEMBER_NOT_ACTIVE) {
    done = mirror_.Wipe(std::string("the exchange says: ") + std::string(status->message()));
  } else if (absl::IsOutOfRange(*status) && reason == v1::ERROR_REASON_CURSOR_TOO_OLD) {
    done = mirror_.BeginAgain();
    next = Next::kGoOn;
  } else if (MayGoOn(*status)) {
    done = mirror_.Rewind();
    next = Next::kWait;
  }
  if (done.ok()) return next;
  mirror_failed_ = true;
  *status = std::move(done);
  return Next::kEnd;
}

bool MirrorRunner::SetWatch(RecordWatch* watch) {
  const MutexLock lock(mutex_);
  watch_ = watch;
  return !stopped_;
}

void MirrorRunner::Stop() {
  const MutexLock lock(mutex_);
  stopped_ = true;
  if (watch_ != nullptr) watch_->Cancel();
  changed_.notify_all();
}

bool MirrorRunner::Wait(milliseconds wait) {
  const auto until = steady_clock::now() + wait;
  MutexLock lock(mutex_);
  while (!stopped_) {
    const auto left = until - steady_clock::now();
    if (left <= left.zero()) return true;
    lock.WaitFor(changed_, left);
  }
  return false;
}

}  // namespace coalition::client
