// Rows of a store from before an erasure, without what the erasure has ended: a backup that is restored, or a
// store that was put back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "server/contents/contents.h"
#include "server/denials/journal.h"
#include "server/exchange/removal.h"
#include "server/store/store.h"

namespace coalition::server {

// Takes each row once, in any order. Of a record whose key is destroyed the row goes, and so do those by
// which it is found. What stays says that there was one: by its id, that its external id is taken, to whom it
// was shown; and that it was taken back, as the journal has it, or now. Not thread-safe.
class ErasureFilter {
 public:
  // Both must outlive it. The keys of what is to be left out are destroyed already.
  ErasureFilter(const contents::ContentKeys& contents, const denials::Denied& denied, int64_t now_s)
      : contents_(contents), denied_(denied), now_s_(now_s) {}

  // What the row's value is to be. nullopt: the row goes.
  std::optional<std::string> Take(std::string_view key, std::string_view value);

  // Behind the last row: what says of records that went that they were taken back, where no row did.
  std::vector<exchange::Removal> Missing() const;
  // How many records went.
  size_t records() const { return gone_.size(); }

 private:
  std::optional<std::string> TakeRecord(const exchange::RecordId& id, std::string_view key,
                                        std::string_view value);
  exchange::TakingBack HowOf(const exchange::RecordId& id) const;

  const contents::ContentKeys& contents_;
  const denials::Denied& denied_;
  const int64_t now_s_;
  absl::flat_hash_map<exchange::RecordId, exchange::Removal> gone_;
  absl::flat_hash_set<exchange::RecordId> said_;  // have a row that says how they were taken back
};

// Has these removals in one commit of `store`. Blocks.
absl::Status CommitRemovals(store::Store& store, std::vector<exchange::Removal> removals);

// Puts the whole store through the filter. Blocks for as long as it takes to read all of it.
absl::Status LeaveOutErased(const contents::ContentKeys& contents, const denials::Denied& denied,
                            int64_t now_s, store::Store& store);

}  // namespace coalition::server
