// A departure that is interrupted goes on where it was: after each of its commits, and in the middle of the
// disk's failures.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "common/errors.h"
#include "common/mutex.h"
#include "server/exchange/keys.h"
#include "server/exchange/stored_record.h"
#include "tests/unit/exchange/departure_support.h"

namespace coalition::exchange {
namespace {

using namespace coalition::testing;  // NOLINT: the room's own fixtures
using ::testing::SizeIs;

constexpr int kRecords = 11, kPerCommit = 2;

// Fails every commit but the first ones with the status that it is told.
struct Fault {
  std::atomic<int> commits_left{-1};  // -1: none fails
  std::atomic<int> code{static_cast<int>(absl::StatusCode::kUnknown)};
  // Runs once, before that commit (1: the next) is judged, and after all that it writes was made ready.
  std::atomic<int> interrupt_at{0};
  std::function<void()> interruption;
  // Where each scan of keys with that prefix began.
  std::string scans_of;
  std::vector<std::string> scanned_from;
};

class FailingStore final : public ForwardingStore {
 public:
  FailingStore(store::Store& base, Fault& fault) : ForwardingStore(base), fault_(fault) {}
  std::vector<absl::StatusOr<store::Revision>> CommitAll(std::span<const store::Commit> commits) override {
    if (fault_.commits_left == 0) {
      const absl::Status failed(static_cast<absl::StatusCode>(fault_.code.load()), "told to");
      return std::vector<absl::StatusOr<store::Revision>>(commits.size(), failed);
    }
    if (fault_.commits_left > 0) --fault_.commits_left;
    if (fault_.interrupt_at > 0 && --fault_.interrupt_at == 0) fault_.interruption();
    return ForwardingStore::CommitAll(commits);
  }

  absl::StatusOr<store::Page<store::Entry>> Scan(std::string_view from, std::string_view to,
                                                 store::Revision at, store::Limit limit) const override {
    if (!fault_.scans_of.empty() && from.starts_with(fault_.scans_of)) fault_.scanned_from.emplace_back(from);
    return ForwardingStore::Scan(from, to, at, limit);
  }

 private:
  Fault& fault_;
};

class DepartureCrashTest : public ::testing::Test {
 protected:
  WorldOptions Options() {
    WorldOptions options;
    options.in_memory = in_memory_;
    options.exchange.departure_records_per_commit = kPerCommit;
    options.wrap_store = [this](store::Store& base) { return std::make_unique<FailingStore>(base, fault_); };
    return options;
  }

  std::vector<std::string> MakeRecords(World& world) {
    std::vector<std::string> names;
    for (int i = 0; i < kRecords; ++i) {
      v1::Record report = Report("bazaar.example", "shop-" + std::to_string(i));
      report.set_external_id("case-" + std::to_string(i));
      GrantMember(report, "corsa");
      names.insert(names.begin(), world.Created("aurore", report).name());
    }
    return names;
  }

  static size_t OwnRows(World& world, const std::string& member) {
    const std::string prefix = OwnerPrefix(NumberOf(world, member));
    return world.store().Scan(prefix, PrefixEnd(prefix), world.store().Head(), {})->items.size();
  }

  // The departure fails behind this many commits, and the server starts again. Returns whether it had ended
  // before.
  void InterruptedAfter(int commits, const std::string& successor) {
    fault_.commits_left = -1;
    World world(Options());
    Departing departing;
    const std::vector<std::string> names = MakeRecords(world);
    const uint32_t aurore = NumberOf(world, "aurore");
    Leave(world, "aurore", successor);
    fault_.commits_left = commits;
    departing.Resume(world);
    ASSERT_TRUE(departing.WaitFailed());
    // Between two commits all fits together.
    const int64_t done = *world.exchange().departures().RecordsDone(aurore);
    EXPECT_EQ(done, std::min(std::max(0, commits - 1) * kPerCommit, kRecords));
    EXPECT_EQ(OwnRows(world, "aurore"), static_cast<size_t>(kRecords - done));
    EXPECT_EQ(OwnRows(world, "belmont"), successor.empty() ? 0U : static_cast<size_t>(done));
    fault_.commits_left = -1;
    world.Restart();
    departing.Resume(world);
    ASSERT_TRUE(departing.WaitEnded(aurore));
    EXPECT_EQ(*world.exchange().departures().RecordsDone(aurore), kRecords);
    EXPECT_EQ(OwnRows(world, "aurore"), 0U);
    EXPECT_EQ(departing.Ended().size(), 1U);
    if (successor.empty()) {
      EXPECT_THAT(world.ListAll(world.As("corsa"), {}), SizeIs(0));
    } else {
      EXPECT_EQ(world.ListAll(world.As("belmont"), {}), names);
      EXPECT_EQ(world.ListAll(world.As("corsa"), {}), names);
    }
  }

