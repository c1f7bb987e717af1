// Expiry beside other writes, beside damage, and on a disk that fails.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <set>
#include <utility>

#include "common/errors.h"
#include "tests/unit/exchange/expiry_support.h"

namespace coalition::exchange {
namespace {

using namespace coalition::testing;  // NOLINT: the room's own fixtures
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int kPerCommit = 2;

struct Trouble {
  // Runs once, after the next record was read.
  std::function<void()> after_read;
  // Runs once, after the next scan of a seller's records.
  std::function<void()> after_scan;
  // Values that fail their checksums.
  std::set<std::string> damaged;
  std::atomic<int> commits_left{-1};  // -1: none fails
  absl::StatusCode code = absl::StatusCode::kUnavailable;
};

class TroubledStore final : public ForwardingStore {
 public:
  TroubledStore(store::Store& base, Trouble& trouble) : ForwardingStore(base), trouble_(trouble) {}
  std::vector<absl::StatusOr<store::Revision>> CommitAll(std::span<const store::Commit> commits) override {
    if (trouble_.commits_left == 0)
      return std::vector<absl::StatusOr<store::Revision>>(commits.size(),
                                                          absl::Status(trouble_.code, "told to"));
    if (trouble_.commits_left > 0) --trouble_.commits_left;
    return ForwardingStore::CommitAll(commits);
  }
  absl::StatusOr<std::vector<std::optional<store::Version>>> Read(std::span<const std::string> keys,
                                                                  store::Revision at) const override {
    for (const std::string& key : keys) {
      if (trouble_.damaged.contains(key)) return absl::DataLossError("told to");
    }
    auto values = ForwardingStore::Read(keys, at);
    if (trouble_.after_read && keys[0].starts_with(kRecordsPrefix))
      std::exchange(trouble_.after_read, nullptr)();
    return values;
  }
  absl::Status ScanEach(std::string_view from, std::string_view to, store::Revision at,
                        const Visitor& visit) const override {
    absl::Status scanned = ForwardingStore::ScanEach(from, to, at, visit);
    if (trouble_.after_scan && from.starts_with(kRecordsPrefix))
      std::exchange(trouble_.after_scan, nullptr)();
    return scanned;
  }

 private:
  Trouble& trouble_;
};

class ExpiryRaceTest : public ::testing::Test {
 protected:
  WorldOptions Options() {
    WorldOptions options;
    options.exchange.expired_per_commit = kPerCommit;
    options.wrap_store = [this](store::Store& base) {
      return std::make_unique<TroubledStore>(base, trouble_);
    };
    return options;
  }

  ExpiryRaceTest() { rounds_.Resume(world_); }

  std::string MakeOne() { return world_.Created("aurore", ShortLived(world_, "shop-1")).name(); }
  void MakeMany(int count) {
    for (int i = 0; i < count; ++i) {
      v1::Record record = ShortLived(world_, "shop-" + std::to_string(i));
      record.set_external_id("case-" + std::to_string(i));
      world_.Created("aurore", record);
    }
  }
  uint64_t Removed() { return world_.exchange().expiry().removed(); }

