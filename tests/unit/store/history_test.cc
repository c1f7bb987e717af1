// History is kept by time: on a real store, with a clock that is set by hand.
#include "server/store/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "server/store/leveldb_store.h"
#include "tests/support/store/forwarding_store.h"
#include "tests/support/store/scratch_dir.h"
#include "tests/support/store/store_testing.h"

namespace coalition::store {
namespace {

using ::testing::Each;
using testing::ForwardingStore;
using ::testing::IsEmpty;
using ::testing::Le;
using testing::MustCommit;
using testing::MustRead;
using testing::MustScan;
using testing::ScratchDir;
using ::testing::SizeIs;
using testing::Writing;

constexpr int64_t kHourS = 3'600;
constexpr int64_t kMarkS = 900;
constexpr int64_t kKeepS = 24 * kHourS;
constexpr size_t kStepItems = 5;

struct HandClock final : public Clock {
  int64_t NowNs() const override { return now_s * 1'000'000'000; }
  int64_t now_s = 1'790'000'000;
};

// Notes the steps, and fails them when it is told to.
class WatchedStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  std::vector<absl::StatusOr<Revision>> CommitAll(std::span<const Commit> commits) override {
    if (commit_error.ok()) return ForwardingStore::CommitAll(commits);
    return std::vector<absl::StatusOr<Revision>>(commits.size(), commit_error);
  }
  absl::StatusOr<size_t> RaiseFloor(Revision revision, Limit limit) override {
    if (!raise_error.ok()) return raise_error;
    absl::StatusOr<size_t> removed = ForwardingStore::RaiseFloor(revision, limit);
    if (removed.ok()) steps.push_back(*removed);
    return removed;
  }

  absl::Status commit_error, raise_error;
  std::vector<size_t> steps;
};

class HistoryTest : public ::testing::Test {
 protected:
  struct Written {
    int64_t time_s;
    Revision revision;
  };

  HistoryTest() { Open(); }

  void Open() {
    history_.reset();
    watched_.reset();
    store_.reset();
    LevelDbOptions options;
    options.dir = dir_.Sub("store");
    options.free_bytes = [this]() -> absl::StatusOr<uint64_t> { return room_; };
    options.free_bytes_min = 500;
    auto opened = LevelDbStore::Open(options);
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
    watched_ = std::make_unique<WatchedStore>(*store_);
    HistoryOptions kept;
    kept.keep = std::chrono::seconds(kKeepS);
    kept.mark_interval = std::chrono::seconds(kMarkS);
    kept.step.items = kStepItems;
    history_ = std::make_unique<History>(*watched_, kept);
    waiting_ = nullptr;
    history_->Resume(clock_, {[](const std::function<void()>& work) { work(); },
                              [this](std::chrono::milliseconds delay, std::function<void()> function) {
                                delay_ = delay;
                                waiting_ = std::move(function);
                              },
                              [this](const absl::Status& why) { failures_.push_back(why); }});
  }

  // What waits for its time; false: nothing does.
  bool Look() {
    if (!waiting_) return false;
    std::exchange(waiting_, nullptr)();
    return true;
  }
  // Until nothing more is to be removed.
  void LookUntilIdle() {
    do ASSERT_TRUE(Look());
    while (delay_ == HistoryOptions().pause);
    EXPECT_EQ(delay_, kHistoryInterval);
  }
  // Each of these hours something is written, and history looked at.
  void LiveHours(int hours) {
    for (int i = 0; i < hours; ++i) {
      Write();
      LookUntilIdle();
      clock_.now_s += kHourS;
    }
  }
  void Write() {
    const std::string number = std::to_string(written_.size());
    const Revision revision =
        MustCommit(*store_, Writing({{"newest", number}, {"each/" + number, number}, {"odd", std::nullopt}}));
    written_.push_back({clock_.now_s, revision});
  }
  // The newest of all that was written by then.
  Revision AsOf(int64_t time_s) const {
    Revision newest = 0;
    for (const Written& one : written_) {
      if (one.time_s <= time_s) newest = std::max(newest, one.revision);
    }
    return newest;
  }
  size_t Marks() { return MustScan(*store_, "h", "i", store_->Head()).size(); }
  void ExpectAllThatIsNewest() {
    EXPECT_EQ(MustRead(*store_, "newest", store_->Head()), std::to_string(written_.size() - 1));
    EXPECT_THAT(MustScan(*store_, "each/", "each0", store_->Head()), SizeIs(written_.size()));
  }
  void ExpectKept() {
    EXPECT_LE(store_->Floor(), AsOf(clock_.now_s - kKeepS) + 1) << "with the mark right behind it";
    for (size_t i = 0; i < written_.size(); ++i) {
      if (written_[i].time_s < clock_.now_s - kKeepS) continue;
      EXPECT_EQ(MustRead(*store_, "newest", written_[i].revision), std::to_string(i));
    }
  }

