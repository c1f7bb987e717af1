#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/hash.h"
#include "common/policy/default_policy.h"
#include "server/membership/directory.h"
#include "server/membership/stored_state.h"
#include "server/store/leveldb_store.h"
#include "tests/support/entry_keys.h"
#include "tests/support/exchange_world.h"

namespace coalition::membership {
namespace {

using coalition::testing::TempDir;
using coalition::testing::WorldBootstrap;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class MembershipTest : public ::testing::Test {
 protected:
  MembershipTest() { Reopen(); }

  void Reopen() {
    store_.reset();
    store::LevelDbOptions options;
    options.dir = dir_.path() + "/store";
    auto opened = store::LevelDbStore::Open(options);
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
  }

  absl::Status OpenStatus(const config::v1::Bootstrap& bootstrap) {
    return Directory::Open(*store_, bootstrap, 0, coalition::testing::TestEntryKeys()).status();
  }

  TempDir dir_;
  std::unique_ptr<store::LevelDbStore> store_;
  config::v1::Bootstrap bootstrap_ = WorldBootstrap();
};

TEST_F(MembershipTest, BootstrapBecomesTheCoalition) {
  const auto directory = Directory::Open(*store_, bootstrap_, 0, coalition::testing::TestEntryKeys());
  ASSERT_TRUE(directory.ok()) << directory.status();
  const auto snapshot = (*directory)->Current();
  EXPECT_EQ(snapshot->trust_domain(), "coalition.example");
  const policy::State& state = snapshot->policy_state();
  EXPECT_EQ(state.epoch(), 1);
  ASSERT_THAT(state.members(), SizeIs(bootstrap_.members_size()));
  for (int i = 0; i < bootstrap_.members_size(); ++i) {
    EXPECT_EQ(state.members()[i].number, i + 1) << "numbers follow the file";
    EXPECT_EQ(state.members()[i].id, bootstrap_.members(i).id());
  }
  const policy::MemberState& aurore = *state.FindMember("aurore");
  EXPECT_EQ(aurore.standing, v1::STANDING_ACTIVE) << "absent means ACTIVE";
  ASSERT_THAT(aurore.kind_held, SizeIs(1));
  EXPECT_EQ(aurore.kind_held[0].from, store_->Head()) << "held from the bootstrap's revision";
  EXPECT_EQ(aurore.kind_held[0].to, policy::kStill);
  EXPECT_THAT(state.FindMember("newcomer")->kind_held, SizeIs(0)) << "an applicant was never admitted";
  EXPECT_THAT(state.FindMember("left")->kind_held, SizeIs(0));
  EXPECT_TRUE(state.FindGroup("ring")->closed);
  EXPECT_EQ(state.HolderOf(state.FindPlatform("bazaar.example")->number), state.FindMember("bazaar")->number);
  EXPECT_EQ(state.HolderOf(state.FindPlatform("free.example")->number), 0);
}

TEST_F(MembershipTest, PublicFactsAreOrderedByName) {
  const auto snapshot =
      (*Directory::Open(*store_, bootstrap_, 0, coalition::testing::TestEntryKeys()))->Current();
  const auto by_name = [](const auto* a, const auto* b) { return a->name() < b->name(); };
  EXPECT_TRUE(std::is_sorted(snapshot->PublicMembers().begin(), snapshot->PublicMembers().end(), by_name));
  const v1::Member* aurore = snapshot->PublicMember(1);
  ASSERT_NE(aurore, nullptr);
  EXPECT_EQ(aurore->name(), "members/aurore");
  EXPECT_EQ(aurore->kind(), v1::MEMBER_KIND_BRAND);
  EXPECT_THAT(aurore->groups(), ElementsAre("groups/club", "groups/ring"));
  EXPECT_EQ(snapshot->PublicMember(0), nullptr);
  EXPECT_EQ(snapshot->PublicMember(999), nullptr);
  ASSERT_THAT(snapshot->PublicPlatforms(), SizeIs(3));
  EXPECT_EQ(snapshot->PublicPlatforms()[0].name(), "platforms/bazaar.example");
  EXPECT_EQ(snapshot->PublicPlatforms()[0].holder(), "members/bazaar");
  EXPECT_EQ(snapshot->PublicPlatforms()[1].holder(), "");
}

TEST_F(MembershipTest, CredentialsAreFoundByMemberAndCredential) {
  const auto snapshot =
      (*Directory::Open(*store_, bootstrap_, 0, coalition::testing::TestEntryKeys()))->Current();
  const identity::RegisteredCredential* found = snapshot->Find("belmont", "backend");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->member_number, 2);
  EXPECT_EQ(found->key_sha256[0], 0xaa);
  EXPECT_TRUE(found->roles.Has(v1::ROLE_READER));
  EXPECT_FALSE(found->roles.Has(v1::ROLE_AUDITOR));
  EXPECT_EQ(found->purpose, "tests");
  EXPECT_EQ(snapshot->Find("belmont", "analyst"), nullptr);
  EXPECT_EQ(snapshot->Find("nobody", "backend"), nullptr);
}

TEST_F(MembershipTest, TheSameFileOpensAgainAndAnotherIsRefused) {
  ASSERT_TRUE(OpenStatus(bootstrap_).ok());
  Reopen();
  const store::Revision before = store_->Head();
  ASSERT_TRUE(OpenStatus(bootstrap_).ok());
  EXPECT_EQ(store_->Head(), before) << "nothing is written a second time";
  bootstrap_.mutable_members(9)->set_standing(v1::STANDING_ACTIVE);
  const absl::Status refused = OpenStatus(bootstrap_);
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("differs"));
}

