// A store that was made without an expiry index gets one.
#include "server/exchange/expiry_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/exchange/expiry_support.h"

namespace coalition::exchange {
namespace {

using namespace coalition::testing;  // NOLINT: the room's own fixtures
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int kRecords = 12;

class ExpiryIndexTest : public ::testing::Test {
 protected:
  ExpiryIndexTest() {
    for (int i = 0; i < kRecords; ++i)
      world_.Created("aurore", ShortLived(world_, "shop-" + std::to_string(i), kLifeS + i));
    v1::WithdrawRecordRequest withdraw;
    withdraw.set_name(world_.Created("belmont", ShortLived(world_, "shop-1")).name());
    EXPECT_TRUE(world_.Withdraw(world_.As("belmont"), withdraw).ok());
  }

  // As a version without an index would have left it.
  void LoseIndex() {
    std::vector<store::Write> writes = {{std::string(kExpiryIndexKey), std::nullopt}};
    for (const std::string& key : KeysOf(world_, "e")) writes.push_back({key, std::nullopt});
    CommitTo(world_.store(), std::move(writes));
    ASSERT_THAT(KeysOf(world_, "e"), IsEmpty());
  }
  bool Noted() { return !KeysOf(world_, std::string(kExpiryIndexKey)).empty(); }

  Rounds rounds_;
  World world_;
};

TEST_F(ExpiryIndexTest, ANewStoreNotesItBesideTheOtherFacts) {
  const std::vector<std::string> facts = {std::string(kExpiryIndexKey), std::string(kSellerHashCheckKey),
                                          std::string(kContentsFormKey)};
  const auto read = world_.store().Read(facts, world_.store().Head());
  ASSERT_TRUE(read.ok() && (*read)[0] && (*read)[1] && (*read)[2]);
  EXPECT_EQ((*read)[0]->revision, (*read)[1]->revision);
  EXPECT_EQ((*read)[0]->revision, (*read)[2]->revision);
  EXPECT_TRUE(CheckContentsFact(*world_.keys().contents, (*read)[2]->value).ok());
}

TEST_F(ExpiryIndexTest, OpeningMakesItOnce) {
  LoseIndex();
  world_.Restart();
  EXPECT_TRUE(Noted());
  EXPECT_THAT(KeysOf(world_, "e"), SizeIs(kRecords));
  ExpectIndexed(world_);
  const store::Revision head = world_.store().Head();
  world_.Restart();
  EXPECT_EQ(world_.store().Head(), head);
  rounds_.Resume(world_);
  Pass(world_, kLifeS + kRecords);
  ASSERT_TRUE(rounds_.Run());
  EXPECT_THAT(KeysOf(world_, "r"), IsEmpty());
  EXPECT_THAT(KeysOf(world_, "e"), IsEmpty());
}

TEST_F(ExpiryIndexTest, AnotherSellerKeyAtTheSameTime) {
  LoseIndex();
  world_.RestartWith(std::string(32, 'z'));
  EXPECT_TRUE(Noted());
  ExpectIndexed(world_);
}

class FailingStore final : public ForwardingStore {
 public:
  FailingStore(store::Store& base, std::string damaged, bool commits)
      : ForwardingStore(base), damaged_(std::move(damaged)), commits_(commits) {}
  std::vector<absl::StatusOr<store::Revision>> CommitAll(std::span<const store::Commit> commits) override {
    if (commits_) return ForwardingStore::CommitAll(commits);
    return std::vector<absl::StatusOr<store::Revision>>(commits.size(), absl::UnavailableError("full"));
  }
  absl::StatusOr<std::vector<std::optional<store::Version>>> Read(std::span<const std::string> keys,
                                                                  store::Revision at) const override {
    if (keys[0] == damaged_) return absl::DataLossError("told to");
    return ForwardingStore::Read(keys, at);
  }

 private:
  const std::string damaged_;
  const bool commits_;
};

TEST_F(ExpiryIndexTest, DamagedRecordsGetNoEntryAndDoNotStopIt) {
  LoseIndex();
  const std::vector<std::string> records = KeysOf(world_, "r");
  CommitTo(world_.store(), {{records[2], "no record"}});
  FailingStore store(world_.store(), records[4], true);
  const auto facts = IndexExpiry(store);
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_THAT(*facts, SizeIs(1));
  EXPECT_THAT(KeysOf(world_, "e"), SizeIs(kRecords - 2));
}

TEST_F(ExpiryIndexTest, WhereItCanNotBeWrittenNothingIsNoted) {
  LoseIndex();
  FailingStore store(world_.store(), "", false);
  EXPECT_TRUE(absl::IsUnavailable(IndexExpiry(store).status()));
  EXPECT_FALSE(Noted());
  world_.Restart();
  EXPECT_TRUE(Noted());
  ExpectIndexed(world_);
}

}  // namespace
}  // namespace coalition::exchange
