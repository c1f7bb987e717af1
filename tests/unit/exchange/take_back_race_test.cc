// Taking many back beside other writes, beside damage, and on a disk that fails; and with how few reads and
// commits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <set>
#include <utility>

#include "common/errors.h"
#include "tests/unit/exchange/expiry_support.h"
#include "tests/unit/exchange/take_back_support.h"

namespace coalition::exchange {
namespace {

using namespace coalition::testing;  // NOLINT: the room's own fixtures
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::SizeIs;

struct Trouble {
  // Runs after records were read, but not for what it reads itself.
  std::function<void()> after_read;
  std::set<std::string> damaged;      // values that fail their checksums
  std::atomic<int> commits_left{-1};  // -1: none fails
  absl::StatusCode code = absl::StatusCode::kUnavailable;
  std::atomic<int> commits{0}, reads{0};  // counted
};

class TroubledStore final : public ForwardingStore {
 public:
  TroubledStore(store::Store& base, Trouble& trouble) : ForwardingStore(base), trouble_(trouble) {}
  std::vector<absl::StatusOr<store::Revision>> CommitAll(std::span<const store::Commit> commits) override {
    trouble_.commits += static_cast<int>(commits.size());
    if (trouble_.commits_left == 0) {
      return std::vector<absl::StatusOr<store::Revision>>(commits.size(),
                                                          absl::Status(trouble_.code, "told to"));
    }
    if (trouble_.commits_left > 0) --trouble_.commits_left;
    return ForwardingStore::CommitAll(commits);
  }
  absl::StatusOr<std::vector<std::optional<store::Version>>> Read(std::span<const std::string> keys,
                                                                  store::Revision at) const override {
    ++trouble_.reads;
    for (const std::string& key : keys) {
      if (trouble_.damaged.contains(key)) return absl::DataLossError("told to");
    }
    auto values = ForwardingStore::Read(keys, at);
    if (trouble_.after_read && keys[0].starts_with(kRecordsPrefix)) {
      const auto after_read = std::exchange(trouble_.after_read, nullptr);
      after_read();
      trouble_.after_read = after_read;
    }
    return values;
  }
  absl::StatusOr<store::Page<store::Entry>> Scan(std::string_view from, std::string_view to,
                                                 store::Revision at, store::Limit limit) const override {
    ++trouble_.reads;
    return ForwardingStore::Scan(from, to, at, limit);
  }

 private:
  Trouble& trouble_;
};

class TakeBackRaceTest : public ::testing::Test {
 protected:
  WorldOptions Options() {
    WorldOptions options;
    options.wrap_store = [this](store::Store& base) {
      return std::make_unique<TroubledStore>(base, trouble_);
    };
    return options;
  }
  bool IsThere(const std::string& name) { return world_.Get(world_.As("aurore"), name).ok(); }
  // Not waited for: it may be begun on the commit lane's thread. Its commit comes before that of whoever
  // begins one later.
  void Revise(const std::string& name) {
    v1::ReviseRecordRequest request;
    request.mutable_record()->set_name(name);
    request.mutable_record()->mutable_offender_report()->set_comment(std::to_string(++revised_));
    request.mutable_update_mask()->add_paths("offender_report.comment");
    world_.exchange().Revise(world_.As("aurore"), request, [](const auto& response, const auto&) {
      EXPECT_TRUE(response.ok()) << response.status();
    });
  }