TEST_F(MembershipTest, AStoreWithOtherDataIsRefused) {
  store::Commit commit;
  commit.build =
      [](store::Revision,
         std::span<const std::optional<store::Version>>) -> absl::StatusOr<std::vector<store::Write>> {
    return std::vector<store::Write>{{"z", "1"}};
  };
  ASSERT_TRUE(store_->CommitAll(std::span(&commit, 1))[0].ok());
  EXPECT_EQ(OpenStatus(bootstrap_).code(), absl::StatusCode::kFailedPrecondition);
}

struct BadBootstrap {
  const char* name;
  void (*spoil)(config::v1::Bootstrap&);
  const char* complaint;
};

class BadBootstrapTest : public MembershipTest, public ::testing::WithParamInterface<BadBootstrap> {};

TEST_P(BadBootstrapTest, IsRefusedWithItsPlaceAndNothingIsWritten) {
  GetParam().spoil(bootstrap_);
  const absl::Status refused = OpenStatus(bootstrap_);
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(refused.message()), HasSubstr(GetParam().complaint));
  EXPECT_EQ(store_->Head(), 0);
}

INSTANTIATE_TEST_SUITE_P(
    Each, BadBootstrapTest,
    ::testing::Values(
        BadBootstrap{"TrustDomain", [](auto& b) { b.set_trust_domain("Not A Domain"); }, "trust_domain"},
        BadBootstrap{"NoMembers", [](auto& b) { b.clear_members(); }, "members: there must be at least one"},
        BadBootstrap{"MemberId", [](auto& b) { b.mutable_members(0)->set_id("Aurore"); },
                     "members[0] \"Aurore\""},
        BadBootstrap{"DuplicateMember", [](auto& b) { b.mutable_members(1)->set_id("aurore"); },
                     "a duplicate"},
        BadBootstrap{"NoKind", [](auto& b) { b.mutable_members(0)->clear_kind(); }, "kind is missing"},
        BadBootstrap{"UnknownKind", [](auto& b) { b.mutable_members(0)->set_kind(v1::MemberKind(77)); },
                     "kind is missing or unknown"},
        BadBootstrap{"UnknownStanding", [](auto& b) { b.mutable_members(0)->set_standing(v1::Standing(77)); },
                     "standing is unknown"},
        BadBootstrap{"UnknownGroup", [](auto& b) { b.mutable_members(0)->add_groups("cabal"); },
                     "no such group: \"cabal\""},
        BadBootstrap{"GroupTwice", [](auto& b) { b.mutable_members(0)->add_groups("ring"); }, "named twice"},
        BadBootstrap{"NameIsNotUtf8", [](auto& b) { b.mutable_members(0)->set_display_name("caf\xe9"); },
                     "display_name is not UTF-8"},
        BadBootstrap{"DuplicateGroup", [](auto& b) { b.mutable_groups(1)->set_id("ring"); }, "a duplicate"},
        BadBootstrap{"ControlGroup", [](auto& b) { b.mutable_members(0)->set_control_group("a/b"); },
                     "control group"},
        BadBootstrap{"DuplicateCredential",
                     [](auto& b) { *b.mutable_members(0)->add_credentials() = b.members(0).credentials(0); },
                     "the credential is there already"},
        BadBootstrap{
            "KeyHash",
            [](auto& b) { b.mutable_members(0)->mutable_credentials(0)->set_public_key_sha256("abc"); },
            "64 hex digits"},
        BadBootstrap{"UnknownRole",
                     [](auto& b) { b.mutable_members(0)->mutable_credentials(0)->add_roles(v1::Role(77)); },
                     "a role is unknown"},
        BadBootstrap{"AdminAtABrand",
                     [](auto& b) {
                       b.mutable_members(0)->mutable_credentials(0)->add_roles(v1::ROLE_COALITION_ADMIN);
                     },
                     "SECRETARIAT"},
        BadBootstrap{"NoTrustDomain", [](auto& b) { b.clear_trust_domain(); }, "trust_domain: is missing"},
        BadBootstrap{"ReaderWithoutPurpose",
                     [](auto& b) { b.mutable_members(0)->mutable_credentials(0)->clear_purpose(); },
                     "purpose is missing"},
        BadBootstrap{"PlatformId", [](auto& b) { b.mutable_platforms(0)->set_id("no host"); },
                     "platforms[0]"},
        BadBootstrap{"DuplicatePlatform", [](auto& b) { b.mutable_platforms(1)->set_id("bazaar.example"); },
                     "a duplicate"},
        BadBootstrap{"UnknownHolder", [](auto& b) { b.mutable_platforms(0)->set_holder("nobody"); },
                     "no such member"},
        BadBootstrap{"HolderIsABrand", [](auto& b) { b.mutable_platforms(0)->set_holder("aurore"); },
                     "no MARKETPLACE"}),
    [](const auto& tested) { return tested.param.name; });

