// Rounds of expiry by hand, for its tests.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/mutex.h"
#include "server/exchange/expiry.h"
#include "server/exchange/keys.h"
#include "server/exchange/stored_record.h"
#include "tests/support/exchange_world.h"

namespace coalition::testing {

// The hooks of expiry, which note what they are told. Outlives the world.
class Rounds {
 public:
  void Resume(World& world) {
    waiting_ = nullptr;
    world.exchange().expiry().Resume(
        world.clock, {[this](std::chrono::milliseconds delay, std::function<void()> function) {
                        const MutexLock lock(mutex_);
                        delay_ = delay;
                        waiting_ = std::move(function);
                        changed_.notify_all();
                      },
                      [this](const absl::Status& why) {
                        const MutexLock lock(mutex_);
                        failures_.push_back(why);
                        changed_.notify_all();
                      },
                      [this](int records) {
                        const MutexLock lock(mutex_);
                        damaged_.push_back(records);
                      }});
  }

  // Runs what waits for its time, and waits until the next one does, or why there is none was told. False:
  // nothing waits.
  bool Run() {
    std::function<void()> round = Take();
    if (!round) return false;
    const size_t before = failures().size();
    round();
    MutexLock lock(mutex_);
    while (!waiting_ && (failures_.size() == before || absl::IsUnavailable(failures_.back())))
      lock.Wait(changed_);
    return true;
  }
  std::function<void()> Take() {
    const MutexLock lock(mutex_);
    return std::exchange(waiting_, nullptr);
  }

  std::chrono::milliseconds delay() {
    const MutexLock lock(mutex_);
    return delay_;
  }
  bool waits() {
    const MutexLock lock(mutex_);
    return waiting_ != nullptr;
  }
  std::vector<absl::Status> failures() {
    const MutexLock lock(mutex_);
    return failures_;
  }
  std::vector<int> damaged() {
    const MutexLock lock(mutex_);
    return damaged_;
  }

 private:
  Mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> waiting_ ABSL_GUARDED_BY(mutex_);
  std::chrono::milliseconds delay_ ABSL_GUARDED_BY(mutex_){0};
  std::vector<absl::Status> failures_ ABSL_GUARDED_BY(mutex_);
  std::vector<int> damaged_ ABSL_GUARDED_BY(mutex_);
};

// Live keys at the newest revision.
inline std::vector<std::string> KeysOf(World& world, const std::string& prefix) {
  std::vector<std::string> keys;
  const auto scanned =
      world.store().ScanEach(prefix, exchange::PrefixEnd(prefix), world.store().Head(),
                             [&keys](std::string_view key, std::string_view, store::Revision) {
                               keys.emplace_back(key);
                               return true;
                             });
  EXPECT_TRUE(scanned.ok()) << scanned;
  return keys;
}

inline void CommitTo(store::Store& store, std::vector<store::Write> writes) {
  store::Commit commit;
  commit.build = [&writes](store::Revision, auto) -> absl::StatusOr<std::vector<store::Write>> {
    return writes;
  };
  const auto made = store.CommitAll(std::span(&commit, 1))[0];
  ASSERT_TRUE(made.ok()) << made.status();
}

constexpr int kLifeS = 60;

inline v1::Record ShortLived(const World& world, const std::string& seller_id, int life_s = kLifeS) {
  v1::Record record = Report("bazaar.example", seller_id);
  record.mutable_expire_time()->set_seconds(world.clock.NowS() + life_s);
  return record;
}
inline void Pass(World& world, int64_t seconds) { world.clock.now_ns += seconds * 1'000'000'000; }

// The index holds an entry for each record, at its time, and nothing else.
inline void ExpectIndexed(World& world) {
  std::set<std::string> wanted;
  const auto scanned = world.store().ScanEach(
      "r", "s", world.store().Head(), [&](std::string_view key, std::string_view value, store::Revision) {
        const auto stored = exchange::ParseStoredRecord(value);
        if (stored)
          wanted.insert(exchange::ExpiryKey(stored->header.expire_time_s(), *exchange::IdOfRecordKey(key)));
        return true;
      });
  EXPECT_TRUE(scanned.ok()) << scanned;
  const std::vector<std::string> keys = KeysOf(world, "e");
  EXPECT_EQ(std::set<std::string>(keys.begin(), keys.end()), wanted);
}

}  // namespace coalition::testing
