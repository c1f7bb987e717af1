// How many records one contributor may have about one seller.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "server/exchange/draft.h"
#include "server/exchange/room.h"
#include "server/store/store.h"

namespace coalition::exchange {

// Whoever asks about a seller has all of its records judged, hidden ones too: without a bound one member
// could slow everybody who asks, and be noticed by those who may not know of its records. Counts what the
// store has and what this object let pass; calls at the same time can together go over by what they hold. Not
// thread-safe.
//
// A record that is withdrawn leaves no row, one that expires does, until it is swept away (expiry.h). Who
// adds a record about a seller therefore removes its own expired ones about that seller in the same commit.
// So after each commit that adds one, all that the contributor has about the seller was counted: its expired
// records too are never more than the bounds, and neither is what the next commit removes.
//
// This bounds the rows that a reader is given, not what the store steps over to find them: tombstones and
// what they hide stay in it.
class SellerQuota {
 public:
  SellerQuota(const Room& room, const Contributor& contributor) : room_(room), contributor_(contributor) {}

  // INVALID_ARGUMENT, LIMIT_EXCEEDED: the contributor has as many live records of the draft's sort about its
  // seller as it may have. Records that name a platform alone are not limited: nobody screens them.
  absl::Status Take(const Draft& draft);

  // The part of the commit that removes what has expired about the sellers of the drafts taken. AppendReads
  // is the last to append reads; `values` are those of all reads of the commit.
  void AppendReads(std::vector<std::string>* reads) const;
  void AppendRemovals(std::span<const std::optional<store::Version>> values,
                      std::vector<store::Write>* writes) const;
  // About how many bytes AppendRemovals writes.
  size_t removal_bytes() const { return removal_bytes_; }

 private:
  struct Held {
    int64_t outcomes = 0;
    int64_t others = 0;
  };
  struct Expired {
    std::string record_key;
    store::Revision revision = 0;
    std::vector<store::Write> removal;
  };
  absl::Status Count(const std::string& prefix, Held* held);

  const Room& room_;
  const Contributor& contributor_;
  absl::flat_hash_map<std::string, Held> held_;  // by the prefix of the seller's records
  std::vector<Expired> expired_;
  size_t removal_bytes_ = 0;
};

}  // namespace coalition::exchange
