// A store that is sound, and what is wrong with one on the disk. What a defect would write with checksums
// that are right is in the other files; each kind of damage is told in words that one check alone uses.
#include "server/verify/verify_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "server/ledger/keys.h"
#include "server/store/key_codec.h"
#include "server/store/value_codec.h"
#include "tests/unit/verify/verify_fixture.h"

namespace coalition::verify {
namespace {

using VerifyStoreTest = VerifyFixture;

TEST_F(VerifyStoreTest, AStoreAsItWasWrittenIsSound) {
  const auto report = world().Verify();
  ASSERT_TRUE(report.ok()) << report.status();
  for (const Finding& finding : report->findings) ADD_FAILURE() << finding.key << ": " << finding.what;
  EXPECT_FALSE(report->cut_off);
  EXPECT_EQ(report->records, 4);
  EXPECT_EQ(report->ticks, 263);
  EXPECT_EQ(report->entries, 5);
  EXPECT_GT(report->rows, 800);
}

TEST_F(VerifyStoreTest, TheDirectoriesStayAsTheyAre) {
  const auto files = [] {
    std::map<std::string, std::string> contents;
    for (const std::string& dir : {world().store_dir(), world().head_dir()}) {
      for (const auto& file : std::filesystem::directory_iterator(dir)) {
        contents[file.path()] = *ReadFile(file.path(), size_t{64} << 20);
      }
    }
    return contents;
  };
  // With something in LevelDB's log, which it would make a table of.
  world().Commit({{std::string(exchange::kExpiryIndexKey), ""}});
  const auto before = files();
  EXPECT_THAT(Findings(), IsEmpty());
  EXPECT_EQ(files(), before);
}

TEST_F(VerifyStoreTest, AStoreThatHasGivenUpHistoryIsSound) {
  {
    const auto store = store::LevelDbStore::Open(world().Options().store);
    ASSERT_TRUE(store.ok());
    const store::Revision floor = (*store)->Head() / 2;
    // Not to the end: some are left of what nobody reads any more.
    for (int i = 0; i < 20; ++i) ASSERT_TRUE((*store)->RaiseFloor(floor, {.items = 5}).ok());
  }
  EXPECT_THAT(Findings(), IsEmpty());
}

TEST_F(VerifyStoreTest, AStoreThatGoesOnFromALaterRevisionIsSound) {
  {
    const auto store = store::LevelDbStore::Open(world().Options().store);
    ASSERT_TRUE(store.ok());
    ASSERT_TRUE((*store)->SkipTo((*store)->Head() + 1'000).ok());
  }
  EXPECT_THAT(FindingsAfter({{std::string(exchange::kExpiryIndexKey), ""}}), IsEmpty());
}

TEST_F(VerifyStoreTest, WhatCanNotBeReadIsAnError) {
  VerifyOptions options = world().Options();
  options.store.dir += "-none";
  EXPECT_TRUE(absl::IsNotFound(VerifyStore(options).status()));
  EXPECT_FALSE(std::filesystem::exists(options.store.dir));
  options = world().Options();
  options.log_signer = [](const std::string&) { return absl::UnavailableError("no key"); };
  EXPECT_TRUE(absl::IsUnavailable(VerifyStore(options).status()));
  const auto open = store::LevelDbStore::Open(options.store);
  ASSERT_TRUE(open.ok());
  const auto busy = world().Verify();
  EXPECT_TRUE(absl::IsFailedPrecondition(busy.status())) << busy.status();
}

TEST_F(VerifyStoreTest, ABitOfAnyRowIsFound) {
  VerifyWorld small(2);
  std::mt19937_64 random(1);
  for (const auto& [key, value] : small.PhysicalRows()) {
    std::string wrong = value;
    wrong[random() % wrong.size()] ^= static_cast<char>(1 << random() % 8);
    small.PutPhysical(key, wrong);
    const auto report = small.Verify(1);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_THAT(report->findings, Not(IsEmpty())) << ::testing::PrintToString(key);
    small.PutPhysical(key, value);
  }
}

TEST_F(VerifyStoreTest, GoesOnBehindWhatIsDamaged) {
  const std::string damaged = KeyOfRecord(world().made().kept);
  std::string physical;
  for (const auto& [key, value] : world().PhysicalRows()) {
    store::DataKey data;
    std::string buffer;
    if (store::DecodeDataKey(key, data) && store::Unescape(data.escaped, buffer) == damaged) physical = key;
  }
  world().PutPhysical(physical, "no value at all");
  const auto findings = FindingsWithout(ledger::TickKey(100));
  EXPECT_THAT(findings, Is(Subject::kDisk, "unknown schema version"));
  EXPECT_THAT(findings, Is(Subject::kLedger, "ticks 100 to 100 are missing"));
}

TEST_F(VerifyStoreTest, ItIsEnoughAtSomePoint) {
  std::vector<store::Write> writes;
  for (const std::string& key : world().KeysOf("lt")) writes.push_back({key, "no tick"});
  world().Commit(writes);
  const auto report = world().Verify(10);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->findings.size(), 10);
  EXPECT_TRUE(report->cut_off);
}

// What no checksum shows: a version, or a commit, that is not there at all.
TEST_F(VerifyStoreTest, AVersionThatIsGoneIsFound) {
  std::string superseded;
  for (const auto& [key, value] : world().PhysicalRows()) {
    store::DataKey data;
    if (store::DecodeDataKey(key, data) && data.escaped == ledger::kCheckpointKey) superseded = key;
  }
  world().RemovePhysical(superseded);
  EXPECT_THAT(Findings(), Is(Subject::kHistory, "a version that a commit wrote is missing"));
}

TEST_F(VerifyStoreTest, AVersionThatNoCommitWroteIsFound) {
  std::string physical, stored;
  store::EncodeDataKey("kfact", 5, physical);
  store::EncodeValue(physical, "x", stored);
  world().PutPhysical(physical, stored);
  EXPECT_THAT(Findings(), Is(Subject::kHistory, "versions, and the log of changes names"));
}

TEST_F(VerifyStoreTest, ACommitThatIsGoneIsFound) {
  world().RemovePhysical(store::EncodeLogKey(7));
  EXPECT_THAT(Findings(), Is(Subject::kHistory, "commit 7 is missing"));
}

TEST_F(VerifyStoreTest, AKeyOfAFormThatNobodyWritesIsFound) {
  const auto after = [](const std::string& physical) {
    std::string stored;
    store::EncodeValue(physical, "x", stored);
    world().PutPhysical(physical, stored);
    const std::vector<Finding> findings = Findings();
    world().PutBack();
    return findings;
  };
  std::string physical;
  store::EncodeDataKey("k", 5, physical);
  // A zero byte that is not escaped.
  EXPECT_THAT(after(physical.substr(0, 1) + std::string("\0\x05", 2) + physical.substr(1)),
              Is(Subject::kDisk, "not in the form in which keys are written"));
  EXPECT_THAT(after(store::EncodeMetaKey("zebra", 1)), Is(Subject::kDisk, "a row of no known kind"));
  EXPECT_THAT(after(store::EncodeLogKey(7)),
              Is(Subject::kDisk, "an entry of the log of changes is malformed"));
}

TEST_F(VerifyStoreTest, WhatDoesNotGoWithTheStoreIsFound) {
  VerifyOptions options = world().Options();
  options.beside = {[](const store::Store& store) {
                      return absl::FailedPreconditionError(absl::StrCat("at ", store.Head(), " behind"));
                    },
                    [](const store::Store&) { return absl::DataLossError("damaged"); },
                    [](const store::Store&) { return absl::OkStatus(); }};
  const auto report = VerifyStore(options);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->findings.size(), 2U);
  EXPECT_THAT(report->findings, Is(Subject::kHead, " behind"));
  EXPECT_THAT(report->findings, Is(Subject::kHead, "damaged"));
  options.beside = {[](const store::Store&) { return absl::UnavailableError("no disk"); }};
  EXPECT_TRUE(absl::IsUnavailable(VerifyStore(options).status()));
}

TEST_F(VerifyStoreTest, ARowOfAnUnknownKindIsFound) {
  EXPECT_THAT(FindingsAfter({{"yak", "x"}}), Is(Subject::kRow, "no kind that this version knows"));
  EXPECT_THAT(FindingsAfter({{"m/zebra", "x"}, {"zebra", std::nullopt}}),
              Is(Subject::kRow, "no kind that this version knows"));
}

}  // namespace
}  // namespace coalition::verify
