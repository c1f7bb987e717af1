#include "bench/watch_echo.h"

#include <utility>

namespace coalition::bench {

class WatchEcho::Stream final
    : public grpc::ServerBidiReactor<v1::WatchRecordsRequest, v1::WatchRecordsResponse> {
 public:
  explicit Stream(WatchEcho& echo) : echo_(echo) { StartRead(&request_); }

  void Tell() {
    const std::lock_guard lock(mutex_);
    ++tails_;
    Advance();
  }
  void OnReadDone(bool ok) override {
    const std::lock_guard lock(mutex_);
    if (ok && request_.has_start()) copies_ = echo_.copies_;
    started_ = true;
    ended_ = ended_ || !ok;
    if (ok) StartRead(&request_);
    Advance();
  }
  void OnWriteDone(bool ok) override {
    const std::lock_guard lock(mutex_);
    writing_ = false;
    ended_ = ended_ || !ok;
    Advance();
  }
  void OnDone() override {
    {
      const std::lock_guard lock(echo_.mutex_);
      echo_.streams_.erase(this);
    }
    delete this;
  }

 private:
  // Under the lock.
  void Advance() {
    if (writing_ || finished_ || !started_) return;
    if (ended_) {
      finished_ = true;
      return Finish(grpc::Status::OK);
    }
    if (copies_ > 0) {
      --copies_;
      Write(echo_.snapshot_);
    } else if (!complete_) {
      complete_ = true;
      Write(echo_.complete_);
    } else if (tails_ > 0) {
      --tails_;
      Write(echo_.tail_);
    }
  }
  void Write(const v1::WatchRecordsResponse& response) {
    writing_ = true;
    StartWrite(&response);
  }

  WatchEcho& echo_;
  v1::WatchRecordsRequest request_;
  std::mutex mutex_;
  uint64_t copies_ = 0, tails_ = 0;
  bool started_ = false, complete_ = false, writing_ = false, ended_ = false, finished_ = false;
};

WatchEcho::WatchEcho(v1::WatchRecordsResponse snapshot, uint64_t copies, v1::WatchRecordsResponse tail)
    : snapshot_(std::move(snapshot)), tail_(std::move(tail)), copies_(copies) {
  complete_.set_snapshot_complete(true);
}

WatchEcho::~WatchEcho() = default;

grpc::ServerBidiReactor<v1::WatchRecordsRequest, v1::WatchRecordsResponse>* WatchEcho::WatchRecords(
    grpc::CallbackServerContext*) {
  const std::lock_guard lock(mutex_);
  return *streams_.insert(new Stream(*this)).first;
}

void WatchEcho::TellAll() {
  const std::lock_guard lock(mutex_);
  for (Stream* stream : streams_) stream->Tell();
}

}  // namespace coalition::bench
