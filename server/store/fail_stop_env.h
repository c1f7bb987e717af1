// A disk to which nothing is written any more after a write that failed. LevelDB 1.23 goes on after some: it
// appends to a MANIFEST in which a record is torn if that happens while a compaction is under way, and then
// does not open it.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "common/mutex.h"
#include "leveldb/env.h"
#include "leveldb/status.h"

namespace coalition::store {

// Thread-safe. Making, appending to, syncing, closing and renaming files are writes; all of them, and
// removing files, fail with the first one's error after it; closing a file still writes what was appended
// to it before. Reading goes on. What fails without harm is passed on and does not stop it: removing files,
// and LevelDB's own LOG, which is not there to be renamed in a new store.
class FailStopEnv final : public leveldb::EnvWrapper {
 public:
  // `base` must outlive it, and it the files that it made.
  explicit FailStopEnv(leveldb::Env* base) : leveldb::EnvWrapper(base) {}

  leveldb::Status NewWritableFile(const std::string& name, leveldb::WritableFile** result) override;
  leveldb::Status NewAppendableFile(const std::string& name, leveldb::WritableFile** result) override;
  leveldb::Status RemoveFile(const std::string& name) override;
  leveldb::Status RenameFile(const std::string& from, const std::string& to) override;

 private:
  class File;

  // OK, or the first failure.
  leveldb::Status Stopped() const;
  // Returns `status`; stops if it is a failure.
  leveldb::Status Note(leveldb::Status status);
  // Does the write, unless stopped.
  template <class Write>
  leveldb::Status Do(const Write& write) {
    leveldb::Status stopped = Stopped();
    return stopped.ok() ? Note(write()) : stopped;
  }
  using MakeFile = leveldb::Status (leveldb::Env::*)(const std::string&, leveldb::WritableFile**);
  leveldb::Status Make(MakeFile make, const std::string& name, leveldb::WritableFile** result);

  std::atomic<bool> stopped_{false};
  mutable Mutex mutex_;
  leveldb::Status failure_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace coalition::store
