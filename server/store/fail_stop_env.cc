#include "server/store/fail_stop_env.h"

#include <utility>

namespace coalition::store {

using leveldb::Status;

class FailStopEnv::File final : public leveldb::WritableFile {
 public:
  File(FailStopEnv& env, std::unique_ptr<leveldb::WritableFile> base) : env_(env), base_(std::move(base)) {}

  Status Append(const leveldb::Slice& data) override {
    Status stopped = env_.Stopped();
    return stopped.ok() ? env_.Note(base_->Append(data)) : stopped;
  }
  Status Flush() override {
    Status stopped = env_.Stopped();
    return stopped.ok() ? env_.Note(base_->Flush()) : stopped;
  }
  Status Sync() override {
    Status stopped = env_.Stopped();
    return stopped.ok() ? env_.Note(base_->Sync()) : stopped;
  }
  // Also when stopped: the descriptor is given back.
  Status Close() override {
    Status stopped = env_.Stopped();
    Status closed = env_.Note(base_->Close());
    return stopped.ok() ? closed : stopped;
  }

 private:
  FailStopEnv& env_;
  const std::unique_ptr<leveldb::WritableFile> base_;
};

Status FailStopEnv::Stopped() const {
  if (!stopped_.load(std::memory_order_acquire)) return Status::OK();
  const MutexLock lock(mutex_);
  return failure_;
}

Status FailStopEnv::Note(Status status) {
  if (status.ok()) return status;
  const MutexLock lock(mutex_);
  if (failure_.ok()) failure_ = status;
  stopped_.store(true, std::memory_order_release);
  return status;
}

leveldb::WritableFile* FailStopEnv::Guarded(leveldb::WritableFile* base) {
  return new File(*this, std::unique_ptr<leveldb::WritableFile>(base));
}

Status FailStopEnv::NewWritableFile(const std::string& name, leveldb::WritableFile** result) {
  *result = nullptr;
  if (Status stopped = Stopped(); !stopped.ok()) return stopped;
  leveldb::WritableFile* base = nullptr;
  Status status = Note(target()->NewWritableFile(name, &base));
  if (status.ok()) *result = Guarded(base);
  return status;
}

Status FailStopEnv::NewAppendableFile(const std::string& name, leveldb::WritableFile** result) {
  *result = nullptr;
  if (Status stopped = Stopped(); !stopped.ok()) return stopped;
  leveldb::WritableFile* base = nullptr;
  Status status = Note(target()->NewAppendableFile(name, &base));
  if (status.ok()) *result = Guarded(base);
  return status;
}

Status FailStopEnv::RemoveFile(const std::string& name) {
  Status stopped = Stopped();
  return stopped.ok() ? target()->RemoveFile(name) : stopped;
}

Status FailStopEnv::RenameFile(const std::string& from, const std::string& to) {
  if (Status stopped = Stopped(); !stopped.ok()) return stopped;
  Status status = target()->RenameFile(from, to);
  return from.ends_with("/LOG") ? status : Note(std::move(status));
}

}  // namespace coalition::store
