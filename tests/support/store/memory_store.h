// A store in memory that keeps every promise of Store but that of outliving its process: for properties over
// a hundred thousand generated cases, where a directory and an fsync for each would be most of the time.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/mutex.h"
#include "server/store/store.h"

namespace coalition::testing {

// What is kept when a MemoryStore goes; another one goes on with it. Used by one store at a time.
struct MemoryDisk {
  // By key: its versions, oldest first.
  std::map<std::string, std::vector<std::pair<store::Revision, std::optional<std::string>>>, std::less<>>
      keys;
  std::deque<store::Change> log;
  store::Revision head = 0;
  store::Revision floor = 0;
};

// Thread-safe: one lock.
class MemoryStore final : public store::Store {
 public:
  explicit MemoryStore(std::shared_ptr<MemoryDisk> disk = std::make_shared<MemoryDisk>())
      : disk_(std::move(disk)) {}

  std::vector<absl::StatusOr<store::Revision>> CommitAll(std::span<const store::Commit> commits) override;
  store::Revision Head() const override;
  store::Revision Floor() const override;
  absl::StatusOr<std::vector<std::optional<store::Version>>> Read(std::span<const std::string> keys,
                                                                  store::Revision at) const override;
  absl::StatusOr<store::Page<store::Entry>> Scan(std::string_view from, std::string_view to,
                                                 store::Revision at, store::Limit limit) const override;
  absl::Status ScanEach(std::string_view from, std::string_view to, store::Revision at,
                        const Visitor& visit) const override;
  absl::StatusOr<std::vector<store::Change>> ReadLog(store::Revision after,
                                                     store::Limit limit) const override;
  store::Revision WaitPast(store::Revision revision, std::chrono::milliseconds timeout) const override;
  absl::StatusOr<size_t> RaiseFloor(store::Revision revision, store::Limit limit) override;

 private:
  absl::StatusOr<store::Revision> CommitOne(const store::Commit& commit)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status CheckReadable(store::Revision at) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // nullptr: absent at that revision.
  const std::pair<store::Revision, std::optional<std::string>>* Find(std::string_view key,
                                                                     store::Revision at) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::shared_ptr<MemoryDisk> disk_;
  mutable Mutex mutex_;
  mutable std::condition_variable moved_;
};

}  // namespace coalition::testing
