// What an erased entry said is gone wherever it lies, and every proof stays what it was.
#include "server/ledger/entry_eraser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/file.h"
#include "common/timestamp.h"
#include "server/ledger/days.h"
#include "server/ledger/entry.h"
#include "tests/support/ledger_world.h"

namespace coalition::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int64_t kDayMs = 86'400'000;
constexpr uint32_t kAurore = 1, kBelmont = 2, kCorsa = 3;
constexpr size_t kFileBytesMax = size_t{1} << 20;

class EntryEraserTest : public ::testing::Test {
 protected:
  EntryEraserTest() {
    std::filesystem::create_directory(dir());
    LoadKeys(/*may_create=*/true);
    world_.Open();
  }

  std::string dir() const { return scratch_.Sub("keys"); }
  std::string file() const { return dir() + "/" + ledger::kEntryKeysFile; }
  // For what is opened next.
  void LoadKeys(bool may_create = false) {
    auto keys = ledger::EntryKeys::Load(dir(), may_create, world_.random);
    if (!keys.ok()) std::abort();
    world_.facts.names.keys = *std::move(keys);
  }
  const ledger::EntryKeys& keys() const { return *world_.facts.names.keys; }
  void Tick() {
    world_.PassMs(1000);
    ASSERT_TRUE(world_.sealer->Tick().ok());
  }

  absl::StatusOr<std::vector<ledger::ErasedEntry>> Erase(const std::vector<ledger::EntryPlace>& places,
                                                         ledger::ReceiverOpens receiver_opens = {}) {
    ledger::EntryEraser eraser(world_.store(), *world_.lane, world_.facts.names.keys,
                               std::move(receiver_opens));
    return eraser.Erase(places,
                        [this](size_t entries, store::Revision revision, std::vector<store::Write>* writes) {
                          EXPECT_GT(entries, 0U);
                          v1::LedgerContent content;
                          content.mutable_act()->set_change("entries were erased");
                          auto act = ledger::MakeEntry(keys(), world_.clock.now_ns, content);
                          act.add_parties(kCorsa);
                          writes->push_back(ledger::EntryWrite({revision, 0}, act));
                          return absl::OkStatus();
                        });
  }
  std::vector<CheckedEntry> EntriesOf(uint32_t party) const { return world_.VerifiedEntriesOf(party); }
  // Whether what a row said is opened with the keys of now; a row of any time.
  bool Opens(const storage::v1::StoredLedgerEntry& row) const {
    const auto parts = ledger::PartsOf(keys(), row);
    EXPECT_TRUE(parts.ok()) << parts.status();
    return parts.ok() && parts->has_value();
  }
  storage::v1::StoredLedgerEntry RowOf(const ledger::SealedEntry& sealed) const {
    storage::v1::StoredLedgerEntry row;
    EXPECT_TRUE(row.ParseFromString(world_.MustRead(ledger::EntryKey(sealed.id))));
    return row;
  }

  ScratchDir scratch_;
  LedgerWorld world_;
};

TEST_F(EntryEraserTest, NoCopyOfItOpensAnyMoreAndProofsStay) {
  world_.WriteShowings(kBelmont, kAurore, {TestRecord(1)});
  world_.WriteShowings(kBelmont, kAurore, {TestRecord(2)});
  Tick();
  const std::vector<CheckedEntry> before = EntriesOf(kBelmont);
  ASSERT_THAT(before, SizeIs(2));
  const std::string old_file = *ReadFile(file(), kFileBytesMax);
  const auto erased = Erase({before[0].sealed.place});
  ASSERT_TRUE(erased.ok()) << erased.status();
  ASSERT_THAT(*erased, SizeIs(1));
  EXPECT_FALSE(erased->front().erased_before);

  // The rows of before are those of every copy and backup.
  EXPECT_FALSE(Opens(before[0].sealed.entry));
  EXPECT_TRUE(Opens(before[1].sealed.entry));
  EXPECT_TRUE(ledger::HasEnded(RowOf(before[0].sealed)));
  EXPECT_THAT(RowOf(before[0].sealed).first_showings(), IsEmpty());
  Tick();
  const std::vector<CheckedEntry> after = EntriesOf(kBelmont);
  ASSERT_THAT(after, SizeIs(2));
  for (size_t i = 0; i < after.size(); ++i) {
    EXPECT_EQ(after[i].sealed.place, before[i].sealed.place);
    EXPECT_EQ(ledger::LeafHashOf(after[i].sealed.entry), ledger::LeafHashOf(before[i].sealed.entry));
  }
  EXPECT_THAT(EntriesOf(kCorsa), SizeIs(1)) << "it is told in the ledger";

  // With the file of before it opens: it is the key that is gone. And then the next start destroys it again.
  world_.Close();
  ASSERT_TRUE(WriteFileAtomic(file(), old_file, 0600).ok());
  LoadKeys();
  EXPECT_TRUE(Opens(before[0].sealed.entry));
  world_.Open();
  EXPECT_FALSE(Opens(before[0].sealed.entry));
  LoadKeys();
  EXPECT_FALSE(Opens(before[0].sealed.entry)) << "on the disk, too";
  EXPECT_TRUE(Opens(before[1].sealed.entry));
}

