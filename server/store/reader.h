// Reading versions: every read sees exactly the commits up to the revision it names.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "leveldb/db.h"
#include "server/store/iterator_pool.h"
#include "server/store/key_probe.h"
#include "server/store/marks.h"
#include "server/store/store.h"

namespace coalition::store {

// Thread-safe. Functions are as of Store.
class Reader {
 public:
  Reader(leveldb::DB& db, IteratorPool& pool, const KeyProbe& probe, const Marks& marks)
      : db_(db), pool_(pool), probe_(probe), marks_(marks) {}

  absl::StatusOr<std::vector<std::optional<Version>>> Read(std::span<const std::string> keys,
                                                           Revision at) const;
  absl::StatusOr<Page<Entry>> Scan(std::string_view from, std::string_view to, Revision at,
                                   Limit limit) const;
  absl::Status ScanEach(std::string_view from, std::string_view to, Revision at,
                        const Store::Visitor& visit) const;
  absl::StatusOr<std::vector<Change>> ReadLog(Revision after, Limit limit) const;

  // The newest durable version of a key; for the sequencer, which reads one key at a time. `slot` may be any
  // of the head.
  absl::StatusOr<std::optional<Version>> Newest(IteratorPool::Slot& slot, std::string_view key) const;
  IteratorPool::Lease AcquireAtHead() const { return pool_.Acquire(marks_.head()); }

 private:
  absl::Status CheckNotAhead(Revision at) const;
  // To be called when the iterator is there: what the floor passes later is still in it.
  absl::Status CheckNotBelowFloor(Revision at) const;
  absl::StatusOr<std::optional<Version>> Find(IteratorPool::Slot& slot, std::string_view key,
                                              Revision at) const;
  absl::StatusOr<Change> LookUp(Revision revision, std::string_view key_list, size_t& bytes) const;

  leveldb::DB& db_;
  IteratorPool& pool_;
  const KeyProbe& probe_;
  const Marks& marks_;
};

}  // namespace coalition::store
