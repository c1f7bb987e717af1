#include "client/internal/grpc_watch_call.h"

#include <utility>

#include "client/internal/grpc_status.h"

namespace coalition::client::internal {

GrpcWatchCall::GrpcWatchCall(std::shared_ptr<v1::WatchService::Stub> stub) : stub_(std::move(stub)) {
  // Goes with the first message, so that a call that can't be made yet can be cancelled.
  context_.set_initial_metadata_corked(true);
  stream_ = stub_->WatchRecords(&context_);
}

GrpcWatchCall::~GrpcWatchCall() {
  if (finished_) return;
  context_.TryCancel();
  (void)Finish();
}

bool GrpcWatchCall::Write(const v1::WatchRecordsRequest& request) {
  // Only the first Write changes it: others are made while somebody reads.
  if (!started_) started_ = true;
  return stream_->Write(request);
}

bool GrpcWatchCall::Read(v1::WatchRecordsResponse* response) {
  if (read_ended_) return false;
  read_ended_ = !stream_->Read(response);
  return !read_ended_;
}

absl::Status GrpcWatchCall::Finish() {
  // gRPC finishes no call that it has not begun.
  if (!started_) return absl::CancelledError("the watch was not started");
  if (!finished_) {
    // The status is final only when all messages have been read.
    v1::WatchRecordsResponse dropped;
    while (Read(&dropped)) {
    }
    status_ = stream_->Finish();
    finished_ = true;
  }
  return FromGrpcStatus(status_);
}

void GrpcWatchCall::Cancel() { context_.TryCancel(); }

}  // namespace coalition::client::internal