TEST_F(MembershipTest, EveryProblemIsNamed) {
  bootstrap_.mutable_members(0)->clear_kind();
  bootstrap_.mutable_platforms(0)->set_holder("nobody");
  const std::string message(OpenStatus(bootstrap_).message());
  EXPECT_THAT(message, HasSubstr("members[0]"));
  EXPECT_THAT(message, HasSubstr("platforms[0]"));
}

TEST_F(MembershipTest, ADamagedCoalitionDoesNotOpen) {
  ASSERT_TRUE(OpenStatus(bootstrap_).ok());
  store::Commit commit;  // member 2 is gone
  commit.build =
      [](store::Revision,
         std::span<const std::optional<store::Version>>) -> absl::StatusOr<std::vector<store::Write>> {
    return std::vector<store::Write>{{std::string("m/m/\0\0\0\2", 8), std::nullopt}};
  };
  ASSERT_TRUE(store_->CommitAll(std::span(&commit, 1))[0].ok());
  EXPECT_EQ(OpenStatus(bootstrap_).code(), absl::StatusCode::kDataLoss);
}

// What a version without policies has left.
TEST_F(MembershipTest, AnOlderStoreIsJudgedByTheBuiltInPolicy) {
  ASSERT_TRUE(OpenStatus(bootstrap_).ok());
  store::Commit commit;
  commit.reads = {std::string(kCoalitionKey)};
  commit.build =
      [](store::Revision,
         std::span<const std::optional<store::Version>> values) -> absl::StatusOr<std::vector<store::Write>> {
    storage::v1::StoredCoalition coalition;
    EXPECT_TRUE(coalition.ParseFromString(values[0]->value));
    coalition.clear_view_names();
    return std::vector<store::Write>{Stored(std::string(kCoalitionKey), coalition),
                                     {PolicyKey(1), std::nullopt}};
  };
  ASSERT_TRUE(store_->CommitAll(std::span(&commit, 1))[0].ok());
  Reopen();
  for (int time = 0; time < 2; ++time) {  // once for good
    const auto directory = Directory::Open(*store_, bootstrap_, 0, coalition::testing::TestEntryKeys());
    ASSERT_TRUE(directory.ok()) << directory.status();
    const policy::State& state = (*directory)->Current()->policy_state();
    EXPECT_EQ(state.policy_version(), 1);
    EXPECT_EQ(state.epoch(), 1);
    EXPECT_EQ(state.policy().SerializeAsString(), policy::DefaultPolicy().SerializeAsString());
    // What its records' headers name.
    EXPECT_EQ(state.view_names().Find("full"), policy::kViewFull);
    EXPECT_EQ(state.view_names().Find("notice"), policy::kViewNotice);
  }
}

