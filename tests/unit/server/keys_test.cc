// The ledger's key: made once, and never again beside a ledger.
#include "server/keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "common/file.h"
#include "common/random.h"
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

}  // namespace
}  // namespace coalition::server
