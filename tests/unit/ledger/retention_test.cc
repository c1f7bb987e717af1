// Contents end when they are kept no longer, and every proof stays what it was.
#include "server/ledger/retention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/ledger_leaf.h"
#include "common/merkle.h"
#include "common/timestamp.h"
#include "leveldb/db.h"
#include "server/ledger/days.h"
#include "server/ledger/entry.h"
#include "server/store/engine.h"
#include "tests/support/ledger_world.h"

namespace coalition::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::IsEmpty;

constexpr int64_t kDayMs = 86'400'000;
constexpr int kKeepDays = 30;
constexpr uint32_t kAurore = 1, kBelmont = 2;
// As long as a record's id.
constexpr char kMarker[] = "MARKER-MARKER-16";

// What a member is given to hold of an entry, but for what it opens.
struct Held {
  ledger::EntryPlace place;
  Sha256Digest leaf{};
  std::vector<Sha256Digest> slot_path, log_path;
  friend bool operator==(const Held&, const Held&) = default;
};

class RetentionTest : public ::testing::Test {
 protected:
  RetentionTest() { world_.Open(); }

  // Of the store as it is, with nothing remembered.
  std::unique_ptr<ledger::Retention> MakeRetention(ledger::RetentionOptions options = {}) {
    options.keep = std::chrono::hours(24) * kKeepDays;
    return std::make_unique<ledger::Retention>(world_.store(), *world_.lane, std::move(options),
                                               world_.facts.names.keys);
  }
  absl::StatusOr<bool> Step(ledger::Retention& retention) {
    return retention.Step(world_.now_ms(), ledger::DayOf(world_.now_ms()) - 1, world_.sealer->Newest().size);
  }
  void Seal() {
    world_.PassMs(1000);
    ASSERT_TRUE(world_.sealer->Tick().ok());
  }
  void PassDays(int days) { world_.PassMs(days * kDayMs); }

  // A disclosure to belmont of a record of aurore's, with the marker wherever there is room for it.
  ledger::EntryId WriteMarked(size_t bytes = 0) {
    v1::LedgerContent content;
    v1::LedgerDisclosure& disclosure = *content.mutable_disclosure();
    *disclosure.mutable_time() = ToTimestamp(world_.clock.now_ns);
    disclosure.set_credential(kMarker + std::string(bytes, '.'));
    v1::LedgerReserved reserved;
    reserved.set_credential(kMarker);
    storage::v1::StoredLedgerEntry entry =
        ledger::MakeEntry(*world_.facts.names.keys, world_.clock.now_ns, content, reserved);
    entry.set_shown_day(static_cast<uint32_t>(ledger::DayOf(world_.now_ms())));
    entry.add_parties(kBelmont);
    entry.add_full_parties(kBelmont);
    storage::v1::StoredFirstShowing* first = entry.add_first_showings();
    first->set_contributor(kAurore);
    first->set_record(kMarker);
    first->set_view_ids(1);
    store::Commit commit;
    commit.build = [&entry](store::Revision revision, auto) -> absl::StatusOr<std::vector<store::Write>> {
      return std::vector<store::Write>{ledger::EntryWrite({revision, 0}, entry)};
    };
    const auto revision = world_.store().CommitAll(std::span(&commit, 1))[0];
    if (!revision.ok()) std::abort();
    return {*revision, 0};
  }
  storage::v1::StoredLedgerEntry EntryAt(ledger::EntryId id) const {
    storage::v1::StoredLedgerEntry entry;
    if (!entry.ParseFromString(world_.MustRead(ledger::EntryKey(id)))) std::abort();
    return entry;
  }
  bool HasEnded(ledger::EntryId id) const { return ledger::HasEnded(EntryAt(id)); }
  // Rows, as everybody reads them now, that have the marker.
  int LiveRowsWithMarker() const {
    int rows = 0;
    const absl::Status read =
        world_.store().ScanEach("", "\xff", world_.store().Head(),
                                [&](std::string_view key, std::string_view value, store::Revision) {
                                  const bool has = key.find(kMarker) != std::string_view::npos ||
                                                   value.find(kMarker) != std::string_view::npos;
                                  rows += has ? 1 : 0;
                                  return true;
                                });
    EXPECT_TRUE(read.ok()) << read;
    return rows;
  }
  // Of all versions that LevelDB still yields.
  int KeptRowsWithMarker() {
    world_.Close();
    int rows = 0;
    {
      const auto engine = store::OpenEngine({.dir = world_.store_dir(), .free_bytes_min = 0});
      if (!engine.ok()) std::abort();
      const std::unique_ptr<leveldb::Iterator> all((*engine)->db->NewIterator({}));
      for (all->SeekToFirst(); all->Valid(); all->Next()) {
        rows += store::View(all->value()).find(kMarker) != std::string_view::npos ? 1 : 0;
      }
    }
    world_.Open();
    return rows;
  }
  int CountEnded() const {
    int count = 0;
    for (const uint32_t party : {kAurore, kBelmont}) {
      for (const CheckedEntry& entry : world_.VerifiedEntriesOf(party)) {
        count += ledger::HasEnded(entry.sealed.entry) ? 1 : 0;
      }
    }
    return count;
  }
  // Of entries of the ticks before `size`, to the checkpoint of that size.
  std::vector<Held> HeldOf(uint32_t party, const coalition::Checkpoint& to) const {
    std::vector<Held> all;
    for (const CheckedEntry& entry : world_.VerifiedEntriesOf(party)) {
      const ledger::EntryPlace place = entry.sealed.place;
      if (place.tick >= to.size) continue;
      const auto slot_path = world_.reader().SlotPath(place);
      const auto log_path = world_.reader().LogPath(place.tick, to.size);
      if (!slot_path.ok() || !log_path.ok()) std::abort();
      all.push_back({place, ledger::LeafHashOf(entry.sealed.entry), *slot_path, *log_path});
    }
    return all;
  }

