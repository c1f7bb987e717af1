// Tells cheaply that a key has no version at all. Most reads of a commit ask for keys that are new; an
// iterator's Seek costs several microseconds for that and, unlike Get, passes by the bloom filters.
//
// Get needs the whole physical key, revision and all. So our comparator takes a probe (0xFF, then the
// physical key without its revision) for equal to every version of its key, and our filter policy leaves the
// revision out of its hashes. Stored keys never begin with 0xFF, and among them the order is bytewise.
//
// What Get finds for a probe need not be the newest version (LevelDB may hold a newer one in a deeper level,
// since stored keys differ), so a probe only says "absent" or "look". And it may meet the deletion of one
// version before the others: while deletions may sit in the memory table, it always says "look".
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "leveldb/comparator.h"
#include "leveldb/db.h"
#include "leveldb/filter_policy.h"

namespace coalition::store {

const leveldb::Comparator* KeyComparator();
std::unique_ptr<const leveldb::FilterPolicy> NewKeyFilterPolicy(int bits_per_key);

// Thread-safe.
class KeyProbe {
 public:
  // `db` uses the comparator and filter policy above and must outlive the probe. Once `memory_tables_bytes`
  // have been written after something, it is in a table.
  KeyProbe(leveldb::DB& db, uint64_t memory_tables_bytes);

  // False: no version of the key was stored when the call began. True: look.
  bool MayExist(std::string_view key) const;

  // To be called before deletions are written, and after each write with its size.
  void BeforeDeletions();
  void AfterWrite(size_t bytes) { written_.fetch_add(bytes, std::memory_order_release); }

 private:
  bool Trusted() const;

  leveldb::DB& db_;
  const uint64_t memory_tables_bytes_;
  std::atomic<uint64_t> written_{0};
  // Probes are trusted once so much has been written: by then the deletions are in tables, where the filters
  // know them.
  std::atomic<uint64_t> trusted_from_{0};
};

}  // namespace coalition::store
