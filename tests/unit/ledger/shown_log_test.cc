#include "server/ledger/shown_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "coalition/storage/v1/ledger.pb.h"
#include "tests/support/exchange_world.h"
#include "tests/support/store/refusing_store.h"
#include "tests/support/test_names.h"

namespace coalition::testing {
namespace {

using ledger::RecordIdBytes;
using ledger::ShownLog;
using ::testing::ElementsAre;

constexpr uint32_t kBelmont = 2, kCorsa = 3, kMembers = 5;
constexpr int64_t kNowS = 1'790'000'000;

RecordIdBytes Id(uint8_t number) {
  RecordIdBytes id{};
  id[0] = number;
  id[15] = 0xff;
  return id;
}

// Over a real store, and what would be sent is counted by what comes behind.
class ShownLogTest : public ::testing::Test {
 protected:
  ShownLogTest() { Open(); }

  void Open() {
    lane_ = std::make_unique<store::CommitLane>(world_.store());
    entries_ = std::make_unique<ledger::EntryLog>(*lane_, TestNames(), RunNow);
    shown_ = std::make_unique<ShownLog>(world_.store(), *lane_, *entries_, counting_, RunNow);
  }
  void Restart() {
    lane_.reset();
    shown_.reset();
    world_.Restart();
    Open();
  }
  absl::Status Show(uint32_t member, const std::vector<uint8_t>& records, int64_t time_s = kNowS) {
    ledger::Disclosure disclosure;
    disclosure.member = member;
    disclosure.time_ns = time_s * 1'000'000'000;
    for (const uint8_t record : records) disclosure.records.push_back({Id(record), 1, 2});
    std::promise<absl::Status> recorded;
    shown_->Record(std::move(disclosure),
                   [&](absl::Status status) { recorded.set_value(std::move(status)); });
    return recorded.get_future().get();
  }
  void Told(uint32_t member, uint8_t record, int64_t time_s) {
    shown_->Told(member, {{Id(record), v1::RETRACTION_KIND_GONE}}, time_s);
    lane_->Drain();  // what was submitted is answered
    Open();
  }
  absl::Status Acknowledge(uint32_t member, uint8_t record, v1::RetractionKind kind, int64_t time_s,
                           ShownLog::Acknowledging of = ShownLog::Acknowledging::kGoneNow) {
    std::promise<absl::Status> done;
    shown_->Acknowledged(member, {{Id(record), kind}}, of, time_s,
                         [&](absl::Status status) { done.set_value(std::move(status)); });
    return done.get_future().get();
  }
  storage::v1::StoredShown Row(uint8_t record, uint32_t member) {
    const auto all = shown_->WhoWasShown(Id(record), kMembers, world_.store().Head());
    if (!all.ok()) std::abort();
    for (const ledger::ShownTo& one : *all)
      if (one.member == member) return one.shown;
    ADD_FAILURE() << "there is no row";
    return {};
  }
  // The revision of the newest row.
  store::Revision LastRowWritten() {
    const auto rows = world_.store().Scan("u", "v", world_.store().Head(), {.items = 1000});
    if (!rows.ok()) std::abort();
    store::Revision last = 0;
    for (const store::Entry& row : rows->items) last = std::max(last, row.version.revision);
    return last;
  }
  std::vector<uint32_t> Members(uint8_t record) {
    const auto all = shown_->WhoWasShown(Id(record), kMembers, world_.store().Head());
    if (!all.ok()) std::abort();
    std::vector<uint32_t> members;
    for (const ledger::ShownTo& one : *all) members.push_back(one.member);
    return members;
  }

