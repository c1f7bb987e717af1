// Some of the records that one call takes back, as one commit does it.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/exchange/removal.h"
#include "server/exchange/room.h"
#include "server/store/store.h"

namespace coalition::exchange {

// A record that a call names.
struct NamedRecord {
  RecordId id{};
  int place = 0;  // of its name in the request
};

// "names[3]"
std::string FieldOfName(int place);

// Not thread-safe.
class TakeBackBatch {
 public:
  // What needs no commit: OK, the record was taken back before; else why it can't be.
  struct Answer {
    int place = 0;
    absl::Status status;
  };
  struct Item {
    NamedRecord name;
    std::string key;
    store::Revision revision = 0;  // as it was read
    Removal removal;
  };

  // Looks the names up, from the first on, at the contributor's revision, until one commit has enough to do.
  // What is not the contributor's own is answered as if it did not exist, also if the contributor sees it.
  // What is damaged hinders nothing else. Errors: the store's.
  static absl::StatusOr<TakeBackBatch> Read(const Room& room, const Contributor& contributor,
                                            const TakingBack& how, std::span<const NamedRecord> names);

  // How many of the names it looked up. Each is among the answers or the items.
  size_t names() const { return answers_.size() + items_.size(); }
  const std::vector<Answer>& answers() const { return answers_; }
  const std::vector<Item>& items() const { return items_; }
  // About how much the commit reads and writes.
  size_t bytes() const { return bytes_; }

  void AppendReads(std::vector<std::string>* reads) const;
  // `values` of those reads. Returns which of the items were changed since they were read, and stay.
  std::vector<NamedRecord> AppendWrites(store::Revision revision,
                                        std::span<const std::optional<store::Version>> values,
                                        std::vector<store::Write>* writes) const;

 private:
  absl::Status Add(const Room& room, const Contributor& contributor, const TakingBack& how,
                   std::span<const NamedRecord> names);

  std::vector<Answer> answers_;
  std::vector<Item> items_;
  size_t bytes_ = 0;
};

}  // namespace coalition::exchange
