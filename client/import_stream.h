// Many records over one stream.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "client/connection.h"
#include "client/options.h"
#include "coalition/v1/exchange_service.pb.h"

namespace coalition::client {

// Sends records in batches and keeps up to `window` batches under way. Made by Client::ImportRecords. Used by
// one thread at a time, but for Cancel. The client must outlive it.
//
// Results arrive in the order of the items, through the callback, on the thread that is inside Add, Write,
// Flush or Finish. A refused item is a result (REJECTED, with the reason), not an error, and harms no other.
//
// A stream that the server or the network broke (UNAVAILABLE) is opened again by the client's retry policy
// and what was not yet answered is sent again, if every such item has an external_id (or the stream only
// validates): the server then answers UNCHANGED for what had been kept. Otherwise the error is returned: what
// was not answered may or may not have been kept.
//
// Errors are final: every later call returns the same.
class ImportStream {
 public:
  // Must not call back into the stream but for Cancel.
  using ResultCallback = std::function<void(const v1::ImportResult& result)>;
  using Open = std::function<absl::StatusOr<std::unique_ptr<ImportCall>>()>;
  using Sleep = std::function<void(std::chrono::milliseconds)>;

  // For Client and for tests; opens nothing yet.
  ImportStream(Open open, const ImportOptions& options, const RetryPolicy& retry, ResultCallback on_result,
               Sleep sleep);
  // Cancels what is not finished. Whoever wants to know what was kept calls Finish.
  ~ImportStream();
  ImportStream(const ImportStream&) = delete;
  ImportStream& operator=(const ImportStream&) = delete;

  // Puts the item into the batch that is being filled and sends the batch when it is full. `item_id` is the
  // caller's.
  absl::Status Add(v1::ImportItem item);
  // Sends a batch of the caller's own. May wait for answers to earlier ones.
  absl::Status Write(v1::ImportRecordsRequest batch);
  // Sends what Add has gathered, without waiting for its answer.
  absl::Status Flush();
  // Flushes, waits for every answer and ends the stream. OK: every item has had its result.
  absl::Status Finish();
  // Makes the call under way, and every later one, return CANCELLED. From any thread.
  void Cancel();

 private:
  class CancelFlag;

  // Until it works, by the retry policy.
  absl::Status Reopen(absl::Status why);
  absl::Status Resend();
  absl::Status Send(const v1::ImportRecordsRequest& batch);
  // Waits for one answer. `batch` of the front of pending_ is then done.
  absl::Status TakeAnswer();
  bool CanResend() const;
  absl::Status Fail(absl::Status status);

  const Open open_;
  const ImportOptions options_;
  const RetryPolicy retry_;
  const ResultCallback on_result_;
  const Sleep sleep_;
  std::unique_ptr<CancelFlag> cancel_;
  std::shared_ptr<ImportCall> call_;
  v1::ImportRecordsRequest filling_;
  size_t filling_bytes_ = 0;
  // Written and not yet answered, oldest first.
  std::deque<v1::ImportRecordsRequest> pending_;
  int failures_ = 0;  // since the last answer
  bool finished_ = false;
  absl::Status error_;
};

}  // namespace coalition::client
