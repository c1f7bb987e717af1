// When the ledger is sealed: by the clock, whatever the clock does.
#include <gtest/gtest.h>

#include <chrono>
#include <thread>
#include <utility>

#include "tests/support/ledger_world.h"

namespace coalition::testing {
namespace {

TEST(SealerClockTest, TimeNeverGoesBack) {
  LedgerWorld world;
  world.Open();
  ASSERT_TRUE(world.sealer->Tick().ok());
  world.PassMs(-3'600'000);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(world.sealer->Tick().ok());
  world.Restart();
  ASSERT_TRUE(world.sealer->Tick().ok());
  for (uint64_t tick = 1; tick < 6; ++tick) {
    EXPECT_GT(world.TickRow(tick).time_ms(), world.TickRow(tick - 1).time_ms());
  }
  world.PassMs(7'200'000);
  ASSERT_TRUE(world.sealer->Tick().ok());
  EXPECT_EQ(world.TickRow(6).time_ms(), world.now_ms());
  EXPECT_EQ(world.reader().FirstTickFrom(world.now_ms(), 7).value(), 6);
  EXPECT_EQ(world.reader().FirstTickFrom(world.now_ms() + 1, 7).value(), 7);
  EXPECT_EQ(world.reader().FirstTickFrom(0, 7).value(), 0);
}

TEST(SealerClockTest, TicksByItselfUntilItIsStopped) {
  LedgerWorld world;
  world.options.tick = std::chrono::milliseconds(2);
  world.Open();
  world.sealer->Start();
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (world.sealer->counts().ticks < 5 && std::chrono::steady_clock::now() < give_up) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  world.sealer->Stop();
  const uint64_t ticks = world.sealer->counts().ticks;
  EXPECT_GE(ticks, 5);
  EXPECT_EQ(world.NewestVerified().size, ticks);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(world.sealer->counts().ticks, ticks);
}

TEST(SealerClockTest, TellsHowLongAgoItPublished) {
  LedgerWorld world;
  world.Open();
  EXPECT_EQ(world.sealer->SecondsSinceCheckpoint(), 0);
  world.PassMs(2500);
  EXPECT_EQ(world.sealer->SecondsSinceCheckpoint(), 2.5);
  ASSERT_TRUE(world.sealer->Tick().ok());
  EXPECT_EQ(world.sealer->SecondsSinceCheckpoint(), 0);
  world.PassMs(-5000);
  EXPECT_EQ(world.sealer->SecondsSinceCheckpoint(), 0);
}

// A tick that comes late is one tick, and those that fell into that time are not made up for.
TEST(SealerClockTest, NoTickIsMadeUpFor) {
  LedgerWorld world;
  world.options.tick = std::chrono::milliseconds(10);
  world.Open();
  bool held = false;
  world.trap->before_commit = [&] {
    if (std::exchange(held, true)) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(1000));
  };
  const auto begin = std::chrono::steady_clock::now();
  world.sealer->Start();
  while (world.sealer->counts().ticks < 2) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  world.sealer->Stop();
  const auto passed = std::chrono::steady_clock::now() - begin;
  // The first one, the one that was held, and then one in each distance: none of the hundred that were
  // missed.
  const auto after = (passed - std::chrono::milliseconds(1000)) / world.options.tick;
  EXPECT_LE(world.sealer->counts().ticks, 3 + static_cast<uint64_t>(after));
  world.trap->before_commit = nullptr;
}

}  // namespace
}  // namespace coalition::testing
