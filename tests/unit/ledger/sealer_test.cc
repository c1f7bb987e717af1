// What is sealed can be proved, on top of what was sealed before, and nothing else can.
#include "server/ledger/sealer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/ledger_leaf.h"
#include "common/merkle.h"
#include "server/ledger/keys.h"
#include "server/ledger/unsealed.h"
#include "tests/support/ledger_world.h"

namespace coalition::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr uint32_t kAurore = 1, kBelmont = 2;

// The keys that the newest commit wrote, by their kind: "lt", "lc"...
std::map<std::string, int> KindsOfLastCommit(const LedgerWorld& world) {
  const auto changes = world.store().ReadLog(world.store().Head() - 1, {});
  if (!changes.ok()) std::abort();
  std::map<std::string, int> kinds;
  for (const store::Write& write : changes->back().writes) ++kinds[write.key.substr(0, 2)];
  return kinds;
}

class TickSizeTest : public ::testing::TestWithParam<int> {};

TEST_P(TickSizeTest, EveryEntryIsProvedAgainstTheSignedCheckpoint) {
  LedgerWorld world;
  world.Open();
  for (int left = GetParam(); left > 0; left -= 100) {
    world.WriteActs({ledger::kEverybody, kBelmont}, std::min(left, 100));
  }
  ASSERT_TRUE(world.sealer->Tick().ok());
  ASSERT_TRUE(world.sealer->Tick().ok());
  const storage::v1::StoredTick tick = world.TickRow(1);
  EXPECT_EQ(tick.entries(), GetParam());
  EXPECT_EQ(world.NewestVerified().size, 3);
  const std::vector<CheckedEntry> entries = world.VerifiedEntriesOf(kBelmont);
  ASSERT_EQ(entries.size(), GetParam());
  std::set<ledger::EntryId> ids;
  std::vector<merkle::SlotLeaf> leaves;
  for (const CheckedEntry& entry : entries) {
    EXPECT_EQ(entry.sealed.place.tick, 1);
    ids.insert(entry.sealed.id);
    leaves.push_back({entry.sealed.place.slot, ledger::LeafHashOf(entry.sealed.entry)});
    const auto found = world.reader().FindEntry(entry.sealed.place);
    ASSERT_TRUE(found.ok() && found->has_value());
    EXPECT_EQ((*found)->id, entry.sealed.id);
  }
  EXPECT_EQ(ids.size(), entries.size()) << "each once";
  EXPECT_EQ(world.VerifiedEntriesOf(ledger::kEverybody).size(), entries.size());
  EXPECT_TRUE(world.VerifiedEntriesOf(kAurore).empty());
  // The root is the one of the tree's definition, and so are paths.
  const merkle::TickSecret secret(reinterpret_cast<const uint8_t*>(tick.secret().data()),
                                  merkle::kTickSecretBytes);
  EXPECT_EQ(ledger::ToDigest(tick.entries_root()), *merkle::SparseRoot(ledger::kSlotDepth, secret, leaves));
  for (size_t i = 0; i < leaves.size(); i += 1 + leaves.size() / 5) {
    const auto path = world.reader().SlotPath({1, leaves[i].slot});
    ASSERT_TRUE(path.ok()) << path.status();
    EXPECT_EQ(*path, *merkle::SparsePath(ledger::kSlotDepth, secret, leaves, leaves[i].slot));
  }
}

TEST_P(TickSizeTest, WhereThereIsNoEntryThereIsNoProof) {
  LedgerWorld world;
  world.Open();
  if (GetParam() > 0) world.WriteActs({kBelmont}, GetParam());
  ASSERT_TRUE(world.sealer->Tick().ok());
  std::set<uint32_t> taken;
  for (const CheckedEntry& entry : world.VerifiedEntriesOf(kBelmont)) taken.insert(entry.sealed.place.slot);
  for (uint32_t slot = 0; slot < ledger::kSlots; slot += 9973) {
    if (taken.contains(slot)) continue;
    EXPECT_TRUE(absl::IsNotFound(world.reader().SlotPath({1, slot}).status()));
    const auto found = world.reader().FindEntry({1, slot});
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_FALSE(found->has_value());
  }
  EXPECT_TRUE(absl::IsNotFound(world.reader().SlotPath({1, ledger::kSlots}).status()));
  EXPECT_TRUE(absl::IsNotFound(world.reader().SlotPath({99, 0}).status()));
}

