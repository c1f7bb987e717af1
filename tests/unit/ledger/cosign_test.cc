// Witnesses' signatures on the newest checkpoint, and nothing else.
#include "server/ledger/cosign.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/checkpoint.h"
#include "common/errors.h"
#include "tests/support/ledger_world.h"

namespace coalition::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uint64_t kTimeS = 1'790'000'000;

class CosignTest : public ::testing::Test {
 protected:
  CosignTest() {
    for (const auto& [name, key] : {std::pair("belmont.example/w", 10), std::pair("corsa.example/w", 11)}) {
      const auto witness = VerifierKey::Make(name, NoteAlgorithm::kCosignatureV1,
                                             TestKey(static_cast<uint8_t>(key)).public_key());
      if (!witness.ok()) std::abort();
      world_.options.witness_keys.push_back(*witness);
    }
    world_.Open();
  }
  std::string Newest() { return world_.sealer->Newest().note; }
  static std::string Cosigned(const std::string& note, const std::string& name, uint8_t key,
                              uint64_t time_s = kTimeS) {
    const auto cosigned = CosignCheckpoint(note, name, TestKey(key), time_s);
    if (!cosigned.ok()) std::abort();
    return *cosigned;
  }
  // Of the newest checkpoint: witness and time.
  std::vector<std::pair<size_t, uint64_t>> Cosignatures() {
    const VerifierKey log = world_.log_key();
    const auto opened =
        OpenCheckpoint(Newest(), std::span(&log, 1), world_.options.origin, world_.options.witness_keys);
    EXPECT_TRUE(opened.ok()) << opened.status();
    std::vector<std::pair<size_t, uint64_t>> all;
    if (!opened.ok()) return all;
    for (const Cosignature& one : opened->cosignatures) all.emplace_back(one.witness, one.time_s);
    return all;
  }
  v1::ErrorReason ReasonOf(const std::string& note) {
    return GetErrorReason(world_.sealer->AddCosignature(note));
  }

  LedgerWorld world_;
};

TEST_F(CosignTest, IsAddedAndStaysThroughARestartAndEndsWithItsCheckpoint) {
  EXPECT_THAT(Cosignatures(), IsEmpty());
  ASSERT_TRUE(world_.sealer->AddCosignature(Cosigned(Newest(), "belmont.example/w", 10)).ok());
  EXPECT_THAT(Cosignatures(), ElementsAre(std::pair(size_t{0}, kTimeS)));
  const std::string corsas = Cosigned(Newest(), "corsa.example/w", 11, kTimeS + 1);
  ASSERT_TRUE(world_.sealer->AddCosignature(corsas).ok());
  EXPECT_THAT(Cosignatures(), ElementsAre(std::pair(size_t{0}, kTimeS), std::pair(size_t{1}, kTimeS + 1)));
  world_.Restart();
  EXPECT_EQ(Cosignatures().size(), 2);
  ASSERT_TRUE(world_.sealer->Tick().ok()) << "on top of it";
  EXPECT_THAT(Cosignatures(), IsEmpty());
}

TEST_F(CosignTest, AWitnessHasOneOnACheckpoint) {
  const std::string log_only = Newest();
  ASSERT_TRUE(world_.sealer->AddCosignature(Cosigned(log_only, "belmont.example/w", 10)).ok());
  ASSERT_TRUE(world_.sealer->AddCosignature(Cosigned(log_only, "belmont.example/w", 10, kTimeS + 9)).ok());
  EXPECT_THAT(Cosignatures(), ElementsAre(std::pair(size_t{0}, kTimeS + 9)));
  // The same again is nothing new.
  const store::Revision head = world_.store().Head();
  ASSERT_TRUE(world_.sealer->AddCosignature(Cosigned(log_only, "belmont.example/w", 10, kTimeS + 9)).ok());
  EXPECT_EQ(world_.store().Head(), head);
}

