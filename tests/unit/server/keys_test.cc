// Keys that can't be made anew, the ledger's and those of contents: made once, and never again beside what
// they belong to.
#include "server/keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "common/file.h"
#include "common/hash.h"
#include "common/punctured_tree.h"
#include "common/random.h"
#include "server/contents/contents.h"
#include "tests/support/store/scratch_dir.h"

namespace coalition::server {
namespace {

using ::testing::HasSubstr;

class LedgerKeyTest : public ::testing::Test {
 protected:
  absl::StatusOr<Ed25519Key> Load(bool ledger_is_empty) {
    return LoadLedgerKey(dir_, ledger_is_empty, random_);
  }
  void ExpectRefused(bool ledger_is_empty, const std::string& what) {
    const absl::Status refused = Load(ledger_is_empty).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
    EXPECT_THAT(std::string(refused.message()), HasSubstr(what));
  }

  testing::ScratchDir scratch_;
  const std::string dir_ = scratch_.Sub("keys");
  const std::string file_ = dir_ + "/ledger_key.pem";
  SystemRandom random_;
};

TEST_F(LedgerKeyTest, IsMadeBesideAnEmptyLedgerAndStays) {
  const auto made = Load(true);
  ASSERT_TRUE(made.ok()) << made.status();
  struct stat facts {};
  ASSERT_EQ(stat(file_.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600);
  ASSERT_EQ(stat(dir_.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0700);
  EXPECT_THAT(*ReadFile(file_, 4096), HasSubstr("-----BEGIN PRIVATE KEY-----"));
  for (const bool ledger_is_empty : {false, true}) {
    const auto loaded = Load(ledger_is_empty);
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    EXPECT_EQ(loaded->public_key(), made->public_key());
  }
}

TEST_F(LedgerKeyTest, IsNotMadeBesideALedger) {
  ASSERT_TRUE(MakeDir(dir_, 0700).ok());
  ExpectRefused(false, "ledger_key.pem is missing");
  EXPECT_FALSE(std::filesystem::exists(file_));
}

TEST_F(LedgerKeyTest, OpenToOthersIsRefused) {
  ASSERT_TRUE(Load(true).ok());
  ASSERT_EQ(chmod(file_.c_str(), 0640), 0);
  ExpectRefused(false, "chmod 600");
  ASSERT_EQ(chmod(file_.c_str(), 0600), 0);
  ASSERT_EQ(chmod(dir_.c_str(), 0755), 0);
  ExpectRefused(false, "chmod 700");
}

TEST_F(LedgerKeyTest, WhatIsNoKeyIsRefusedAndKept) {
  ASSERT_TRUE(MakeDir(dir_, 0700).ok());
  ASSERT_TRUE(WriteFileAtomic(file_, "no key", 0600).ok());
  for (const bool ledger_is_empty : {false, true}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Load(ledger_is_empty).status()));
  }
  EXPECT_EQ(*ReadFile(file_, 4096), "no key");
}

class ContentKeysTest : public ::testing::Test {
 protected:
  using RecordId = contents::RecordId;

  std::shared_ptr<contents::ContentKeys> Load(bool store_is_empty) {
    const auto keys = LoadKeys(dir_, store_is_empty, random_);
    EXPECT_TRUE(keys.ok()) << keys.status();
    return keys.ok() ? keys->contents : nullptr;
  }
  void ExpectRefused(const std::string& what) {
    const absl::Status refused = LoadKeys(dir_, false, random_).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
    EXPECT_THAT(std::string(refused.message()), HasSubstr(what));
  }
  std::string Bytes(const std::string& file) const { return ReadFile(file, 1 << 20).value_or("none"); }
  unsigned Mode(const std::string& file) const {
    struct stat facts {};
    EXPECT_EQ(stat(file.c_str(), &facts), 0) << file;
    return facts.st_mode & 0777;
  }

