// A watch stream over gRPC, driven by the threads that use it.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>

#include "client/connection.h"
#include "coalition/v1/watch_service.grpc.pb.h"

namespace coalition::client::internal {

// gRPC's blocking stream, on which one thread may read and another write.
class GrpcWatchCall final : public WatchCall {
 public:
  explicit GrpcWatchCall(std::shared_ptr<v1::WatchService::Stub> stub);
  ~GrpcWatchCall() override;

  bool Write(const v1::WatchRecordsRequest& request) override;
  bool Read(v1::WatchRecordsResponse* response) override;
  absl::Status Finish() override;
  void Cancel() override;

 private:
  const std::shared_ptr<v1::WatchService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::WatchRecordsRequest, v1::WatchRecordsResponse>> stream_;
  bool started_ = false;
  bool read_ended_ = false;
  bool finished_ = false;
  grpc::Status status_;
};

}  // namespace coalition::client::internal
