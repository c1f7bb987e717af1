#include "client/import_stream.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/internal/retry_connection.h"
#include "common/mutex.h"
#include "common/random.h"

namespace coalition::client {

// What Cancel, on another thread, may touch.
class ImportStream::CancelFlag {
 public:
  bool cancelled() {
    MutexLock lock(mutex_);
    return cancelled_;
  }
  void Watch(std::shared_ptr<ImportCall> call) {
    MutexLock lock(mutex_);
    call_ = std::move(call);
    if (cancelled_ && call_ != nullptr) call_->Cancel();
  }
  void Cancel() {
    MutexLock lock(mutex_);
    cancelled_ = true;
    if (call_ != nullptr) call_->Cancel();
  }

 private:
  Mutex mutex_;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  std::shared_ptr<ImportCall> call_ ABSL_GUARDED_BY(mutex_);
};

ImportStream::ImportStream(Open open, const ImportOptions& options, const RetryPolicy& retry,
                           ResultCallback on_result, Sleep sleep)
    : open_(std::move(open)),
      options_(options),
      retry_(retry),
      on_result_(std::move(on_result)),
      sleep_(std::move(sleep)),
      cancel_(std::make_unique<CancelFlag>()) {}

ImportStream::~ImportStream() {
  cancel_->Watch(nullptr);
  call_.reset();
}

void ImportStream::Cancel() { cancel_->Cancel(); }

absl::Status ImportStream::Fail(absl::Status status) {
  if (cancel_->cancelled()) status = absl::CancelledError("the import was cancelled");
  error_ = std::move(status);
  cancel_->Watch(nullptr);
  call_.reset();
  return error_;
}

absl::Status ImportStream::Add(v1::ImportItem item) {
  if (!error_.ok()) return error_;
  const size_t bytes = item.ByteSizeLong() + 8;
  if (filling_.items_size() > 0 && filling_bytes_ + bytes > options_.bytes_per_request) {
    if (absl::Status status = Flush(); !status.ok()) return status;
  }
  filling_.mutable_items()->Add(std::move(item));
  filling_bytes_ += bytes;
  if (filling_.items_size() >= options_.items_per_request) return Flush();
  return absl::OkStatus();
}

absl::Status ImportStream::Flush() {
  if (!error_.ok() || filling_.items_size() == 0) return error_;
  v1::ImportRecordsRequest batch;
  batch.Swap(&filling_);
  filling_bytes_ = 0;
  return Write(std::move(batch));
}

absl::Status ImportStream::Write(v1::ImportRecordsRequest batch) {
  if (!error_.ok()) return error_;
  if (finished_) return Fail(absl::FailedPreconditionError("the import stream has been finished"));
  if (cancel_->cancelled()) return Fail(absl::OkStatus());
  if (batch.items_size() == 0) return absl::OkStatus();
  while (pending_.size() >= static_cast<size_t>(std::max(options_.window, 1))) {
    if (absl::Status status = TakeAnswer(); !status.ok()) return status;
  }
  if (options_.validate_only) batch.set_validate_only(true);
  pending_.push_back(std::move(batch));
  if (call_ == nullptr) return Reopen(absl::OkStatus());
  return Send(pending_.back());
}

absl::Status ImportStream::Send(const v1::ImportRecordsRequest& batch) {
  if (call_->Write(batch)) return absl::OkStatus();
  return Reopen(call_->Finish());
}

bool ImportStream::CanResend() const {
  if (options_.validate_only) return true;
  return std::all_of(pending_.begin(), pending_.end(), [](const v1::ImportRecordsRequest& batch) {
    return std::all_of(batch.items().begin(), batch.items().end(),
                       [](const v1::ImportItem& item) { return !item.record().external_id().empty(); });
  });
}

absl::Status ImportStream::Reopen(absl::Status why) {
  SystemRandom random;
  internal::Backoff backoff(retry_, random);
  const bool first = call_ == nullptr;
  for (;;) {
    if (cancel_->cancelled()) return Fail(why);
    if (!first || !why.ok()) {
      if (why.ok())
        why = absl::InternalError("the server ended the import before it had answered everything");
      if (!internal::IsTransient(why) || !CanResend() || ++failures_ >= retry_.attempts_max) return Fail(why);
      sleep_(backoff.Next(why));
    }
    absl::StatusOr<std::unique_ptr<ImportCall>> call = open_();
    if (!call.ok()) {
      why = call.status();
      continue;
    }
    call_ = *std::move(call);
    cancel_->Watch(call_);
    why = Resend();
    if (why.ok()) return why;
  }
}

absl::Status ImportStream::Resend() {
  for (const v1::ImportRecordsRequest& batch : pending_) {
    if (call_->Write(batch)) continue;
    absl::Status status = call_->Finish();
    return status.ok() ? absl::InternalError("the server ended the import while it was being sent") : status;
  }
  return absl::OkStatus();
}

absl::Status ImportStream::TakeAnswer() {
  v1::ImportRecordsResponse response;
  while (!call_->Read(&response)) {
    if (absl::Status status = Reopen(call_->Finish()); !status.ok()) return status;
  }
  failures_ = 0;
  const v1::ImportRecordsRequest batch = std::move(pending_.front());
  pending_.pop_front();
  if (response.results_size() != batch.items_size()) {
    return Fail(absl::InternalError(absl::StrCat("the server answered ", response.results_size(),
                                                 " results to ", batch.items_size(), " items")));
  }
  for (int i = 0; i < batch.items_size(); ++i) {
    if (response.results(i).item_id() != batch.items(i).item_id()) {
      return Fail(absl::InternalError("the server's results are not those of the items sent"));
    }
  }
  for (const v1::ImportResult& result : response.results()) on_result_(result);
  return absl::OkStatus();
}

absl::Status ImportStream::Finish() {
  if (!error_.ok() || finished_) return error_;
  if (absl::Status status = Flush(); !status.ok()) return status;
  while (!pending_.empty()) {
    if (absl::Status status = TakeAnswer(); !status.ok()) return status;
  }
  finished_ = true;
  if (call_ == nullptr) return absl::OkStatus();
  call_->WritesDone();
  absl::Status status = call_->Finish();
  // Everything was answered: how the stream then ended changes nothing, unless it was we who ended it.
  if (cancel_->cancelled()) return Fail(status);
  cancel_->Watch(nullptr);
  call_.reset();
  return absl::OkStatus();
}

}  // namespace coalition::client
