// Some of the records that have expired, as one commit removes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/exchange/keys.h"
#include "server/exchange/room.h"
#include "server/store/store.h"

namespace coalition::exchange {

// Not thread-safe.
class ExpiryBatch {
 public:
  // Reads the entries of the expiry index from the key `from` on up to those of `now_s`, and their records,
  // at the newest revision. Errors: the store's.
  static absl::StatusOr<ExpiryBatch> Read(const Room& room, const std::string& from, int64_t now_s);

  bool empty() const { return items_.empty(); }
  // Where the next one begins; nullopt: this is the last.
  const std::optional<std::string>& next() const { return next_; }
  // Records that can't be read or do not parse, and stay.
  int damaged() const { return damaged_; }
  // About how much it writes.
  size_t bytes() const { return bytes_; }

  void AppendReads(std::vector<std::string>* reads) const;
  // `values` of those reads. What was changed since it was read stays. Returns how many records are removed.
  uint64_t AppendWrites(std::span<const std::optional<store::Version>> values,
                        std::vector<store::Write>* writes) const;

 private:
  struct Item {
    // What must be as it was read; the revision is 0 where it was absent.
    std::string key;
    store::Revision revision = 0;
    std::vector<store::Write> writes;
    bool removes = false;  // the record, and not its entry alone
  };

  absl::Status Add(const Room& room, const store::Entry& entry, store::Revision at, int64_t now_s);
  // False: the record is damaged.
  static bool Judge(const contents::ContentKeys& contents, const store::Entry& entry,
                    const Expiring& expiring, const std::optional<store::Version>& record, int64_t now_s,
                    Item* item);

  std::vector<Item> items_;
  absl::flat_hash_set<std::string> keys_;  // of the items
  std::optional<std::string> next_;
  int damaged_ = 0;
  size_t bytes_ = 0;
};

}  // namespace coalition::exchange
