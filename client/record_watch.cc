#include "client/record_watch.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <optional>
#include <thread>
#include <utility>

#include "client/internal/retry_connection.h"
#include "common/errors.h"
#include "common/mutex.h"
#include "common/random.h"

namespace coalition::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// The server's pool of a member is shared by all its streams: what is dealt with must not stay in it for
// long.
constexpr int64_t kUnacknowledgedMax = 16;
constexpr milliseconds kAcknowledgeWithin{10};

bool IsBehind(const absl::Status& status) {
  return absl::IsAborted(status) && GetErrorReason(status) == v1::ERROR_REASON_WATCH_BEHIND;
}

}  // namespace

// The call under way, for three threads: the one in Next reads, one acknowledges, any may cancel.
class RecordWatch::Stream {
 public:
  // Next is under way.
  class Visit {
   public:
    explicit Visit(Stream& stream) : stream_(stream) { stream_.SetVisited(true); }
    ~Visit() { stream_.SetVisited(false); }
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;

   private:
    Stream& stream_;
  };

  Stream() : acknowledger_([this] { Acknowledge(); }) {}
  ~Stream() {
    Cancel();
    MutexLock lock(mutex_);
    while (visited_) lock.Wait(changed_);
    stopping_ = true;
    changed_.notify_all();
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void Cancel();
  bool cancelled();
  // False: cancelled meanwhile.
  bool Wait(milliseconds wait);

  // For Next alone. Whether there is a call to read from.
  bool open();
  // Makes `call` the one under way. An error is how it ended.
  absl::Status Begin(std::shared_ptr<WatchCall> call, const v1::WatchRecordsRequest& start);
  // Whatever was read before is dealt with. False: the call has ended.
  bool Read(v1::WatchRecordsResponse* response);
  // How the call ended. Never OK.
  absl::Status End();

 private:
  void SetVisited(bool visited);
  // The thread.
  void Acknowledge();
  // Waits until an acknowledgement is due. Null: there will be none.
  std::shared_ptr<WatchCall> AwaitDue(v1::WatchRecordsRequest* request);
  // So many that the time does not matter.
  bool HaveEnough() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return dealt_with_ - acknowledged_ >= kUnacknowledgedMax;
  }

  Mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<WatchCall> call_ ABSL_GUARDED_BY(mutex_);
  bool open_ ABSL_GUARDED_BY(mutex_) = false;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;  // an acknowledgement
  bool visited_ ABSL_GUARDED_BY(mutex_) = false;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  // Responses of this call.
  int64_t read_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t dealt_with_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t acknowledged_ ABSL_GUARDED_BY(mutex_) = 0;
  // When the first that is not acknowledged was dealt with.
  steady_clock::time_point waiting_since_ ABSL_GUARDED_BY(mutex_);
  std::jthread acknowledger_;  // last: uses the others
};

void RecordWatch::Stream::Cancel() {
  MutexLock lock(mutex_);
  cancelled_ = true;
  if (call_ != nullptr) call_->Cancel();
  changed_.notify_all();
}

bool RecordWatch::Stream::cancelled() {
  MutexLock lock(mutex_);
  return cancelled_;
}

bool RecordWatch::Stream::Wait(milliseconds wait) {
  const auto until = steady_clock::now() + wait;
  MutexLock lock(mutex_);
  while (!cancelled_) {
    const auto left = until - steady_clock::now();
    if (left <= left.zero()) return true;
    lock.WaitFor(changed_, left);
  }
  return false;
}

void RecordWatch::Stream::SetVisited(bool visited) {
  MutexLock lock(mutex_);
  visited_ = visited;
  changed_.notify_all();
}

bool RecordWatch::Stream::open() {
  MutexLock lock(mutex_);
  return open_;
}

absl::Status RecordWatch::Stream::Begin(std::shared_ptr<WatchCall> call,
                                        const v1::WatchRecordsRequest& start) {
  {
    MutexLock lock(mutex_);
    call_ = call;
    read_ = dealt_with_ = acknowledged_ = 0;
    if (cancelled_) call->Cancel();
  }
  if (!call->Write(start)) return End();
  MutexLock lock(mutex_);
  open_ = true;
  return absl::OkStatus();
}

bool RecordWatch::Stream::Read(v1::WatchRecordsResponse* response) {
  std::shared_ptr<WatchCall> call;
  {
    MutexLock lock(mutex_);
    call = call_;
    if (dealt_with_ < read_) {
      const bool first = dealt_with_ == acknowledged_;
      if (first) waiting_since_ = steady_clock::now();
      dealt_with_ = read_;
      if (first || HaveEnough()) changed_.notify_all();
    }
  }
  if (!call->Read(response)) return false;
  MutexLock lock(mutex_);
  ++read_;
  return true;
}

