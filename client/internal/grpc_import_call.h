// An import stream over gRPC, driven by the thread that uses it.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>

#include "client/connection.h"
#include "coalition/v1/exchange_service.grpc.pb.h"

namespace coalition::client::internal {

// One completion queue, no thread: while it waits for a write it also takes in answers, so that neither side
// can block the other.
class GrpcImportCall final : public ImportCall {
 public:
  GrpcImportCall(std::shared_ptr<v1::ExchangeService::Stub> stub, const CallOptions& options);
  ~GrpcImportCall() override;

  bool Write(const v1::ImportRecordsRequest& request) override;
  bool Read(v1::ImportRecordsResponse* response) override;
  void WritesDone() override;
  absl::Status Finish() override;
  void Cancel() override;

 private:
  // What the completion queue says is done.
  enum Operation { kStart, kRead, kWrite, kWritesDone, kFinish, kOperations };

  void* Tag(Operation operation);
  void Begin(Operation operation);
  // Before the first other operation.
  void AwaitStart();
  // Handles completions until `operation` is not under way. Cancels the call if the server stays silent for
  // too long.
  void WaitFor(Operation operation);
  // Handles one completion. False: none came in time.
  bool HandleOne();
  void OnDone(Operation operation, bool ok);

  const std::chrono::milliseconds silence_max_;
  const std::shared_ptr<v1::ExchangeService::Stub> stub_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::ClientAsyncReaderWriter<v1::ImportRecordsRequest, v1::ImportRecordsResponse>> stream_;
  bool under_way_[kOperations] = {};
  bool write_ok_ = true;
  bool read_ended_ = false;
  bool timed_out_ = false;
  bool finished_ = false;
  v1::ImportRecordsResponse incoming_;
  std::deque<v1::ImportRecordsResponse> answers_;
  grpc::Status status_;
};

}  // namespace coalition::client::internal
