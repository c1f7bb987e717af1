// Promises 8 and 9: a change of policy that was acknowledged is in force after kill -9, and no denial is
// forgotten.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <random>
#include <string>
#include <thread>

#include "tests/support/server_process.h"

namespace coalition {
namespace {

constexpr int kCycles = 60;

// What of a sequence of changes was acknowledged and what was asked for, by its version.
struct Changes {
  int64_t acknowledged = 0;
  int64_t asked = 0;
};

// The coalition's policy with that title. Nobody sees more or less by it.
v1::CoalitionPolicy Titled(v1::CoalitionPolicy policy, int64_t version) {
  policy.set_title("policy " + std::to_string(version));
  return policy;
}

// Applies one policy after the other until the server is gone.
void ApplyPolicies(client::Client& office, Changes* changes) {
  for (;;) {
    const auto now = office.GetPolicy();
    if (!now.ok()) return;
    const int64_t next = now->policy().version() + 1;
    changes->asked = next;
    const auto applied =
        office.ApplyPolicy(Titled(now->policy().policy(), next), client::ReviewedDiff{now->epoch(), ""});
    if (!applied.ok()) return;
    changes->acknowledged = applied->version();
  }
}

// Sets aurore's own policy again and again: every second one excludes belmont.
void SetOwnPolicies(client::Client& aurore, Changes* changes) {
  for (;;) {
    const auto now = aurore.GetMemberPolicy();
    if (!now.ok()) return;
    const int64_t next = now->version() + 1;
    v1::MemberPolicy own;
    own.set_unbounded(true);
    own.add_exclusions()->set_member(next % 2 == 0 ? "members/belmont" : "members/bazaar");
    changes->asked = next;
    const auto set = aurore.SetMemberPolicy(own);
    if (!set.ok()) return;
    changes->acknowledged = set->policy().version();
  }
}

std::string NewDirectory() {
  std::string name = ::testing::TempDir() + "policy-kill9-XXXXXX";
  EXPECT_NE(mkdtemp(name.data()), nullptr);
  return name;
}

class PolicyKill9 : public ::testing::Test {
 protected:
  ~PolicyKill9() override {
    std::error_code ignored;
    if (!HasFailure()) std::filesystem::remove_all(directory_, ignored);
  }

  void Start() {
    const absl::Status started = server_.Start();
    ASSERT_TRUE(started.ok()) << started;
  }

  std::unique_ptr<client::Client> Client(const std::string& member, const std::string& credential) {
    auto client = server_.Connect(member, credential);
    EXPECT_TRUE(client.ok() && (*client)->WhoAmI().ok()) << client.status();
    return *std::move(client);
  }

  // Changes both policies until the server is killed, after some milliseconds.
  void Cycle(int cycle) {
    Start();
    const auto office = Client("office", "admin"), aurore = Client("aurore", "admin");
    std::thread coalition([&] { ApplyPolicies(*office, &coalition_); });
    std::thread own([&] { SetOwnPolicies(*aurore, &own_); });
    std::this_thread::sleep_for(std::chrono::milliseconds(random_() % 60));
    server_.Kill();
    coalition.join();
    own.join();
    Start();
    Check(cycle);
    server_.Kill();
  }

  void Check(int cycle) {
    const auto office = Client("office", "admin"), aurore = Client("aurore", "admin");
    const auto policy = office->GetPolicy();
    ASSERT_TRUE(policy.ok()) << policy.status();
    const int64_t version = policy->policy().version();
    EXPECT_GE(version, coalition_.acknowledged) << "cycle " << cycle << ": a policy that was applied is gone";
    EXPECT_LE(version, std::max(coalition_.asked, int64_t{1}));
    // Each begins an epoch, and none is left out.
    EXPECT_EQ(policy->epoch(), version);
    EXPECT_TRUE(version == 1 || policy->policy().policy().title() == "policy " + std::to_string(version));
    const auto own = aurore->GetMemberPolicy();
    ASSERT_TRUE(own.ok()) << own.status();
    EXPECT_GE(own->version(), own_.acknowledged) << "cycle " << cycle << ": an own policy is gone";
    EXPECT_LE(own->version(), own_.asked);
    // An exclusion that was lifted since holds for the record that was made before.
    const auto seen = Client("belmont", "backend")->GetRecord(record_);
    EXPECT_EQ(seen.ok(), own->version() < 2) << "cycle " << cycle << ": " << seen.status();
    excluded_ = excluded_ || own_.acknowledged >= 2;
    EXPECT_FALSE(excluded_ && seen.ok()) << "cycle " << cycle << ": a denial was forgotten";
  }

  const std::string directory_ = NewDirectory();
  testing::ServerProcess server_{directory_, COALITIOND_BINARY};
  std::mt19937 random_{20161123};
  std::string record_;
  Changes coalition_, own_;
  bool excluded_ = false;
};

TEST_F(PolicyKill9, WhatWasAcknowledgedIsInForce) {
  Start();
  v1::Record record;
  record.mutable_seller()->set_platform("bazaar.example");
  record.mutable_seller()->set_seller_id("shop-1");
  record.mutable_offender_report()->add_infringement_types("KEYWORD_TRADEMARK_INFRINGEMENT");
  record.mutable_audience()->add_grants()->set_view("full");
  record.mutable_audience()->mutable_grants(0)->mutable_subject()->set_member("members/belmont");
  const auto created = Client("aurore", "backend")->CreateRecord(record);
  ASSERT_TRUE(created.ok()) << created.status();
  record_ = created->record().name();
  // Positive control: until aurore excludes it, belmont sees the record.
  ASSERT_TRUE(Client("belmont", "backend")->GetRecord(record_).ok());
  server_.Kill();
  for (int cycle = 0; cycle < kCycles && !HasFailure(); ++cycle) Cycle(cycle);
  EXPECT_TRUE(excluded_);
  EXPECT_GT(coalition_.acknowledged, kCycles / 2);
  EXPECT_GT(own_.acknowledged, kCycles / 2);
}

}  // namespace
}  // namespace coalition
