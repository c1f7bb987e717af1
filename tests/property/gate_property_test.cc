// Promise 4, under a scheduler that is a loop: every interleaving of those who send with one who cuts off,
// step by step, by the real gate and a state that is published as the directory publishes it. After the
// cutting off has returned nobody begins to send by the old state.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "server/identity/gate.h"

namespace coalition::identity {
namespace {

// What is taken away shows what holds: each of these switched off must be noticed.
struct Guards {
  bool closes = true;       // the gate is shut before the change
  bool waits = true;        // until everybody has left
  bool looks_again = true;  // who entered makes sure that its state is still the newest
};

struct World {
  Gate gate;
  bool allowed = true;  // what the newest state says: one atomic load in the directory
  bool returned = false;
  bool violated = false;
  int sent = 0;
};

// One message: load the state, enter, look again, send, leave.
struct Sender {
  int step = 0;
  bool saw_allowed = false;
  Gate::Pass pass;

  bool done() const { return step == 5; }
  bool can_step(const World&) const { return !done(); }
  void Step(World& world, const Guards& guards) {
    switch (step) {
      case 0:
        saw_allowed = world.allowed;
        step = saw_allowed ? 1 : 5;
        return;
      case 1:
        step = world.gate.Enter(&pass) == Gate::Shut::kNot ? 2 : 5;
        return;
      case 2:
        step = 3;
        if (!guards.looks_again || world.allowed == saw_allowed) return;
        pass.Leave();
        step = 0;
        return;
      case 3:
        ++world.sent;
        world.violated = world.violated || world.returned;
        step = 4;
        return;
      default:
        pass.Leave();
        step = 5;
    }
  }
};

// The administrator's call: shut, wait, publish, open, return.
struct Closer {
  int step = 0;

  bool done() const { return step == 5; }
  bool can_step(const World& world, const Guards& guards) const {
    return !done() && (step != 1 || !guards.waits || world.gate.empty());
  }
  void Step(World& world, const Guards& guards) {
    switch (step++) {
      case 0:
        if (guards.closes) world.gate.Close(Gate::Shut::kMember);
        return;
      case 1:
        return;  // it is empty
      case 2:
        world.allowed = false;
        return;
      case 3:
        world.gate.Open(Gate::Shut::kMember);
        return;
      default:
        world.returned = true;
    }
  }
};

struct Outcome {
  uint64_t schedules = 0, violations = 0, stuck = 0, sent_some = 0;
};

constexpr int kSenders = 2;

// Plays one schedule, given as who goes next; whoever can't is passed over. Returns how often there was a
// choice.
class Scheduler {
 public:
  explicit Scheduler(const Guards& guards) : guards_(guards) {}

  Outcome RunAll() {
    do {
      Run();
    } while (NextSchedule());
    return outcome_;
  }

 private:
  void Run() {
    World world;
    std::array<Sender, kSenders> senders;
    Closer closer;
    for (size_t at = 0;; ++at) {
      std::vector<int> able;
      for (int i = 0; i < kSenders; ++i) {
        if (senders[static_cast<size_t>(i)].can_step(world)) able.push_back(i);
      }
      if (closer.can_step(world, guards_)) able.push_back(kSenders);
      if (able.empty()) break;
      if (at == choices_.size()) choices_.push_back({0, 0});
      choices_[at].of = able.size();
      const int who = able[choices_[at].taken];
      if (who == kSenders) {
        closer.Step(world, guards_);
      } else {
        senders[static_cast<size_t>(who)].Step(world, guards_);
      }
    }
    ++outcome_.schedules;
    outcome_.violations += world.violated ? 1 : 0;
    outcome_.stuck += closer.done() ? 0 : 1;
    outcome_.sent_some += world.sent > 0 ? 1 : 0;
  }

  // The next in the order of a counter whose digits are the choices.
  bool NextSchedule() {
    while (!choices_.empty()) {
      if (++choices_.back().taken < choices_.back().of) return true;
      choices_.pop_back();
    }
    return false;
  }

  struct Choice {
    size_t taken, of;
  };
  const Guards guards_;
  std::vector<Choice> choices_;
  Outcome outcome_;
};

Outcome Play(const Guards& guards) { return Scheduler(guards).RunAll(); }

TEST(GatePropertyTest, NobodySendsAfterTheCuttingOffHasReturned) {
  const Outcome outcome = Play({});
  EXPECT_GT(outcome.schedules, 4'000u);
  EXPECT_GT(outcome.sent_some, 1'000u);
  EXPECT_EQ(outcome.violations, 0u);
  EXPECT_EQ(outcome.stuck, 0u);
}

TEST(GatePropertyTest, EachGuardIsNeeded) {
  EXPECT_GT(Play({.closes = false, .waits = false}).violations, 0u);
  EXPECT_GT(Play({.waits = false}).violations, 0u);
  EXPECT_GT(Play({.looks_again = false}).violations, 0u);
}

}  // namespace
}  // namespace coalition::identity
