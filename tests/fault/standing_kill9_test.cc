// Promises 4, 8 and 9: a suspension, a revocation or a re-instatement that was acknowledged stands after kill
// -9, and the epoch never goes back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <string>
#include <thread>

#include "common/errors.h"
#include "tests/support/server_process_fixture.h"

namespace coalition {
namespace {

constexpr int kCycles = 40;
constexpr const char* kBelmont = "members/belmont";

// What was acknowledged last, and whether more was asked for.
struct Changes {
  v1::Standing acknowledged = v1::STANDING_ACTIVE;
  int64_t epoch = 0;
  int made = 0;
  bool in_flight = false;
};

absl::Status Reinstate(client::Client& office) {
  v1::ProposedChange change;
  change.mutable_reinstatement()->set_member(kBelmont);
  const auto proposed = office.CreateProposal(change, "the next round");
  if (!proposed.ok()) return proposed.status();
  return office.ApplyProposal(proposed->name(), proposed->digest()).status();
}

// Suspends belmont and takes it back, again and again, until the server is gone.
void ChangeStanding(client::Client& office, Changes* changes) {
  for (;;) {
    const bool suspend = changes->acknowledged == v1::STANDING_ACTIVE;
    changes->in_flight = true;
    const absl::Status changed =
        suspend
            ? office.SetStanding(kBelmont, v1::STANDING_SUSPENDED, v1::STANDING_REASON_INVESTIGATION).status()
            : Reinstate(office);
    if (!changed.ok()) return;
    changes->acknowledged = suspend ? v1::STANDING_SUSPENDED : v1::STANDING_ACTIVE;
    changes->in_flight = false;
    ++changes->made;
    const auto who = office.WhoAmI();
    if (!who.ok()) return;
    changes->epoch = who->epoch();
  }
}

class StandingKill9 : public testing::ServerProcessTest {
 protected:
  void Cycle() {
    Start();
    const auto office = Client("office", "admin");
    std::thread changing([&] { ChangeStanding(*office, &changes_); });
    std::this_thread::sleep_for(std::chrono::milliseconds(20 + random_() % 80));
    server_->Kill();
    changing.join();
    Start();
    const auto after = Client("office", "admin");
    const auto who = after->WhoAmI();
    const auto belmont = after->GetMember(kBelmont);
    ASSERT_TRUE(who.ok() && belmont.ok()) << who.status() << belmont.status();
    EXPECT_GE(who->epoch(), changes_.epoch) << "the epoch went back";
    if (!changes_.in_flight) {
      EXPECT_EQ(belmont->standing(), changes_.acknowledged);
    }
    EXPECT_EQ(Client("belmont", "backend")->WhoAmI().ok(), belmont->standing() == v1::STANDING_ACTIVE);
    // aurore's revoked key stays revoked through all of it.
    EXPECT_EQ(GetErrorReason(Client("aurore", "backend")->WhoAmI().status()),
              v1::ERROR_REASON_CREDENTIAL_REVOKED);
    changes_.acknowledged = belmont->standing();
    changes_.epoch = who->epoch();
    in_flight_ += changes_.in_flight ? 1 : 0;
    server_->Kill();
  }

  std::mt19937 random_{20161123};
  Changes changes_;
  int in_flight_ = 0;
};

TEST_F(StandingKill9, WhatWasAcknowledgedStands) {
  Start();
  ASSERT_TRUE(Client("aurore", "backend")->WhoAmI().ok());
  ASSERT_TRUE(
      Client("office", "admin")
          ->RevokeCredential("members/aurore/credentials/backend", v1::REVOCATION_REASON_KEY_COMPROMISE)
          .ok());
  server_->Kill();
  for (int cycle = 0; cycle < kCycles && !HasFailure(); ++cycle) Cycle();
  EXPECT_GT(changes_.made, kCycles / 2);
  EXPECT_GT(in_flight_, 0);
}

}  // namespace
}  // namespace coalition
