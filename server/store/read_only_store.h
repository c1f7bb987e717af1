// A store that is looked at and never written to, down to what lies on the disk.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/store/leveldb_store.h"
#include "server/store/store.h"

namespace coalition::store {

// Something on the disk that is not as it was written.
struct Fault {
  enum class Kind {
    kTable,    // a block of a table, or the whole of it, can't be read
    kRow,      // a version, a log entry or the like fails its checksum or is none
    kHistory,  // the log of changes and the versions do not tell of the same changes
  };
  Kind kind = Kind::kRow;
  std::string what;
  // The user's key. Empty: it is not known.
  std::string key = {};
  Revision revision = 0;
};

// Not thread-safe.
class ReadOnlyStore {
 public:
  // Writes nothing in the directory: what LevelDB writes when it opens one stays in memory, about as much as
  // its log is long. `options.env` and `wrap_db` must be unset. Errors: NOT_FOUND there is no store; else as
  // of LevelDbStore::Open, FAILED_PRECONDITION for one that a server has open among them.
  static absl::StatusOr<std::unique_ptr<ReadOnlyStore>> Open(LevelDbOptions options);
  ~ReadOnlyStore();
  ReadOnlyStore(const ReadOnlyStore&) = delete;
  ReadOnlyStore& operator=(const ReadOnlyStore&) = delete;

  // Of reads alone.
  const Store& store() const;

  // Told what is wrong; false: enough.
  using FaultVisitor = std::function<bool(Fault fault)>;
  // Told now and then how many rows were read.
  using Progress = std::function<void(uint64_t rows)>;

  // Reads every row of every table, all versions and the log of changes, past what can't be read: its blocks'
  // checksums and its own, its form, and that above the floor each commit is there, with each version that
  // it wrote and none that nobody wrote. Answers how many rows there are. UNAVAILABLE: the disk.
  absl::StatusOr<uint64_t> CheckRows(const FaultVisitor& visit, const Progress& progress) const;

 private:
  struct Parts;
  explicit ReadOnlyStore(std::unique_ptr<Parts> parts);
  const std::unique_ptr<Parts> parts_;
};

}  // namespace coalition::store