  Fault fault_;
  bool in_memory_ = true;
};

// One to begin, six of two records each, and one that marks the end.
constexpr int kCommits = 1 + (kRecords + kPerCommit - 1) / kPerCommit;

TEST_F(DepartureCrashTest, AWithdrawalGoesOnAfterEachCommit) {
  for (int commits = 0; commits <= kCommits; ++commits) {
    SCOPED_TRACE(commits);
    InterruptedAfter(commits, "");
  }
}

TEST_F(DepartureCrashTest, ATransferGoesOnAfterEachCommit) {
  for (int commits = 0; commits <= kCommits; ++commits) {
    SCOPED_TRACE(commits);
    InterruptedAfter(commits, "belmont");
  }
}

TEST_F(DepartureCrashTest, SoDoesOneOnADisk) {
  in_memory_ = false;
  InterruptedAfter(4, "belmont");
}

// However often it is interrupted: what was done is not looked at again before the last round.
TEST_F(DepartureCrashTest, ItGoesOnAtThePlaceWhereItWas) {
  World world(Options());
  Departing departing;
  MakeRecords(world);
  const uint32_t aurore = NumberOf(world, "aurore");
  Leave(world, "aurore");
  fault_.commits_left = 3;
  departing.Resume(world);
  ASSERT_TRUE(departing.WaitFailed());
  fault_.commits_left = -1;
  world.Restart();
  fault_.scans_of = OwnerPrefix(aurore);
  departing.Resume(world);
  ASSERT_TRUE(departing.WaitEnded(aurore));
  ASSERT_FALSE(fault_.scanned_from.empty());
  EXPECT_GT(fault_.scanned_from.front(), OwnerPrefix(aurore));
  EXPECT_EQ(fault_.scanned_from.back(), OwnerPrefix(aurore)) << "the last round is a whole one";
  EXPECT_EQ(*world.exchange().departures().RecordsDone(aurore), kRecords);
}

TEST_F(DepartureCrashTest, AFullDiskIsTriedAgain) {
  World world(Options());
  Departing departing;
  MakeRecords(world);
  Leave(world, "aurore");
  fault_.code = static_cast<int>(absl::StatusCode::kUnavailable);
  fault_.commits_left = 3;
  departing.Resume(world);
  ASSERT_TRUE(departing.WaitFailed());
  EXPECT_EQ(GetErrorReason(departing.LastFailure()), v1::ERROR_REASON_STORE_UNAVAILABLE);
  fault_.commits_left = -1;
  ASSERT_TRUE(departing.RunRetry());
  ASSERT_TRUE(departing.WaitEnded(NumberOf(world, "aurore")));
  EXPECT_EQ(*world.exchange().departures().RecordsDone(NumberOf(world, "aurore")), kRecords);
}

// The first commit begins; the second one has records.
TEST_F(DepartureCrashTest, ASuccessorThatLeavesBeforeTheCommitGetsNothing) {
  Departing departing;
  World world(Options());
  const std::vector<std::string> names = MakeRecords(world);
  const uint32_t aurore = NumberOf(world, "aurore");
  Leave(world, "aurore", "belmont");
  fault_.interruption = [&world] { Leave(world, "belmont", "corsa"); };
  fault_.interrupt_at = 2;
  departing.Resume(world);
  ASSERT_TRUE(departing.WaitEnded(aurore));
  EXPECT_EQ(OwnRows(world, "belmont"), 0U);
  EXPECT_EQ(world.ListAll(world.As("corsa"), {}), names);
  EXPECT_EQ(*world.exchange().departures().RecordsDone(aurore), kRecords);
}

TEST_F(DepartureCrashTest, WhatWasChangedSinceItWasReadIsReadAgain) {
  Departing departing;
  World world(Options());
  const std::string newest = MakeRecords(world).front();
  const uint32_t aurore = NumberOf(world, "aurore");
  Leave(world, "aurore", "belmont");
  fault_.interruption = [&world] {
    const std::string prefix = OwnerPrefix(NumberOf(world, "aurore"));
    const std::string key =
        world.store().Scan(prefix, PrefixEnd(prefix), world.store().Head(), {})->items[0].version.value;
    const std::string value = (*world.store().Read(std::span(&key, 1), world.store().Head()))[0]->value;
    const auto stored = ParseStoredRecord(value);
    const RecordId id = *IdOfRecordKey(key);
    const auto contents = world.keys().contents;
    v1::Record more = **OpenMessage(*contents, id, *stored);
    more.mutable_offender_report()->set_comment("meanwhile");
    store::Commit commit;
    commit.build = [&](store::Revision, auto) -> absl::StatusOr<std::vector<store::Write>> {
      return std::vector<store::Write>{{key, SealStoredRecord(*contents, id, stored->header.ToHeader(),
                                                              stored->ordinal, stored->verdict, more)}};
    };
    ASSERT_TRUE(world.store().CommitAll(std::span(&commit, 1))[0].ok());
  };
  fault_.interrupt_at = 2;
  departing.Resume(world);
  ASSERT_TRUE(departing.WaitEnded(aurore));
  EXPECT_EQ(world.Get(world.As("belmont"), newest)->offender_report().comment(), "meanwhile");
  EXPECT_EQ(*world.exchange().departures().RecordsDone(aurore), kRecords);
}

// What runs work later, by hand.
class HeldWork {
 public:
  void Add(uint32_t member, std::function<void()> work) {
    const MutexLock lock(mutex_);
    waiting_.emplace_back(member, std::move(work));
    changed_.notify_all();
  }
  // Runs the next piece of work; false: there was none for a minute.
  bool RunOne(uint32_t* member) {
    std::function<void()> work;
    {
      MutexLock lock(mutex_);
      const auto give_up = std::chrono::steady_clock::now() + std::chrono::minutes(1);
      while (waiting_.empty()) {
        if (std::chrono::steady_clock::now() > give_up) return false;
        lock.WaitFor(changed_, std::chrono::seconds(1));
      }
      *member = waiting_.front().first;
      work = std::move(waiting_.front().second);
      waiting_.erase(waiting_.begin());
    }
    work();
    return true;
  }