absl::Status RecordWatch::Stream::End() {
  std::shared_ptr<WatchCall> call;
  {
    MutexLock lock(mutex_);
    open_ = false;
    while (writing_) lock.Wait(changed_);
    call = call_;
  }
  absl::Status status = call->Finish();
  {
    MutexLock lock(mutex_);
    call_ = nullptr;
  }
  return status.ok() ? absl::InternalError("the server ended the watch without a reason") : status;
}

void RecordWatch::Stream::Acknowledge() {
  v1::WatchRecordsRequest request;
  while (const std::shared_ptr<WatchCall> call = AwaitDue(&request)) {
    // False: the call has ended, which the reader will find.
    (void)call->Write(request);
    MutexLock lock(mutex_);
    writing_ = false;
    changed_.notify_all();
  }
}

std::shared_ptr<WatchCall> RecordWatch::Stream::AwaitDue(v1::WatchRecordsRequest* request) {
  MutexLock lock(mutex_);
  while (!stopping_) {
    if (!open_ || dealt_with_ == acknowledged_) {
      lock.Wait(changed_);
      continue;
    }
    const auto left = waiting_since_ + kAcknowledgeWithin - steady_clock::now();
    if (!HaveEnough() && left > left.zero()) {
      lock.WaitFor(changed_, left);
      continue;
    }
    acknowledged_ = dealt_with_;
    request->mutable_acknowledgement()->set_responses(acknowledged_);
    writing_ = true;
    return call_;
  }
  return nullptr;
}

RecordWatch::RecordWatch(Open open, const v1::RecordFilter& filter, const WatchOptions& options,
                         const RetryPolicy& retry)
    : open_(std::move(open)),
      filter_(filter),
      options_(options),
      retry_(retry),
      cursor_(options.cursor),
      stream_(std::make_unique<Stream>()) {}

RecordWatch::~RecordWatch() = default;

void RecordWatch::Cancel() { stream_->Cancel(); }

absl::StatusOr<v1::WatchRecordsResponse> RecordWatch::Next() {
  const Stream::Visit visit(*stream_);
  if (!error_.ok()) return error_;
  SystemRandom random;
  internal::Backoff backoff(retry_, random);
  std::optional<steady_clock::time_point> broke;
  for (;;) {
    if (stream_->cancelled()) return Fail(absl::OkStatus());
    absl::Status status = stream_->open() ? absl::OkStatus() : Begin();
    if (status.ok()) {
      v1::WatchRecordsResponse response;
      if (stream_->Read(&response)) {
        ahead_of_cursor_ = response.cursor().empty();
        if (!ahead_of_cursor_) cursor_ = response.cursor();
        return response;
      }
      status = stream_->End();
    }
    if (!MayReconnect(status)) return Fail(std::move(status));
    if (!broke) broke = steady_clock::now();
    const milliseconds wait = backoff.Next(status);
    const bool in_time = steady_clock::now() + wait <= *broke + retry_.budget;
    if (!in_time || !stream_->Wait(wait)) return Fail(std::move(status));
  }
}

absl::Status RecordWatch::Begin() {
  absl::StatusOr<std::unique_ptr<WatchCall>> call = open_();
  if (!call.ok()) return call.status();
  v1::WatchRecordsRequest start;
  *start.mutable_start()->mutable_filter() = filter_;
  start.mutable_start()->set_cursor(cursor_);
  return stream_->Begin(*std::move(call), start);
}

bool RecordWatch::MayReconnect(const absl::Status& status) const {
  // What came behind the cursor may be gone by now, and would not be taken back.
  if (!options_.reconnect || retry_.attempts_max <= 1 || ahead_of_cursor_) return false;
  // A server that stops cancels, without a word, what came in meanwhile.
  const bool cancelled_there = absl::IsCancelled(status) &&
                               GetErrorReason(status) == v1::ERROR_REASON_UNSPECIFIED &&
                               !stream_->cancelled();
  return internal::IsTransient(status) || IsBehind(status) || cancelled_there;
}

absl::Status RecordWatch::Fail(absl::Status status) {
  error_ = stream_->cancelled() ? absl::CancelledError("the watch was cancelled") : std::move(status);
  return error_;
}

}  // namespace coalition::client