  Trouble trouble_;
  World world_{Options()};
  int revised_ = 0;
};

TEST_F(TakeBackRaceTest, AFullBatchIsOneCommitAndFewReads) {
  const std::vector<std::string> names = ManyReports(world_, 250);
  const store::Revision head = world_.store().Head();
  trouble_.commits = 0;
  trouble_.reads = 0;
  EXPECT_THAT(StatusesOf(Withdrawn(world_, "aurore", names)), Each(kDone));
  EXPECT_EQ(trouble_.commits, 1);
  EXPECT_EQ(world_.store().Head(), head + 1);
  EXPECT_LE(trouble_.reads, 16);
  for (const char* index : {"r", "a", "o", "e"}) EXPECT_THAT(KeysOf(world_, index), SizeIs(0)) << index;
  EXPECT_THAT(KeysOf(world_, "t"), SizeIs(250));
}

// 20 kB each.
std::string LongComment() {
  std::string comment;
  for (int i = 0; i < 5'000; ++i) comment += "\xF0\x9F\x91\x9F";
  return comment;
}

TEST_F(TakeBackRaceTest, LargeOnesTakeSeveralCommitsInTurn) {
  const std::vector<std::string> names = ManyReports(world_, 120, LongComment());
  trouble_.commits = 0;
  EXPECT_THAT(StatusesOf(Withdrawn(world_, "aurore", names)), Each(kDone));
  EXPECT_EQ(trouble_.commits, 3) << "of a megabyte";
  EXPECT_THAT(KeysOf(world_, "r"), SizeIs(0));
  EXPECT_THAT(StatusesOf(Withdrawn(world_, "aurore", names)), Each(kDoneBefore));
}

TEST_F(TakeBackRaceTest, WhereALaterCommitFailsTheFirstOnesAreTold) {
  const std::vector<std::string> names = ManyReports(world_, 120, LongComment());
  trouble_.commits_left = 1;
  const TakeBackResults results = Withdrawn(world_, "aurore", names);
  trouble_.commits_left = -1;
  ASSERT_THAT(results, SizeIs(120));
  size_t done = 0;
  for (size_t i = 0; i < names.size(); ++i) {
    const bool is_done = results[i].status() == kDone;
    done += is_done ? 1 : 0;
    EXPECT_EQ(IsThere(names[i]), !is_done) << i;
    if (!is_done) {
      EXPECT_EQ(results[i].error().reason(), "STORE_UNAVAILABLE");
    }
  }
  EXPECT_GT(done, 0U);
  EXPECT_LT(done, names.size());
  const TakeBackResults again = Withdrawn(world_, "aurore", names);
  for (size_t i = 0; i < names.size(); ++i)
    EXPECT_EQ(again[i].status(), results[i].status() == kDone ? kDoneBefore : kDone) << i;
}

TEST_F(TakeBackRaceTest, WhereNothingWasKeptOrNobodyKnowsTheCallFails) {
  const std::vector<std::string> names = ManyReports(world_, 120, LongComment());
  trouble_.commits_left = 0;
  EXPECT_EQ(GetErrorReason(world_.BatchWithdraw(world_.As("aurore"), WithdrawAll(names)).status()),
            v1::ERROR_REASON_STORE_UNAVAILABLE);
  EXPECT_TRUE(IsThere(names[0]));
  trouble_.commits_left = 1;
  trouble_.code = absl::StatusCode::kUnknown;
  EXPECT_EQ(GetErrorReason(world_.BatchWithdraw(world_.As("aurore"), WithdrawAll(names)).status()),
            v1::ERROR_REASON_WRITE_UNDETERMINED);
  EXPECT_FALSE(IsThere(names[0]));
}

TEST_F(TakeBackRaceTest, WhatWasRevisedMeanwhileIsReadAgain) {
  const std::vector<std::string> names = ManyReports(world_, 3);
  trouble_.after_read = [&, once = true]() mutable {
    if (std::exchange(once, false)) Revise(names[1]);
  };
  EXPECT_THAT(StatusesOf(Withdrawn(world_, "aurore", names)), ElementsAre(kDone, kDone, kDone));
  trouble_.after_read = nullptr;
  EXPECT_EQ(revised_, 1);
  EXPECT_THAT(KeysOf(world_, "r"), SizeIs(0));
  EXPECT_THAT(KeysOf(world_, "e"), SizeIs(0));
}

TEST_F(TakeBackRaceTest, WhatIsChangedEachTimeIsLeft) {
  const std::vector<std::string> names = ManyReports(world_, 2);
  trouble_.after_read = [&] { Revise(names[1]); };
  const TakeBackResults results = Cleared(world_, "aurore", names);
  trouble_.after_read = nullptr;
  EXPECT_THAT(StatusesOf(results), ElementsAre(kDone, kRejected));
  EXPECT_EQ(results[1].error().reason(), "ETAG_MISMATCH");
  EXPECT_EQ(revised_, 8);
  EXPECT_TRUE(IsThere(names[1]));
  EXPECT_FALSE(TakenBackOf(world_, names[1]).has_value());
}

TEST_F(TakeBackRaceTest, WhatSomebodyElseWithdrewFirstWasDoneBefore) {
  const std::vector<std::string> names = ManyReports(world_, 2);
  trouble_.after_read = [&, once = true]() mutable {
    if (!std::exchange(once, false)) return;
    v1::WithdrawRecordRequest request;
    request.set_name(names[0]);
    EXPECT_TRUE(world_.Withdraw(world_.As("aurore"), request).ok());
  };
  EXPECT_THAT(StatusesOf(Withdrawn(world_, "aurore", names)), ElementsAre(kDoneBefore, kDone));
  trouble_.after_read = nullptr;
}

TEST_F(TakeBackRaceTest, OfTwoCallsAtOnceOneTakesEachBack) {
  const std::vector<std::string> names = ManyReports(world_, 40);
  const v1::BatchWithdrawRecordsRequest request = WithdrawAll(names);
  std::promise<absl::StatusOr<v1::BatchWithdrawRecordsResponse>> promises[4];
  for (auto& promise : promises) {
    world_.exchange().BatchWithdraw(world_.As("aurore"), request,
                                    [&promise](auto response) { promise.set_value(std::move(response)); });
  }
  std::vector<int> done(names.size());
  for (auto& promise : promises) {
    const TakeBackResults results = ResultsOf(request, promise.get_future().get());
    ASSERT_THAT(results, SizeIs(names.size()));
    for (size_t i = 0; i < names.size(); ++i) {
      EXPECT_NE(results[i].status(), kRejected);
      done[i] += results[i].status() == kDone ? 1 : 0;
    }
  }
  EXPECT_THAT(done, Each(1));
}

TEST_F(TakeBackRaceTest, WhatIsDamagedHindersNoOther) {
  const std::vector<std::string> names = ManyReports(world_, 5);
  const RecordId pointer = IdOf(names[1]), gone = IdOf(names[3]);
  const std::vector<std::string> rows = KeysOf(world_, "r");
  const auto row = std::find_if(rows.begin(), rows.end(),
                                [&](const std::string& key) { return IdOfRecordKey(key) == IdOf(names[2]); });
  ASSERT_NE(row, rows.end());
  ASSERT_THAT(StatusesOf(Withdrawn(world_, "aurore", {names[3]})), ElementsAre(kDone));
  trouble_.damaged = {IdKey(pointer), *row, TakenBackKey(gone)};
  const TakeBackResults results = Withdrawn(world_, "aurore", names);
  EXPECT_THAT(StatusesOf(results), ElementsAre(kDone, kRejected, kRejected, kRejected, kDone));
  for (const size_t i : {1, 2, 3}) EXPECT_EQ(results[i].error().reason(), "CORRUPT") << i;
  trouble_.damaged.clear();
  EXPECT_TRUE(IsThere(names[1]) && IsThere(names[2]));
  EXPECT_FALSE(IsThere(names[0]) || IsThere(names[4]));
}

}  // namespace
}  // namespace coalition::exchange
