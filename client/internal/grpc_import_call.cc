#include "client/internal/grpc_import_call.h"

#include <cstdint>
#include <utility>

#include "client/internal/grpc_status.h"

namespace coalition::client::internal {

GrpcImportCall::GrpcImportCall(std::shared_ptr<v1::ExchangeService::Stub> stub, const CallOptions& options)
    : silence_max_(options.timeout), stub_(std::move(stub)) {
  stream_ = stub_->PrepareAsyncImportRecords(&context_, &queue_);
  Begin(kStart);
  // Not waited for here, so that a call that can't be made yet can be cancelled.
  stream_->StartCall(Tag(kStart));
}

void GrpcImportCall::AwaitStart() {
  if (!under_way_[kStart]) return;
  WaitFor(kStart);
  Begin(kRead);
  stream_->Read(&incoming_, Tag(kRead));
}

GrpcImportCall::~GrpcImportCall() {
  if (!finished_) {
    context_.TryCancel();
    // Every operation completes soon after a cancellation.
    (void)Finish();
  }
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) {
  }
}

bool GrpcImportCall::Write(const v1::ImportRecordsRequest& request) {
  AwaitStart();
  if (!write_ok_ || read_ended_) return false;
  Begin(kWrite);
  stream_->Write(request, Tag(kWrite));
  WaitFor(kWrite);
  return write_ok_;
}

bool GrpcImportCall::Read(v1::ImportRecordsResponse* response) {
  AwaitStart();
  if (answers_.empty() && !read_ended_) WaitFor(kRead);
  if (answers_.empty()) return false;
  *response = std::move(answers_.front());
  answers_.pop_front();
  return true;
}

void GrpcImportCall::WritesDone() {
  AwaitStart();
  if (!write_ok_) return;
  Begin(kWritesDone);
  stream_->WritesDone(Tag(kWritesDone));
  WaitFor(kWritesDone);
  write_ok_ = false;
}

absl::Status GrpcImportCall::Finish() {
  if (!finished_) {
    AwaitStart();
    // The status is final only when all messages have been read.
    while (!read_ended_) WaitFor(kRead);
    Begin(kFinish);
    stream_->Finish(&status_, Tag(kFinish));
    WaitFor(kFinish);
    finished_ = true;
  }
  if (timed_out_) {
    return absl::DeadlineExceededError("the server did not answer an import request within " +
                                       std::to_string(silence_max_.count()) + " ms");
  }
  return FromGrpcStatus(status_);
}

void GrpcImportCall::Cancel() { context_.TryCancel(); }

void* GrpcImportCall::Tag(Operation operation) {
  return reinterpret_cast<void*>(static_cast<intptr_t>(operation) + 1);
}

void GrpcImportCall::Begin(Operation operation) { under_way_[operation] = true; }

void GrpcImportCall::WaitFor(Operation operation) {
  const size_t answers = answers_.size();
  while (under_way_[operation]) {
    if (!HandleOne() && !timed_out_) {
      timed_out_ = true;
      context_.TryCancel();
    }
    // Reading goes on by itself; an answer is all that a reader waits for.
    if (operation == kRead && answers_.size() > answers) return;
  }
}

bool GrpcImportCall::HandleOne() {
  void* tag = nullptr;
  bool ok = false;
  const auto deadline = std::chrono::system_clock::now() + silence_max_;
  if (queue_.AsyncNext(&tag, &ok, deadline) != grpc::CompletionQueue::GOT_EVENT) return false;
  OnDone(static_cast<Operation>(reinterpret_cast<intptr_t>(tag) - 1), ok);
  return true;
}

void GrpcImportCall::OnDone(Operation operation, bool ok) {
  under_way_[operation] = false;
  if (operation == kWrite || operation == kStart) write_ok_ = write_ok_ && ok;
  if (operation != kRead) return;
  if (!ok) {
    read_ended_ = true;
    return;
  }
  answers_.push_back(std::move(incoming_));
  incoming_.Clear();
  Begin(kRead);
  stream_->Read(&incoming_, Tag(kRead));
}

}  // namespace coalition::client::internal