  ScratchDir dir_;
  uint64_t room_ = 1'000;
  HandClock clock_;
  std::unique_ptr<LevelDbStore> store_;
  std::unique_ptr<WatchedStore> watched_;
  std::unique_ptr<History> history_;
  std::function<void()> waiting_;
  std::chrono::milliseconds delay_{0};
  std::vector<absl::Status> failures_;
  std::vector<Written> written_;
};

TEST_F(HistoryTest, TheFloorFollowsTime) {
  LiveHours(24);
  EXPECT_EQ(store_->Floor(), 0U);
  for (int hour = 0; hour < 50; ++hour) {
    LiveHours(1);
    ExpectKept();
  }
  EXPECT_GE(store_->Floor(), AsOf(clock_.now_s - kKeepS - 2 * kHourS)) << "and it does follow";
  const Revision below = store_->Floor() - 1;
  EXPECT_TRUE(absl::IsOutOfRange(store_->Read({}, below).status()));
  EXPECT_TRUE(absl::IsOutOfRange(store_->ReadLog(below - 1, {}).status()));
  EXPECT_TRUE(store_->ReadLog(below, {}).ok());
  ExpectAllThatIsNewest();
  EXPECT_EQ(store_->RaiseFloor(store_->Floor(), {}).value_or(99), 0U) << "nothing is left below it";
  EXPECT_THAT(failures_, IsEmpty());
}

TEST_F(HistoryTest, StepsAreSmallWithPausesBetweenThem) {
  for (int i = 0; i < 40; ++i) Write();
  ASSERT_TRUE(Look());
  clock_.now_s += kKeepS + 1;
  int looks = 0;
  do {
    ASSERT_TRUE(Look());
    ++looks;
  } while (delay_ == HistoryOptions().pause);
  EXPECT_GT(looks, 10);
  EXPECT_EQ(watched_->steps.back(), 0U);
  EXPECT_THAT(watched_->steps, Each(Le(kStepItems)));
  EXPECT_EQ(store_->Floor(), AsOf(clock_.now_s) + 1);
  ExpectAllThatIsNewest();
  const size_t steps = watched_->steps.size();
  LookUntilIdle();
  EXPECT_EQ(watched_->steps.size(), steps) << "what is done is not looked at again";
}

TEST_F(HistoryTest, WhatNobodyWritesToStandsStill) {
  LiveHours(60);
  LookUntilIdle();
  const Revision head = store_->Head();
  for (int hour = 0; hour < 100; ++hour) {
    LookUntilIdle();
    clock_.now_s += kHourS;
  }
  EXPECT_EQ(store_->Head(), head);
  EXPECT_EQ(store_->Floor(), head) << "all of it is old";
  ExpectAllThatIsNewest();
}

TEST_F(HistoryTest, MarksAreNotKeptForEver) {
  LiveHours(200);
  EXPECT_LE(Marks(), static_cast<size_t>(kKeepS / kHourS) + 3);
}

TEST_F(HistoryTest, ManyWritesAtOnceTakeOneMark) {
  for (int i = 0; i < 50; ++i) {
    Write();
    LookUntilIdle();
    clock_.now_s += kMarkS / 50;
  }
  EXPECT_EQ(Marks(), 1U);
}

TEST_F(HistoryTest, AfterARestartItGoesOnWhereItWas) {
  LiveHours(20);
  Open();
  LiveHours(20);
  ExpectKept();
  EXPECT_GE(store_->Floor(), AsOf(clock_.now_s - kKeepS - 2 * kHourS));
  // In the middle of a removal.
  for (int i = 0; i < 40; ++i) Write();
  LookUntilIdle();
  clock_.now_s += kKeepS + kHourS;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Look());
  EXPECT_EQ(delay_, HistoryOptions().pause);
  const Revision floor = store_->Floor();
  Open();
  EXPECT_EQ(store_->Floor(), floor);
  LookUntilIdle();
  EXPECT_GT(watched_->steps.size(), 5U);
  EXPECT_EQ(store_->RaiseFloor(store_->Floor(), {}).value_or(99), 0U);
  ExpectAllThatIsNewest();
}

TEST_F(HistoryTest, AClockThatGoesBackDoesNoHarm) {
  LiveHours(30);
  const Revision floor = store_->Floor();
  ASSERT_GT(floor, 0U);
  const size_t marks = Marks();
  const int64_t at_s = clock_.now_s;
  clock_.now_s -= 300 * kHourS;
  LiveHours(200);
  EXPECT_EQ(store_->Floor(), floor);
  EXPECT_EQ(Marks(), marks);
  Open();
  LiveHours(50);
  EXPECT_EQ(store_->Floor(), floor);
  for (const Written& one : written_) {
    if (one.revision >= floor) {
      EXPECT_TRUE(store_->Read({}, one.revision).ok());
    }
  }
  // What was written meanwhile is kept as if it had been after the last mark.
  clock_.now_s = at_s;
  const Revision before = store_->Head();
  LiveHours(20);
  EXPECT_LE(store_->Floor(), before);
  LiveHours(30);
  EXPECT_GT(store_->Floor(), before);
  ExpectAllThatIsNewest();
}

TEST_F(HistoryTest, AFullDiskIsSurvived) {
  LiveHours(30);
  const Revision floor = store_->Floor();
  Write();
  clock_.now_s += kHourS;
  room_ = 0;
  for (int i = 1; i <= 3; ++i) {
    ASSERT_TRUE(Look());
    ASSERT_THAT(failures_, SizeIs(i));
    EXPECT_TRUE(absl::IsUnavailable(failures_.back())) << failures_.back();
    EXPECT_EQ(delay_, kHistoryRetryDelay);
  }
  EXPECT_EQ(store_->Floor(), floor);
  ExpectAllThatIsNewest();
  room_ = 1'000;
  LookUntilIdle();
  LiveHours(30);
  ExpectKept();
  EXPECT_GT(store_->Floor(), floor);
  EXPECT_THAT(failures_, SizeIs(3));
}

TEST_F(HistoryTest, AStepThatFailsIsTriedAgain) {
  LiveHours(30);
  clock_.now_s += 2 * kHourS;
  watched_->raise_error = absl::UnavailableError("told to");
  ASSERT_TRUE(Look());
  EXPECT_THAT(failures_, SizeIs(1));
  watched_->raise_error = absl::OkStatus();
  LookUntilIdle();
  ExpectKept();
  EXPECT_EQ(store_->RaiseFloor(store_->Floor(), {}).value_or(99), 0U);
}

TEST_F(HistoryTest, AfterAnUndeterminedWriteItWaitsForTheNextStart) {
  LiveHours(2);
  Write();
  watched_->commit_error = absl::UnknownError("told to");
  ASSERT_TRUE(Look());
  EXPECT_THAT(failures_, SizeIs(1));
  EXPECT_FALSE(Look());
  Open();
  LookUntilIdle();
  EXPECT_THAT(failures_, SizeIs(1));
}

TEST_F(HistoryTest, NothingBeginsAfterItIsDrained) {
  Write();
  const Revision head = store_->Head();
  history_->Drain();
  ASSERT_TRUE(Look());
  EXPECT_FALSE(Look());
  EXPECT_EQ(store_->Head(), head);
}

}  // namespace
}  // namespace coalition::store
