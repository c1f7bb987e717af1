// The same while members are suspended and let in again, put into groups and out of them, and change their
// own policies, and records expire, are cleared, contested and confirmed.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "common/ids.h"
#include "tests/property/feed_room.h"
#include "tests/property/feed_watcher.h"
#include "tests/support/administration_world.h"
#include "tests/unit/exchange/departure_support.h"
#include "tests/unit/exchange/expiry_support.h"

namespace coalition::testing {
namespace {

constexpr const char* kWriters[] = {"aurore", "corsa", "bazaar"};
constexpr const char* kReaders[] = {"belmont", "paylink", "souk"};
constexpr const char* kGroups[] = {"ring", "club"};

class AdministeredFeeds {
 public:
  explicit AdministeredFeeds(uint32_t seed)
      : random_(seed), world_(Told(AdministrationOptions(), committed_)), office_(world_) {
    rounds_.Resume(world_);
    feeds_.room.limits.events = 1 + random_() % 4;
    feeds_.room.limits.looks = 1 + static_cast<int>(random_() % 6);
    for (const char* member : {"belmont", "paylink", "souk", "aurore"}) {
      watchers_.push_back(std::make_unique<FeedWatcher>(world_, feeds_.room, member, v1::RecordFilter()));
    }
    committed_ = [this] { Disturb(); };
  }
  ~AdministeredFeeds() { committed_ = nullptr; }

  void Play(uint32_t number) {
    const auto take = [&number](uint32_t count) {
      const uint32_t taken = number % count;
      number /= count;
      return taken;
    };
    const uint32_t act = take(11);
    const std::string reader = kReaders[take(3)];
    const std::string group = kGroups[take(2)];
    if (act < 4) {
      Write(kWriters[take(3)], reader, group, take(5), take(4), take(2));
    } else if (act == 4) {
      TakeBack(take(16), take(4));
    } else if (act == 5) {
      (void)office_.RemoveFromGroup(group, reader);
    } else if (act == 6) {
      (void)office_.SetStanding(reader, take(2) == 0 ? v1::STANDING_LIMITED : v1::STANDING_SUSPENDED);
    } else if (act == 7) {
      v1::ProposedChange change;
      change.mutable_reinstatement()->set_member("members/" + reader);
      if (take(2) == 0) change.mutable_reinstatement()->add_groups("groups/" + group);
      (void)office_.Make(change);
    } else if (act == 8) {
      v1::ProposedChange change;
      change.mutable_group_addition()->set_group("groups/" + group);
      change.mutable_group_addition()->add_members("members/" + reader);
      (void)office_.Make(change);
    } else if (act == 9) {
      // Lifted by the next one.
      const std::vector<std::string> excluded =
          take(3) == 0 ? std::vector<std::string>() : std::vector{reader};
      SetOwnPolicy(world_, kWriters[take(3)], Excluding(excluded));
    } else {
      world_.clock.now_ns += 20'000'000'000;
      Disturb();
      rounds_.Run();
    }
  }

  void Check() {
    world_.clock.now_ns += 20'000'000'000;
    while (world_.store().Head() != swept_) {
      swept_ = world_.store().Head();
      rounds_.Run();
    }
    for (const auto& watcher : watchers_) {
      watcher->CatchUp();
      RC_ASSERT(watcher->wrong() == "");
      if (!watcher->watches()) continue;
      RC_ASSERT(watcher->snapshot_complete());
      RC_ASSERT(watcher->mirror() == watcher->Listed());
      retractions_ += watcher->retractions();
    }
  }
  int retractions() const { return retractions_; }

 private:
  void Write(const std::string& writer, const std::string& reader, const std::string& group, uint32_t to,
             uint32_t expires, uint32_t about) {
    v1::Record record = Report("bazaar.example", "shop-" + std::to_string(random_() % 4));
    if (about == 1 && !written_.empty()) {
      record = Opinion(written_[random_() % written_.size()].name,
                       random_() % 2 == 0 ? v1::OPINION_VERDICT_CONFIRMED : v1::OPINION_VERDICT_DISPUTED);
    }
    if (to == 0) GrantMember(record, reader);
    if (to == 1 || to == 2) GrantGroup(record, group);
    if (to == 3) GrantKind(record, v1::MEMBER_KIND_BRAND);
    if (to == 4) GrantEveryone(record);
    if (expires == 0) {
      record.mutable_expire_time()->set_seconds(world_.clock.now_ns / 1'000'000'000 + 10 + random_() % 40);
    }
    const auto created = world_.Create(world_.As(writer), CreateRequest(record));
    if (created.ok()) written_.push_back({writer, created->record().name()});
  }
  // Withdraws, clears, confirms, or has the host uphold an appeal.
  void TakeBack(uint32_t which, uint32_t how) {
    if (written_.empty()) return;
    const Written one = written_[which % written_.size()];
    if (how == 0 && which % 2 == 0) {
      // Two in one commit; if one of them is another's, it stays.
      v1::BatchWithdrawRecordsRequest request;
      request.add_names(one.name);
      request.add_names(written_[(which + 1) % written_.size()].name);
      (void)world_.BatchWithdraw(world_.As(one.by), request);
    } else if (how == 0) {
      v1::WithdrawRecordRequest request;
      request.set_name(one.name);
      (void)world_.Withdraw(world_.As(one.by), request);
    } else if (how == 1) {
      v1::ClearRecordRequest request;
      request.set_name(one.name);
      request.set_grounds(v1::CLEARANCE_GROUNDS_GENUINE_GOODS);
      (void)world_.Clear(world_.As(one.by), request);
    } else if (how == 2) {
      v1::ConfirmRecordRequest request;
      request.set_name(one.name);
      request.set_grounds("seized");
      (void)world_.Confirm(world_.As(one.by), request);
    } else {
      v1::Record outcome = Outcome("bazaar.example", "");
      outcome.mutable_takedown_outcome()->set_report(one.name);
      outcome.mutable_takedown_outcome()->set_appeal_result(v1::APPEAL_RESULT_UPHELD);
      GrantEveryone(outcome);
      (void)world_.Create(world_.As("bazaar"), CreateRequest(outcome));
    }
  }
  void Disturb() {
    for (const auto& watcher : watchers_) {
      const uint32_t what = random_() % 8;
      if (what == 0) watcher->Crash();
      for (uint32_t i = 0; i < what && i < 3; ++i) watcher->Step();
    }
  }

  struct Written {
    std::string by, name;
  };
  std::function<void()> committed_;
  std::mt19937 random_;
  Rounds rounds_;
  World world_;
  Administration office_;
  FeedsOf feeds_{world_, 1 + random_() % 40};
  std::vector<std::unique_ptr<FeedWatcher>> watchers_;
  std::vector<Written> written_;
  store::Revision swept_ = 0;
  int retractions_ = 0;
};

RC_GTEST_PROP(FeedMembershipTest, WhoWatchesHasWhatItMaySee, ()) {
  const auto numbers = *rc::gen::container<std::vector<uint32_t>>(rc::gen::arbitrary<uint32_t>());
  AdministeredFeeds feeds(*rc::gen::arbitrary<uint32_t>());
  for (const uint32_t number : numbers) feeds.Play(number);
  feeds.Check();
  RC_CLASSIFY(feeds.retractions() > 0);
}

}  // namespace
}  // namespace coalition::testing
