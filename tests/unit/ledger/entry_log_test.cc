#include "server/ledger/entry_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
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
  ledger::EntryLog entries_{lane_, TestNames()};
  ledger::CountingDisclosureLog counting_;
  ledger::ShownLog shown_{world_.store(), lane_, entries_, counting_,
                          [](uint32_t, const std::function<void()>& work) { work(); }};
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