TEST_F(EntryEraserTest, WhoSawItIsToldAllTheSame) {
  world_.WriteShowings(kBelmont, kAurore, {TestRecord(1)});
  Tick();
  ASSERT_TRUE(Erase({EntriesOf(kBelmont).at(0).sealed.place}).ok());
  world_.PassMs(2 * kDayMs);
  Tick();
  Tick();
  const std::vector<CheckedEntry> told = EntriesOf(kAurore);
  ASSERT_THAT(told, SizeIs(1));
  const auto parts = ledger::PartsOf(keys(), told[0].sealed.entry);
  ASSERT_TRUE(parts.ok() && parts->has_value());
  v1::LedgerContent content;
  ASSERT_TRUE(content.ParseFromString((*parts)->open.content));
  ASSERT_THAT(content.first_showings().shown(), SizeIs(1));
  EXPECT_THAT(content.first_showings().shown(0).records(), SizeIs(1));
}

TEST_F(EntryEraserTest, ItMayBeRepeatedAndWhatIsNotThereStopsIt) {
  for (const int number : {1, 2}) world_.WriteShowings(kBelmont, kAurore, {TestRecord(number)});
  Tick();
  const std::vector<CheckedEntry> entries = EntriesOf(kBelmont);
  ASSERT_THAT(entries, SizeIs(2));
  const ledger::EntryPlace one = entries[0].sealed.place, other = entries[1].sealed.place;
  const store::Revision head = world_.store().Head();
  EXPECT_TRUE(absl::IsNotFound(Erase({one, {one.tick + 77, 1}}).status()));
  EXPECT_EQ(world_.store().Head(), head);
  EXPECT_TRUE(Opens(entries[0].sealed.entry));
  const auto twice = Erase({one, one});
  ASSERT_TRUE(twice.ok()) << twice.status();
  EXPECT_THAT(*twice, SizeIs(1));
  const store::Revision erased = world_.store().Head();
  const auto again = Erase({one});
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->front().erased_before);
  EXPECT_EQ(world_.store().Head(), erased) << "nothing is written";
  const auto both = Erase({one, other});
  ASSERT_TRUE(both.ok()) << both.status();
  ASSERT_THAT(*both, SizeIs(2));
  for (const ledger::ErasedEntry& entry : *both) EXPECT_EQ(entry.erased_before, entry.place == one);
  EXPECT_FALSE(Opens(entries[1].sealed.entry));
}

TEST_F(EntryEraserTest, WhatACrashCutShortTheNextStartFinishes) {
  world_.WriteShowings(kBelmont, kAurore, {TestRecord(1)});
  Tick();
  const storage::v1::StoredLedgerEntry row = EntriesOf(kBelmont).at(0).sealed.entry;
  // As after the commit, before the key was destroyed.
  world_.Commit({{ledger::ErasedKey(row.key()), ""}});
  EXPECT_TRUE(Opens(row));
  world_.Restart();
  EXPECT_FALSE(Opens(row));
  EXPECT_EQ(ledger::FinishEntryErasures(world_.store(), *world_.facts.names.keys).value(), 0U);
  world_.WriteShowings(kBelmont, kAurore, {TestRecord(2)});
  Tick();
  const CheckedEntry cut = EntriesOf(kBelmont).at(1);
  world_.Commit({{ledger::ErasedKey(cut.sealed.entry.key()), ""}});
  EXPECT_EQ(ledger::FinishEntryErasures(world_.store(), *world_.facts.names.keys).value(), 1U);
  EXPECT_FALSE(Opens(cut.sealed.entry));
  // A disk that refuses leaves it as it was.
  world_.WriteShowings(kBelmont, kAurore, {TestRecord(3)});
  Tick();
  const CheckedEntry next = EntriesOf(kBelmont).at(2);
  world_.trap->refuse = [] { return absl::UnavailableError("the disk is away"); };
  EXPECT_TRUE(absl::IsUnavailable(Erase({next.sealed.place}).status()));
  world_.trap->refuse = nullptr;
  EXPECT_TRUE(Opens(next.sealed.entry));
  EXPECT_FALSE(ledger::HasEnded(RowOf(next.sealed)));
}

TEST_F(EntryEraserTest, WhoMayNotOpenItIsNotNamedAnyMore) {
  world_.WriteShowings(kBelmont, kAurore, {TestRecord(1)});
  world_.WriteShowings(kBelmont, kAurore, {TestRecord(2)});
  Tick();
  const std::vector<CheckedEntry> entries = EntriesOf(kBelmont);
  ASSERT_THAT(entries, SizeIs(2));
  ASSERT_TRUE(Erase({entries[0].sealed.place}, [](const v1::LedgerDisclosure&) { return false; }).ok());
  ASSERT_TRUE(Erase({entries[1].sealed.place}, [](const v1::LedgerDisclosure&) { return true; }).ok());
  EXPECT_THAT(RowOf(entries[0].sealed).parties(), IsEmpty());
  EXPECT_THAT(RowOf(entries[1].sealed).parties(), ElementsAre(kBelmont));
}

}  // namespace
}  // namespace coalition::testing
