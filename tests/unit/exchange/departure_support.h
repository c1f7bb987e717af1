// Members that leave, for the tests of departures: recorded and ended as the membership room does it.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/mutex.h"
#include "server/exchange/departures.h"
#include "server/membership/stored_state.h"
#include "tests/support/exchange_world.h"

namespace coalition::testing {

inline uint32_t NumberOf(World& world, const std::string& member) {
  return world.As(member).caller.member_number;
}

// Changes the stored member in one commit, and publishes it.
inline absl::Status TryChangeMember(
    World& world, const std::string& member,
    const std::function<void(store::Revision, storage::v1::StoredMember*)>& change) {
  const auto made = world.directory().Make([&](const auto& current) {
    storage::v1::StoredMember stored = current->stored().members[NumberOf(world, member) - 1];
    membership::Change made_of;
    made_of.writes = [stored, change](store::Revision revision, uint64_t, storage::v1::StoredCoalition*) {
      storage::v1::StoredMember next = stored;
      change(revision, &next);
      return std::vector<store::Write>{membership::Stored(
          std::string(membership::kMemberPrefix) + membership::BigEndian(next.number()), next)};
    };
    return absl::StatusOr<std::optional<membership::Change>>(std::move(made_of));
  });
  return made.status();
}

inline void ChangeMember(World& world, const std::string& member,
                         const std::function<void(store::Revision, storage::v1::StoredMember*)>& change) {
  const absl::Status made = TryChangeMember(world, member, change);
  ASSERT_TRUE(made.ok()) << made;
}

inline void SetStanding(World& world, const std::string& member, v1::Standing standing) {
  ChangeMember(world, member, [standing](store::Revision, auto* stored) { stored->set_standing(standing); });
}

// `successor` empty: the records are withdrawn.
inline void Leave(World& world, const std::string& member, const std::string& successor = "") {
  const uint32_t to = successor.empty() ? 0 : NumberOf(world, successor);
  ChangeMember(world, member, [&](store::Revision revision, storage::v1::StoredMember* stored) {
    stored->set_standing(v1::STANDING_EXITED);
    stored->mutable_kind_held()->rbegin()->set_to_revision(revision);
    storage::v1::StoredDeparture* departure = stored->mutable_departure();
    departure->set_disposition(to == 0 ? v1::RECORD_DISPOSITION_WITHDRAW : v1::RECORD_DISPOSITION_TRANSFER);
    departure->set_successor(to);
    departure->set_start_time_ns(world.clock.now_ns);
  });
}

inline void SetOwnPolicy(World& world, const std::string& member, const v1::MemberPolicy& policy) {
  const auto made = world.directory().Make([&](const auto&) {
    membership::Change change;
    change.begins_epoch = false;
    const uint32_t number = NumberOf(world, member);
    change.writes = [number, policy](store::Revision revision, uint64_t, storage::v1::StoredCoalition*) {
      storage::v1::StoredMemberPolicy stored;
      stored.set_member(number);
      stored.set_revision(revision);
      *stored.mutable_policy() = policy;
      return std::vector<store::Write>{
          membership::Stored(membership::OwnPolicyKey(revision, number), stored)};
    };
    return absl::StatusOr<std::optional<membership::Change>>(std::move(change));
  });
  ASSERT_TRUE(made.ok()) << made.status();
}

inline v1::MemberPolicy Excluding(const std::vector<std::string>& members) {
  v1::MemberPolicy own;
  own.set_unbounded(true);
  for (const std::string& member : members) own.add_exclusions()->set_member("members/" + member);
  return own;
}

// The hooks of departures, which note what they are told. Outlives the world.
class Departing {
 public:
  exchange::DepartureHooks Hooks(World& world) {
    return {[this, &world](uint32_t member, int64_t now_ns) { return End(world, member, now_ns); },
            [this](std::chrono::milliseconds, std::function<void()> function) {
              const MutexLock lock(mutex_);
              retries_.push_back(std::move(function));
              changed_.notify_all();
            },
            [this](uint32_t, const absl::Status& why) {
              const MutexLock lock(mutex_);
              failures_.push_back(why);
              changed_.notify_all();
            }};
  }
  void Resume(World& world) { world.exchange().departures().Resume(world.clock, Hooks(world)); }

  // False: not within a minute.
  bool WaitEnded(uint32_t member) {
    return Wait([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return ended_.contains(member); });
  }
  bool WaitFailed(size_t times = 1) {
    return Wait([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return failures_.size() >= times; });
  }
  // Until `after` was called; runs what it was given.
  bool RunRetry() {
    if (!Wait([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return !retries_.empty(); })) return false;
    std::function<void()> retry;
    {
      const MutexLock lock(mutex_);
      retry = std::move(retries_.back());
      retries_.pop_back();
    }
    retry();
    return true;
  }
  absl::Status LastFailure() {
    const MutexLock lock(mutex_);
    return failures_.empty() ? absl::OkStatus() : failures_.back();
  }
  // By member, once for each time that it was ended.
  std::multiset<uint32_t> Ended() {
    const MutexLock lock(mutex_);
    return ended_;
  }
  // The next this many calls of `end` fail.
  void FailEnds(int times) {
    const MutexLock lock(mutex_);
    failing_ends_ = times;
  }

 private:
  template <class Condition>
  bool Wait(const Condition& condition) {
    MutexLock lock(mutex_);
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > give_up) return false;
      lock.WaitFor(changed_, std::chrono::seconds(1));
    }
    return true;
  }

  absl::Status End(World& world, uint32_t member, int64_t now_ns) {
    {
      const MutexLock lock(mutex_);
      if (failing_ends_ > 0) {
        --failing_ends_;
        return absl::UnavailableError("not now");
      }
    }
    const std::string id = world.directory().Current()->policy_state().member(member)->id;
    absl::Status kept = TryChangeMember(world, id, [now_ns](store::Revision, auto* stored) {
      stored->mutable_departure()->set_end_time_ns(now_ns);
    });
    if (!kept.ok()) return kept;
    const MutexLock lock(mutex_);
    ended_.insert(member);
    changed_.notify_all();
    return absl::OkStatus();
  }

  Mutex mutex_;
  std::condition_variable changed_;
  std::multiset<uint32_t> ended_ ABSL_GUARDED_BY(mutex_);
  std::vector<absl::Status> failures_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::function<void()>> retries_ ABSL_GUARDED_BY(mutex_);
  int failing_ends_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace coalition::testing
