// Commits that become durable together: judged one after the other, written as one LevelDB batch.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "leveldb/write_batch.h"
#include "server/store/leveldb_store.h"
#include "server/store/reader.h"

namespace coalition::store {

// Not thread-safe: lives on the thread that leads the group.
class CommitGroup {
 public:
  CommitGroup(const Reader& reader, const LevelDbOptions& options, Revision head);
  CommitGroup(const CommitGroup&) = delete;
  CommitGroup& operator=(const CommitGroup&) = delete;

  // Judges a commit on the durable state and the group's earlier commits. Sets `result` now, if only to what
  // it will be when the group is durable; Fail may set it again, so it must outlive the group.
  void Judge(const Commit& commit, absl::StatusOr<Revision>& result);

  // The group was not written: `status` becomes the result of every commit that wrote or may have read what
  // it wrote.
  void Fail(const absl::Status& status);

  bool empty() const { return head_ == durable_head_; }
  bool full() const { return batch_.ApproximateSize() >= options_.group_bytes_max; }
  // The newest revision once the group is durable.
  Revision head() const { return head_; }
  leveldb::WriteBatch& batch() { return batch_; }

 private:
  struct Pending {
    const Write* write;
    Revision revision;
  };

  absl::StatusOr<std::vector<std::optional<Version>>> ReadAll(const std::vector<std::string>& keys);
  absl::StatusOr<std::optional<Version>> ReadOne(const std::string& key);
  // The group's newest write of the key; nullptr: it has none.
  const Pending* FindPending(const std::string& key);
  absl::Status CheckWrites(const std::vector<Write>& writes);
  void Append(std::vector<Write> writes);

  const Reader& reader_;
  const LevelDbOptions& options_;
  const Revision durable_head_;
  Revision head_;
  leveldb::WriteBatch batch_;
  // The writes of each commit, from revision durable_head_ + 1 on.
  std::deque<std::vector<Write>> written_;
  // The group's newest write of each key; views into written_. Made when a commit reads, from the first
  // `indexed_` commits: a group is often one large commit, whose writes nobody reads.
  absl::flat_hash_map<std::string_view, Pending> overlay_;
  size_t indexed_ = 0;
  std::vector<absl::StatusOr<Revision>*> dependents_;
  std::optional<IteratorPool::Lease> lease_;
  // Buffers, used again.
  std::string physical_;
  std::string stored_;
  std::string key_list_;
  absl::flat_hash_set<std::string_view> distinct_keys_;
};

}  // namespace coalition::store
