// Some of the records that one call erases, as one commit takes them back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/exchange/removal.h"
#include "server/exchange/room.h"
#include "server/exchange/take_back_batch.h"
#include "server/store/store.h"

namespace coalition::exchange {

// Not thread-safe.
class EraseBatch {
 public:
  struct Item {
    NamedRecord name;
    std::string key;
    store::Revision revision = 0;    // of its row, as it was read; 0: it has none
    std::optional<Removal> removal;  // of the row
    uint32_t contributor = 0;        // 0: it is not known any more
    bool was_live = false;
    bool erased_before = false;
  };

  // Looks up records that there are or were, from the first of `names` on, at the contributor's revision,
  // until one commit has enough to do; one at least. Errors: the store's; CORRUPT, where a record that is to
  // be taken back can't be read.
  static absl::StatusOr<EraseBatch> Read(const Room& room, const Contributor& contributor,
                                         std::span<const NamedRecord> names);

  const std::vector<Item>& items() const { return items_; }
  // Whether anything is to be written.
  bool HasWork() const;
  // About how much the commit reads and writes.
  size_t bytes() const { return bytes_; }

  void AppendReads(std::vector<std::string>* reads) const;

  struct Outcome {
    // Were changed since they were read, and stay.
    std::vector<NamedRecord> changed;
    // Are taken back, or marked; not those of another call that came in between.
    std::vector<const Item*> done;
  };
  // `values` of those reads. CORRUPT.
  absl::StatusOr<Outcome> AppendWrites(store::Revision revision,
                                       std::span<const std::optional<store::Version>> values,
                                       std::vector<store::Write>* writes) const;

 private:
  absl::Status Add(const Room& room, const Contributor& contributor, std::span<const NamedRecord> names);

  std::vector<Item> items_;
  size_t bytes_ = 0;
};

}  // namespace coalition::exchange
