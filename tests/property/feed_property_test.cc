// Who watches ends up with what it may see, is told each change once and nothing else: whatever happens,
// however far it falls behind, wherever it is cut off and goes on.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/property/exchange_generators.h"
#include "tests/property/exchange_history.h"
#include "tests/property/exchange_room.h"
#include "tests/property/feed_room.h"
#include "tests/property/feed_watcher.h"

namespace coalition::testing {
namespace {

v1::RecordFilter AnyFilter(std::mt19937& random) {
  v1::RecordFilter filter;
  switch (random() % 6) {
    case 0:
      filter.add_record_classes(v1::RECORD_CLASS_OFFENDER_REPORT);
      filter.add_record_classes(v1::RECORD_CLASS_OPINION);
      break;
    case 1:
      filter.mutable_seller()->set_platform("bazaar.example");
      filter.mutable_seller()->set_seller_id(kSellers[random() % 3]);
      break;
    case 2:
      filter.set_contributor(std::string("members/") + kOthers[random() % 5]);
      break;
    default:
      break;  // everything
  }
  return filter;
}

// A world, and members who watch it while a history is played.
class WatchedWorld {
 public:
  explicit WatchedWorld(uint32_t seed) : random_(seed), player_(stage_) {
    feeds_.room.limits.events = 1 + random_() % 4;
    feeds_.room.limits.looks = 1 + static_cast<int>(random_() % 6);
    for (const char* member : {kObserver, "aurore", "belmont", "bazaar", "souk", kObserver}) {
      watchers_.push_back(
          std::make_unique<FeedWatcher>(stage_.world(), feeds_.room, member, AnyFilter(random_)));
    }
  }

  void Play(const std::vector<Step>& steps) {
    committed_ = [this] { Disturb(); };
    player_.Play(steps, Variant::kWhole);
    committed_ = nullptr;
  }

  // Some watch on, some are cut off.
  void Disturb() {
    for (const auto& watcher : watchers_) {
      const uint32_t what = random_() % 8;
      if (what == 0) watcher->Crash();
      for (uint32_t i = 0; i < what && i < 3; ++i) watcher->Step();
    }
  }

  void Check() {
    for (const auto& watcher : watchers_) {
      watcher->CatchUp();
      RC_ASSERT(watcher->wrong() == "");
      RC_ASSERT(watcher->snapshot_complete());
      RC_ASSERT(watcher->mirror() == watcher->Listed());
    }
  }

  int retractions() const {
    int sum = 0;
    for (const auto& watcher : watchers_) sum += watcher->retractions();
    return sum;
  }
  std::vector<std::unique_ptr<FeedWatcher>>& watchers() { return watchers_; }
  RoomStage& stage() { return stage_; }

 private:
  std::function<void()> committed_;
  std::mt19937 random_;
  RoomStage stage_{Told(PolicyWorld(), committed_)};
  FeedsOf feeds_{stage_.world(), 1 + random_() % 40};
  std::vector<std::unique_ptr<FeedWatcher>> watchers_;
  Player player_;
};

RC_GTEST_PROP(FeedPropertyTest, WhoWatchesHasWhatItMaySee, ()) {
  WatchedWorld world(*rc::gen::arbitrary<uint32_t>());
  world.Play(AnyStepsWithPolicies());
  world.Check();
  // And goes on from there.
  world.Play(AnyStepsWithPolicies());
  world.Check();
  RC_CLASSIFY(world.retractions() > 0);
}

}  // namespace
}  // namespace coalition::testing
