// What has expired is removed, and nothing else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "common/errors.h"
#include "tests/unit/exchange/departure_support.h"
#include "tests/unit/exchange/expiry_support.h"

namespace coalition::exchange {
namespace {

using namespace coalition::testing;  // NOLINT: the room's own fixtures
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int kPerCommit = 4;

class ExpiryTest : public ::testing::Test {
 protected:
  static WorldOptions Options() {
    WorldOptions options;
    options.exchange.expired_per_commit = kPerCommit;
    return options;
  }

  ExpiryTest() { rounds_.Resume(world_); }

  std::string MakeOne(const std::string& external_id = "", int life_s = kLifeS) {
    v1::Record record = ShortLived(world_, "shop-1", life_s);
    record.set_external_id(external_id);
    GrantMember(record, "belmont");
    return world_.Created("aurore", record).name();
  }
  absl::Status ReviseExpiry(const CallContext& context, const std::string& name, int life_s) {
    v1::ReviseRecordRequest request;
    request.mutable_record()->set_name(name);
    request.mutable_record()->mutable_expire_time()->set_seconds(world_.clock.NowS() + life_s);
    request.mutable_update_mask()->add_paths("expire_time");
    return world_.Revise(context, request).status();
  }
  // The rows of all records, by whatever they are found by but for their ids.
  std::vector<std::string> Rows() {
    std::vector<std::string> rows;
    for (const char* prefix : {"r", "a", "o", "b", "e"}) {
      for (std::string& key : KeysOf(world_, prefix)) rows.push_back(std::move(key));
    }
    return rows;
  }
  uint64_t Removed() { return world_.exchange().expiry().removed(); }
  // How many records each commit since `after` has removed.
  std::vector<int> RemovedByCommit(store::Revision after) {
    std::vector<int> counts;
    const auto changes = world_.store().ReadLog(after, {});
    EXPECT_TRUE(changes.ok()) << changes.status();
    for (const store::Change& change : *changes) {
      const auto removes = [](const store::Write& write) { return write.key[0] == 'r' && !write.value; };
      counts.push_back(static_cast<int>(std::count_if(change.writes.begin(), change.writes.end(), removes)));
    }
    return counts;
  }

