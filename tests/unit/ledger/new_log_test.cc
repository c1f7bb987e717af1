// What of a log stays when its store is restored, and that its root is proved.
#include "server/ledger/new_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "server/ledger/entry.h"
#include "tests/support/ledger_world.h"

namespace coalition::ledger {
namespace {

using testing::LedgerWorld;
using testing::TestRecord;

constexpr int64_t kDayMs = 86'400'000;

class NewLogTest : public ::testing::Test {
 protected:
  NewLogTest() { world_.Open(); }

  // The log's rows as they are.
  std::map<std::string, std::string> Rows() const {
    std::map<std::string, std::string> rows;
    EXPECT_TRUE(world_.store()
                    .ScanEach("l", "m", world_.store().Head(),
                              [&rows](std::string_view key, std::string_view value, store::Revision) {
                                rows.emplace(key, value);
                                return true;
                              })
                    .ok());
    return rows;
  }
  // What is kept of them. The first error ends it.
  static absl::StatusOr<std::map<std::string, std::string>> TakeAll(
      const std::map<std::string, std::string>& rows, FormerLog* log) {
    std::map<std::string, std::string> kept;
    for (const auto& [key, value] : rows) {
      auto taken = log->Take(key, value);
      if (!taken.ok()) return taken.status();
      if (*taken) kept.emplace(key, **taken);
    }
    return kept;
  }
  absl::StatusOr<std::map<std::string, std::string>> Kept(int64_t contents_from_s = 0) const {
    FormerLog log(world_.NewestVerified(), contents_from_s, world_.facts.names.keys);
    auto kept = TakeAll(Rows(), &log);
    if (absl::Status proved = log.Prove(); !proved.ok()) return proved;
    return kept;
  }
  void Tick() {
    world_.PassMs(1'000);
    ASSERT_TRUE(world_.sealer->Tick().ok());
  }

  LedgerWorld world_;
};

TEST_F(NewLogTest, EntriesStayAndNothingElse) {
  std::map<std::string, std::string> entries;
  for (int tick = 0; tick < 3; ++tick) {
    const std::string key = EntryKey(world_.WriteActs({1}));
    entries.emplace(key, world_.MustRead(key));
    Tick();
  }
  const auto kept = Kept();
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_EQ(*kept, entries);
  EXPECT_GT(Rows().size(), entries.size() + 3) << "positive control";
}

TEST_F(NewLogTest, TheTicksMustHaveTheCheckpointsRoot) {
  for (int tick = 0; tick < 3; ++tick) Tick();
  ASSERT_TRUE(Kept().ok());
  coalition::Checkpoint other = world_.NewestVerified();
  other.root[0] ^= 1;
  FormerLog forged(other, 0, world_.facts.names.keys);
  ASSERT_TRUE(TakeAll(Rows(), &forged).ok());
  EXPECT_TRUE(absl::IsDataLoss(forged.Prove()));

  auto without_one = Rows();
  without_one.erase(TickKey(1));
  FormerLog gap(world_.NewestVerified(), 0, world_.facts.names.keys);
  EXPECT_TRUE(absl::IsDataLoss(TakeAll(without_one, &gap).status()));
  auto without_last = Rows();
  without_last.erase(TickKey(3));
  FormerLog cut(world_.NewestVerified(), 0, world_.facts.names.keys);
  ASSERT_TRUE(TakeAll(without_last, &cut).ok());
  EXPECT_TRUE(absl::IsDataLoss(cut.Prove()));
}

TEST_F(NewLogTest, EntriesOfADayThatIsDoneAreNotMadeAgain) {
  world_.WriteShowings(2, 1, {TestRecord(1)});
  Tick();
  const auto showings = [&] {
    int count = 0;
    const auto kept = Kept();
    for (const auto& [key, value] : *kept) {
      storage::v1::StoredLedgerEntry entry;
      EXPECT_TRUE(entry.ParseFromString(value));
      count += entry.first_showings_size();
    }
    return count;
  };
  EXPECT_EQ(showings(), 1) << "its day's entries are still to be made";
  world_.PassMs(2 * kDayMs);
  Tick();
  Tick();
  EXPECT_EQ(showings(), 0);
}

TEST_F(NewLogTest, ContentsThatHaveEndedDoNotComeBack) {
  world_.WriteShowings(2, 1, {TestRecord(1)});
  const int64_t written_s = world_.now_ms() / 1'000;
  Tick();
  EXPECT_EQ(Kept(written_s)->size(), 1U);
  EXPECT_EQ(Kept(written_s + 1)->size(), 0U) << "it is older than contents are kept";

  auto rows = Rows();
  for (auto& [key, value] : rows) {
    storage::v1::StoredLedgerEntry entry;
    if (!IdOfEntryKey(key) || !entry.ParseFromString(value)) continue;
    value = Ended(entry).SerializeAsString();
  }
  FormerLog log(world_.NewestVerified(), 0, world_.facts.names.keys);
  EXPECT_EQ(TakeAll(rows, &log)->size(), 0U) << "its proofs went with the old log";
}

// Which keys are gone goes on to be known, for an older copy of them may be put back.
TEST_F(NewLogTest, WhatWasErasedDoesNotComeBack) {
  const std::string row = EntryKey(world_.WriteActs({1}, 2));
  Tick();
  storage::v1::StoredLedgerEntry entry;
  ASSERT_TRUE(entry.ParseFromString(world_.MustRead(row)));
  EXPECT_EQ(Kept()->count(row), 1U);
  ASSERT_TRUE(world_.facts.names.keys->Destroy(std::vector<uint64_t>{entry.key()}).ok());
  world_.Commit({{ErasedKey(entry.key()), ""}});
  const auto kept = Kept();
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_EQ(kept->size(), 2U) << "the other entry, and the note";
  EXPECT_EQ(kept->count(row), 0U);
  EXPECT_EQ(kept->count(ErasedKey(entry.key())), 1U);
}

TEST_F(NewLogTest, ThePlaceOfTheFirstEntryIsBehindThoseOfTheFirstCommit) {
  FormerLog log(std::nullopt, 0, world_.facts.names.keys);
  EXPECT_EQ(log.FirstPlace(), (EntryId{1, 0}));
  world_.WriteActs({1});
  for (const auto& [key, of] : Rows()) {
    if (!IdOfEntryKey(key)) continue;
    ASSERT_TRUE(log.Take(EntryKey({1, 6}), of).ok());
  }
  EXPECT_EQ(log.FirstPlace(), (EntryId{1, 7}));
}

}  // namespace
}  // namespace coalition::ledger