  Trouble trouble_;
  Rounds rounds_;
  World world_{Options()};
};

TEST_F(ExpiryRaceTest, WhatWasRevisedSinceItWasReadStays) {
  const std::string name = MakeOne();
  v1::ReviseRecordRequest revise;
  revise.mutable_record()->set_name(name);
  revise.mutable_record()->mutable_expire_time()->set_seconds(world_.clock.NowS() + 10 * kLifeS);
  revise.mutable_update_mask()->add_paths("expire_time");
  const CallContext in_time = world_.As("aurore");
  Pass(world_, kLifeS);
  trouble_.after_read = [&] {
    const auto revised = world_.Revise(in_time, revise);
    EXPECT_TRUE(revised.ok()) << revised.status();
  };
  ASSERT_TRUE(rounds_.Run());
  EXPECT_FALSE(trouble_.after_read);
  EXPECT_EQ(Removed(), 0U);
  EXPECT_TRUE(world_.Get(world_.As("aurore"), name).ok());
  ExpectIndexed(world_);
  Pass(world_, 10 * kLifeS);
  ASSERT_TRUE(rounds_.Run());
  EXPECT_THAT(KeysOf(world_, "r"), IsEmpty());
  EXPECT_EQ(Removed(), 1U);
}

TEST_F(ExpiryRaceTest, WhoWritesAboutTheSellerMayRemoveTheSame) {
  MakeOne();
  Pass(world_, kLifeS);
  trouble_.after_read = [&] { MakeOne(); };
  ASSERT_TRUE(rounds_.Run());
  EXPECT_FALSE(trouble_.after_read);
  EXPECT_THAT(rounds_.failures(), IsEmpty());
  EXPECT_EQ(Removed(), 0U);
  EXPECT_THAT(KeysOf(world_, "r"), SizeIs(1));
  ExpectIndexed(world_);
}

TEST_F(ExpiryRaceTest, WhatTheSweepRemovedFirstIsNotRemovedAgain) {
  MakeOne();
  Pass(world_, kLifeS);
  trouble_.after_scan = [&] { EXPECT_TRUE(rounds_.Run()); };
  MakeOne();
  EXPECT_FALSE(trouble_.after_scan);
  EXPECT_EQ(Removed(), 1U);
  EXPECT_THAT(KeysOf(world_, "r"), SizeIs(1));
  ExpectIndexed(world_);
}

TEST_F(ExpiryRaceTest, AWithdrawalInBetweenIsEnough) {
  const std::string name = MakeOne();
  const CallContext in_time = world_.As("aurore");
  Pass(world_, kLifeS);
  trouble_.after_read = [&] {
    v1::WithdrawRecordRequest withdraw;
    withdraw.set_name(name);
    EXPECT_TRUE(world_.Withdraw(in_time, withdraw).ok());
  };
  ASSERT_TRUE(rounds_.Run());
  EXPECT_THAT(rounds_.failures(), IsEmpty());
  EXPECT_EQ(Removed(), 0U);
  EXPECT_THAT(KeysOf(world_, "e"), IsEmpty());
}

TEST_F(ExpiryRaceTest, DamagedRecordsDoNotStopTheOthers) {
  MakeMany(7);
  const std::vector<std::string> records = KeysOf(world_, "r");
  trouble_.damaged = {records[0], records[3]};
  CommitTo(world_.store(), {{records[5], "no record"}});
  Pass(world_, kLifeS);
  ASSERT_TRUE(rounds_.Run());
  EXPECT_EQ(KeysOf(world_, "r"), (std::vector<std::string>{records[0], records[3], records[5]}));
  EXPECT_EQ(Removed(), 4U);
  EXPECT_THAT(rounds_.damaged(), ElementsAre(3));
  EXPECT_THAT(rounds_.failures(), IsEmpty());
  // They are left alone, and what comes later is removed as ever.
  Pass(world_, 1);
  world_.Created("belmont", ShortLived(world_, "shop-9"));
  Pass(world_, kLifeS);
  ASSERT_TRUE(rounds_.Run());
  EXPECT_EQ(Removed(), 5U);
  EXPECT_THAT(rounds_.damaged(), ElementsAre(3));
}

TEST_F(ExpiryRaceTest, AFullDiskLosesNothingAndItGoesOn) {
  const exchange::Expiry& expiry = world_.exchange().expiry();
  MakeMany(5);
  EXPECT_EQ(expiry.done_until_ns(), 0);
  ASSERT_TRUE(rounds_.Run());
  const int64_t done_ns = expiry.done_until_ns();
  EXPECT_GE(done_ns, world_.clock.NowNs());
  Pass(world_, kLifeS);
  trouble_.commits_left = 1;
  ASSERT_TRUE(rounds_.Run());
  ASSERT_THAT(rounds_.failures(), SizeIs(1));
  EXPECT_EQ(GetErrorReason(rounds_.failures()[0]), v1::ERROR_REASON_STORE_UNAVAILABLE);
  EXPECT_EQ(rounds_.delay(), kExpiryRetryDelay);
  EXPECT_EQ(Removed(), static_cast<uint64_t>(kPerCommit));
  ExpectIndexed(world_);
  ASSERT_TRUE(rounds_.Run());
  EXPECT_THAT(rounds_.failures(), SizeIs(2));
  EXPECT_EQ(expiry.done_until_ns(), done_ns) << "by which watches tell until when they are complete";
  trouble_.commits_left = -1;
  ASSERT_TRUE(rounds_.Run());
  EXPECT_GE(expiry.done_until_ns(), world_.clock.NowNs());
  EXPECT_EQ(rounds_.delay(), kExpiryInterval);
  EXPECT_THAT(KeysOf(world_, "r"), IsEmpty());
  EXPECT_THAT(KeysOf(world_, "e"), IsEmpty());
  EXPECT_EQ(Removed(), 5U);
}

TEST_F(ExpiryRaceTest, AfterAnUndeterminedWriteItWaitsForTheNextStart) {
  MakeMany(5);
  Pass(world_, kLifeS);
  trouble_.commits_left = 1;
  trouble_.code = absl::StatusCode::kUnknown;
  ASSERT_TRUE(rounds_.Run());
  EXPECT_THAT(rounds_.failures(), SizeIs(1));
  EXPECT_FALSE(rounds_.waits());
  trouble_.commits_left = -1;
  world_.Restart();
  rounds_.Resume(world_);
  ASSERT_TRUE(rounds_.Run());
  EXPECT_THAT(KeysOf(world_, "r"), IsEmpty());
  EXPECT_THAT(KeysOf(world_, "e"), IsEmpty());
  EXPECT_EQ(Removed(), static_cast<uint64_t>(5 - kPerCommit));
  v1::Record again = ShortLived(world_, "shop-0");
  again.set_external_id("case-0");
  EXPECT_EQ(GetErrorReason(world_.Create(world_.As("aurore"), CreateRequest(again)).status()),
            v1::ERROR_REASON_EXTERNAL_ID_TAKEN);
}

}  // namespace
}  // namespace coalition::exchange