INSTANTIATE_TEST_SUITE_P(Sizes, TickSizeTest, ::testing::Values(0, 1, 2, 8, 9, 17, 300, 5000));

TEST(SealerTest, TheLogGrowsConsistentlyAcrossTilesAndRestarts) {
  LedgerWorld world;
  world.Open();
  std::vector<Sha256Digest> roots = {merkle::EmptyRoot(), world.NewestVerified().root};
  for (uint64_t size = 2; size <= 610; ++size) {
    world.PassMs(1000);
    if (size % 50 == 0) world.WriteActs({kBelmont}, 3);
    ASSERT_TRUE(world.sealer->Tick().ok());
    if (size % 97 == 0 || size == 256 || size == 257) world.Restart();
    const coalition::Checkpoint newest = world.NewestVerified();
    ASSERT_EQ(newest.size, size);
    roots.push_back(newest.root);
  }
  const ledger::LogReader log = world.reader();
  for (uint64_t to = 1; to < roots.size(); to += to < 20 || to > 590 ? 1 : 41) {
    const auto root = log.RootOf(to);
    ASSERT_TRUE(root.ok()) << root.status();
    EXPECT_EQ(*root, roots[to]);
    for (uint64_t from = 1; from <= to; from += 1 + from / 3) {
      const auto path = log.ConsistencyPath(from, to);
      ASSERT_TRUE(path.ok()) << path.status();
      const absl::Status verified = merkle::VerifyConsistency(from, roots[from], to, roots[to], *path);
      EXPECT_TRUE(verified.ok()) << from << " to " << to << ": " << verified;
    }
  }
  EXPECT_EQ(world.VerifiedEntriesOf(kBelmont).size(), 36);
  EXPECT_TRUE(absl::IsInvalidArgument(log.ConsistencyPath(0, 5).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(log.ConsistencyPath(6, 5).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(log.LogPath(5, 5).status()));
}

TEST(SealerTest, AFreshReaderProvesWhatAnOldOneDoes) {
  LedgerWorld world;
  world.Open();
  const ledger::LogReader old = world.reader();
  for (int i = 1; i < 300; ++i) {
    ASSERT_TRUE(world.sealer->Tick().ok());
    const uint64_t size = world.sealer->Newest().size;
    const auto path = old.LogPath(size / 2, size);
    ASSERT_TRUE(path.ok()) << path.status();
    const auto fresh = world.reader().LogPath(size / 2, size);
    ASSERT_TRUE(fresh.ok()) << fresh.status();
    EXPECT_EQ(*path, *fresh);
  }
  // Of a log as it was.
  for (const uint64_t size : {7, 255, 256, 257}) EXPECT_EQ(*old.RootOf(size), *world.reader().RootOf(size));
}

TEST(SealerTest, WhatACrashLeftUnsealedIsInTheFirstTickAfterIt) {
  LedgerWorld world;
  world.Open();
  world.WriteActs({kBelmont}, 2);
  ASSERT_TRUE(world.sealer->Tick().ok());
  world.WriteActs({kBelmont}, 5);
  world.Restart();
  EXPECT_EQ(world.NewestVerified().size, 2);
  world.WriteActs({kBelmont}, 1);
  ASSERT_TRUE(world.sealer->Tick().ok());
  EXPECT_EQ(world.TickRow(2).entries(), 6);
  EXPECT_EQ(world.VerifiedEntriesOf(kBelmont).size(), 8);
  ASSERT_TRUE(world.sealer->Tick().ok());
  EXPECT_EQ(world.TickRow(3).entries(), 0) << "nothing is sealed twice";
  EXPECT_EQ(world.sealer->counts().ticks, 2);
  EXPECT_EQ(world.sealer->counts().entries, 6);
}

TEST(SealerTest, EntriesThatWereThereBeforeTheLogAreInItsFirstTick) {
  LedgerWorld world;
  world.OpenStore();
  world.WriteActs({ledger::kEverybody}, 4);
  ASSERT_TRUE(world.OpenSealer().ok());
  EXPECT_EQ(world.NewestVerified().size, 1);
  EXPECT_EQ(world.VerifiedEntriesOf(ledger::kEverybody).size(), 4);
}

TEST(SealerTest, IdleTicksAreAllAlike) {
  LedgerWorld world;
  world.Open();
  for (int i = 0; i < 20; ++i) {
    world.PassMs(1000);
    ASSERT_TRUE(world.sealer->Tick().ok());
    EXPECT_THAT(KindsOfLastCommit(world), ElementsAre(std::pair<const std::string, int>("lc", 1),
                                                      std::pair<const std::string, int>("lt", 1)));
  }
  const auto size_of = [&](uint64_t tick) { return world.MustRead(ledger::TickKey(tick)).size(); };
  world.WriteActs({kBelmont});
  ASSERT_TRUE(world.sealer->Tick().ok());
  for (uint64_t tick = 2; tick < 20; ++tick) EXPECT_EQ(size_of(tick), size_of(1));
  EXPECT_NE(world.TickRow(3).leaf_hash(), world.TickRow(4).leaf_hash());
}

// What others do changes neither the log's size nor that of any proof.
TEST(SealerTest, ProofsHaveTheSameSizeWhateverOthersDid) {
  std::vector<std::pair<size_t, uint64_t>> sizes;
  for (const int others : {0, 1, 700}) {
    LedgerWorld world;
    world.Open();
    for (int i = 0; i < 10; ++i) {
      if (i == 5) world.WriteActs({kBelmont});
      if (others > 0) world.WriteActs({kAurore}, others);
      ASSERT_TRUE(world.sealer->Tick().ok());
    }
    const std::vector<CheckedEntry> mine = world.VerifiedEntriesOf(kBelmont);
    ASSERT_EQ(mine.size(), 1);
    EXPECT_EQ(mine[0].sealed.place.tick, 6);
    sizes.emplace_back(mine[0].log_path, world.NewestVerified().size);
  }
  EXPECT_EQ(sizes[0], sizes[1]);
  EXPECT_EQ(sizes[0], sizes[2]);
}

TEST(SealerTest, ADamagedEntryIsNotSealedAndNothingBehindIt) {
  LedgerWorld world;
  world.Open();
  world.WriteActs({kBelmont});
  ASSERT_TRUE(world.sealer->Tick().ok());
  const ledger::EntryId id = world.WriteActs({kBelmont});
  world.WriteActs({kBelmont});
  world.Damage(ledger::EntryKey(id));
  world.Open();
  for (int i = 0; i < 3; ++i) {
    const absl::Status ticked = world.sealer->Tick();
    EXPECT_TRUE(absl::IsDataLoss(ticked)) << ticked;
    EXPECT_EQ(world.sealer->Health(), ticked);
  }
  EXPECT_EQ(world.sealer->counts().failures, 3);
  EXPECT_EQ(world.NewestVerified().size, 2);
  EXPECT_EQ(world.VerifiedEntriesOf(kBelmont).size(), 1);
}

// As the store's checksum, so the form: an entry that is none.
TEST(SealerTest, WhatIsNoEntryIsNotSealed) {
  LedgerWorld world;
  world.Open();
  storage::v1::StoredLedgerEntry entry = ledger::MakeEntry(*TestEntryKeys(), 0, {});
  entry.set_open("short");
  world.Commit({ledger::EntryWrite({world.store().Head() + 1, 0}, entry)});
  EXPECT_TRUE(absl::IsDataLoss(world.sealer->Tick()));
  EXPECT_EQ(world.NewestVerified().size, 1);
  LedgerWorld other;
  other.Open();
  other.Commit({{ledger::EntryKey({other.store().Head() + 1, 0}), "\xff\xff"}});
  const absl::Status ticked = other.sealer->Tick();
  EXPECT_TRUE(absl::IsDataLoss(ticked));
  EXPECT_THAT(std::string(ticked.message()), HasSubstr("entry 0 of revision"));
}

// First showings of nobody's, or of no record, would be entries of nobody.
TEST(SealerTest, ShowingsThatAreNoneAreNotSealed) {
  storage::v1::StoredLedgerEntry right;
  v1::LedgerContent content;
  content.mutable_disclosure()->mutable_time()->set_seconds(1'790'000'000);
  right = ledger::MakeEntry(*TestEntryKeys(), 0, content);
  right.set_shown_day(20'000);
  right.add_full_parties(kBelmont);
  right.add_first_showings()->set_contributor(kAurore);
  right.mutable_first_showings(0)->set_record(TestRecord(1));
  const auto sealed = [](const storage::v1::StoredLedgerEntry& entry) {
    LedgerWorld world;
    world.Open();
    world.Commit({ledger::EntryWrite({world.store().Head() + 1, 0}, entry)});
    return world.sealer->Tick();
  };
  EXPECT_TRUE(sealed(right).ok());
  storage::v1::StoredLedgerEntry wrong = right;
  wrong.set_full_parties(0, 0);
  EXPECT_TRUE(absl::IsDataLoss(sealed(wrong)));
  wrong = right;
  wrong.add_full_parties(kAurore);
  EXPECT_TRUE(absl::IsDataLoss(sealed(wrong)));
  wrong = right;
  wrong.mutable_first_showings(0)->set_record("short");
  EXPECT_TRUE(absl::IsDataLoss(sealed(wrong)));
  wrong = right;
  wrong.mutable_first_showings(0)->clear_contributor();
  EXPECT_TRUE(absl::IsDataLoss(sealed(wrong)));
  wrong = right;
  wrong.clear_shown_day();
  EXPECT_TRUE(absl::IsDataLoss(sealed(wrong)));
}

TEST(SealerTest, WhatWasSealedLastIsLookedAtAgain) {
  LedgerWorld world;
  world.Open();
  ASSERT_TRUE(world.sealer->Tick().ok());
  storage::v1::StoredTick tick = world.TickRow(1);
  tick.set_time_ms(tick.time_ms() + 1);
  world.Commit({{ledger::TickKey(1), tick.SerializeAsString()}});
  EXPECT_TRUE(absl::IsDataLoss(world.sealer->Tick()));
  EXPECT_EQ(world.sealer->Newest().size, 2);
}

TEST(SealerTest, TwoSealersCanNotForkTheLog) {
  LedgerWorld world;
  world.Open();
  store::CommitLane other_lane(world.store());
  ledger::SealerOptions other_options = world.options;
  other_options.head_dir += "-other";
  SeededRandom other_random;
  other_random.Reseed(7);
  std::filesystem::create_directory(other_options.head_dir);
  std::filesystem::copy(world.head_file(), other_options.head_dir + "/head");
  auto other = ledger::Sealer::Open(other_options, world.signing_key, world.store(), other_lane, world.clock,
                                    other_random, TestFacts());
  ASSERT_TRUE(other.ok()) << other.status();
  // While the one is about to commit, the other seals the same tick.
  bool met = false;
  world.trap->before_commit = [&] {
    if (std::exchange(met, true)) return;
    EXPECT_TRUE((*other)->Tick().ok());
  };
  const absl::Status ticked = world.sealer->Tick();
  EXPECT_TRUE(met);
  EXPECT_TRUE(absl::IsFailedPrecondition(ticked)) << ticked;
  EXPECT_EQ(world.sealer->Newest().size, 1);
  EXPECT_EQ((*other)->Newest().size, 2);
  EXPECT_EQ(world.MustRead(ledger::TickKey(2)), "(absent)");
  EXPECT_TRUE(absl::IsFailedPrecondition(world.sealer->Tick())) << "nor later";
  EXPECT_TRUE((*other)->Tick().ok());
}

TEST(SealerTest, ARefusedCommitIsTriedAgainAndNothingIsPublishedBefore) {
  LedgerWorld world;
  world.Open();
  world.WriteActs({kBelmont});
  world.trap->refuse = [] { return absl::UnavailableError("the disk is full"); };
  EXPECT_TRUE(absl::IsUnavailable(world.sealer->Tick()));
  EXPECT_FALSE(world.sealer->Health().ok());
  EXPECT_EQ(world.sealer->Newest().size, 1);
  world.trap->refuse = nullptr;
  EXPECT_TRUE(world.sealer->Tick().ok());
  EXPECT_TRUE(world.sealer->Health().ok());
  EXPECT_EQ(world.NewestVerified().size, 2);
  EXPECT_EQ(world.VerifiedEntriesOf(kBelmont).size(), 1);
  EXPECT_EQ(world.sealer->counts().failures, 1);
}

TEST(SealerTest, MoreThanOneTickHoldsWaitsForTheNextAndNoCommitIsCut) {
  LedgerWorld world;
  world.Open();
  const store::Revision first = world.store().Head();
  for (int i = 0; i < 10; ++i) world.WriteActs({kBelmont}, 7);
  // About three commits of seven entries.
  store::Revision sealed = first;
  size_t entries = 0;
  int ticks = 0;
  while (sealed < world.store().Head()) {
    const auto unsealed = ledger::ReadUnsealed(world.store(), sealed, world.store().Head(), 1500);
    ASSERT_TRUE(unsealed.ok()) << unsealed.status();
    EXPECT_LE(unsealed->entries.size(), 21);
    EXPECT_EQ(unsealed->entries.size() % 7, 0);
    EXPECT_EQ(unsealed->entries.back().id.revision, unsealed->last_revision);
    entries += unsealed->entries.size();
    sealed = unsealed->last_revision;
    ++ticks;
  }
  EXPECT_EQ(entries, 70);
  EXPECT_GE(ticks, 4);
  // A commit is taken whole, however large it is.
  EXPECT_EQ(ledger::ReadUnsealed(world.store(), first, world.store().Head(), 1)->entries.size(), 7);
}

TEST(SealerTest, WhatAPartyMayOpenIsListedTickByTick) {
  LedgerWorld world;
  world.Open();
  for (int i = 0; i < 6; ++i) {
    if (i % 2 == 0) world.WriteActs({kBelmont, kAurore, kBelmont}, 2);
    ASSERT_TRUE(world.sealer->Tick().ok());
  }
  const auto ticks_of = [&](uint64_t from, uint64_t before, size_t count) {
    std::vector<uint64_t> numbers;
    const auto ticks = world.reader().TicksOf(kBelmont, from, before, count);
    if (!ticks.ok()) std::abort();
    for (const auto& one : *ticks) {
      EXPECT_EQ(one.slots.size(), 2);
      EXPECT_TRUE(std::is_sorted(one.slots.begin(), one.slots.end()));
      numbers.push_back(one.tick);
    }
    return numbers;
  };
  EXPECT_THAT(ticks_of(0, 100, 100), ElementsAre(1, 3, 5));
  EXPECT_THAT(ticks_of(0, 100, 2), ElementsAre(1, 3));
  EXPECT_THAT(ticks_of(2, 5, 100), ElementsAre(3));
  EXPECT_THAT(ticks_of(4, 4, 100), ElementsAre());
  EXPECT_TRUE(world.reader().TicksOf(9, 0, 100, 100)->empty());
  EXPECT_TRUE(absl::IsDataLoss(world.reader().EntriesAt(1, {0, 1, 2}).status()));
}

}  // namespace
}  // namespace coalition::testing
