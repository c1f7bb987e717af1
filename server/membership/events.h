// What is told of changes of the coalition afterwards.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "coalition/v1/membership_service.pb.h"
#include "server/membership/actor.h"
#include "server/store/store.h"

namespace coalition::membership {

// One event of a change. `member`: whose affair alone it is, 0: everybody's.
struct Event {
  std::string subject;
  std::string text;
  uint32_t member = 0;
};
// Each is an act in the ledger, too.
void AddEvents(const std::vector<Event>& events, const Actor& actor, store::Revision revision, uint64_t epoch,
               std::vector<store::Write>* writes);

// Each with its place; later ones have smaller places.
using PlacedEvents = std::vector<std::pair<std::string, v1::MembershipEvent>>;
// At most `count` of those that the caller may know, newest first, behind `after` (empty: from the newest
// on): everybody's and its own member's, for a COALITION_ADMIN all. Reads no others. DATA_LOSS.
absl::StatusOr<PlacedEvents> EventsAfter(const store::Store& store, store::Revision at, const Actor& actor,
                                         std::string_view after, size_t count);

}  // namespace coalition::membership