  Rounds rounds_;
  World world_{Options()};
};

TEST_F(ExpiryTest, WhatHasExpiredLeavesNoRows) {
  const std::string name = MakeOne("case-1");
  v1::Record opinion = Opinion(name, v1::OPINION_VERDICT_CONFIRMED);
  opinion.mutable_expire_time()->set_seconds(world_.clock.NowS() + kLifeS);
  world_.Created("belmont", opinion);
  const store::Revision head = world_.store().Head();
  EXPECT_EQ(rounds_.delay(), kExpiryInterval);
  Pass(world_, kLifeS - 1);
  ASSERT_TRUE(rounds_.Run());
  EXPECT_EQ(world_.store().Head(), head) << "a second too early";
  Pass(world_, 1);
  EXPECT_EQ(world_.Get(world_.As("aurore"), name).status(), NotFound());
  ASSERT_TRUE(rounds_.Run());
  EXPECT_THAT(Rows(), IsEmpty());
  EXPECT_EQ(Removed(), 2U);
  v1::Record again = ShortLived(world_, "shop-1");
  again.set_external_id("case-1");
  EXPECT_EQ(GetErrorReason(world_.Create(world_.As("aurore"), CreateRequest(again)).status()),
            v1::ERROR_REASON_EXTERNAL_ID_TAKEN);
  const store::Revision done = world_.store().Head();
  ASSERT_TRUE(rounds_.Run());
  EXPECT_EQ(world_.store().Head(), done) << "where nothing has expired nothing is written";
  EXPECT_EQ(rounds_.delay(), kExpiryInterval);
}

TEST_F(ExpiryTest, MuchIsRemovedInOneRoundOfBoundedCommits) {
  for (int i = 0; i < 11; ++i) MakeOne("case-" + std::to_string(i), kLifeS + i % 3);
  const std::string left = MakeOne("", 10 * kLifeS);
  Pass(world_, 2 * kLifeS);
  const store::Revision head = world_.store().Head();
  ASSERT_TRUE(rounds_.Run());
  EXPECT_THAT(RemovedByCommit(head), ElementsAre(kPerCommit, kPerCommit, 3));
  EXPECT_THAT(world_.ListAll(world_.As("belmont"), {}), ElementsAre(left));
  EXPECT_EQ(Removed(), 11U);
  ExpectIndexed(world_);
}

TEST_F(ExpiryTest, ARevisionMovesIt) {
  const std::string later = MakeOne(), sooner = MakeOne();
  ASSERT_TRUE(ReviseExpiry(world_.As("aurore"), later, 3 * kLifeS).ok());
  ASSERT_TRUE(ReviseExpiry(world_.As("aurore"), sooner, kLifeS / 2).ok());
  ExpectIndexed(world_);
  Pass(world_, kLifeS / 2);
  ASSERT_TRUE(rounds_.Run());
  EXPECT_EQ(Removed(), 1U);
  Pass(world_, kLifeS);
  ASSERT_TRUE(rounds_.Run());
  EXPECT_THAT(world_.ListAll(world_.As("belmont"), {}), ElementsAre(later));
  EXPECT_EQ(Removed(), 1U);
  Pass(world_, 2 * kLifeS);
  ASSERT_TRUE(rounds_.Run());
  EXPECT_THAT(Rows(), IsEmpty());
}

TEST_F(ExpiryTest, WithdrawingAndRevisingWhatElseLeaveTheIndexRight) {
  const std::string name = MakeOne();
  v1::ReviseRecordRequest revise;
  revise.mutable_record()->set_name(name);
  revise.mutable_record()->mutable_offender_report()->set_comment("later");
  revise.mutable_update_mask()->add_paths("offender_report.comment");
  ASSERT_TRUE(world_.Revise(world_.As("aurore"), revise).ok());
  v1::ImportRecordsRequest import;
  for (int i = 0; i < 3; ++i) *import.add_items()->mutable_record() = ShortLived(world_, "shop-2");
  ASSERT_TRUE(world_.Import(world_.As("aurore"), import).ok());
  ExpectIndexed(world_);
  EXPECT_THAT(KeysOf(world_, "e"), SizeIs(4));
  v1::WithdrawRecordRequest withdraw;
  withdraw.set_name(name);
  ASSERT_TRUE(world_.Withdraw(world_.As("aurore"), withdraw).ok());
  ExpectIndexed(world_);
}

TEST_F(ExpiryTest, WhatWentToASuccessorExpiresThere) {
  Departing departing;
  for (int i = 0; i < 3; ++i) MakeOne("case-" + std::to_string(i));
  Leave(world_, "aurore", "belmont");
  departing.Resume(world_);
  ASSERT_TRUE(departing.WaitEnded(NumberOf(world_, "aurore")));
  EXPECT_THAT(KeysOf(world_, OwnerPrefix(NumberOf(world_, "belmont"))), SizeIs(3));
  ExpectIndexed(world_);
  Pass(world_, kLifeS);
  ASSERT_TRUE(rounds_.Run());
  EXPECT_THAT(Rows(), IsEmpty());
  EXPECT_THAT(rounds_.failures(), IsEmpty());
}

TEST_F(ExpiryTest, AClockThatGoesBackDoesNoHarm) {
  const std::string first = MakeOne();
  Pass(world_, kLifeS - 1);
  ASSERT_TRUE(rounds_.Run());
  Pass(world_, -7'200);
  const std::string second = MakeOne("", kLifeS);
  for (int i = 0; i < 400; ++i) ASSERT_TRUE(rounds_.Run());
  EXPECT_TRUE(world_.Get(world_.As("aurore"), first).ok());
  EXPECT_TRUE(world_.Get(world_.As("aurore"), second).ok());
  Pass(world_, kLifeS);
  ASSERT_TRUE(rounds_.Run());
  EXPECT_EQ(Removed(), 1U) << "the second one's time is before that of earlier rounds";
  EXPECT_TRUE(world_.Get(world_.As("aurore"), first).ok());
  Pass(world_, 7'200);
  ASSERT_TRUE(rounds_.Run());
  EXPECT_THAT(Rows(), IsEmpty());
}

// A call that was judged in time may be committed after the round of that time.
TEST_F(ExpiryTest, WhatIsEnteredLateIsFoundByLookingBack) {
  const CallContext in_time = world_.As("aurore");
  const v1::Record record = ShortLived(world_, "shop-1");
  Pass(world_, kLifeS + 5);
  ASSERT_TRUE(rounds_.Run());
  ASSERT_TRUE(world_.Create(in_time, CreateRequest(record)).ok());
  ASSERT_TRUE(rounds_.Run());
  EXPECT_THAT(KeysOf(world_, "e"), SizeIs(1));
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(rounds_.Run());
  EXPECT_THAT(Rows(), IsEmpty());
}

TEST_F(ExpiryTest, StaleEntriesArePutRight) {
  const std::string name = MakeOne();
  const std::string key = KeysOf(world_, "r")[0];
  v1::WithdrawRecordRequest withdraw;
  withdraw.set_name(world_.Created("aurore", ShortLived(world_, "shop-2")).name());
  const std::vector<std::string> keys = KeysOf(world_, "r");
  const std::string gone_key = keys[0] == key ? keys[1] : keys[0];
  const RecordId id = *IdOfRecordKey(key), gone_id = *IdOfRecordKey(gone_key);
  const int64_t now_s = world_.clock.NowS();
  CommitTo(world_.store(), {{ExpiryKey(now_s - 5, id), key},
                            {ExpiryKey(now_s - 4, gone_id), gone_key},
                            {ExpiryKey(now_s - 3, RecordId{}), key},
                            {ExpiryKey(now_s - 2, RecordId{}), "nonsense"},
                            {"e" + std::string(8, '\0') + "short", key}});
  ASSERT_TRUE(world_.Withdraw(world_.As("aurore"), withdraw).ok());
  ASSERT_TRUE(rounds_.Run());
  EXPECT_EQ(Removed(), 0U);
  ExpectIndexed(world_);
  EXPECT_TRUE(world_.Get(world_.As("aurore"), name).ok());
  // Together with the right one, in one batch.
  CommitTo(world_.store(), {{ExpiryKey(now_s + 5, id), key}});
  Pass(world_, kLifeS);
  ASSERT_TRUE(rounds_.Run());
  EXPECT_THAT(rounds_.failures(), IsEmpty());
  EXPECT_EQ(Removed(), 1U);
  EXPECT_THAT(Rows(), IsEmpty());
}

TEST_F(ExpiryTest, NothingBeginsAfterItIsDrained) {
  MakeOne();
  Pass(world_, kLifeS);
  const std::function<void()> round = rounds_.Take();
  world_.exchange().expiry().Drain();
  round();
  EXPECT_THAT(KeysOf(world_, "e"), SizeIs(1));
  EXPECT_FALSE(rounds_.waits());
}

}  // namespace
}  // namespace coalition::exchange
