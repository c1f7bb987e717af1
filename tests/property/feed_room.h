// What feeds need, over a world that tells of every commit.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "common/sealed.h"
#include "server/watch/change_log.h"
#include "server/watch/feed.h"
#include "server/watch/states.h"
#include "tests/support/exchange_world.h"

namespace coalition::testing {

// Tells of every commit right after it, before the one that made it hears of it, nor the directory.
class ToldStore final : public ForwardingStore {
 public:
  ToldStore(store::Store& base, const std::function<void()>& committed)
      : ForwardingStore(base), committed_(committed) {}
  std::vector<absl::StatusOr<store::Revision>> CommitAll(std::span<const store::Commit> commits) override {
    auto results = ForwardingStore::CommitAll(commits);
    if (committed_) committed_();
    return results;
  }

 private:
  const std::function<void()>& committed_;
};

inline WorldOptions Told(WorldOptions options, const std::function<void()>& committed) {
  options.wrap_store = [&committed](store::Store& base) {
    return std::make_unique<ToldStore>(base, committed);
  };
  return options;
}

class FeedsOf {
 public:
  // `log_records`: as ChangeLog.
  FeedsOf(World& world, size_t log_records)
      : keys_(world.keys()),
        log_(world.store(), log_records),
        states_(world.directory()),
        sealer_(std::span<const uint8_t, kSealKeyBytes>(
                    reinterpret_cast<const uint8_t*>(keys_.page_token.data()), kSealKeyBytes),
                random_),
        room{world.store(), keys_, log_, states_, sealer_} {}

 private:
  const exchange::ExchangeKeys keys_;
  watch::ChangeLog log_;
  watch::States states_;
  SeededRandom random_;
  const Sealer sealer_;

 public:
  watch::FeedRoom room;
};

}  // namespace coalition::testing
