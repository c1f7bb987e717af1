#include "tests/support/store/fault_env.h"

#include <filesystem>
#include <memory>
#include <utility>

#include "leveldb/slice.h"
#include "leveldb/status.h"

namespace coalition::testing {

class FaultFile final : public leveldb::WritableFile {
 public:
  FaultFile(FaultEnv& env, std::string name, std::unique_ptr<leveldb::WritableFile> base)
      : env_(env), name_(std::move(name)), base_(std::move(base)) {}

  leveldb::Status Append(const leveldb::Slice& data) override {
    bool tear = false;
    const leveldb::Status fault = env_.Step(name_, &tear);
    if (!fault.ok() && !tear) return fault;
    const leveldb::Slice part(data.data(), fault.ok() ? data.size() : data.size() / 2);
    const leveldb::Status status = base_->Append(part);
    if (status.ok()) env_.Wrote(name_, part.size());
    return fault.ok() ? status : fault;
  }
  leveldb::Status Close() override { return base_->Close(); }
  leveldb::Status Flush() override { return base_->Flush(); }
  leveldb::Status Sync() override {
    const leveldb::Status fault = env_.Step(name_);
    if (!fault.ok()) return fault;
    const leveldb::Status status = base_->Sync();
    if (status.ok()) env_.Synced(name_);
    return status;
  }

 private:
  FaultEnv& env_;
  const std::string name_;
  const std::unique_ptr<leveldb::WritableFile> base_;
};

void FaultEnv::FailAt(int64_t operation, Mode mode, std::string cause) {
  const std::lock_guard<std::mutex> lock(mutex_);
  fail_at_ = operation;
  mode_ = mode;
  cause_ = std::move(cause);
}

void FaultEnv::Heal() { FailAt(-1, Mode::kFailOnce, ""); }

leveldb::Status FaultEnv::Step(const std::string& name, bool* tear) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const int64_t operation = operations_++;
  const bool for_good = mode_ == Mode::kFailForever || mode_ == Mode::kTearForever;
  const bool fails = fail_at_ >= 0 && (operation == fail_at_ || (for_good && operation > fail_at_));
  if (!fails) return leveldb::Status::OK();
  failed_ = true;
  const bool tears = mode_ == Mode::kTearOnce || mode_ == Mode::kTearForever;
  if (tear != nullptr) *tear = tears && operation == fail_at_;
  return leveldb::Status::IOError(name, cause_);
}

void FaultEnv::Wrote(const std::string& name, uint64_t bytes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  files_[name].written += bytes;
}

void FaultEnv::Synced(const std::string& name) {
  if (lies_) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  Length& length = files_[name];
  length.synced = length.written;
}

void FaultEnv::Crash(Survives survives) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (auto& [name, length] : files_) {
    const uint64_t unsynced = length.written - length.synced;
    uint64_t kept = length.synced;
    if (survives == Survives::kAll) kept += unsynced;
    if (survives == Survives::kHalf) kept += unsynced / 2;
    std::error_code ignored;
    if (std::filesystem::exists(name, ignored)) std::filesystem::resize_file(name, kept, ignored);
    length = {.synced = kept, .written = kept};
  }
}

leveldb::Status FaultEnv::NewWritableFile(const std::string& name, leveldb::WritableFile** result) {
  *result = nullptr;
  if (leveldb::Status fault = Step(name); !fault.ok()) return fault;
  leveldb::WritableFile* base = nullptr;
  const leveldb::Status status = target()->NewWritableFile(name, &base);
  if (!status.ok()) return status;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    files_[name] = {};
  }
  *result = new FaultFile(*this, name, std::unique_ptr<leveldb::WritableFile>(base));
  return status;
}

leveldb::Status FaultEnv::NewAppendableFile(const std::string& name, leveldb::WritableFile** result) {
  *result = nullptr;
  if (leveldb::Status fault = Step(name); !fault.ok()) return fault;
  leveldb::WritableFile* base = nullptr;
  const leveldb::Status status = target()->NewAppendableFile(name, &base);
  if (status.ok()) *result = new FaultFile(*this, name, std::unique_ptr<leveldb::WritableFile>(base));
  return status;
}

leveldb::Status FaultEnv::RemoveFile(const std::string& name) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    files_.erase(name);
  }
  return target()->RemoveFile(name);
}

leveldb::Status FaultEnv::RenameFile(const std::string& from, const std::string& to) {
  if (leveldb::Status fault = Step(from); !fault.ok()) return fault;
  const leveldb::Status status = target()->RenameFile(from, to);
  if (!status.ok()) return status;
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = files_.find(from);
  if (found != files_.end()) {
    files_[to] = found->second;
    files_.erase(found);
  }
  return status;
}

}  // namespace coalition::testing
