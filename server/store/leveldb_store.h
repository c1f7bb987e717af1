// The store on one LevelDB directory of this machine.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "server/store/store.h"

namespace leveldb {
class DB;
class Env;
}  // namespace leveldb

namespace coalition::store {

struct LevelDbOptions {
  // Made if it is not there; its parent must exist.
  std::string dir;
  // Data in memory before a table is written. Smaller ones stall writers beside an import.
  size_t write_buffer_bytes = size_t{64} << 20;
  size_t block_cache_bytes = size_t{32} << 20;
  // Larger tables are fewer: below about 1,000 all are mapped and need no memory of our own.
  size_t table_bytes = size_t{16} << 20;
  // Should lie above the number of tables.
  int open_files_max = 4096;
  // From so many level-0 files on, commits wait a few milliseconds for compaction. LevelDB brakes at 8 and
  // stops at 12.
  int throttle_level0_files = 7;
  // Keys and values that share one wait for the disk. A larger commit is a group of its own.
  size_t group_bytes_max = size_t{8} << 20;
  // Keys and values of one commit; a larger one is refused.
  size_t commit_bytes_max = size_t{32} << 20;
  // Bytes of one key; a commit with a longer one is refused.
  size_t key_bytes_max = size_t{16} << 10;
  // Commits are refused (UNAVAILABLE, nothing written) while the disk has less room than this, so that
  // LevelDB never meets a full disk half-way through a write. 0 switches the check off.
  uint64_t free_bytes_min = uint64_t{256} << 20;
  // What the disk under `dir` has room for. Unset: asks the file system.
  std::function<absl::StatusOr<uint64_t>()> free_bytes = {};
  // Not owned, must outlive the store. nullptr: the machine's own.
  leveldb::Env* env = nullptr;
  // Stands between the store and LevelDB: tests and benchmarks put their own DB on top of the opened one.
  std::function<std::unique_ptr<leveldb::DB>(std::unique_ptr<leveldb::DB>)> wrap_db = {};
};

// Thread-safe. Readers never wait for writers. At destruction no call may be under way.
//
// Beyond the contract of Store: revisions are dense; a commit that writes one key twice, or breaks a limit of
// the options, is INVALID_ARGUMENT; a revision above Head() is INVALID_ARGUMENT for readers and for
// RaiseFloor; when a write failed, the commits of its group are UNKNOWN, later ones UNAVAILABLE until the
// store is reopened, and reading goes on.
class LevelDbStore final : public Store {
 public:
  // Opens or makes the store. Errors name the directory and what to do: FAILED_PRECONDITION it is in use, was
  // written by a newer version or is no store of ours; DATA_LOSS it is damaged; PERMISSION_DENIED, NOT_FOUND
  // (the parent), RESOURCE_EXHAUSTED (descriptors), UNAVAILABLE (the disk).
  static absl::StatusOr<std::unique_ptr<LevelDbStore>> Open(const LevelDbOptions& options);
  ~LevelDbStore() override;

  std::vector<absl::StatusOr<Revision>> CommitAll(std::span<const Commit> commits) override;
  Revision Head() const override;
  Revision Floor() const override;
  absl::StatusOr<std::vector<std::optional<Version>>> Read(std::span<const std::string> keys,
                                                           Revision at) const override;
  absl::StatusOr<Page<Entry>> Scan(std::string_view from, std::string_view to, Revision at,
                                   Limit limit) const override;
  absl::Status ScanEach(std::string_view from, std::string_view to, Revision at,
                        const Visitor& visit) const override;
  absl::StatusOr<std::vector<Change>> ReadLog(Revision after, Limit limit) const override;
  Revision WaitPast(Revision revision, std::chrono::milliseconds timeout) const override;
  absl::StatusOr<size_t> RaiseFloor(Revision revision, Limit limit) override;

  // Head() and Floor() become `revision` where that is ahead: with what a store that was put back to an
  // earlier state goes on, so that no revision stands for two states. Durable. Before anybody else uses the
  // store.
  absl::Status SkipTo(Revision revision);

  // Whether commits are taken: not after a write that failed, nor on a full disk. The error is theirs.
  absl::Status CheckWritable() const;

 private:
  struct Rooms;
  explicit LevelDbStore(std::unique_ptr<Rooms> rooms);

  std::unique_ptr<Rooms> rooms_;
};

}  // namespace coalition::store
