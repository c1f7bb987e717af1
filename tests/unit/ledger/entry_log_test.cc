#include "server/ledger/entry_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/errors.h"
#include "common/ids.h"
#include "common/ledger_leaf.h"
#include "server/ledger/refusals.h"
#include "server/ledger/shown_log.h"
#include "tests/support/exchange_world.h"
#include "tests/support/store/refusing_store.h"
#include "tests/support/test_names.h"
#include "tests/unit/ledger/entries_support.h"

namespace coalition::testing {
namespace {

using ledger::RecordIdBytes;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr uint32_t kAurore = 1, kBelmont = 2;
constexpr int64_t kNowS = 1'790'000'000;

RecordIdBytes Id(uint8_t number) {
  RecordIdBytes id{};
  id[0] = number;
  return id;
}

std::string NameOf(uint8_t number) {
  const RecordIdBytes id = Id(number);
  return FormatRecordName(RecordIdFromBytes({reinterpret_cast<const char*>(id.data()), id.size()}));
}

struct FoundEntry {
  ledger::EntryId id;
  storage::v1::StoredLedgerEntry stored;
  ledger::EntryParts parts;
  v1::LedgerContent content;
};

std::vector<FoundEntry> EntriesIn(const store::Store& store) {
  const auto page = store.Scan("le", "lf", store.Head(), {.items = 10'000});
  if (!page.ok()) std::abort();
  std::vector<FoundEntry> entries;
  for (const store::Entry& row : page->items) {
    FoundEntry& found = entries.emplace_back();
    const auto id = ledger::IdOfEntryKey(row.key);
    EXPECT_TRUE(id.has_value());
    found.id = id.value_or(ledger::EntryId{});
    EXPECT_TRUE(found.stored.ParseFromString(row.version.value));
    found.parts = PartsOf(found.stored);
    EXPECT_TRUE(found.content.ParseFromString(found.parts.open.content));
    EXPECT_EQ(found.id.revision, row.version.revision);
  }
  return entries;
}

// Keeps a lane at work from here on until Release, so that what comes meanwhile waits together.
class HeldLane {
 public:
  explicit HeldLane(store::CommitLane& lane) {
    store::Commit holds;
    holds.build = [this](store::Revision, auto) {
      held_.set_value();
      released_.get_future().wait();
      return std::vector<store::Write>();
    };
    lane.Submit(std::move(holds), [](const auto&) {});
    held_.get_future().wait();
  }
  void Release() { released_.set_value(); }

 private:
  std::promise<void> held_, released_;
};

class EntryLogTest : public ::testing::Test {
 protected:
  EntryLogTest() {
    // What the coalition began with.
    begun_ = EntriesIn(world_.store()).size();
  }
  ~EntryLogTest() override { lane_.Drain(); }

  absl::Status Show(uint32_t member, std::vector<ledger::DisclosedRecord> records) {
    ledger::Disclosure disclosure;
    disclosure.member = member;
    disclosure.credential = "backend";
    disclosure.method = "ScreenSellers";
    disclosure.epoch = 7;
    disclosure.time_ns = kNowS * 1'000'000'000;
    disclosure.records = std::move(records);
    std::promise<absl::Status> recorded;
    shown_.Record(std::move(disclosure), [&](absl::Status status) { recorded.set_value(std::move(status)); });
    return recorded.get_future().get();
  }
  std::vector<FoundEntry> Entries() {
    std::vector<FoundEntry> all = EntriesIn(world_.store());
    all.erase(all.begin(), all.begin() + static_cast<ptrdiff_t>(begun_));
    return all;
  }

  World world_;
  store::CommitLane lane_{world_.store()};
  ledger::EntryLog entries_{lane_, TestNames(), RunNow};
  ledger::CountingDisclosureLog counting_;
  ledger::ShownLog shown_{world_.store(), lane_, entries_, counting_, RunNow};
  size_t begun_ = 0;
};

TEST_F(EntryLogTest, AnEntrySaysWhoWasShownWhatByWhichCall) {
  ASSERT_TRUE(
      Show(kBelmont, {{Id(1), kAurore, 2}, {Id(2), kAurore, 4}, {Id(3), 9, 2}, {Id(1), kAurore, 2}}).ok());
  const auto entries = Entries();
  ASSERT_THAT(entries, SizeIs(1));
  ASSERT_TRUE(entries[0].content.has_disclosure());
  const v1::LedgerDisclosure& of = entries[0].content.disclosure();
  EXPECT_EQ(of.member(), "members/m2");
  EXPECT_EQ(of.credential(), "members/m2/credentials/backend");
  EXPECT_EQ(of.method(), "ScreenSellers");
  EXPECT_EQ(of.epoch(), 7);
  EXPECT_EQ(of.time().seconds(), kNowS);
  ASSERT_THAT(of.shown(), SizeIs(2));
  EXPECT_THAT(of.shown(0).records(), ElementsAre(NameOf(1), NameOf(3)));
  EXPECT_THAT(of.shown(0).views(), ElementsAre("v"));
  EXPECT_THAT(of.shown(1).records(), ElementsAre(NameOf(2)));
  EXPECT_THAT(entries[0].stored.parties(), ElementsAre(kBelmont));
  EXPECT_THAT(entries[0].stored.full_parties(), ElementsAre(kBelmont));
  EXPECT_THAT(entries[0].parts.open.salt, SizeIs(ledger::kPartSaltBytes));
  EXPECT_NE(entries[0].parts.open.salt, entries[0].parts.reserved.salt);
  EXPECT_EQ(entries[0].stored.SerializeAsString().find("backend"), std::string::npos) << "it is sealed";
}

TEST_F(EntryLogTest, EachDisclosureHasItsEntryAndOnlyTheFirstIsAFirstShowing) {
  ASSERT_TRUE(Show(kBelmont, {{Id(1), kAurore, 2}}).ok());
  ASSERT_TRUE(Show(kBelmont, {{Id(1), kAurore, 2}, {Id(2), 9, 4}}).ok());
  const auto entries = Entries();
  ASSERT_THAT(entries, SizeIs(2));
  ASSERT_THAT(entries[0].stored.first_showings(), SizeIs(1));
  EXPECT_EQ(entries[0].stored.first_showings(0).contributor(), kAurore);
  ASSERT_THAT(entries[1].stored.first_showings(), SizeIs(1));
  EXPECT_EQ(entries[1].stored.first_showings(0).contributor(), 9);
  EXPECT_EQ(entries[1].stored.first_showings(0).view_ids(), 4);
  EXPECT_EQ(entries_.appended(), 2);
}

// So that after a crash there is never the one without the other.
TEST_F(EntryLogTest, TheEntryIsOfOneCommitWithWhoWasShownWhat) {
  ASSERT_TRUE(Show(kBelmont, {{Id(1), kAurore, 2}}).ok());
  const auto rows = world_.store().Scan("u", "v", world_.store().Head(), {.items = 10});
  ASSERT_TRUE(rows.ok());
  ASSERT_THAT(rows->items, SizeIs(1));
  EXPECT_EQ(rows->items[0].version.revision, Entries().at(0).id.revision);
}

TEST_F(EntryLogTest, WhatIsExplainedWithoutAViewIsNoFirstShowing) {
  ASSERT_TRUE(Show(kBelmont, {{Id(1), kAurore, 0}}).ok());
  const auto entries = Entries();
  ASSERT_THAT(entries, SizeIs(1));
  EXPECT_THAT(entries[0].stored.first_showings(), IsEmpty());
  EXPECT_THAT(entries[0].content.disclosure().shown(0).records(), ElementsAre(NameOf(1)));
}

// Answers that wait for the disk at the same time.
class JoinedEntriesTest : public EntryLogTest {
 protected:
  static constexpr auto kReport = v1::RECORD_CLASS_OFFENDER_REPORT;

  ~JoinedEntriesTest() override {
    if (is_held_) Release();
  }

  ledger::Disclosure To(const std::string& credential, std::vector<ledger::DisclosedRecord> records) {
    ledger::Disclosure disclosure;
    disclosure.member = kBelmont;
    disclosure.credential = *credentials_.insert(credential).first;
    disclosure.method = "ScreenSellers";
    disclosure.epoch = 7;
    disclosure.time_ns = kNowS * 1'000'000'000;
    disclosure.records = std::move(records);
    return disclosure;
  }
  void Wait(ledger::Disclosure disclosure) {
    auto& answered = answers_.emplace_back(std::make_unique<std::promise<absl::Status>>());
    shown_.Record(std::move(disclosure),
                  [&promise = *answered](absl::Status status) { promise.set_value(std::move(status)); });
  }
  // Straight to the entries.
  void Append(std::vector<ledger::DisclosedRecord> records) {
    auto& answered = answers_.emplace_back(std::make_unique<std::promise<absl::Status>>());
    entries_.Append(To("backend", std::move(records)), {}, {},
                    [&promise = *answered](absl::Status status) { promise.set_value(std::move(status)); });
  }
  void Release() {
    is_held_ = false;
    held_.Release();
  }
  // How each was answered.
  std::vector<absl::StatusCode> Answers() {
    std::vector<absl::StatusCode> codes;
    for (const auto& one : answers_) codes.push_back(one->get_future().get().code());
    answers_.clear();
    return codes;
  }

  std::set<std::string> credentials_;
  HeldLane held_{lane_};
  bool is_held_ = true;
  std::vector<std::unique_ptr<std::promise<absl::Status>>> answers_;
};

TEST_F(JoinedEntriesTest, ThoseOfOneCredentialBecomeOneEntryThatCountsThem) {
  Wait(To("backend", {{Id(1), kAurore, 2, kReport}, {Id(2), kAurore, 2, kReport}}));
  Wait(To("backend", {{Id(1), kAurore, 2, kReport}, {Id(1), kAurore, 2, kReport}}));
  Wait(To("backend", {{Id(3), kAurore, 2, kReport}, {Id(1), kAurore, 4, kReport}}));
  EXPECT_THAT(Entries(), IsEmpty());
  Release();
  EXPECT_THAT(Answers(), ElementsAre(absl::StatusCode::kOk, absl::StatusCode::kOk, absl::StatusCode::kOk));
  const auto entries = Entries();
  ASSERT_THAT(entries, SizeIs(1));
  const v1::LedgerDisclosure& of = entries[0].content.disclosure();
  EXPECT_EQ(of.time().seconds(), kNowS);
  ASSERT_THAT(of.shown(), SizeIs(3));
  EXPECT_THAT(of.shown(0).records(), ElementsAre(NameOf(1)));
  EXPECT_EQ(of.shown(0).answers(), 2);
  EXPECT_THAT(of.shown(1).records(), ElementsAre(NameOf(2), NameOf(3)));
  EXPECT_EQ(of.shown(1).answers(), 1);
  EXPECT_THAT(of.shown(2).records(), ElementsAre(NameOf(1))) << "through other views";
  EXPECT_EQ(of.shown(2).answers(), 1);
  EXPECT_THAT(entries[0].stored.first_showings(), SizeIs(3)) << "each record once";
  const auto rows = world_.store().Scan("u", "v", world_.store().Head(), {.items = 10});
  ASSERT_TRUE(rows.ok());
  ASSERT_THAT(rows->items, SizeIs(3));
  for (const store::Entry& row : rows->items) EXPECT_EQ(row.version.revision, entries[0].id.revision);
  EXPECT_EQ(entries_.appended(), 1);
  EXPECT_EQ(counting_.counts().disclosures, 3);
}

TEST_F(JoinedEntriesTest, WhatAnEntrySaysOfOneIsTrueOfAll) {
  const std::vector<ledger::DisclosedRecord> records = {{Id(1), kAurore, 2, kReport}};
  Wait(To("backend", records));
  Wait(To("analyst", records));
  ledger::Disclosure other = To("backend", records);
  other.member = kAurore + 4;
  Wait(other);
  other = To("backend", records);
  other.method = "GetRecord";
  Wait(other);
  other = To("backend", records);
  other.epoch = 8;
  Wait(other);
  other = To("backend", records);
  other.time_ns += int64_t{86'400} * 1'000'000'000;
  Wait(other);
  other = To("backend", records);
  other.state_revision = 5;  // which the entry does not say
  Wait(other);
  Release();
  EXPECT_THAT(Answers(), AllOf(SizeIs(7), Each(absl::StatusCode::kOk)));
  EXPECT_THAT(Entries(), SizeIs(7));
  std::set<std::string> said;
  for (const FoundEntry& entry : Entries()) {
    EXPECT_EQ(entry.content.disclosure().shown(0).answers(), 1);
    said.insert(entry.parts.open.content);
  }
  EXPECT_THAT(said, SizeIs(6));
}

// An entry that names an opinion is withheld from its receiver (ADR 0016): what else it was shown is not.
TEST_F(JoinedEntriesTest, WhatMayBeAnOpinionHasAnEntryOfItsOwn) {
  Wait(To("backend", {{Id(1), kAurore, 2, kReport}}));
  Wait(To("backend", {{Id(1), kAurore, 2, kReport}, {Id(2), kAurore, 2, v1::RECORD_CLASS_OPINION}}));
  Wait(To("backend", {{Id(3), kAurore, 2}}));
  Wait(To("backend", {{Id(4), kAurore, 2, kReport}}));
  Release();
  EXPECT_THAT(Answers(), AllOf(SizeIs(4), Each(absl::StatusCode::kOk)));
  std::vector<std::vector<std::string>> named;
  for (const FoundEntry& entry : Entries()) {
    auto& names = named.emplace_back();
    for (const v1::LedgerShown& shown : entry.content.disclosure().shown())
      names.insert(names.end(), shown.records().begin(), shown.records().end());
  }
  EXPECT_THAT(named, ElementsAre(ElementsAre(NameOf(1), NameOf(4)), ElementsAre(NameOf(1), NameOf(2)),
                                 ElementsAre(NameOf(3))));
}

TEST_F(JoinedEntriesTest, AnEntryHoldsABoundedNumber) {
  constexpr auto kMax = static_cast<int>(ledger::EntryLog::kJoinedRecordsMax);
  for (int i = 0; i < kMax + 1; ++i) Wait(To("backend", {{Id(1), kAurore, 2, kReport}}));
  Release();
  EXPECT_THAT(Answers(), AllOf(SizeIs(kMax + 1), Each(absl::StatusCode::kOk)));
  std::vector<int> answers;
  for (const FoundEntry& entry : Entries()) answers.push_back(entry.content.disclosure().shown(0).answers());
  EXPECT_THAT(answers, ElementsAre(kMax, 1));
}

// What an entry says is settled when it is made, which is before it is on the disk.
TEST_F(JoinedEntriesTest, NothingIsAddedToWhatIsOnItsWay) {
  const auto show = [this] { Append({{Id(1), kAurore, 2, kReport}}); };
  show();
  store::Commit behind;  // made after the entry, in the same group
  behind.build = [&](store::Revision, auto) {
    show();
    return std::vector<store::Write>();
  };
  std::promise<void> answered;
  lane_.Submit(
      std::move(behind), [&](const auto&) { answered.set_value(); }, 0, kBelmont | ledger::kNotesLine);
  Release();
  answered.get_future().wait();  // from here on answers_ has both
  EXPECT_THAT(Answers(), AllOf(SizeIs(2), Each(absl::StatusCode::kOk)));
  EXPECT_THAT(Entries(), SizeIs(2));
}

TEST_F(JoinedEntriesTest, AnAnswerOfManyRecordsHasAnEntryOfItsOwn) {
  std::vector<ledger::DisclosedRecord> records;
  for (size_t i = 0; i < ledger::EntryLog::kAnswerRecordsMax; ++i)
    records.push_back({Id(static_cast<uint8_t>(i)), kAurore, 2, kReport});
  Append(records);
  Append(records);
  records.push_back({Id(200), kAurore, 2, kReport});
  Append(records);
  Append(records);
  Release();
  EXPECT_THAT(Answers(), AllOf(SizeIs(4), Each(absl::StatusCode::kOk)));
  std::vector<int> answers;
  for (const FoundEntry& entry : Entries()) answers.push_back(entry.content.disclosure().shown(0).answers());
  EXPECT_THAT(answers, ElementsAre(2, 1, 1));
}

// The lane has counted the first answer of each entry alone.
TEST_F(JoinedEntriesTest, WhatJoinsIsBoundedInBytes) {
  std::vector<ledger::DisclosedRecord> records;
  for (size_t i = 0; i < ledger::EntryLog::kAnswerRecordsMax; ++i)
    records.push_back({Id(static_cast<uint8_t>(i)), kAurore, 2, kReport});
  const size_t answer_bytes = records.size() * 96;
  const size_t fit = ledger::EntryLog::kJoinedBytesMax / answer_bytes;
  constexpr size_t kMore = 500;
  for (size_t i = 0; i < fit + kMore; ++i) Append(records);
  Release();
  EXPECT_THAT(Answers(), AllOf(SizeIs(fit + kMore), Each(absl::StatusCode::kOk)));
  EXPECT_GE(Entries().size(), kMore);
  // And joins again when that is written.
  for (int i = 0; i < 2; ++i) {
    HeldLane held(lane_);
    const size_t before = entries_.appended();
    Append(records);
    Append(records);
    held.Release();
    EXPECT_THAT(Answers(), AllOf(SizeIs(2), Each(absl::StatusCode::kOk)));
    EXPECT_EQ(entries_.appended(), before + 1);
  }
}

TEST_F(JoinedEntriesTest, TheTimeIsThatOfTheEarliest) {
  ledger::Disclosure late = To("backend", {{Id(1), kAurore, 2, kReport}});
  late.time_ns += int64_t{3} * 1'000'000'000;
  Wait(late);
  Wait(To("backend", {{Id(2), kAurore, 2, kReport}}));
  Release();
  EXPECT_THAT(Answers(), SizeIs(2));
  ASSERT_THAT(Entries(), SizeIs(1));
  EXPECT_EQ(Entries()[0].content.disclosure().time().seconds(), kNowS);
}

TEST(JoinedEntriesFailureTest, AllAreToldThatItIsNotKept) {
  World world;
  RefusingStore refusing(world.store());
  store::CommitLane lane(refusing);
  int lots = 0;
  ledger::EntryLog entries(lane, TestNames(), [&lots](uint32_t, const std::function<void()>& work) {
    ++lots;
    work();
  });
  HeldLane held(lane);
  std::vector<absl::StatusCode> codes;
  ledger::Disclosure disclosure;
  disclosure.member = kBelmont;
  disclosure.records = {{Id(1), kAurore, 2, v1::RECORD_CLASS_OFFENDER_REPORT}};
  for (int i = 0; i < 20; ++i) {
    entries.Append(disclosure, {}, {}, [&](const absl::Status& status) { codes.push_back(status.code()); });
  }
  refusing.refuses = true;
  held.Release();
  lane.Drain();
  EXPECT_THAT(codes, AllOf(SizeIs(20), Each(absl::StatusCode::kUnavailable)));
  EXPECT_EQ(lots, 2) << "16 and 4 of one entry";
  EXPECT_EQ(entries.appended(), 0);
  // And when it takes none at all: nobody joins what was refused.
  for (int i = 0; i < 2; ++i) {
    entries.Append(disclosure, {}, {}, [&](const absl::Status& status) { codes.push_back(status.code()); });
  }
  EXPECT_THAT(codes, AllOf(SizeIs(22), Each(absl::StatusCode::kUnavailable)));
}

TEST(RefusalsTest, AreCountedByMemberMethodAndReason) {
  World world;
  const size_t begun = EntriesIn(world.store()).size();
  store::CommitLane lane(world.store());
  ledger::Refusals refusals(lane, TestNames(), world.clock);
  const absl::Status role = Error(v1::ERROR_REASON_ROLE_MISSING, "no");
  refusals.Note(kBelmont, "GetRecord", role);
  refusals.Note(kBelmont, "GetRecord", role);
  refusals.Note(0, "GetRecord", Error(v1::ERROR_REASON_IDENTITY_MALFORMED, "no"));
  refusals.Note(kBelmont, "GetRecord", NotFound());
  refusals.Flush();
  refusals.Flush();
  lane.Drain();
  auto entries = EntriesIn(world.store());
  ASSERT_THAT(entries, SizeIs(begun + 2));
  EXPECT_THAT(entries[begun].stored.parties(), ElementsAre(ledger::kAuditors));
  EXPECT_EQ(entries[begun].content.refusals().reason(), "IDENTITY_MALFORMED");
  EXPECT_EQ(entries.back().content.refusals().member(), "members/m2");
  EXPECT_EQ(entries.back().content.refusals().reason(), "ROLE_MISSING");
  EXPECT_EQ(entries.back().content.refusals().count(), 2);
  EXPECT_THAT(entries.back().stored.parties(), ElementsAre(kBelmont));
}

TEST(RefusalsTest, WhatCouldNotBeWrittenIsWrittenLater) {
  World world;
  const size_t begun = EntriesIn(world.store()).size();
  RefusingStore refusing(world.store());
  store::CommitLane lane(refusing);
  ledger::Refusals refusals(lane, TestNames(), world.clock);
  // Behind what was submitted before: the lane answers in turn.
  const auto settle = [&] {
    std::promise<void> done;
    store::Commit nothing;
    nothing.build = [](store::Revision, auto) { return std::vector<store::Write>(); };
    lane.Submit(std::move(nothing), [&](const auto&) { done.set_value(); });
    done.get_future().get();
  };
  refusals.Note(0, "GetRecord", Error(v1::ERROR_REASON_IDENTITY_MALFORMED, "no"));
  refusing.refuses = true;
  refusals.Flush();
  settle();
  refusals.Note(0, "GetRecord", Error(v1::ERROR_REASON_IDENTITY_MALFORMED, "no"));
  refusing.refuses = false;
  refusals.Flush();
  lane.Drain();
  const auto entries = EntriesIn(world.store());
  ASSERT_THAT(entries, SizeIs(begun + 1));
  EXPECT_EQ(entries.back().content.refusals().count(), 2);
  EXPECT_EQ(entries.back().content.refusals().member(), "");
  EXPECT_THAT(entries.back().stored.parties(), ElementsAre(ledger::kAuditors));
}

}  // namespace
}  // namespace coalition::testing
