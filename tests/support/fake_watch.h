// Watch streams without a server: what each one says is written down beforehand.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/connection.h"
#include "common/mutex.h"

namespace coalition::testing {

// With an UPSERT of each record named.
inline v1::WatchRecordsResponse WatchResponse(const std::vector<std::string>& records,
                                              const std::string& cursor) {
  v1::WatchRecordsResponse response;
  for (const std::string& name : records) response.add_events()->mutable_upsert()->set_name(name);
  response.set_cursor(cursor);
  return response;
}

// What a stream says, in order, and how it ends then; nullopt: it stays open.
struct FakeStream {
  std::vector<v1::WatchRecordsResponse> responses;
  std::optional<absl::Status> end;
};

// Thread-safe. Must outlive its calls.
class FakeWatchServer {
 public:
  // The next stream that is opened; without any, it stays open and says nothing.
  void Add(FakeStream stream) {
    const MutexLock lock(mutex_);
    streams_.push_back(std::move(stream));
  }
  // From now on nobody reads what the client writes, but for the start.
  void StopReading() {
    const MutexLock lock(mutex_);
    reads_ = false;
  }
  absl::StatusOr<std::unique_ptr<client::WatchCall>> Open();

  std::vector<v1::WatchStart> starts() {
    const MutexLock lock(mutex_);
    return starts_;
  }
  // Of each stream, what it acknowledged.
  std::vector<std::vector<int64_t>> acknowledged() {
    const MutexLock lock(mutex_);
    return acknowledged_;
  }
  // Calls whose caller waits for a response, or for its message to be read.
  int waiting() {
    const MutexLock lock(mutex_);
    return waiting_;
  }
  // Calls that ended without being finished, and not by their destructor's cancellation.
  int unfinished() {
    const MutexLock lock(mutex_);
    return unfinished_;
  }

 private:
  friend class FakeWatchCall;

  Mutex mutex_;
  std::condition_variable changed_;
  std::deque<FakeStream> streams_ ABSL_GUARDED_BY(mutex_);
  std::vector<v1::WatchStart> starts_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::vector<int64_t>> acknowledged_ ABSL_GUARDED_BY(mutex_);
  bool reads_ ABSL_GUARDED_BY(mutex_) = true;
  int waiting_ ABSL_GUARDED_BY(mutex_) = 0;
  int unfinished_ ABSL_GUARDED_BY(mutex_) = 0;
};

class FakeWatchCall final : public client::WatchCall {
 public:
  FakeWatchCall(FakeWatchServer* server, FakeStream stream) : server_(*server), stream_(std::move(stream)) {}
  ~FakeWatchCall() override {
    const MutexLock lock(server_.mutex_);
    if (ended_ && !finished_) ++server_.unfinished_;
  }

  bool Write(const v1::WatchRecordsRequest& request) override {
    MutexLock lock(server_.mutex_);
    if (request.has_start()) {
      server_.starts_.push_back(request.start());
      server_.acknowledged_.emplace_back();
      number_ = server_.acknowledged_.size() - 1;
      return !cancelled_;
    }
    while (!server_.reads_ && !over()) Wait(lock);
    if (over()) return false;
    server_.acknowledged_[number_].push_back(request.acknowledgement().responses());
    server_.changed_.notify_all();
    return true;
  }
  bool Read(v1::WatchRecordsResponse* response) override {
    MutexLock lock(server_.mutex_);
    while (said_ == stream_.responses.size() && !stream_.end && !cancelled_) Wait(lock);
    if (!cancelled_ && said_ < stream_.responses.size()) {
      *response = stream_.responses[said_++];
      return true;
    }
    ended_ = true;
    server_.changed_.notify_all();
    return false;
  }
  absl::Status Finish() override {
    const MutexLock lock(server_.mutex_);
    finished_ = true;
    return cancelled_ || !stream_.end ? absl::CancelledError("CANCELLED") : *stream_.end;
  }
  void Cancel() override {
    const MutexLock lock(server_.mutex_);
    cancelled_ = true;
    server_.changed_.notify_all();
  }

 private:
  bool over() const { return cancelled_ || ended_; }
  void Wait(MutexLock& lock) {
    ++server_.waiting_;
    lock.Wait(server_.changed_);
    --server_.waiting_;
  }

  // All of it under the server's lock.
  FakeWatchServer& server_;
  const FakeStream stream_;
  size_t said_ = 0;
  size_t number_ = 0;
  bool cancelled_ = false;
  bool ended_ = false;
  bool finished_ = false;
};

inline absl::StatusOr<std::unique_ptr<client::WatchCall>> FakeWatchServer::Open() {
  const MutexLock lock(mutex_);
  FakeStream stream;
  if (!streams_.empty()) {
    stream = std::move(streams_.front());
    streams_.pop_front();
  }
  return std::make_unique<FakeWatchCall>(this, std::move(stream));
}

}  // namespace coalition::testing
