#include "server/store/read_only_env.h"

#include <algorithm>
#include <utility>

namespace coalition::store {
namespace {

using leveldb::Slice;
using leveldb::Status;
using Contents = std::shared_ptr<std::string>;

Status ReadOnly(const std::string& name) { return Status::IOError(name, "the store is only read"); }
Status NoSuchFile(const std::string& name) { return Status::NotFound(name, "No such file or directory"); }

class MemorySequentialFile final : public leveldb::SequentialFile {
 public:
  explicit MemorySequentialFile(Contents contents) : contents_(std::move(contents)) {}
  Status Read(size_t n, Slice* result, char*) override {
    n = std::min(n, contents_->size() - at_);
    *result = Slice(contents_->data() + at_, n);
    at_ += n;
    return Status::OK();
  }
  Status Skip(uint64_t n) override {
    at_ += std::min<uint64_t>(n, contents_->size() - at_);
    return Status::OK();
  }

 private:
  const Contents contents_;
  size_t at_ = 0;
};

class MemoryRandomAccessFile final : public leveldb::RandomAccessFile {
 public:
  explicit MemoryRandomAccessFile(Contents contents) : contents_(std::move(contents)) {}
  Status Read(uint64_t offset, size_t n, Slice* result, char*) const override {
    const size_t from = std::min<uint64_t>(offset, contents_->size());
    *result = Slice(contents_->data() + from, std::min(n, contents_->size() - from));
    return Status::OK();
  }

 private:
  const Contents contents_;
};

class MemoryWritableFile final : public leveldb::WritableFile {
 public:
  explicit MemoryWritableFile(Contents contents) : contents_(std::move(contents)) {}
  Status Append(const Slice& data) override {
    contents_->append(data.data(), data.size());
    return Status::OK();
  }
  Status Close() override { return Status::OK(); }
  Status Flush() override { return Status::OK(); }
  Status Sync() override { return Status::OK(); }

 private:
  const Contents contents_;
};

}  // namespace

Contents ReadOnlyEnv::Find(const std::string& name, bool* removed) {
  const MutexLock lock(mutex_);
  *removed = removed_.contains(name);
  const auto found = made_.find(name);
  return found == made_.end() ? nullptr : found->second;
}

Status ReadOnlyEnv::NewSequentialFile(const std::string& name, leveldb::SequentialFile** result) {
  bool removed = false;
  Contents contents = Find(name, &removed);
  if (contents != nullptr) {
    *result = new MemorySequentialFile(std::move(contents));
    return Status::OK();
  }
  return removed ? NoSuchFile(name) : target()->NewSequentialFile(name, result);
}

Status ReadOnlyEnv::NewRandomAccessFile(const std::string& name, leveldb::RandomAccessFile** result) {
  bool removed = false;
  Contents contents = Find(name, &removed);
  if (contents != nullptr) {
    *result = new MemoryRandomAccessFile(std::move(contents));
    return Status::OK();
  }
  return removed ? NoSuchFile(name) : target()->NewRandomAccessFile(name, result);
}

Status ReadOnlyEnv::NewWritableFile(const std::string& name, leveldb::WritableFile** result) {
  if (std::this_thread::get_id() != opener_) return ReadOnly(name);
  auto contents = std::make_shared<std::string>();
  {
    const MutexLock lock(mutex_);
    made_[name] = contents;
    removed_.erase(name);
  }
  *result = new MemoryWritableFile(std::move(contents));
  return Status::OK();
}

Status ReadOnlyEnv::NewAppendableFile(const std::string& name, leveldb::WritableFile**) {
  return ReadOnly(name);
}

bool ReadOnlyEnv::FileExists(const std::string& name) {
  bool removed = false;
  if (Find(name, &removed) != nullptr) return true;
  return !removed && target()->FileExists(name);
}

Status ReadOnlyEnv::GetChildren(const std::string& dir, std::vector<std::string>* names) {
  Status status = target()->GetChildren(dir, names);
  if (!status.ok()) return status;
  const std::string prefix = dir + "/";
  const MutexLock lock(mutex_);
  std::erase_if(*names, [&](const std::string& name) {
    return removed_.contains(prefix + name) || made_.contains(prefix + name);
  });
  for (const auto& [name, contents] : made_) {
    if (name.starts_with(prefix)) names->push_back(name.substr(prefix.size()));
  }
  return Status::OK();
}

Status ReadOnlyEnv::RemoveFile(const std::string& name) {
  const MutexLock lock(mutex_);
  made_.erase(name);
  removed_.insert(name);
  return Status::OK();
}

Status ReadOnlyEnv::CreateDir(const std::string&) { return Status::OK(); }
Status ReadOnlyEnv::RemoveDir(const std::string& name) { return ReadOnly(name); }

Status ReadOnlyEnv::GetFileSize(const std::string& name, uint64_t* bytes) {
  bool removed = false;
  const Contents contents = Find(name, &removed);
  if (contents == nullptr) return removed ? NoSuchFile(name) : target()->GetFileSize(name, bytes);
  *bytes = contents->size();
  return Status::OK();
}

// LevelDB renames what it has just made.
Status ReadOnlyEnv::RenameFile(const std::string& from, const std::string& to) {
  const MutexLock lock(mutex_);
  const auto found = made_.find(from);
  if (found == made_.end()) return ReadOnly(from);
  made_[to] = std::move(found->second);
  removed_.erase(to);
  made_.erase(from);
  removed_.insert(from);
  return Status::OK();
}

Status ReadOnlyEnv::LockFile(const std::string& name, leveldb::FileLock** lock) {
  if (target()->FileExists(name)) return target()->LockFile(name, lock);
  *lock = new leveldb::FileLock();
  const MutexLock mine(mutex_);
  none_ = *lock;
  return Status::OK();
}

Status ReadOnlyEnv::UnlockFile(leveldb::FileLock* lock) {
  {
    const MutexLock mine(mutex_);
    if (lock != none_) return target()->UnlockFile(lock);
    none_ = nullptr;
  }
  delete lock;
  return Status::OK();
}

// LevelDB goes without a log of its own then.
Status ReadOnlyEnv::NewLogger(const std::string& name, leveldb::Logger** logger) {
  *logger = nullptr;
  return ReadOnly(name);
}

}  // namespace coalition::store
