// How many records one contributor may have about one seller.
#pragma once

#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "server/exchange/draft.h"
#include "server/exchange/room.h"

namespace coalition::exchange {

// Whoever asks about a seller has all of its records judged, hidden ones too: without a bound one member
// could slow everybody who asks, and be noticed by those who may not know of its records. Counts what the
// store has and what this object let pass; calls at the same time can together go over by what they hold. Not
// thread-safe.
class SellerQuota {
 public:
  SellerQuota(const Room& room, const Contributor& contributor) : room_(room), contributor_(contributor) {}

  // INVALID_ARGUMENT, LIMIT_EXCEEDED: the contributor has as many live records of the draft's sort about its
  // seller as it may have. Records that name a platform alone are not limited: nobody screens them.
  absl::Status Take(const Draft& draft);

 private:
  struct Held {
    int64_t outcomes = 0;
    int64_t others = 0;
  };
  absl::Status Count(const std::string& prefix, Held* held) const;

  const Room& room_;
  const Contributor& contributor_;
  absl::flat_hash_map<std::string, Held> held_;  // by the prefix of the seller's records
};

}  // namespace coalition::exchange
