// What a store wrote, caught on its way into LevelDB's write-ahead log, and written again into a bare
// LevelDB: how fast the same writes can be made durable at best.
#pragma once

#include <leveldb/env.h>
#include <leveldb/write_batch.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace coalition::bench {

// The machine's files; keeps what is appended to write-ahead logs. Thread-safe.
class CapturingEnv final : public leveldb::EnvWrapper {
 public:
  CapturingEnv() : EnvWrapper(leveldb::Env::Default()) {}

  leveldb::Status NewWritableFile(const std::string& name, leveldb::WritableFile** result) override;

  // The batches in the order in which they were written. Nothing may be writing.
  absl::StatusOr<std::vector<leveldb::WriteBatch>> Batches() const;

 private:
  std::mutex mutex_;
  std::vector<std::shared_ptr<std::string>> logs_;
};

// Writes the batches, each synchronously, into an empty LevelDB in `dir` opened with the store's options.
// Seconds.
absl::StatusOr<double> Replay(std::vector<leveldb::WriteBatch>& batches, const std::string& dir);

}  // namespace coalition::bench