TEST_F(CosignTest, TheNoteNeedNotHaveTheLogsOwnSignature) {
  const auto parsed = ParseNote(Newest());
  ASSERT_TRUE(parsed.ok());
  const auto signature = CosignText(parsed->text, "belmont.example/w", TestKey(10), kTimeS);
  ASSERT_TRUE(signature.ok());
  const auto note = FormatNote({parsed->text, {*signature}});
  ASSERT_TRUE(note.ok());
  EXPECT_TRUE(world_.sealer->AddCosignature(*note).ok());
  EXPECT_EQ(Cosignatures().size(), 1);
}

TEST_F(CosignTest, AnEarlierCheckpointIsAConflict) {
  const std::string earlier = Cosigned(Newest(), "belmont.example/w", 10);
  ASSERT_TRUE(world_.sealer->Tick().ok());
  EXPECT_EQ(ReasonOf(earlier), v1::ERROR_REASON_STATE_CONFLICT);
  EXPECT_THAT(Cosignatures(), IsEmpty());
}

// Sealed and kept back, since the head could not be written: what is shown is not the newest.
TEST_F(CosignTest, OneThatIsSealedAlreadyIsAConflictToo) {
  std::filesystem::remove(world_.head_file());
  std::filesystem::create_directories(world_.head_file() + "/in the way");
  const std::string shown = Cosigned(Newest(), "belmont.example/w", 10);
  ASSERT_FALSE(world_.sealer->Tick().ok());
  EXPECT_EQ(ReasonOf(shown), v1::ERROR_REASON_STATE_CONFLICT);
  std::filesystem::remove_all(world_.head_file());
  EXPECT_TRUE(world_.sealer->Tick().ok());
}

TEST_F(CosignTest, WhatIsNoCosignatureIsInvalid) {
  const std::string newest = Newest();
  EXPECT_EQ(ReasonOf(""), v1::ERROR_REASON_INVALID_FIELD);
  EXPECT_EQ(ReasonOf("no note\n"), v1::ERROR_REASON_INVALID_FIELD);
  EXPECT_EQ(ReasonOf(newest), v1::ERROR_REASON_INVALID_FIELD) << "of nobody who is known";
  EXPECT_EQ(ReasonOf(Cosigned(newest, "belmont.example/w", 11)), v1::ERROR_REASON_INVALID_FIELD)
      << "by another's key";
  EXPECT_EQ(ReasonOf(Cosigned(newest, "stranger.example/w", 10)), v1::ERROR_REASON_INVALID_FIELD);
  std::string changed = Cosigned(newest, "belmont.example/w", 10);
  char& letter = changed[changed.size() - 20];
  letter = letter == 'A' ? 'B' : 'A';
  EXPECT_EQ(ReasonOf(changed), v1::ERROR_REASON_INVALID_FIELD);
  // Of another log.
  const auto other = SignCheckpoint({"other.example/ledger", 1, Sha256Digest{1}, {}}, TestKey(3));
  ASSERT_TRUE(other.ok());
  EXPECT_EQ(ReasonOf(Cosigned(*other, "belmont.example/w", 10)), v1::ERROR_REASON_INVALID_FIELD);
  EXPECT_THAT(Cosignatures(), IsEmpty());
  EXPECT_EQ(Newest(), newest);
}

TEST_F(CosignTest, WhatIsNotDurableIsNotShown) {
  world_.trap->refuse = [] { return absl::UnavailableError("the disk is full"); };
  EXPECT_TRUE(
      absl::IsUnavailable(world_.sealer->AddCosignature(Cosigned(Newest(), "belmont.example/w", 10))));
  EXPECT_THAT(Cosignatures(), IsEmpty());
}

TEST(CosignWithoutWitnessesTest, NobodyIsKnown) {
  LedgerWorld world;
  world.Open();
  const auto cosigned = CosignCheckpoint(world.sealer->Newest().note, "w", TestKey(10), kTimeS);
  ASSERT_TRUE(cosigned.ok());
  EXPECT_TRUE(absl::IsInvalidArgument(world.sealer->AddCosignature(*cosigned)));
}

}  // namespace
}  // namespace coalition::testing
