// A disk that nothing is written to. LevelDB can't open a directory without writing: it copies its log into a
// table, and begins a new manifest. Here that stays in memory, as much as the log is long.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "common/mutex.h"
#include "leveldb/env.h"

namespace coalition::store {

// Thread-safe. Files are made by the thread that made this object and by no other: LevelDB's own thread,
// which compacts, would copy the whole store into memory.
class ReadOnlyEnv final : public leveldb::EnvWrapper {
 public:
  // `base` must outlive it.
  explicit ReadOnlyEnv(leveldb::Env* base) : leveldb::EnvWrapper(base), opener_(std::this_thread::get_id()) {}

  leveldb::Status NewSequentialFile(const std::string& name, leveldb::SequentialFile** result) override;
  leveldb::Status NewRandomAccessFile(const std::string& name, leveldb::RandomAccessFile** result) override;
  leveldb::Status NewWritableFile(const std::string& name, leveldb::WritableFile** result) override;
  leveldb::Status NewAppendableFile(const std::string& name, leveldb::WritableFile** result) override;
  bool FileExists(const std::string& name) override;
  leveldb::Status GetChildren(const std::string& dir, std::vector<std::string>* names) override;
  leveldb::Status RemoveFile(const std::string& name) override;
  leveldb::Status CreateDir(const std::string& name) override;
  leveldb::Status RemoveDir(const std::string& name) override;
  leveldb::Status GetFileSize(const std::string& name, uint64_t* bytes) override;
  leveldb::Status RenameFile(const std::string& from, const std::string& to) override;
  // The file's own where there is one: a server that has the store open holds it. Nobody has a store open
  // that has none.
  leveldb::Status LockFile(const std::string& name, leveldb::FileLock** lock) override;
  leveldb::Status UnlockFile(leveldb::FileLock* lock) override;
  leveldb::Status NewLogger(const std::string& name, leveldb::Logger** logger) override;

 private:
  using Contents = std::shared_ptr<std::string>;

  // What was made here under that name; nullptr: nothing. `removed`: nor is there a file any more.
  Contents Find(const std::string& name, bool* removed);

  const std::thread::id opener_;
  Mutex mutex_;
  std::map<std::string, Contents> made_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> removed_ ABSL_GUARDED_BY(mutex_);
  leveldb::FileLock* none_ ABSL_GUARDED_BY(mutex_) = nullptr;
};

}  // namespace coalition::store