  LedgerWorld world_;
};

// The same, and the server's sealer ends contents, too.
class SealerRetentionTest : public RetentionTest {
 protected:
  SealerRetentionTest() {
    world_.options.contents.keep = std::chrono::hours(24) * kKeepDays;
    world_.Restart();
  }
};

TEST_F(SealerRetentionTest, ContentsEndAndProofsStayWhatTheyWere) {
  const ledger::EntryId marked = WriteMarked();
  const ledger::EntryId act = world_.WriteActs({ledger::kEverybody, kAurore}, 3);
  Seal();
  Seal();
  const coalition::Checkpoint before = world_.NewestVerified();
  const std::vector<Held> held_by_belmont = HeldOf(kBelmont, before),
                          held_by_aurore = HeldOf(kAurore, before);
  ASSERT_EQ(held_by_belmont.size(), 1);
  ASSERT_EQ(held_by_aurore.size(), 3);
  EXPECT_THAT(LiveRowsWithMarker(), Gt(0));

  PassDays(kKeepDays);
  world_.PassMs(-60'000);
  Seal();
  EXPECT_FALSE(HasEnded(marked)) << "too early";
  EXPECT_THAT(LiveRowsWithMarker(), Gt(0));
  world_.PassMs(120'000);
  Seal();
  EXPECT_TRUE(HasEnded(marked));
  EXPECT_TRUE(HasEnded(act));
  EXPECT_EQ(LiveRowsWithMarker(), 0);
  EXPECT_TRUE(EntryAt(marked).sealed().empty());
  EXPECT_TRUE(EntryAt(marked).first_showings().empty());
  // What is held is still proved by the server, to the same root, and to the newest one.
  EXPECT_EQ(HeldOf(kBelmont, before), held_by_belmont);
  EXPECT_EQ(HeldOf(kAurore, before), held_by_aurore);
  EXPECT_EQ(*world_.reader().RootOf(before.size), before.root);

  world_.Restart();
  Seal();
  EXPECT_EQ(HeldOf(kBelmont, before), held_by_belmont);
  // Of the entry of the day, made a month late, nothing has ended.
  EXPECT_EQ(CountEnded(), 4);
  EXPECT_EQ(world_.VerifiedEntriesOf(kAurore).size(), 4);
}

TEST_F(SealerRetentionTest, OlderVersionsGoWithTheHistory) {
  WriteMarked();
  Seal();
  PassDays(kKeepDays + 1);
  Seal();
  Seal();
  EXPECT_EQ(LiveRowsWithMarker(), 0);
  EXPECT_THAT(KeptRowsWithMarker(), Gt(0)) << "for readers of an older revision";
  for (absl::StatusOr<size_t> removed = 1; *removed > 0;) {
    removed = world_.store().RaiseFloor(world_.store().Head(), {});
    ASSERT_TRUE(removed.ok()) << removed.status();
  }
  EXPECT_EQ(KeptRowsWithMarker(), 0);
  Seal();
}

TEST_F(RetentionTest, WithoutASettingNothingEnds) {
  const ledger::EntryId marked = WriteMarked();
  Seal();
  PassDays(36'500);
  Seal();
  Seal();
  EXPECT_FALSE(HasEnded(marked));
  EXPECT_THAT(LiveRowsWithMarker(), Gt(0));
}

TEST_F(RetentionTest, WhatIsNotSealedIsNotTouched) {
  const ledger::EntryId sealed = WriteMarked();
  Seal();
  const ledger::EntryId unsealed = WriteMarked();
  const std::string row = world_.MustRead(ledger::EntryKey(unsealed));
  PassDays(2 * kKeepDays);
  const auto retention = MakeRetention();
  EXPECT_EQ(Step(*retention), absl::StatusOr<bool>(false));
  EXPECT_TRUE(HasEnded(sealed));
  EXPECT_EQ(world_.MustRead(ledger::EntryKey(unsealed)), row);
  Seal();
  PassDays(1);
  EXPECT_EQ(Step(*retention), absl::StatusOr<bool>(false));
  EXPECT_FALSE(HasEnded(unsealed)) << "by the time at which it was sealed";
  EXPECT_EQ(world_.VerifiedEntriesOf(kBelmont).size(), 2);
}

TEST_F(RetentionTest, DaysWhoseEntriesAreNotMadeComeFirst) {
  const int64_t day = ledger::DayOf(world_.now_ms());
  const ledger::EntryId marked = WriteMarked();
  Seal();
  const uint64_t size = world_.sealer->Newest().size;
  PassDays(2 * kKeepDays);
  EXPECT_EQ(MakeRetention()->Step(world_.now_ms(), day - 1, size), absl::StatusOr<bool>(false));
  EXPECT_FALSE(HasEnded(marked));
  EXPECT_EQ(MakeRetention()->Step(world_.now_ms(), day, size), absl::StatusOr<bool>(false));
  EXPECT_TRUE(HasEnded(marked));
}

TEST_F(RetentionTest, StepsAreBoundedAndGoOnAfterARestart) {
  constexpr int kCommits = 12, kEach = 100;
  for (int i = 0; i < kCommits; ++i) world_.WriteActs({kBelmont}, kEach);
  Seal();
  PassDays(kKeepDays + 1);
  auto retention = MakeRetention();
  EXPECT_EQ(Step(*retention), absl::StatusOr<bool>(true));
  EXPECT_EQ(CountEnded(), ledger::kEndedEntriesMax);
  retention.reset();
  world_.Restart();
  retention = MakeRetention();
  EXPECT_EQ(CountEnded(), ledger::kEndedEntriesMax);
  // A disk that refuses changes nothing.
  world_.trap->refuse = [] { return absl::UnavailableError("the disk is away"); };
  EXPECT_TRUE(absl::IsUnavailable(Step(*retention).status()));
  EXPECT_EQ(CountEnded(), ledger::kEndedEntriesMax);
  world_.trap->refuse = nullptr;
  EXPECT_EQ(Step(*retention), absl::StatusOr<bool>(true));
  EXPECT_EQ(Step(*retention), absl::StatusOr<bool>(false));
  EXPECT_EQ(CountEnded(), kCommits * kEach);
  // Nothing is left, and nothing is written any more: not by one that remembers nothing either.
  const store::Revision head = world_.store().Head();
  EXPECT_EQ(Step(*retention), absl::StatusOr<bool>(false));
  EXPECT_EQ(Step(*MakeRetention()), absl::StatusOr<bool>(false));
  EXPECT_EQ(world_.store().Head(), head);
}

TEST_F(RetentionTest, StepsAreBoundedInBytes) {
  std::vector<ledger::EntryId> entries;
  for (int i = 0; i < 5; ++i) entries.push_back(WriteMarked(100'000));
  Seal();
  PassDays(kKeepDays + 1);
  EXPECT_EQ(Step(*MakeRetention()), absl::StatusOr<bool>(true));
  std::vector<int> ended;
  for (const ledger::EntryId& id : entries) ended.push_back(HasEnded(id) ? 1 : 0);
  EXPECT_THAT(ended, ElementsAre(1, 1, 1, 0, 0));
}

TEST_F(RetentionTest, WhoMayNotOpenItKeepsOutOfIt) {
  const ledger::EntryId first = WriteMarked(), second = WriteMarked(1);
  Seal();
  PassDays(kKeepDays + 1);
  absl::Status trouble = absl::UnavailableError("the disk is away");
  const auto retention = MakeRetention({.receiver_opens = [&](const v1::LedgerDisclosure& disclosure) {
    return trouble.ok() ? absl::StatusOr<bool>(disclosure.credential() == kMarker) : trouble;
  }});
  EXPECT_TRUE(absl::IsUnavailable(Step(*retention).status()));
  EXPECT_FALSE(HasEnded(first));
  trouble = absl::OkStatus();
  EXPECT_EQ(Step(*retention), absl::StatusOr<bool>(false));
  EXPECT_THAT(EntryAt(first).parties(), ElementsAre(kBelmont));
  EXPECT_TRUE(HasEnded(second));
  EXPECT_THAT(EntryAt(second).parties(), IsEmpty());
  EXPECT_EQ(world_.VerifiedEntriesOf(kBelmont).size(), 2) << "auditors have its proof";
}

TEST_F(RetentionTest, TwoServersAtOneStoreAreFound) {
  WriteMarked();
  Seal();
  const auto other = MakeRetention(), retention = MakeRetention();
  EXPECT_EQ(Step(*other), absl::StatusOr<bool>(false)) << "nothing is due";
  PassDays(kKeepDays + 1);
  EXPECT_EQ(Step(*retention), absl::StatusOr<bool>(false));
  WriteMarked();
  Seal();
  PassDays(kKeepDays + 1);
  EXPECT_TRUE(absl::IsFailedPrecondition(Step(*other).status()));
}

// Older versions of its rows may lie in copies and backups for years.
TEST_F(RetentionTest, ADaysKeysGoWhenAllOfItHasEnded) {
  const auto opens = [&](const storage::v1::StoredLedgerEntry& row) {
    const auto parts = ledger::PartsOf(*world_.facts.names.keys, row);
    EXPECT_TRUE(parts.ok()) << parts.status();
    return parts.ok() && parts->has_value();
  };
  const ledger::EntryId first = WriteMarked();
  const storage::v1::StoredLedgerEntry row = EntryAt(first);
  Seal();
  PassDays(1);
  const storage::v1::StoredLedgerEntry next = EntryAt(WriteMarked());
  Seal();
  Seal();  // and what that made of the first day
  const auto retention = MakeRetention();
  PassDays(kKeepDays);
  EXPECT_EQ(Step(*retention), absl::StatusOr<bool>(false));
  EXPECT_TRUE(HasEnded(first));
  EXPECT_TRUE(opens(row)) << "entries of the day may have been sealed on the next one";
  PassDays(1);
  EXPECT_EQ(Step(*retention), absl::StatusOr<bool>(false));
  EXPECT_FALSE(opens(row));
  EXPECT_TRUE(opens(next));
  PassDays(1);
  EXPECT_EQ(Step(*MakeRetention()), absl::StatusOr<bool>(false));
  EXPECT_FALSE(opens(next));
  EXPECT_EQ(world_.VerifiedEntriesOf(kBelmont).size(), 2);
}

TEST_F(RetentionTest, AnEntryThatHasNotEndedKeepsItsDaysKeys) {
  const storage::v1::StoredLedgerEntry unsealed = EntryAt(WriteMarked());
  const auto retention = MakeRetention();
  PassDays(3 * kKeepDays);
  EXPECT_EQ(Step(*retention), absl::StatusOr<bool>(false));
  const auto parts = ledger::PartsOf(*world_.facts.names.keys, unsealed);
  ASSERT_TRUE(parts.ok()) << parts.status();
  EXPECT_TRUE(parts->has_value());
}

TEST_F(RetentionTest, ADamagedEntryStopsIt) {
  const ledger::EntryId marked = WriteMarked();
  Seal();
  storage::v1::StoredLedgerEntry broken = EntryAt(marked);
  broken.set_open("\xff");
  world_.Commit({ledger::EntryWrite(marked, broken)});
  PassDays(kKeepDays + 1);
  EXPECT_TRUE(absl::IsDataLoss(Step(*MakeRetention()).status()));
  EXPECT_FALSE(HasEnded(marked));
}

}  // namespace
}  // namespace coalition::testing
