// How far one watch has come.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "server/exchange/keys.h"
#include "server/store/store.h"

namespace coalition::watch {

// What a client has of one record: the first half of a SHA-256 of what it was sent; nullopt: nothing.
using Had = std::optional<std::array<uint8_t, 16>>;

struct Ahead {
  Had had;
  // It is what the view is after the change under way, which may come upon the record again.
  bool until_change_ends = false;
};

// The client has what `feed.h` calls the view at `done`, of every record in `covered`, but of those in
// `ahead`; and of the next change, which is under way, what is in front of (index, stage, stage_after).
struct FeedPosition {
  store::Revision done = 0;
  // Of the snapshot: the records at this place in every listing, or before it. The others will come.
  bool snapshot_complete = false;
  exchange::Position covered{};
  // The change under way, 0: none; and where in it: which of LoggedChange::records, and feed_step.h's stages.
  // In cursors too, which outlive a version of the server.
  store::Revision change = 0;
  uint32_t index = 0;
  uint32_t stage = 0;
  std::string stage_after;
  std::map<exchange::RecordId, Ahead> ahead;
};

}  // namespace coalition::watch
