// The log's key is changed: for a while both sign, and it stays one log.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <span>
#include <string>

#include "common/ledger_verify.h"
#include "server/ledger/log_opening.h"
#include "tests/support/ledger_world.h"

namespace coalition::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

VerifierKey VerifierOf(const ledger::LogKey& key) {
  return *VerifierKey::Make(LedgerWorld::kOrigin, NoteAlgorithm::kEd25519, key.public_key());
}

class KeyHandoverTest : public ::testing::Test {
 protected:
  KeyHandoverTest() {
    world_.Open();
    world_.WriteActs({1});
    Tick();
  }
  void Tick() { ASSERT_TRUE(world_.sealer->Tick().ok()); }
  // As after a restart with these keys.
  absl::Status Reopen(const ledger::LogKey& key, const std::optional<ledger::LogKey>& former) {
    world_.Close();
    world_.signing_key = key;
    world_.options.former_key = former;
    world_.OpenStore();
    return world_.OpenSealer();
  }
  absl::StatusOr<coalition::Checkpoint> NewestBy(const ledger::LogKey& key) const {
    auto opened = ledger::OpenLogCheckpoint(world_.sealer->Newest().note, VerifierOf(key));
    if (!opened.ok()) return opened.status();
    return opened->checkpoint;
  }
  // That `before` is the beginning of the newest.
  absl::Status VerifyGrown(const coalition::Checkpoint& before, const coalition::Checkpoint& now) const {
    const auto path = world_.reader().ConsistencyPath(before.size, now.size);
    if (!path.ok()) return path.status();
    ledger::ProofHashes hashes;
    for (const Sha256Digest& hash : *path) *hashes.Add() = std::string(Bytes(hash));
    return ledger::VerifyGrowth(before, now, hashes);
  }

  LedgerWorld world_;
  const ledger::LogKey first_ = TestKey(1), second_ = TestKey(2);
};

TEST_F(KeyHandoverTest, BothKeysSignOneLogAndTheNewestSignsFirst) {
  const auto before = NewestBy(first_);
  ASSERT_TRUE(before.ok()) << before.status();
  ASSERT_TRUE(Reopen(second_, first_).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(NewestBy(second_).status())) << "as it was signed";
  Tick();
  for (const ledger::LogKey& key : {first_, second_}) {
    const auto now = NewestBy(key);
    ASSERT_TRUE(now.ok()) << now.status();
    EXPECT_EQ(now->size, before->size + 1);
    EXPECT_EQ(VerifyGrown(*before, *now), absl::OkStatus());
  }
  const auto note = ParseNote(world_.sealer->Newest().note);
  ASSERT_TRUE(note.ok()) << note.status();
  ASSERT_THAT(note->signatures, SizeIs(2));
  EXPECT_EQ(note->signatures[0].key_id, VerifierOf(second_).id());
  EXPECT_EQ(note->signatures[1].key_id, VerifierOf(first_).id());
  EXPECT_THAT(world_.VerifiedEntriesOf(1), SizeIs(1));
}

TEST_F(KeyHandoverTest, AfterTheOverlapTheFormerKeySignsNoMore) {
  ASSERT_TRUE(Reopen(second_, first_).ok());
  Tick();
  const auto before = NewestBy(first_);
  ASSERT_TRUE(before.ok()) << before.status();
  ASSERT_TRUE(Reopen(second_, std::nullopt).ok());
  Tick();
  EXPECT_TRUE(absl::IsFailedPrecondition(NewestBy(first_).status()));
  const auto now = NewestBy(second_);
  ASSERT_TRUE(now.ok()) << now.status();
  EXPECT_EQ(VerifyGrown(*before, *now), absl::OkStatus());
}

TEST_F(KeyHandoverTest, ALogThatTheNewKeyHasNotSignedNeedsTheFormerOne) {
  const absl::Status refused = Reopen(second_, std::nullopt);
  EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("ledger_key.old.pem"));
  EXPECT_TRUE(absl::IsFailedPrecondition(Reopen(second_, TestKey(3))));
  EXPECT_TRUE(Reopen(second_, first_).ok());
}

}  // namespace
}  // namespace coalition::testing
