#include "bench/watch_load.h"

#include <thread>

namespace coalition::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kConnecting(60);
constexpr std::chrono::seconds kClosing(60);

}  // namespace

class WatchLoad::Watch final
    : public grpc::ClientBidiReactor<v1::WatchRecordsRequest, v1::WatchRecordsResponse> {
 public:
  Watch(v1::WatchService::Stub& stub, Told& told, const WatchShape& shape)
      : told_(told), notes_(shape.notes) {
    start_.mutable_start()->set_cursor(shape.cursor);
    stub.async()->WatchRecords(&context_, this);
    if (shape.reads) StartRead(&response_);
    StartWrite(&start_);
    StartCall();
  }
  void Cancel() { context_.TryCancel(); }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    if (notes_) Note();
    for (const v1::WatchEvent& event : response_.events()) {
      if (event.has_upsert()) told_.upserts.fetch_add(1, std::memory_order_relaxed);
    }
    if (complete_ && response_.events_size() > 0) HasBeenTold();
    if (response_.snapshot_complete()) {
      complete_ = true;
      told_.complete.fetch_add(1);
    }
    read_.fetch_add(1);
    StartRead(&response_);
    WriteNext();
  }
  void OnWriteDone(bool ok) override {
    writing_.store(false);
    if (ok) WriteNext();
  }
  void OnDone(const grpc::Status&) override { told_.ended.fetch_add(1); }

 private:
  void Note() {
    const std::lock_guard lock(told_.mutex);
    told_.cursor = response_.cursor();
    if (response_.events_size() > told_.largest.events_size()) told_.largest = response_;
  }
  void HasBeenTold() {
    if (told_.watches_told.fetch_add(1) != told_.watches - 1) return;
    told_.last_ns.store(Clock::now().time_since_epoch().count());
    const std::lock_guard lock(told_.mutex);
    if (told_.tail.events().empty()) told_.tail = response_;
  }
  // One at a time: whoever finds that nothing is being written writes.
  void WriteNext() {
    if (read_.load() == acknowledged_.load() || writing_.exchange(true)) return;
    const int64_t read = read_.load();
    if (read == acknowledged_.load()) {
      writing_.store(false);
      return;
    }
    acknowledged_.store(read);
    acknowledgement_.mutable_acknowledgement()->set_responses(read);
    StartWrite(&acknowledgement_);
  }

  Told& told_;
  const bool notes_;
  grpc::ClientContext context_;
  v1::WatchRecordsRequest start_, acknowledgement_;
  v1::WatchRecordsResponse response_;
  bool complete_ = false;
  std::atomic<bool> writing_{true};  // the start
  std::atomic<int64_t> read_{0}, acknowledged_{0};
};

WatchLoad::WatchLoad(const Endpoint& endpoint, const WatchShape& shape)
    : shape_(shape), told_(shape.watches) {
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (int i = 0; i < shape.connections; ++i) {
    channels.push_back(Connect(endpoint));
    stubs_.push_back(v1::WatchService::NewStub(channels.back()));
  }
  if (!shape.waits) {
    Start();
    return;
  }
  // A watch that has none ends.
  const auto until = std::chrono::system_clock::now() + kConnecting;
  for (const auto& channel : channels) channel->WaitForConnected(until);
}

void WatchLoad::Start() {
  for (int i = 0; i < shape_.watches; ++i) {
    v1::WatchService::Stub& stub = *stubs_[static_cast<size_t>(i % shape_.connections)];
    watches_.push_back(std::make_unique<Watch>(stub, told_, shape_));
  }
}

WatchLoad::~WatchLoad() {
  for (const auto& watch : watches_) watch->Cancel();
  WaitFor(kClosing, [&] { return told_.ended == static_cast<int>(watches_.size()); });
}

absl::StatusOr<v1::WatchRecordsResponse> SnapshotResponse(const Endpoint& endpoint) {
  const auto stub = v1::WatchService::NewStub(Connect(endpoint));
  grpc::ClientContext context;
  const auto stream = stub->WatchRecords(&context);
  v1::WatchRecordsRequest start;
  start.mutable_start();
  v1::WatchRecordsResponse response;
  const bool read = stream->Write(start) && stream->Read(&response) && stream->Read(&response);
  context.TryCancel();
  const grpc::Status status = stream->Finish();
  if (!read) return FromGrpc(status);
  return response;
}

bool WaitFor(std::chrono::milliseconds time, const std::function<bool()>& condition) {
  const Clock::time_point end = Clock::now() + time;
  while (!condition()) {
    if (Clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  return true;
}

}  // namespace coalition::bench
