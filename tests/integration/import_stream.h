// A blocking import stream for tests.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "tests/integration/records.h"
#include "tests/support/test_server.h"

namespace coalition::testing {

class ImportCall {
 public:
  explicit ImportCall(const std::unique_ptr<v1::ExchangeService::Stub>& stub) {
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    stream_ = stub->ImportRecords(&context_);
  }

  // False: the stream has ended.
  bool Write(const v1::ImportRecordsRequest& request) { return stream_->Write(request); }
  bool Read(v1::ImportRecordsResponse* response) { return stream_->Read(response); }
  void WritesDone() { stream_->WritesDone(); }
  absl::Status Finish() { return FromGrpc(stream_->Finish()); }
  void Cancel() { context_.TryCancel(); }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::ImportRecordsRequest, v1::ImportRecordsResponse>> stream_;
};

// Reports on `count` sellers, with external ids, from number `first` on.
inline v1::ImportRecordsRequest ImportOf(int first, int count) {
  v1::ImportRecordsRequest request;
  for (int i = first; i < first + count; ++i) {
    v1::ImportItem* item = request.add_items();
    item->set_item_id(i);
    *item->mutable_record() = Report("shop-" + std::to_string(i));
    item->mutable_record()->set_external_id("case-" + std::to_string(i));
  }
  return request;
}

}  // namespace coalition::testing