// Changes of the coalition begin an epoch; a member's own policy does not, and is part of the one that it
// falls into.
TEST_F(MembershipTest, AnEpochIsJudgedAsItEnded) {
  const auto directory = Directory::Open(*store_, bootstrap_, 0, coalition::testing::TestEntryKeys());
  ASSERT_TRUE(directory.ok()) << directory.status();
  const uint32_t aurore = (*directory)->Current()->policy_state().FindMember("aurore")->number;
  const auto make = [&](bool begins_epoch, int64_t version) {
    Change change;
    change.begins_epoch = begins_epoch;
    change.writes = [&, version](store::Revision revision, uint64_t epoch, storage::v1::StoredCoalition*) {
      if (begins_epoch) {
        storage::v1::StoredPolicy policy;
        policy.set_version(version);
        policy.set_epoch(epoch);
        policy.set_revision(revision);
        *policy.mutable_policy() = policy::DefaultPolicy();
        return std::vector<store::Write>{Stored(PolicyKey(version), policy)};
      }
      storage::v1::StoredMemberPolicy own;
      own.set_member(aurore);
      own.set_revision(revision);
      own.mutable_policy()->set_version(version);
      own.mutable_policy()->set_unbounded(true);
      return std::vector<store::Write>{Stored(OwnPolicyKey(revision, aurore), own)};
    };
    const auto made = (*directory)->Make([&](const std::shared_ptr<const Snapshot>&) {
      return std::optional<Change>(change);
    });
    ASSERT_TRUE(made.ok()) << made.status();
  };
  make(false, 1);
  make(true, 2);
  make(false, 2);
  EXPECT_EQ((*directory)->Current()->policy_state().epoch(), 2);
  for (const uint64_t epoch : {1, 2}) {
    const auto then = (*directory)->At(epoch);
    ASSERT_TRUE(then.ok()) << then.status();
    EXPECT_EQ((*then)->policy_state().epoch(), epoch);
    EXPECT_EQ((*then)->policy_state().policy_version(), epoch);
    EXPECT_THAT((*then)->policy_state().rules().member_policies, SizeIs(epoch));
  }
  EXPECT_EQ((*directory)->At(0).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ((*directory)->At(3).status().code(), absl::StatusCode::kOutOfRange);
}

}  // namespace
}  // namespace coalition::membership