  testing::ScratchDir scratch_;
  const std::string dir_ = scratch_.Sub("keys");
  const std::string tree_ = dir_ + "/erasure_keys";
  const std::string pseudonym_ = dir_ + "/pseudonym";
  SystemRandom random_;
  const RecordId id_ = {1, 2, 3};
};

TEST_F(ContentKeysTest, AreMadeBesideAnEmptyStoreAndStay) {
  const auto made = Load(true);
  ASSERT_NE(made, nullptr);
  EXPECT_EQ(Mode(tree_), 0600u);
  EXPECT_EQ(Mode(pseudonym_), 0600u);
  EXPECT_EQ(Bytes(pseudonym_).size(), contents::ContentKeys::kPseudonymKeyBytes);
  EXPECT_EQ(made->Digest(), Sha256(Bytes(tree_)));
  const std::string sealed = made->Seal(id_, "contents");
  for (const bool store_is_empty : {false, true}) {
    const auto loaded = Load(store_is_empty);
    ASSERT_NE(loaded, nullptr);
    EXPECT_EQ(loaded->Open(id_, sealed), "contents");
    EXPECT_EQ(loaded->SellerToken("souk", "shop-1"), made->SellerToken("souk", "shop-1"));
  }
}

TEST_F(ContentKeysTest, WhatIsErasedStaysErasedInTheFile) {
  const auto keys = Load(true);
  ASSERT_NE(keys, nullptr);
  const std::string sealed = keys->Seal(id_, "contents");
  ASSERT_TRUE(keys->Erase(std::span(&id_, 1)).ok());
  const auto loaded = Load(false);
  ASSERT_NE(loaded, nullptr);
  EXPECT_TRUE(loaded->IsErased(id_));
  EXPECT_EQ(loaded->Open(id_, sealed), std::nullopt);
}

TEST_F(ContentKeysTest, AreNotMadeBesideAStore) {
  ASSERT_NE(Load(true), nullptr);
  for (const std::string& file : {tree_, pseudonym_}) {
    std::filesystem::rename(file, dir_ + "/away");
    ExpectRefused(file + " is missing");
    EXPECT_FALSE(std::filesystem::exists(file));
    std::filesystem::rename(dir_ + "/away", file);
  }
  EXPECT_NE(Load(false), nullptr);
}

TEST_F(ContentKeysTest, OpenToOthersAreRefused) {
  ASSERT_NE(Load(true), nullptr);
  for (const std::string& file : {tree_, pseudonym_}) {
    ASSERT_EQ(chmod(file.c_str(), 0640), 0);
    ExpectRefused("chmod 600 " + file);
    ASSERT_EQ(chmod(file.c_str(), 0600), 0);
  }
}

TEST_F(ContentKeysTest, DamagedOnesAreRefusedAndKept) {
  ASSERT_NE(Load(true), nullptr);
  const std::string whole = Bytes(tree_);
  std::string flipped = whole;
  flipped[flipped.size() / 2] ^= 1;
  for (const std::string& damaged : {whole.substr(0, whole.size() - 1), flipped, std::string(),
                                     PuncturedTree::Make(8, random_).Encode()}) {
    ASSERT_TRUE(WriteFileAtomic(tree_, damaged, 0600).ok());
    ExpectRefused(tree_ + ": ");
    ExpectRefused("restore it from your newest copy");
    EXPECT_EQ(Bytes(tree_), damaged);
  }
  ASSERT_TRUE(WriteFileAtomic(tree_, whole, 0600).ok());
  ASSERT_TRUE(WriteFileAtomic(pseudonym_, "short", 0600).ok());
  ExpectRefused("pseudonym has 5 bytes");
}

// Reading alone writes nothing.
TEST_F(ContentKeysTest, WhatAnErasureHasLeftGoesWhereItIsToGo) {
  ASSERT_NE(Load(true), nullptr);
  const std::string entries = dir_ + "/ledger_contents";
  const std::string whole = Bytes(tree_);
  ASSERT_TRUE(WriteNewFile(entries, "keys of entries", 0600).ok());
  for (const std::string& file : {tree_, entries}) {
    ASSERT_TRUE(WriteNewFile(file + ".4711.0.tmp", "of before", 0600).ok());
  }
  ASSERT_NE(Load(false), nullptr);
  for (const std::string& file : {tree_, entries}) EXPECT_EQ(Bytes(file + ".4711.0.tmp"), "of before");
  const absl::Status removed = RemoveKeyLeftovers(dir_);
  ASSERT_TRUE(removed.ok()) << removed;
  for (const std::string& file : {tree_, entries}) {
    EXPECT_FALSE(std::filesystem::exists(file + ".4711.0.tmp")) << file;
  }
  EXPECT_EQ(Bytes(tree_), whole);
  EXPECT_EQ(Bytes(entries), "keys of entries");
}

}  // namespace
}  // namespace coalition::server
