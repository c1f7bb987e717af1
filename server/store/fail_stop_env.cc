#include "server/store/fail_stop_env.h"

#include <utility>

namespace coalition::store {

using leveldb::Status;

class FailStopEnv::File final : public leveldb::WritableFile {
 public:
  File(FailStopEnv& env, std::unique_ptr<leveldb::WritableFile> base) : env_(env), base_(std::move(base)) {}

  Status Append(const leveldb::Slice& data) override {
    return env_.Do([&] { return base_->Append(data); });
  }
  Status Flush() override {
    return env_.Do([&] { return base_->Flush(); });
  }
  Status Sync() override {
    return env_.Do([&] { return base_->Sync(); });
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

Status FailStopEnv::Make(MakeFile make, const std::string& name, leveldb::WritableFile** result) {
  *result = nullptr;
  leveldb::WritableFile* base = nullptr;
  Status status = Do([&] { return (target()->*make)(name, &base); });
  if (status.ok()) *result = new File(*this, std::unique_ptr<leveldb::WritableFile>(base));
  return status;
}

Status FailStopEnv::NewWritableFile(const std::string& name, leveldb::WritableFile** result) {
  return Make(&leveldb::Env::NewWritableFile, name, result);
}

Status FailStopEnv::NewAppendableFile(const std::string& name, leveldb::WritableFile** result) {
  return Make(&leveldb::Env::NewAppendableFile, name, result);
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
