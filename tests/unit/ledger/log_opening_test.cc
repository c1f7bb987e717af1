// A log that is not what it was is not gone on with: damage, another log, a store behind its head.
#include "server/ledger/log_opening.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "common/file.h"
#include "common/hash.h"
#include "server/ledger/head.h"
#include "server/ledger/keys.h"
#include "server/ledger/log_tree.h"
#include "tests/support/ledger_world.h"

namespace coalition::testing {
namespace {

using ::testing::HasSubstr;

class LogOpeningTest : public ::testing::Test {
 protected:
  LogOpeningTest() {
    world_.Open();
    world_.WriteActs({1});
    Tick(3);
  }
  void Tick(int times) {
    for (int i = 0; i < times; ++i) ASSERT_TRUE(world_.sealer->Tick().ok());
  }
  // Closes the world, and opens it again.
  absl::Status Reopen() {
    world_.Close();
    world_.OpenStore();
    return world_.OpenSealer();
  }
  void ExpectRefused(const std::string& what) {
    const absl::Status refused = Reopen();
    EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
    EXPECT_THAT(std::string(refused.message()), HasSubstr(what));
  }
  void ExpectDamaged(const std::string& what) {
    const absl::Status refused = Reopen();
    EXPECT_TRUE(absl::IsDataLoss(refused)) << refused;
    EXPECT_THAT(std::string(refused.message()), HasSubstr(what));
  }
  // The store's directory as it is now, kept aside and put back.
  void KeepStore(const std::string& name) {
    world_.Close();
    std::filesystem::copy(world_.store_dir(), Aside(name), std::filesystem::copy_options::recursive);
    world_.Open();
  }
  void PutBackStore(const std::string& name) {
    world_.Close();
    std::filesystem::remove_all(world_.store_dir());
    std::filesystem::copy(Aside(name), world_.store_dir(), std::filesystem::copy_options::recursive);
    world_.OpenStore();
  }
  std::string Aside(const std::string& name) const { return world_.store_dir() + "-" + name; }
  void Adopt() { ASSERT_TRUE(WriteFileAtomic(world_.options.head_dir + "/adopt", "", 0600).ok()); }
  bool HasAdopt() const { return std::filesystem::exists(world_.options.head_dir + "/adopt"); }
  storage::v1::StoredCheckpoint StoredCheckpoint() const {
    storage::v1::StoredCheckpoint row;
    if (!row.ParseFromString(world_.MustRead(std::string(ledger::kCheckpointKey)))) std::abort();
    return row;
  }
  void Replace(const storage::v1::StoredCheckpoint& row) {
    world_.Commit({{std::string(ledger::kCheckpointKey), row.SerializeAsString()}});
  }

