// What a contributor learns of who saw its records is made of whole days, once.
#include "server/ledger/days.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "coalition/v1/ledger_service.pb.h"
#include "common/ids.h"
#include "common/timestamp.h"
#include "server/ledger/keys.h"
#include "tests/support/ledger_world.h"

namespace coalition::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr int64_t kDayMs = 86'400'000;
constexpr uint32_t kAurore = 1, kBelmont = 2, kCorsa = 3;

// An entry of a day, read.
struct DayEntry {
  v1::LedgerFirstShowings showings;
  v1::LedgerReserved reserved;
  storage::v1::StoredLedgerEntry stored;
};

std::vector<std::string> RecordsOf(const v1::LedgerFirstShowings& showings) {
  std::vector<std::string> records;
  for (const v1::LedgerShown& shown : showings.shown()) {
    records.insert(records.end(), shown.records().begin(), shown.records().end());
  }
  return records;
}

std::string NameOf(uint32_t record) { return FormatRecordName(RecordIdFromBytes(TestRecord(record))); }

std::vector<std::string> Records(uint32_t first, uint32_t count) {
  std::vector<std::string> records;
  for (uint32_t i = 0; i < count; ++i) records.push_back(TestRecord(first + i));
  return records;
}

class DaysTest : public ::testing::Test {
 protected:
  DaysTest() {
    // Noon.
    world_.clock.now_ns = (20'000 * kDayMs + kDayMs / 2) * 1'000'000;
    world_.Open();
  }
  void Tick() {
    world_.PassMs(1000);
    ASSERT_TRUE(world_.sealer->Tick().ok());
  }
  void NextDay() { world_.clock.now_ns = ((world_.now_ms() / kDayMs + 1) * kDayMs + kDayMs / 2) * 1'000'000; }
  // Until nothing is left to do, and what was made is sealed.
  void WorkUp() {
    const int64_t yesterday = world_.now_ms() / kDayMs - 1;
    for (int i = 0; i < 100 && world_.sealer->days_done() != yesterday; ++i) Tick();
    ASSERT_EQ(world_.sealer->days_done(), yesterday);
    Tick();
  }
  // Those that the party may open, as they were sealed, each with its proof verified.
  std::vector<DayEntry> EntriesOf(uint32_t party) {
    std::vector<DayEntry> all;
    for (const CheckedEntry& entry : world_.VerifiedEntriesOf(party)) {
      v1::LedgerContent content;
      const auto parts = ledger::PartsOf(*world_.facts.names.keys, entry.sealed.entry);
      if (!parts.ok() || !*parts || !content.ParseFromString((*parts)->open.content)) std::abort();
      if (!content.has_first_showings()) continue;
      DayEntry& one = all.emplace_back();
      one.showings = content.first_showings();
      one.stored = entry.sealed.entry;
      if (!one.reserved.ParseFromString((*parts)->reserved.content)) std::abort();
    }
    return all;
  }
  std::vector<std::string> AllRecordsOf(uint32_t party) {
    std::vector<std::string> all;
    for (const DayEntry& entry : EntriesOf(party)) {
      const std::vector<std::string> records = RecordsOf(entry.showings);
      all.insert(all.end(), records.begin(), records.end());
    }
    std::sort(all.begin(), all.end());
    return all;
  }
  size_t RowsLeft() const { return world_.CountRows("lf"); }

  LedgerWorld world_;
};

std::vector<std::string> SortedNames(uint32_t first, uint32_t count) {
  std::vector<std::string> names;
  for (uint32_t i = 0; i < count; ++i) names.push_back(NameOf(first + i));
  std::sort(names.begin(), names.end());
  return names;
}

TEST_F(DaysTest, NothingIsMadeBeforeTheDayIsOver) {
  EXPECT_EQ(world_.sealer->days_done(), 19'999);
  world_.WriteShowings(kBelmont, kAurore, Records(0, 2));
  Tick();
  EXPECT_EQ(RowsLeft(), 1);
  // Until it is over, and calls that had begun on it have ended.
  world_.clock.now_ns = (20'001 * kDayMs + ledger::kDayGraceMs - 3000) * 1'000'000;
  Tick();
  Tick();
  EXPECT_THAT(EntriesOf(kAurore), IsEmpty());
  EXPECT_EQ(RowsLeft(), 1);
  Tick();
  Tick();
  EXPECT_EQ(EntriesOf(kAurore).size(), 1);
  EXPECT_EQ(RowsLeft(), 0);
  EXPECT_EQ(world_.sealer->days_done(), 20'000);
}

TEST_F(DaysTest, AnEntryTellsDayKindAndRecordsAndReservesTheMember) {
  world_.WriteShowings(kBelmont, kAurore, Records(0, 2), 1);
  Tick();
  world_.PassMs(3'600'000);
  world_.WriteShowings(kBelmont, kAurore, Records(7, 1), 2);
  Tick();
  NextDay();
  WorkUp();
  const std::vector<DayEntry> entries = EntriesOf(kAurore);
  ASSERT_EQ(entries.size(), 1);
  const v1::LedgerFirstShowings& showings = entries[0].showings;
  EXPECT_EQ(showings.contributor(), "members/m1");
  EXPECT_EQ(showings.day().seconds(), 20'000 * 86'400);
  EXPECT_EQ(showings.day().nanos(), 0);
  EXPECT_EQ(showings.member_kind(), static_cast<v1::MemberKind>(kBelmont));
  ASSERT_EQ(showings.shown_size(), 2) << "by views";
  EXPECT_THAT(showings.shown(0).views(), ElementsAre("v"));
  EXPECT_EQ(showings.shown(0).answers(), 0) << "they do not tell";
  EXPECT_THAT(showings.shown(0).records(), UnorderedElementsAre(NameOf(0), NameOf(1)));
  EXPECT_THAT(showings.shown(1).records(), ElementsAre(NameOf(7)));
  EXPECT_EQ(entries[0].reserved.member(), "members/m2");
  EXPECT_THAT(entries[0].stored.parties(), ElementsAre(kAurore));
  EXPECT_THAT(entries[0].stored.full_parties(), ElementsAre(kAurore));
  EXPECT_EQ(entries[0].stored.first_showings_size(), 0);
  // The open part does not name whom it was.
  EXPECT_EQ(showings.SerializeAsString().find("m2"), std::string::npos);
  EXPECT_THAT(EntriesOf(kBelmont), IsEmpty()) << "its view may have hidden whose they are";
  EXPECT_THAT(EntriesOf(kCorsa), IsEmpty());
}

TEST_F(DaysTest, WhatAContributorMayNotLearnIsInNoEntry) {
  world_.facts.may_tell = [](uint32_t contributor, uint32_t member,
                             const policy::RecordIdBytes& record) -> absl::StatusOr<bool> {
    EXPECT_EQ(contributor, kAurore);
    EXPECT_EQ(member, kBelmont);
    return std::string(record.begin(), record.end()) != TestRecord(1);
  };
  world_.Restart();
  world_.WriteShowings(kBelmont, kAurore, Records(0, 3));
  Tick();
  NextDay();
  WorkUp();
  std::vector<std::string> names = {NameOf(0), NameOf(2)};
  std::sort(names.begin(), names.end());
  EXPECT_EQ(AllRecordsOf(kAurore), names);
  EXPECT_EQ(RowsLeft(), 0);
}

// Two records in one entry would be known to have been shown to the same.
TEST_F(DaysTest, WhoIsToldByItsKindAloneHasAnEntryForEachRecord) {
  world_.facts.by_kind = [](v1::MemberKind kind) { return kind == static_cast<v1::MemberKind>(kBelmont); };
  world_.Restart();
  world_.WriteShowings(kBelmont, kAurore, Records(0, 3));
  Tick();
  NextDay();
  WorkUp();
  EXPECT_EQ(EntriesOf(kAurore).size(), 3);
  EXPECT_EQ(AllRecordsOf(kAurore), SortedNames(0, 3));
}

// An entry for each: of enough of them more than the store takes as one commit.
TEST_F(DaysTest, ARowOfVeryManyIsUsedInParts) {
  constexpr uint32_t kMany = 45'000;
  world_.facts.by_kind = [](v1::MemberKind) { return true; };
  world_.Restart();
  world_.WriteShowings(kBelmont, kAurore, Records(0, kMany));
  Tick();
  NextDay();
  const store::Revision before = world_.store().Head();
  WorkUp();
  EXPECT_EQ(RowsLeft(), 0);
  const auto changes = world_.store().ReadLog(before, {.items = 1'000, .bytes = size_t{1} << 30});
  ASSERT_TRUE(changes.ok()) << changes.status();
  size_t most = 0;
  for (const store::Change& change : *changes) most = std::max(most, change.writes.size());
  EXPECT_EQ(most, 20'001U) << "with the row";
  EXPECT_EQ(AllRecordsOf(kAurore), SortedNames(0, kMany));
}

TEST_F(DaysTest, WhileThatIsNotKnownNoneIsMade) {
  world_.facts.may_tell = [](uint32_t, uint32_t, const policy::RecordIdBytes&) -> absl::StatusOr<bool> {
    return absl::UnavailableError("the disk is away");
  };
  world_.Restart();
  world_.WriteShowings(kBelmont, kAurore, Records(0, 3));
  Tick();
  NextDay();
  EXPECT_TRUE(absl::IsUnavailable(world_.sealer->Tick()));
  EXPECT_EQ(RowsLeft(), 1);
  world_.facts.may_tell = nullptr;
  world_.Restart();
  WorkUp();
  EXPECT_EQ(AllRecordsOf(kAurore), SortedNames(0, 3));
}

TEST_F(DaysTest, EachContributorAndMemberHasItsOwn) {
  world_.WriteShowings(kBelmont, kAurore, Records(0, 3));
  world_.WriteShowings(kCorsa, kAurore, Records(0, 2));
  Tick();
  world_.WriteShowings(kBelmont, kCorsa, Records(50, 4));
  Tick();
  NextDay();
  world_.WriteShowings(kCorsa, kAurore, Records(2, 1));
  Tick();
  WorkUp();
  std::map<std::string, std::vector<std::string>> by_member;
  for (const DayEntry& entry : EntriesOf(kAurore)) {
    std::vector<std::string> records = RecordsOf(entry.showings);
    std::sort(records.begin(), records.end());
    by_member[entry.reserved.member()] = records;
  }
  EXPECT_EQ(by_member.size(), 2);
  EXPECT_EQ(by_member["members/m2"], SortedNames(0, 3));
  EXPECT_EQ(by_member["members/m3"], SortedNames(0, 2)) << "today's is to come";
  EXPECT_EQ(EntriesOf(kCorsa).size(), 1) << "as contributor, and not as member";
  NextDay();
  WorkUp();
  EXPECT_EQ(EntriesOf(kAurore).size(), 3);
}

TEST_F(DaysTest, TwelveHundredRecordsAreThreeEntriesInAnOrderThatTellsNothing) {
  for (uint32_t first = 0; first < 1200; first += 100) {
    world_.WriteShowings(kBelmont, kAurore, Records(first, 100));
    Tick();
  }
  NextDay();
  WorkUp();
  const std::vector<DayEntry> entries = EntriesOf(kAurore);
  std::multiset<size_t> sizes;
  for (const DayEntry& entry : entries) sizes.insert(RecordsOf(entry.showings).size());
  EXPECT_THAT(sizes, ElementsAre(200, 500, 500));
  EXPECT_EQ(AllRecordsOf(kAurore), SortedNames(0, 1200));
  // Shuffled: the records of an hour are in all entries, not in one.
  std::set<std::string> first_hundred;
  for (const std::string& name : SortedNames(0, 100)) first_hundred.insert(name);
  for (const DayEntry& entry : entries) {
    const std::vector<std::string> records = RecordsOf(entry.showings);
    const auto of_them = std::count_if(records.begin(), records.end(), [&](const std::string& record) {
      return first_hundred.contains(record);
    });
    EXPECT_GT(of_them, 0);
    EXPECT_LT(of_them, 90);
    EXPECT_FALSE(std::is_sorted(records.begin(), records.end()));
  }
}

// More than one commit's worth of rows, and steps of more than one tick.
TEST_F(DaysTest, ManyRowsAreWorkedUpInPieces) {
  constexpr uint32_t kTicks = 1100;
  for (uint32_t i = 0; i < kTicks; ++i) {
    world_.WriteShowings(kBelmont, kAurore, Records(i, 1));
    Tick();
  }
  EXPECT_EQ(RowsLeft(), kTicks);
  NextDay();
  WorkUp();
  EXPECT_EQ(AllRecordsOf(kAurore), SortedNames(0, kTicks));
  EXPECT_EQ(EntriesOf(kAurore).size(), 3) << "500 rows at once";
  EXPECT_EQ(RowsLeft(), 0);
}

// Each commit of the work in turn fails, and then the server starts anew.
TEST_F(DaysTest, NothingIsLostOrTwiceThroughFailuresAndRestarts) {
  constexpr uint32_t kTicks = 510;
  for (uint32_t i = 0; i < kTicks; ++i) {
    world_.WriteShowings(kBelmont, i % 2 == 0 ? kAurore : kCorsa, Records(i, 1));
    if (i % 3 == 0) world_.WriteShowings(kCorsa, kAurore, Records(10'000 + i, 1));
    Tick();
  }
  const auto names = [&](uint32_t first, uint32_t step) {
    std::vector<std::string> all;
    for (uint32_t i = 0; i < kTicks; i += step) all.push_back(NameOf(first + i));
    return all;
  };
  std::vector<std::string> expected = names(0, 2);
  const std::vector<std::string> of_corsa = names(10'000, 3);
  expected.insert(expected.end(), of_corsa.begin(), of_corsa.end());
  std::sort(expected.begin(), expected.end());
  NextDay();
  const int64_t yesterday = world_.now_ms() / kDayMs - 1;
  int failures = 0;
  for (int good = 1; world_.sealer->days_done() != yesterday; ++good) {
    ASSERT_LT(good, 50);
    // So many commits pass; with one more tick each time.
    int left = good;
    world_.trap->refuse = [&]() {
      return left-- > 0 ? absl::OkStatus() : absl::UnavailableError("the disk is full");
    };
    world_.PassMs(1000);
    if (!world_.sealer->Tick().ok()) ++failures;
    world_.trap->refuse = nullptr;
    world_.Restart();
  }
  EXPECT_GE(failures, 2);
  Tick();
  EXPECT_EQ(RowsLeft(), 0);
  std::vector<std::string> found;
  for (const DayEntry& entry : EntriesOf(kAurore)) {
    const std::vector<std::string> records = RecordsOf(entry.showings);
    found.insert(found.end(), records.begin(), records.end());
  }
  std::sort(found.begin(), found.end());
  EXPECT_EQ(found, expected);
}

// A call that took long, or a clock that was set: what comes late is made late, and is not lost.
TEST_F(DaysTest, WhatIsSealedAfterItsDayIsMadeUpFor) {
  const int64_t noon_ns = world_.clock.now_ns;
  world_.WriteShowings(kBelmont, kAurore, Records(0, 1));
  Tick();
  NextDay();
  WorkUp();
  EXPECT_EQ(world_.sealer->days_done(), 20'000);
  const int64_t next_noon_ns = world_.clock.now_ns;
  world_.clock.now_ns = noon_ns;
  world_.WriteShowings(kBelmont, kAurore, Records(1, 1));
  world_.clock.now_ns = next_noon_ns;
  world_.Restart();
  WorkUp();
  Tick();
  Tick();
  EXPECT_EQ(AllRecordsOf(kAurore), SortedNames(0, 2));
  for (const DayEntry& entry : EntriesOf(kAurore)) EXPECT_EQ(entry.showings.day().seconds(), 20'000 * 86'400);
  EXPECT_EQ(world_.sealer->days_done(), 20'000);
  EXPECT_EQ(RowsLeft(), 0);
}

// While its day is being worked on.
TEST_F(DaysTest, ARowBehindThePlaceThatIsReachedIsNotPassedOver) {
  store::CommitLane lane(world_.store());
  ledger::Days days(world_.store(), lane, world_.random, TestFacts());
  const auto put = [&](uint64_t tick, uint32_t contributor, uint32_t record) {
    ledger::UnsealedEntry entry;
    entry.first.member = kBelmont;
    entry.first.day = 20'000;
    entry.first.showings.emplace_back().set_contributor(contributor);
    entry.first.showings.back().set_record(TestRecord(record));
    world_.Commit(ledger::ShowingsRows(tick, {entry}));
    days.TickWritten(days.DoneWith(20'001, 20'000), 20'000);
  };
  ASSERT_TRUE(days.Load(false).ok());
  put(1, kAurore, 1);
  put(2, kCorsa, 2);
  // Aurore's are found, listed and made.
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(*days.Step(20'001));
  EXPECT_EQ(RowsLeft(), 1);
  put(3, kAurore, 3);
  for (int i = 0; i < 20 && *days.Step(20'001); ++i) {
  }
  EXPECT_EQ(RowsLeft(), 0);
  EXPECT_EQ(days.days_done(), 20'000);
}

TEST_F(DaysTest, DaysWithoutShowingsPass) {
  for (int day = 0; day < 3; ++day) {
    NextDay();
    Tick();
    EXPECT_EQ(world_.sealer->days_done(), 20'000 + day);
  }
  world_.Restart();
  EXPECT_EQ(world_.sealer->days_done(), 20'002);
  world_.PassMs(-2 * kDayMs);
  Tick();
  EXPECT_EQ(world_.sealer->days_done(), 20'002) << "what is done stays done";
}

TEST_F(DaysTest, ADamagedRowStopsTheDayAndNotTheLog) {
  world_.WriteShowings(kBelmont, kAurore, Records(0, 1));
  Tick();
  NextDay();
  world_.Commit({{ledger::ShowingsKey(20'000, kAurore, 1), "\xff"}});
  EXPECT_TRUE(absl::IsDataLoss(world_.sealer->Tick()));
  EXPECT_TRUE(absl::IsDataLoss(world_.sealer->Tick()));
  EXPECT_EQ(world_.NewestVerified().size, 4);
  EXPECT_TRUE(absl::IsDataLoss(world_.sealer->Health()));
  EXPECT_EQ(RowsLeft(), 1);
}

// Whoever is at the same store has made them already.
TEST_F(DaysTest, TwoServersDoNotMakeThemTwice) {
  world_.WriteShowings(kBelmont, kAurore, Records(0, 5));
  Tick();
  NextDay();
  store::CommitLane lane(world_.store());
  ledger::Days mine(world_.store(), lane, world_.random, TestFacts());
  ledger::Days theirs(world_.store(), lane, world_.random, TestFacts());
  ASSERT_TRUE(mine.Load(false).ok());
  ASSERT_TRUE(theirs.Load(false).ok());
  const int64_t today = world_.now_ms() / kDayMs;
  bool met = false;
  // Both have found and listed the same row.
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(*mine.Step(today));
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(*theirs.Step(today));
  store::CommitLane their_lane(world_.store());
  ledger::Days third(world_.store(), their_lane, world_.random, TestFacts());
  ASSERT_TRUE(third.Load(false).ok());
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(*third.Step(today));
  // In the middle of the one's commit.
  world_.trap->before_commit = [&] {
    if (std::exchange(met, true)) return;
    EXPECT_TRUE(third.Step(today).ok());
  };
  EXPECT_TRUE(absl::IsFailedPrecondition(mine.Step(today).status()));
  EXPECT_TRUE(met);
  world_.trap->before_commit = nullptr;
  EXPECT_TRUE(absl::IsFailedPrecondition(theirs.Step(today).status())) << "the row that it knew of is gone";
  Tick();
  EXPECT_EQ(AllRecordsOf(kAurore), SortedNames(0, 5));
}

}  // namespace
}  // namespace coalition::testing
