// One that watches in this process: keeps what it was told, and says what should not have been told.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "coalition/v1/watch_service.pb.h"
#include "server/watch/feed.h"
#include "tests/support/exchange_world.h"

namespace coalition::testing {

// By record name, the record serialised.
using Mirror = std::map<std::string, std::string>;

class FeedWatcher {
 public:
  // References must outlive it.
  FeedWatcher(World& world, const watch::FeedRoom& room, std::string member, v1::RecordFilter filter);

  // Takes one response, of whatever size the room's limits allow. True: it is caught up.
  bool Step();
  // Forgets all but the last cursor and what was there then, as after a crash.
  void Crash();

  // Everything that is to be told is told.
  void CatchUp();
  // What ListRecords has now.
  Mirror Listed() const;

  const Mirror& mirror() const { return mirror_; }
  // What was wrong with what was told; empty: nothing.
  const std::string& wrong() const { return wrong_; }
  const std::string& cursor() const { return cursor_; }
  int retractions() const { return retractions_; }
  bool snapshot_complete() const { return snapshot_complete_; }
  // Its member may.
  bool watches() const { return feed_.has_value(); }

 private:
  void Start();
  void Take(const exchange::CallContext& context, const v1::WatchEvent& event);
  void Wrong(const std::string& what, const std::string& name);

  World& world_;
  const watch::FeedRoom& room_;
  const std::string member_;
  const v1::RecordFilter filter_;
  std::optional<watch::Feed> feed_;
  Mirror mirror_;
  bool snapshot_complete_ = false;
  std::string wrong_;
  int retractions_ = 0;
  // Of the last cursor.
  std::string cursor_;
  Mirror mirror_then_;
  bool snapshot_complete_then_ = false;
};

}  // namespace coalition::testing