  LedgerWorld world_;
};

TEST_F(LogOpeningTest, GoesOnWithItsOwnLog) {
  const ledger::Checkpoint before = world_.sealer->Newest();
  ASSERT_TRUE(Reopen().ok());
  EXPECT_EQ(world_.sealer->Newest().note, before.note);
  EXPECT_EQ(world_.sealer->Newest().size, 4);
}

TEST_F(LogOpeningTest, AnotherNameOrKeyIsRefused) {
  world_.options.origin = "other.example/ledger";
  ExpectRefused("set ledger.origin");
  world_.options.origin = LedgerWorld::kOrigin;
  world_.signing_key = TestKey(2);
  ExpectRefused("ledger_key.pem");
  world_.signing_key = TestKey(1);
  EXPECT_TRUE(Reopen().ok());
}

TEST_F(LogOpeningTest, OptionsThatAreNoneAreRefused) {
  const auto refused = [&](const ledger::SealerOptions& options) {
    world_.options = options;
    return absl::IsInvalidArgument(Reopen());
  };
  const ledger::SealerOptions right = world_.options;
  ledger::SealerOptions wrong = right;
  wrong.origin = "with space";
  EXPECT_TRUE(refused(wrong));
  wrong = right;
  wrong.tick = std::chrono::milliseconds(0);
  EXPECT_TRUE(refused(wrong));
  wrong = right;
  wrong.witness_keys.push_back(world_.log_key());
  EXPECT_TRUE(refused(wrong));
  EXPECT_FALSE(refused(right));
}

TEST_F(LogOpeningTest, DamageIsRefused) {
  const storage::v1::StoredCheckpoint right = StoredCheckpoint();
  storage::v1::StoredCheckpoint row = right;
  row.mutable_root()->front() = static_cast<char>(row.root().front() ^ 1);
  Replace(row);
  ExpectDamaged("another state");
  row = right;
  row.set_size(3);
  Replace(row);
  ExpectDamaged("another state");
  row = right;
  row.set_note("no note");
  Replace(row);
  ExpectDamaged("note");
  row = right;
  // Within the signature, base 64.
  char& letter = (*row.mutable_note())[row.note().size() - 20];
  letter = letter == 'A' ? 'B' : 'A';
  Replace(row);
  ExpectDamaged("signature");
  Replace(right);
  EXPECT_TRUE(Reopen().ok());
}

TEST_F(LogOpeningTest, TicksThatDoNotLeadToTheRootAreRefused) {
  storage::v1::StoredTick tick;
  ASSERT_TRUE(tick.ParseFromString(world_.MustRead(ledger::TickKey(1))));
  const std::string right = tick.SerializeAsString();
  tick.mutable_leaf_hash()->front() = static_cast<char>(tick.leaf_hash().front() ^ 1);
  world_.Commit({{ledger::TickKey(1), tick.SerializeAsString()}});
  ExpectDamaged("do not lead to the root");
  world_.Commit({{ledger::TickKey(1), std::nullopt}});
  ExpectDamaged("tick 1 is missing");
  world_.Commit({{ledger::TickKey(1), right}});
  EXPECT_TRUE(Reopen().ok());
  // Of the last one everything is checked.
  ASSERT_TRUE(tick.ParseFromString(world_.MustRead(ledger::TickKey(3))));
  tick.set_time_ms(tick.time_ms() + 1);
  world_.Commit({{ledger::TickKey(3), tick.SerializeAsString()}});
  ExpectDamaged("last tick");
}

TEST_F(LogOpeningTest, AMissingTileOrDayOrCheckpointIsRefused) {
  Tick(300);
  const std::string tile = world_.MustRead(ledger::TileKey(0, 0));
  world_.Commit({{ledger::TileKey(0, 0), std::nullopt}});
  ExpectDamaged("tile 0 of level 0");
  world_.Commit({{ledger::TileKey(0, 0), tile}});
  EXPECT_TRUE(Reopen().ok());
  const std::string day = world_.MustRead(std::string(ledger::kDayKey));
  world_.Commit({{std::string(ledger::kDayKey), std::nullopt}});
  ExpectDamaged("days");
  world_.Commit({{std::string(ledger::kDayKey), day}});
  EXPECT_TRUE(Reopen().ok());
  world_.Commit({{std::string(ledger::kCheckpointKey), std::nullopt}});
  ExpectDamaged("ticks and no checkpoint");
}

TEST_F(LogOpeningTest, TellsWhetherThereIsALog) {
  EXPECT_FALSE(*ledger::LogIsEmpty(world_.store()));
  LedgerWorld other;
  other.OpenStore();
  EXPECT_TRUE(*ledger::LogIsEmpty(other.store()));
}

TEST_F(LogOpeningTest, TheHeadIsPrivateAndTellsTheNewestCheckpoint) {
  struct stat facts {};
  ASSERT_EQ(stat(world_.options.head_dir.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0700);
  ASSERT_EQ(stat(world_.head_file().c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600);
  const auto head = ledger::HeadDir(world_.options.head_dir).Read();
  ASSERT_TRUE(head.ok() && head->has_value());
  EXPECT_EQ((*head)->note, world_.sealer->Newest().note);
  storage::v1::StoredTick last;
  ASSERT_TRUE(last.ParseFromString(world_.MustRead(ledger::TickKey(3))));
  EXPECT_EQ((*head)->revision, last.last_revision());
}

TEST_F(LogOpeningTest, ACrashBetweenTheCommitAndTheHeadIsGoneOnFrom) {
  const std::string kept = *ReadFile(world_.head_file(), 1 << 20);
  Tick(1);
  world_.Close();
  ASSERT_TRUE(WriteFileAtomic(world_.head_file(), kept, 0600).ok());
  ASSERT_TRUE(Reopen().ok());
  EXPECT_EQ(world_.NewestVerified().size, 5);
  EXPECT_NE(*ReadFile(world_.head_file(), 1 << 20), kept) << "it is made up for";
  Tick(1);
}

TEST_F(LogOpeningTest, AHeadThatCanNotBeWrittenKeepsTheCheckpointBack) {
  // A directory in the file's place: nobody can put a file there, not even root.
  std::filesystem::remove(world_.head_file());
  std::filesystem::create_directories(world_.head_file() + "/in the way");
  EXPECT_FALSE(world_.sealer->Tick().ok());
  EXPECT_FALSE(world_.sealer->Health().ok());
  EXPECT_EQ(world_.sealer->Newest().size, 4);
  world_.WriteActs({1});
  EXPECT_FALSE(world_.sealer->Tick().ok());
  std::filesystem::remove_all(world_.head_file());
  ASSERT_TRUE(world_.sealer->Tick().ok());
  EXPECT_EQ(world_.NewestVerified().size, 7);
  EXPECT_EQ(world_.VerifiedEntriesOf(1).size(), 2) << "sealed meanwhile";
  EXPECT_TRUE(Reopen().ok());
}

TEST_F(LogOpeningTest, WithoutItsHeadALogIsTakenOnTheOperatorsWordAlone) {
  std::filesystem::remove_all(world_.options.head_dir);
  ExpectRefused("head is missing");
  ExpectRefused("adopt");
  Adopt();
  ASSERT_TRUE(Reopen().ok());
  EXPECT_FALSE(HasAdopt()) << "the word holds once";
  EXPECT_TRUE(std::filesystem::exists(world_.head_file()));
  std::filesystem::remove(world_.head_file());
  ExpectRefused("head is missing");
}

TEST_F(LogOpeningTest, TheWordDoesNotOutliveAStartThatNeedsItNot) {
  Adopt();
  ASSERT_TRUE(Reopen().ok());
  EXPECT_FALSE(HasAdopt());
}

TEST_F(LogOpeningTest, AStoreThatWasRolledBackIsRefused) {
  KeepStore("old");
  Tick(2);
  PutBackStore("old");
  const absl::Status refused = world_.OpenSealer();
  EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("has 4 ticks, and had 6"));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("restore its newest backup"));
  // Also on the operator's word: there is a head.
  Adopt();
  EXPECT_TRUE(absl::IsFailedPrecondition(world_.OpenSealer()));
}

TEST_F(LogOpeningTest, AnEmptyStoreBesideAHeadIsRefused) {
  world_.Close();
  std::filesystem::remove_all(world_.store_dir());
  world_.OpenStore();
  const absl::Status refused = world_.OpenSealer();
  EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("has 0 ticks, and had 4"));
  EXPECT_EQ(world_.store().Head(), 0) << "nothing was written";
}

// With the same key and name: as long as the other, and another history.
TEST_F(LogOpeningTest, AnotherHistoryIsRefused) {
  KeepStore("old");
  Tick(2);
  const std::string head = *ReadFile(world_.head_file(), 1 << 20);
  PutBackStore("old");
  std::filesystem::remove(world_.head_file());
  Adopt();
  ASSERT_TRUE(world_.OpenSealer().ok());
  world_.random.Reseed(99);
  Tick(5);
  world_.Close();
  ASSERT_TRUE(WriteFileAtomic(world_.head_file(), head, 0600).ok());
  ExpectRefused("the first 6 ticks of its ledger are others");
}

TEST_F(LogOpeningTest, AStoreBehindTheHeadsRevisionIsRefused) {
  const ledger::HeadDir dir(world_.options.head_dir);
  ledger::Head head = dir.Read()->value();
  head.revision = world_.store().Head() + 1;
  ASSERT_TRUE(dir.Write(head).ok());
  ExpectRefused("and was at");
}

TEST_F(LogOpeningTest, AnotherLogsHeadIsRefused) {
  const ledger::LogSigner other{LedgerWorld::kOrigin, TestKey(2)};
  const ledger::Checkpoint newest = world_.sealer->Newest();
  const auto theirs = other.Sign(newest.size, newest.root);
  ASSERT_TRUE(theirs.ok()) << theirs.status();
  ASSERT_TRUE(ledger::HeadDir(world_.options.head_dir).Write({1, theirs->note}).ok());
  ExpectRefused("is not of this log");
}

TEST_F(LogOpeningTest, ADamagedHeadIsRefusedWhereverItIsDamaged) {
  const std::string right = *ReadFile(world_.head_file(), 1 << 20);
  for (size_t at = 0; at < right.size(); at += 7) {
    std::string wrong = right;
    wrong[at] = static_cast<char>(wrong[at] ^ 4);
    ASSERT_TRUE(WriteFileAtomic(world_.head_file(), wrong, 0600).ok());
    const auto read = ledger::HeadDir(world_.options.head_dir).Read();
    EXPECT_TRUE(absl::IsDataLoss(read.status())) << "byte " << at;
  }
  for (const size_t length : {size_t{0}, size_t{10}, right.size() - 1}) {
    ASSERT_TRUE(WriteFileAtomic(world_.head_file(), right.substr(0, length), 0600).ok());
    ExpectDamaged("head is damaged");
  }
  ASSERT_TRUE(WriteFileAtomic(world_.head_file(), right, 0600).ok());
  EXPECT_TRUE(Reopen().ok());
}

}  // namespace
}  // namespace coalition::testing