 private:
  Mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::pair<uint32_t, std::function<void()>>> waiting_ ABSL_GUARDED_BY(mutex_);
};

// So nobody else waits for long, whatever the member had; and what others do meanwhile counts.
TEST_F(DepartureCrashTest, EachStepWaitsForItsTurn) {
  HeldWork held;
  WorldOptions options = Options();
  options.run_later = [&held](uint32_t member, std::function<void()> work) {
    held.Add(member, std::move(work));
  };
  Departing departing;
  World world(options);
  MakeRecords(world);
  const uint32_t aurore = NumberOf(world, "aurore");
  Leave(world, "aurore", "belmont");
  departing.Resume(world);
  int64_t done = 0;
  int steps = 0;
  while (departing.Ended().empty()) {
    uint32_t member = 0;
    ASSERT_TRUE(held.RunOne(&member));
    EXPECT_EQ(member, aurore);
    ++steps;
    const int64_t now = *world.exchange().departures().RecordsDone(aurore);
    EXPECT_LE(now - done, kPerCommit);
    done = now;
    // Half-way the successor leaves: what is left goes to its own, and so does what it has.
    if (done == 4 &&
        world.As("belmont").snapshot->policy_state().FindMember("belmont")->standing == v1::STANDING_ACTIVE) {
      Leave(world, "belmont", "limbo");
      SetStanding(world, "limbo", v1::STANDING_ACTIVE);
    }
  }
  EXPECT_GT(steps, kRecords / kPerCommit);
  EXPECT_EQ(done, kRecords);
  EXPECT_EQ(OwnRows(world, "belmont") + OwnRows(world, "limbo"), static_cast<size_t>(kRecords));
  EXPECT_GE(OwnRows(world, "belmont"), 4U);
  world.exchange().departures().Start(NumberOf(world, "belmont"));
  while (departing.Ended().size() < 2) {
    uint32_t member = 0;
    ASSERT_TRUE(held.RunOne(&member));
  }
  EXPECT_EQ(OwnRows(world, "limbo"), static_cast<size_t>(kRecords));
}

}  // namespace
}  // namespace coalition::exchange
