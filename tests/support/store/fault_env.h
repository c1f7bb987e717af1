// A disk that fails on purpose, and that forgets on a crash what was not synced.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "leveldb/env.h"

namespace coalition::testing {

// Thread-safe. Operations that change the disk are counted: making a file, appending, syncing, renaming.
class FaultEnv final : public leveldb::EnvWrapper {
 public:
  enum class Mode {
    kFailOnce,     // the operation fails, later ones do not
    kFailForever,  // it and all later ones fail: a full disk
    kTearOnce,     // as kFailOnce, but half of an append is written first
    kTearForever,  // as kFailForever, but half of an append is written first: a kill
  };

  FaultEnv() : leveldb::EnvWrapper(leveldb::Env::Default()) {}

  // The operation with this number (from 0) fails, with `cause` in the error.
  void FailAt(int64_t operation, Mode mode, std::string cause);
  void Heal();
  // From now on Sync reports success and syncs nothing.
  void LieAboutSyncs() { lies_ = true; }
  int64_t operations() const { return operations_; }
  bool failed() const { return failed_; }

  // How much of what was not synced a crash leaves: a kill all, a power loss perhaps half, perhaps nothing.
  enum class Survives { kAll, kHalf, kNone };
  // To be called with everything closed.
  void Crash(Survives survives);

  leveldb::Status NewWritableFile(const std::string& name, leveldb::WritableFile** result) override;
  leveldb::Status NewAppendableFile(const std::string& name, leveldb::WritableFile** result) override;
  leveldb::Status RemoveFile(const std::string& name) override;
  leveldb::Status RenameFile(const std::string& from, const std::string& to) override;

 private:
  friend class FaultFile;
  struct Length {
    uint64_t synced = 0;
    uint64_t written = 0;
  };

  // Counts an operation. Not OK: it is to fail; `tear`: after half of it.
  leveldb::Status Step(const std::string& name, bool* tear = nullptr);
  void Wrote(const std::string& name, uint64_t bytes);
  void Synced(const std::string& name);

  std::mutex mutex_;
  std::atomic<int64_t> operations_{0};
  std::atomic<bool> failed_{false};
  std::atomic<bool> lies_{false};
  int64_t fail_at_ = -1;
  Mode mode_ = Mode::kFailOnce;
  std::string cause_;
  std::map<std::string, Length> files_;
};

}  // namespace coalition::testing
