// Entries, ticks, tiles, the checkpoint and the head.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "coalition/storage/v1/ledger.pb.h"
#include "common/file.h"
#include "common/hash.h"
#include "common/ledger_leaf.h"
#include "server/ledger/entry.h"
#include "server/ledger/head.h"
#include "server/ledger/keys.h"
#include "server/ledger/seal.h"
#include "tests/unit/verify/verify_fixture.h"

namespace coalition::verify {
namespace {

class VerifyLedgerTest : public VerifyFixture {
 protected:
  // The first one that was told of a showing, and the tick that has it.
  static std::string Entry(size_t which = 0) { return OneOf("le", which); }
};

TEST_F(VerifyLedgerTest, AnEntryThatWasChangedIsFound) {
  const auto change = [](storage::v1::StoredLedgerEntry& of) { of.set_open(std::string(32, 'x')); };
  EXPECT_THAT(FindingsAfter({Changed<storage::v1::StoredLedgerEntry>(Entry(), change)}),
              Is(Subject::kLedger, "has a root that its entries do not lead to"));
}

TEST_F(VerifyLedgerTest, WhatAnEntrySaysMustBeWhatItIsCommittedTo) {
  const auto change = [](storage::v1::StoredLedgerEntry& of) { of.mutable_sealed()->back() ^= 1; };
  EXPECT_THAT(FindingsAfter({Changed<storage::v1::StoredLedgerEntry>(Entry(), change)}),
              Is(Subject::kLedger, "says what does not open with its key"));
  world().PutBack();
  const auto other = [](storage::v1::StoredLedgerEntry& of) {
    of = ledger::MakeEntry(*testing::TestEntryKeys(), 0, v1::LedgerContent());
    const std::string open = of.open();
    of.set_open(of.reserved());
    of.set_reserved(open);
  };
  EXPECT_THAT(FindingsAfter({Changed<storage::v1::StoredLedgerEntry>(Entry(), other)}),
              Is(Subject::kLedger, "says what does not open with its key"))
      << "it is bound to its commitments";
}

TEST_F(VerifyLedgerTest, AnEntryThatIsGoneOrTooManyIsFound) {
  EXPECT_THAT(FindingsWithout(Entry()), Is(Subject::kLedger, "entries, and there are"));
  world().PutBack();
  const ledger::EntryId first = *ledger::IdOfEntryKey(Entry());
  EXPECT_THAT(FindingsAfter({{ledger::EntryKey({first.revision, 99}), world().MustRead(Entry())}}),
              Is(Subject::kLedger, "entries, and there are"));
  world().PutBack();
  EXPECT_THAT(FindingsAfter({{Entry(), "?"}}), Is(Subject::kRow, "is no entry"));
}

// Who may open an entry is not hashed with it.
TEST_F(VerifyLedgerTest, AnEntryForNobodyIsFound) {
  const auto change = [](storage::v1::StoredLedgerEntry& of) { of.add_parties(99); };
  EXPECT_THAT(FindingsAfter({Changed<storage::v1::StoredLedgerEntry>(Entry(), change)}),
              Is(Subject::kLedger, "is an entry for nobody"));
}

// What has ended leaves its hashes, and its place.
TEST_F(VerifyLedgerTest, AnEntryThatHasEndedIsSound) {
  std::vector<store::Write> writes;
  for (const std::string& key : world().KeysOf("le")) {
    writes.push_back(Changed<storage::v1::StoredLedgerEntry>(key, [](auto& of) {
      of = ledger::Ended(of);
      of.clear_parties();
    }));
  }
  std::vector<std::string> wrong;
  for (const Finding& finding : FindingsAfter(writes)) {
    // The day of the showings is not over, and entries end later than that.
    if (finding.what.find("first showings") == std::string::npos) wrong.push_back(finding.what);
  }
  EXPECT_THAT(wrong, IsEmpty());
}

TEST_F(VerifyLedgerTest, TicksThatAreGoneOrWrongAreFound) {
  using storage::v1::StoredTick;
  EXPECT_THAT(FindingsWithout(ledger::TickKey(1)), Is(Subject::kLedger, "ticks 1 to 1 are missing"));
  world().PutBack();
  EXPECT_THAT(FindingsAfter({{ledger::TickKey(5), "?"}}), Is(Subject::kRow, "is no tick"));
  world().PutBack();
  const auto change = [](uint64_t tick, const std::function<void(StoredTick&)>& how) {
    const auto findings = FindingsAfter({Changed<StoredTick>(ledger::TickKey(tick), how)});
    world().PutBack();
    return findings;
  };
  EXPECT_THAT(change(5, [](StoredTick& of) { of.mutable_leaf_hash()->back() ^= 1; }),
              Is(Subject::kLedger, "a leaf that is not of what it says"));
  EXPECT_THAT(change(5, [](StoredTick& of) { of.set_time_ms(of.time_ms() - 5'000); }),
              Is(Subject::kLedger, "is not later than the tick before it"));
  EXPECT_THAT(change(5, [](StoredTick& of) { of.set_last_revision(1); }),
              Is(Subject::kLedger, "ends before the tick before it"));
  EXPECT_THAT(change(1, [](StoredTick& of) { of.set_entries(of.entries() + 1); }),
              Is(Subject::kLedger, "entries, and there are"));
}

// A tick that agrees with itself, and with no checkpoint.
TEST_F(VerifyLedgerTest, ATickThatWasReplacedIsFound) {
  const auto findings = FindingsAfter({Changed<storage::v1::StoredTick>(ledger::TickKey(262), [](auto& of) {
    of.set_time_ms(of.time_ms() + 1);
    of.set_leaf_hash(std::string(Bytes(*ledger::LeafHashOfTick(262, of))));
  })});
  EXPECT_THAT(findings, Is(Subject::kLedger, "has a root that the ticks do not lead to"));
  EXPECT_THAT(findings, Is(Subject::kLedger, "do not lead to the root of its newest checkpoint"));
}

TEST_F(VerifyLedgerTest, RowsOfTheTreesAreChecked) {
  const std::string nodes = OneOf("lb");
  EXPECT_THAT(FindingsWithout(nodes), Is(Subject::kLedger, "can't be proved without it"));
  world().PutBack();
  EXPECT_THAT(FindingsAfter({Changed<storage::v1::StoredTickNodes>(
                  nodes, [](auto& of) { of.mutable_hashes()->back() ^= 1; })}),
              Is(Subject::kLedger, "is not what the entries of its tick lead to"));
  world().PutBack();
  EXPECT_THAT(FindingsAfter({{ledger::TickNodesKey(7, 20, 0), world().MustRead(nodes)}}),
              Is(Subject::kLedger, "is of no tick that has such a row"));
  world().PutBack();
  EXPECT_THAT(FindingsAfter({{ledger::TickNodesKey(9'999, 20, 0), world().MustRead(nodes)}}),
              Is(Subject::kLedger, "is of no tick"));
  world().PutBack();
  const std::string tile = OneOf("lh");
  EXPECT_THAT(FindingsAfter({Changed<storage::v1::StoredTile>(
                  tile, [](auto& of) { of.mutable_hashes()->front() ^= 1; })}),
              Is(Subject::kLedger, "is not what the ticks lead to"));
  world().PutBack();
  EXPECT_THAT(FindingsWithout(tile), Is(Subject::kLedger, "is not what the ticks lead to"));
  world().PutBack();
  EXPECT_THAT(FindingsAfter({{ledger::TileKey(0, 9), world().MustRead(tile)}}),
              Is(Subject::kLedger, "tiles, and the ticks make"));
}

TEST_F(VerifyLedgerTest, WhatAPartyIsLedToIsChecked) {
  using storage::v1::StoredPartySlots;
  const std::string everybodys = OneOf("lp");
  const std::string members = world().KeysOf("lp").back();
  EXPECT_THAT(FindingsWithout(members), Is(Subject::kLedger, "does not lead to all entries"));
  world().PutBack();
  EXPECT_THAT(
      FindingsAfter({{ledger::PartyKey(1, *ledger::TickOfPartyKey(members)), world().MustRead(members)}}),
      Is(Subject::kLedger, "an entry that the party may not open"));
  world().PutBack();
  EXPECT_THAT(FindingsAfter({{ledger::PartyKey(1, 5), world().MustRead(everybodys)}}),
              Is(Subject::kLedger, "leads to entries that can't be opened"));
  world().PutBack();
  EXPECT_THAT(
      FindingsAfter({Changed<StoredPartySlots>(members, [](auto& of) { of.add_slots(of.slots(0)); })}),
      Is(Subject::kRow, "is no list of what a party may open"));
}

TEST_F(VerifyLedgerTest, WhatWaitsForTheEndOfADayIsChecked) {
  const std::string row = OneOf("lf");
  EXPECT_THAT(FindingsWithout(row), Is(Subject::kLedger, "the contributor would not be told"));
  world().PutBack();
  const ledger::ShowingsId id = *ledger::IdOfShowingsKey(row);
  EXPECT_THAT(FindingsAfter({{ledger::ShowingsKey(id.day, 3, id.tick), world().MustRead(row)}}),
              Is(Subject::kLedger, "rows of first showings"));
  world().PutBack();
  EXPECT_THAT(FindingsAfter({{ledger::ShowingsKey(id.day, 99, id.tick), world().MustRead(row)}}),
              Is(Subject::kLedger, "is of no tick, or of nobody"));
  world().PutBack();
  EXPECT_THAT(FindingsAfter({{row, "?"}}), Is(Subject::kRow, "is no showings of a day"));
}

TEST_F(VerifyLedgerTest, WhatIsNotedBesideTheLogIsChecked) {
  for (const std::string_view key : {ledger::kDayKey, ledger::kEndedKey}) {
    EXPECT_THAT(FindingsAfter({{std::string(key), "?"}}), Is(Subject::kRow, "does not parse"));
    world().PutBack();
  }
}

// What says that a key is destroyed outlives it, in the store.
TEST_F(VerifyLedgerTest, AKeyThatWasDestroyedAndIsThereIsFound) {
  for (const store::Write& wrong : {store::Write{"lz?", ""}, store::Write{ledger::ErasedKey(7), "?"}}) {
    EXPECT_THAT(FindingsAfter({wrong}), Is(Subject::kRow, "is no note of a key that is destroyed"));
    world().PutBack();
  }
  storage::v1::StoredLedgerEntry entry;
  ASSERT_TRUE(entry.ParseFromString(world().MustRead(Entry())));
  EXPECT_THAT(FindingsAfter({{ledger::ErasedKey(entry.key()), ""}}),
              Is(Subject::kHead, "is erased, and its key is there"));
  const auto keys = testing::TestEntryKeys();
  const uint64_t erased = entry.key();
  ASSERT_TRUE(keys->Destroy(std::span(&erased, 1)).ok());
  VerifyOptions options = world().Options();
  options.entry_keys = keys;
  const auto report = VerifyStore(options);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_THAT(report->findings, IsEmpty());
}

// One that the log has signed, of another time.
TEST_F(VerifyLedgerTest, ACheckpointThatWasSwappedIsFound) {
  const ledger::LogSigner signer = *world().Options().log_signer("");
  storage::v1::StoredTick tick;
  ASSERT_TRUE(tick.ParseFromString(world().MustRead(ledger::TickKey(0))));
  const auto old = signer.Sign(1, *ledger::ToDigest(tick.leaf_hash()));
  ASSERT_TRUE(old.ok());
  EXPECT_THAT(FindingsAfter({ledger::CheckpointWrite(*old)}),
              Is(Subject::kLedger, "is of 1 ticks, and there are 263"));
  world().PutBack();
  storage::v1::StoredCheckpoint newest;
  ASSERT_TRUE(newest.ParseFromString(world().MustRead(std::string(ledger::kCheckpointKey))));
  newest.set_note(old->note);
  EXPECT_THAT(FindingsAfter({{std::string(ledger::kCheckpointKey), newest.SerializeAsString()}}),
              Is(Subject::kLedger, "of another state"));
}

TEST_F(VerifyLedgerTest, AnotherKeyIsFound) {
  VerifyOptions options = world().Options();
  const auto right = options.log_signer;
  options.log_signer = [&](const std::string& domain) -> absl::StatusOr<ledger::LogSigner> {
    std::array<uint8_t, kEd25519KeyBytes> seed{};
    return ledger::LogSigner{right(domain)->origin, *Ed25519Key::FromSeed(seed)};
  };
  const auto report = VerifyStore(options);
  ASSERT_TRUE(report.ok());
  EXPECT_THAT(report->findings, Is(Subject::kLedger, "another key"));
}

TEST_F(VerifyLedgerTest, AStoreBehindItsHeadIsFound) {
  const ledger::HeadDir dir(world().head_dir());
  ledger::Head head = dir.Read()->value();
  head.revision = 1'000'000;
  ASSERT_TRUE(dir.Write(head).ok());
  EXPECT_THAT(Findings(), Is(Subject::kHead, "behind its head"));
  ASSERT_TRUE(WriteFileAtomic(dir.file(), "no head", 0600).ok());
  EXPECT_THAT(Findings(), Is(Subject::kHead, "is damaged"));
  std::filesystem::remove(dir.file());
  EXPECT_THAT(Findings(), Is(Subject::kHead, "is missing"));
}

}  // namespace
}  // namespace coalition::verify