  World world_;
  ledger::CountingDisclosureLog counting_;
  std::unique_ptr<store::CommitLane> lane_;
  std::unique_ptr<ledger::EntryLog> entries_;
  std::unique_ptr<ShownLog> shown_;
};

TEST_F(ShownLogTest, KeepsTheFirstTimeThroughARestart) {
  ASSERT_TRUE(Show(kBelmont, {1, 2, 1}).ok());
  ASSERT_TRUE(Show(kCorsa, {1}, kNowS + 5).ok());
  Restart();
  ASSERT_TRUE(Show(kBelmont, {1, 3}, kNowS + 90'000).ok());
  EXPECT_THAT(Members(1), ElementsAre(kBelmont, kCorsa));
  EXPECT_THAT(Members(2), ElementsAre(kBelmont));
  EXPECT_EQ(Row(1, kBelmont).first_time_s(), kNowS);
  EXPECT_EQ(Row(1, kBelmont).first_view_ids(), 2);
  EXPECT_EQ(Row(3, kBelmont).first_time_s(), kNowS + 90'000);
  EXPECT_EQ(Row(1, kCorsa).first_time_s(), kNowS + 5);
  EXPECT_EQ(counting_.counts().disclosures, 3);
}

TEST_F(ShownLogTest, WhatIsKnownIsNotWrittenAgain) {
  ASSERT_TRUE(Show(kBelmont, {1, 2}).ok());
  const store::Revision before = LastRowWritten();
  ASSERT_TRUE(Show(kBelmont, {2, 1}, kNowS + 1).ok());
  Restart();
  ASSERT_TRUE(Show(kBelmont, {1, 2}, kNowS + 2).ok());
  EXPECT_EQ(LastRowWritten(), before);
}

TEST_F(ShownLogTest, PagesOfWhatAMemberWasShown) {
  std::vector<uint8_t> records;
  for (int i = 0; i < 1200; ++i) records.push_back(static_cast<uint8_t>(i % 250));
  ASSERT_TRUE(Show(kBelmont, records).ok());
  ASSERT_TRUE(Show(kCorsa, {7}).ok());
  std::string from;
  size_t count = 0;
  do {
    const auto page = shown_->WhatWasShown(kBelmont, from, 100, world_.store().Head());
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_LE(page->records.size(), 100);
    for (const ledger::ShownRecord& one : page->records) {
      EXPECT_EQ(one.record, Id(static_cast<uint8_t>(count++)));
      EXPECT_EQ(one.shown.first_time_s(), kNowS);
    }
    from = page->next;
  } while (!from.empty());
  EXPECT_EQ(count, 250);
}

TEST_F(ShownLogTest, ToldAndAcknowledgedUntilItIsShownAgain) {
  ASSERT_TRUE(Show(kBelmont, {1}).ok());
  Told(kBelmont, 1, kNowS + 10);
  EXPECT_EQ(Row(1, kBelmont).told_time_s(), kNowS + 10);
  EXPECT_FALSE(ledger::IsAcknowledged(Row(1, kBelmont), v1::RETRACTION_KIND_GONE));
  ASSERT_TRUE(Acknowledge(kBelmont, 1, v1::RETRACTION_KIND_GONE, kNowS + 20).ok());
  EXPECT_TRUE(ledger::IsAcknowledged(Row(1, kBelmont), v1::RETRACTION_KIND_GONE));
  EXPECT_FALSE(ledger::IsAcknowledged(Row(1, kBelmont), v1::RETRACTION_KIND_CLEARED));
  ASSERT_TRUE(Acknowledge(kBelmont, 1, v1::RETRACTION_KIND_CLEARED, kNowS + 30).ok());
  EXPECT_TRUE(ledger::IsAcknowledged(Row(1, kBelmont), v1::RETRACTION_KIND_CLEARED));

  ASSERT_TRUE(Show(kBelmont, {1}, kNowS + 40).ok());
  EXPECT_EQ(Row(1, kBelmont).first_time_s(), kNowS);
  EXPECT_EQ(Row(1, kBelmont).told_time_s(), 0);
  EXPECT_FALSE(ledger::IsAcknowledged(Row(1, kBelmont), v1::RETRACTION_KIND_GONE));
}

// Gone, shown and gone again, and all of it acknowledged at once.
TEST_F(ShownLogTest, ARecordMayBeAcknowledgedTwiceAtOnce) {
  ASSERT_TRUE(Show(kBelmont, {1, 2}).ok());
  Told(kBelmont, 1, kNowS + 10);
  Told(kBelmont, 2, kNowS + 10);
  std::promise<absl::Status> done;
  shown_->Acknowledged(kBelmont,
                       {{Id(1), v1::RETRACTION_KIND_GONE},
                        {Id(2), v1::RETRACTION_KIND_GONE},
                        {Id(1), v1::RETRACTION_KIND_CLEARED}},
                       ShownLog::Acknowledging::kTold, kNowS + 20,
                       [&](absl::Status status) { done.set_value(std::move(status)); });
  const absl::Status acknowledged = done.get_future().get();
  EXPECT_TRUE(acknowledged.ok()) << acknowledged;
  EXPECT_TRUE(ledger::IsAcknowledged(Row(1, kBelmont), v1::RETRACTION_KIND_CLEARED));
  EXPECT_TRUE(ledger::IsAcknowledged(Row(2, kBelmont), v1::RETRACTION_KIND_GONE));
}

TEST_F(ShownLogTest, ALateAcknowledgementIsNotOfWhatWasShownAgain) {
  const auto late = [this](int64_t time_s) {
    return Acknowledge(kBelmont, 1, v1::RETRACTION_KIND_GONE, time_s, ShownLog::Acknowledging::kTold);
  };
  ASSERT_TRUE(Show(kBelmont, {1}).ok());
  Told(kBelmont, 1, kNowS + 10);
  ASSERT_TRUE(Show(kBelmont, {1}, kNowS + 20).ok());
  ASSERT_TRUE(late(kNowS + 30).ok());
  EXPECT_FALSE(ledger::IsAcknowledged(Row(1, kBelmont), v1::RETRACTION_KIND_GONE));
  Told(kBelmont, 1, kNowS + 40);
  ASSERT_TRUE(late(kNowS + 50).ok());
  EXPECT_TRUE(ledger::IsAcknowledged(Row(1, kBelmont), v1::RETRACTION_KIND_GONE));
}

TEST_F(ShownLogTest, WithoutAViewNothingIsShown) {
  ledger::Disclosure disclosure;
  disclosure.member = kBelmont;
  disclosure.records.push_back({Id(1), 1, 0});
  std::promise<absl::Status> recorded;
  shown_->Record(std::move(disclosure), [&](absl::Status status) { recorded.set_value(std::move(status)); });
  EXPECT_TRUE(recorded.get_future().get().ok());
  EXPECT_THAT(Members(1), ElementsAre());
  EXPECT_EQ(counting_.counts().disclosures, 1);
}

TEST_F(ShownLogTest, WhatWasNeverShownIsPassedOver) {
  const store::Revision head = world_.store().Head();
  EXPECT_TRUE(Acknowledge(kBelmont, 9, v1::RETRACTION_KIND_GONE, kNowS).ok());
  Told(kBelmont, 9, kNowS);
  EXPECT_THAT(Members(9), ElementsAre());
  EXPECT_EQ(world_.store().Head(), head);
}

TEST_F(ShownLogTest, OfManyThatShowItAtOneMomentOneIsTheFirst) {
  std::vector<std::thread> threads;
  std::atomic<int> recorded = 0;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (uint8_t record = 0; record < 50; ++record) {
        if (Show(kBelmont, {record, static_cast<uint8_t>(record + 1)}).ok()) ++recorded;
        EXPECT_THAT(Members(record), ElementsAre(kBelmont));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(recorded, 400);
  EXPECT_EQ(counting_.counts().disclosures, 400);
  const auto entries = world_.store().Scan("le", "lf", world_.store().Head(), {.items = 1000});
  ASSERT_TRUE(entries.ok());
  int first = 0, disclosures = 0;
  for (const store::Entry& row : entries->items) {
    storage::v1::StoredLedgerEntry entry;
    ASSERT_TRUE(entry.ParseFromString(row.version.value));
    first += entry.first_showings_size();
    if (entry.parties(0) == kBelmont) ++disclosures;
  }
  EXPECT_EQ(disclosures, 400);
  EXPECT_EQ(first, 51);
}

// A row that is just being changed is not relied on: what is shown meanwhile is kept behind that.
TEST(ShownLogOrderTest, WhatIsShownWhileItIsBeingToldCountsAsShownAfterwards) {
  World world;
  store::CommitLane lane(world.store());
  ledger::EntryLog entries(lane, TestNames(), RunNow);
  ledger::CountingDisclosureLog counting;
  ShownLog shown(world.store(), lane, entries, counting, RunNow);
  const auto show = [&] {
    ledger::Disclosure disclosure;
    disclosure.member = kBelmont;
    disclosure.time_ns = kNowS * 1'000'000'000;
    disclosure.records.push_back({Id(1), 1, 2});
    std::promise<absl::Status> recorded;
    shown.Record(std::move(disclosure), [&](absl::Status status) { recorded.set_value(std::move(status)); });
    EXPECT_TRUE(recorded.get_future().get().ok());
  };
  for (int i = 0; i < 50; ++i) {
    show();
    shown.Told(kBelmont, {{Id(1), v1::RETRACTION_KIND_GONE}}, kNowS + i);
    show();
    // Behind all of that in the member's line.
    std::promise<absl::Status> kept;
    shown.Acknowledged(kBelmont, {{Id(9), v1::RETRACTION_KIND_GONE}}, ShownLog::Acknowledging::kGoneNow,
                       kNowS, [&](absl::Status status) { kept.set_value(std::move(status)); });
    ASSERT_TRUE(kept.get_future().get().ok());
    const auto rows = shown.RowsOf(kBelmont, {{Id(1), v1::RETRACTION_KIND_GONE}}, world.store().Head());
    ASSERT_TRUE(rows.ok() && (*rows)[0]);
    EXPECT_EQ((*rows)[0]->told_time_s(), 0) << i;
  }
  lane.Drain();
}

// Positive control of the order: what comes behind is not reached while the store refuses.
TEST(ShownLogFailureTest, WhatCanNotBeKeptIsNotPassedOn) {
  World world;
  RefusingStore refusing(world.store());
  store::CommitLane lane(refusing);
  ledger::EntryLog entries(lane, TestNames(), RunNow);
  ledger::CountingDisclosureLog counting;
  ShownLog shown(refusing, lane, entries, counting, RunNow);
  const auto show = [&] {
    ledger::Disclosure disclosure;
    disclosure.member = kBelmont;
    disclosure.time_ns = kNowS * 1'000'000'000;
    disclosure.records.push_back({Id(1), 1, 2});
    std::promise<absl::Status> recorded;
    shown.Record(std::move(disclosure), [&](absl::Status status) { recorded.set_value(std::move(status)); });
    return recorded.get_future().get();
  };
  refusing.refuses = true;
  EXPECT_TRUE(absl::IsUnavailable(show()));
  EXPECT_EQ(counting.counts().disclosures, 0);
  refusing.refuses = false;
  EXPECT_TRUE(show().ok());
  EXPECT_EQ(counting.counts().disclosures, 1);
}

}  // namespace
}  // namespace coalition::testing
