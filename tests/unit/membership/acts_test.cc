// What the ledger is told of changes of the coalition.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "coalition/storage/v1/ledger.pb.h"
#include "coalition/v1/ledger_service.pb.h"
#include "common/hash.h"
#include "server/ledger/entry.h"
#include "server/ledger/keys.h"
#include "server/membership/policies.h"
#include "tests/support/administration_world.h"

namespace coalition::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct FoundAct {
  v1::LedgerAct act;
  std::string credential;
  std::vector<uint32_t> parties, full_parties;
  store::Revision revision = 0;
};

ledger::EntryParts PartsOf(const World& world, const storage::v1::StoredLedgerEntry& entry) {
  const auto parts = ledger::PartsOf(*world.entry_keys(), entry);
  EXPECT_TRUE(parts.ok() && parts->has_value());
  return parts.ok() && parts->has_value() ? **parts : ledger::EntryParts();
}

class ActsTest : public ::testing::Test {
 protected:
  std::vector<FoundAct> Acts() {
    const auto page = world_.store().Scan("le", "lf", world_.store().Head(), {.items = 1'000});
    if (!page.ok()) std::abort();
    std::vector<FoundAct> acts;
    for (const store::Entry& row : page->items) {
      storage::v1::StoredLedgerEntry entry;
      v1::LedgerContent content;
      v1::LedgerReserved reserved;
      EXPECT_TRUE(entry.ParseFromString(row.version.value) &&
                  content.ParseFromString(PartsOf(world_, entry).open.content) &&
                  reserved.ParseFromString(PartsOf(world_, entry).reserved.content));
      EXPECT_TRUE(content.has_act());
      acts.push_back({content.act(),
                      reserved.credential(),
                      {entry.parties().begin(), entry.parties().end()},
                      {entry.full_parties().begin(), entry.full_parties().end()},
                      row.version.revision});
    }
    return acts;
  }
  uint32_t NumberOf(const std::string& member) const { return world_.As(member).caller.member_number; }

  World world_{AdministrationOptions()};
  Administration office_{world_};
};

TEST_F(ActsTest, TheFirstIsOfTheBootstrap) {
  const auto acts = Acts();
  ASSERT_THAT(acts, SizeIs(1));
  EXPECT_EQ(acts[0].revision, 1);
  EXPECT_EQ(acts[0].act.target(), "coalition");
  EXPECT_EQ(acts[0].act.document_sha256(),
            world_.directory().Current()->stored().coalition.bootstrap_sha256());
  EXPECT_THAT(acts[0].parties, ElementsAre(ledger::kEverybody));
}

TEST_F(ActsTest, ASuspensionIsToldToEverybodyAndWhoDidItToFew) {
  ASSERT_TRUE(office_.SetStanding("belmont", v1::STANDING_SUSPENDED).ok());
  const auto acts = Acts();
  ASSERT_THAT(acts, SizeIs(2));
  EXPECT_EQ(acts[1].revision, world_.store().Head());
  EXPECT_EQ(acts[1].act.target(), "members/belmont");
  EXPECT_EQ(acts[1].act.change().substr(0, 9), "SUSPENDED");
  EXPECT_EQ(acts[1].act.actor(), "members/office");
  EXPECT_EQ(acts[1].act.epoch(), 2);
  EXPECT_EQ(acts[1].credential, "members/office/credentials/chief");
  EXPECT_THAT(acts[1].parties, ElementsAre(ledger::kEverybody));
  EXPECT_THAT(acts[1].full_parties, ElementsAre(NumberOf("office")));
}

TEST_F(ActsTest, AMembersOwnPolicyIsItsOwnAffair) {
  membership::Policies policies(world_.directory(), {.own_policy_changes_per_day_max = 10});
  const ActingAs admin(world_, "aurore", "admin");
  v1::SetMemberPolicyRequest request;
  request.mutable_policy()->set_unbounded(true);
  request.mutable_policy()->add_exclusions()->set_member("members/souk");
  const auto set = policies.SetOwn(admin.actor(), request);
  ASSERT_TRUE(set.ok()) << set.status();
  const auto acts = Acts();
  ASSERT_THAT(acts, SizeIs(2));
  EXPECT_EQ(acts[1].act.target(), "members/aurore/policy");
  EXPECT_THAT(acts[1].parties, ElementsAre(NumberOf("aurore")));
  EXPECT_THAT(acts[1].act.document_sha256(), SizeIs(32));
}

// The net below: a change of the coalition that says nothing of itself.
TEST_F(ActsTest, NoChangeOfTheCoalitionIsWithoutAnAct) {
  const auto made = world_.directory().Make([](const auto& current) {
    membership::Change change;
    change.writes = [current](store::Revision, uint64_t, storage::v1::StoredCoalition*) {
      storage::v1::StoredMember member = current->stored().members[0];
      member.set_display_name("another");
      return std::vector<store::Write>{membership::MemberWrite(member)};
    };
    return absl::StatusOr<std::optional<membership::Change>>(std::move(change));
  });
  ASSERT_TRUE(made.ok()) << made.status();
  const auto acts = Acts();
  ASSERT_THAT(acts, SizeIs(2));
  EXPECT_EQ(acts[1].act.change(), "was changed");
  EXPECT_EQ(acts[1].act.actor(), "");
}

}  // namespace
}  // namespace coalition::testing
