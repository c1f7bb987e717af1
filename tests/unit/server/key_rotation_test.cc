// Keys that are changed: the former ones stay for as long as they are needed, and go no sooner.
#include "server/key_rotation.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <string>

#include "common/checkpoint.h"
#include "common/file.h"
#include "common/random.h"
#include "server/keys.h"
#include "server/ledger/entry_keys.h"
#include "server/ledger/head.h"
#include "tests/support/failing_sync.h"
#include "tests/support/store/scratch_dir.h"

namespace coalition::server {
namespace {

using ::testing::HasSubstr;
using testing::last_synced;

class KeyRotationTest : public ::testing::Test {
 protected:
  KeyRotationTest() {
    config_.set_key_dir(scratch_.Sub("keys"));
    config_.set_store_dir(scratch_.Sub("store"));
    config_.mutable_ledger()->set_head_dir(scratch_.Sub("head"));
    config_.mutable_storage()->set_history_days(7);
    EXPECT_TRUE(LoadKeys(config_.key_dir(), true, random_).ok());
    EXPECT_TRUE(LoadLedgerKey(config_.key_dir(), true, random_).ok());
    EXPECT_TRUE(ledger::EntryKeys::Load(config_.key_dir(), true, random_).ok());
    EXPECT_TRUE(MakeDir(config_.store_dir(), 0700).ok());
    EXPECT_TRUE(WriteFileAtomic(config_.store_dir() + "/LOCK", "", 0600).ok());
  }

  // As a server does that was started with the keys of the directory.
  void SignHead() {
    const auto note = SignCheckpoint({"coalition.example/ledger", 1, {1}, {}}, LedgerKey());
    ASSERT_TRUE(note.ok()) << note.status();
    const ledger::HeadDir head(config_.ledger().head_dir());
    ASSERT_TRUE(head.Make().ok());
    ASSERT_TRUE(head.Write({1, *note}).ok());
  }
  Ed25519Key LedgerKey() {
    const auto key = LoadLedgerKey(config_.key_dir(), false, random_);
    EXPECT_TRUE(key.ok()) << key.status();
    return *key;
  }
  exchange::ExchangeKeys Keys() {
    const auto keys = LoadKeys(config_.key_dir(), false, random_);
    EXPECT_TRUE(keys.ok()) << keys.status();
    return keys.ok() ? *keys : exchange::ExchangeKeys();
  }
  absl::StatusOr<std::string> Rotate(const std::string& name) { return RotateKey(config_, name, random_); }
  absl::StatusOr<std::string> End(const std::string& name) { return EndKeyOverlap(config_, name); }
  void ExpectRefused(const absl::StatusOr<std::string>& said, const std::string& what) {
    EXPECT_TRUE(absl::IsFailedPrecondition(said.status())) << said.status();
    EXPECT_THAT(std::string(said.status().message()), HasSubstr(what));
  }
  std::string Path(const std::string& name) const { return config_.key_dir() + "/" + name; }
  std::string Bytes(const std::string& name) const { return ReadFile(Path(name), 4096).value_or("none"); }
  unsigned Mode(const std::string& name) const {
    struct stat facts {};
    EXPECT_EQ(stat(Path(name).c_str(), &facts), 0) << name;
    return facts.st_mode & 0777;
  }

  testing::ScratchDir scratch_;
  config::v1::ServerConfig config_;
  SystemRandom random_;
};

TEST_F(KeyRotationTest, TheFormerLedgerKeyStaysBesideTheNewOne) {
  SignHead();
  EXPECT_FALSE(LoadFormerLedgerKey(config_.key_dir())->has_value());
  const Ed25519Key before = LedgerKey();
  const auto said = Rotate("ledger_key");
  ASSERT_TRUE(said.ok()) << said.status();
  const Ed25519Key now = LedgerKey();
  EXPECT_NE(now.public_key(), before.public_key());
  const auto former = LoadFormerLedgerKey(config_.key_dir());
  ASSERT_TRUE(former.ok() && former->has_value()) << former.status();
  EXPECT_EQ((*former)->public_key(), before.public_key());
  EXPECT_EQ(Mode("ledger_key.pem"), 0600u);
  EXPECT_EQ(Mode("ledger_key.old.pem"), 0600u);
  const auto verifier =
      VerifierKey::Make("coalition.example/ledger", NoteAlgorithm::kEd25519, now.public_key());
  EXPECT_THAT(*said, HasSubstr("\n" + verifier->ToText() + "\n"));
}

TEST_F(KeyRotationTest, AnOverlapOfTheLedgersKeyEndsOnceTheNewOneHasSigned) {
  SignHead();
  ASSERT_TRUE(Rotate("ledger_key").ok());
  const std::string now = Bytes("ledger_key.pem"), former = Bytes("ledger_key.old.pem");
  // With either of these nobody could go on with the log.
  ExpectRefused(End("ledger_key"), "Start it first");
  ExpectRefused(Rotate("ledger_key"), "Start it first");
  SignHead();
  ExpectRefused(Rotate("ledger_key"), "--end-key-overlap ledger_key");
  EXPECT_EQ(Bytes("ledger_key.pem"), now);
  EXPECT_EQ(Bytes("ledger_key.old.pem"), former);
  ASSERT_TRUE(End("ledger_key").ok());
  EXPECT_EQ(Bytes("ledger_key.old.pem"), "none");
  EXPECT_EQ(Bytes("ledger_key.pem"), now);
  ExpectRefused(End("ledger_key"), "no overlap");
  EXPECT_TRUE(Rotate("ledger_key").ok());
}

TEST_F(KeyRotationTest, TheEndOfAnOverlapIsDurable) {
  const auto is_synced = [this] {
    struct stat facts {};
    return stat(config_.key_dir().c_str(), &facts) == 0 && facts.st_ino == last_synced;
  };
  ASSERT_TRUE(Rotate("page_token").ok());
  last_synced = 0;
  ASSERT_TRUE(End("page_token").ok());
  EXPECT_TRUE(is_synced());
  last_synced = 0;
  // After a call that could remove it and not sync that.
  ExpectRefused(End("page_token"), "no overlap");
  EXPECT_TRUE(is_synced());
}

TEST_F(KeyRotationTest, ALedgerThatHasNotBegunHasNoKeyToRotate) {
  const std::string before = Bytes("ledger_key.pem");
  ExpectRefused(Rotate("ledger_key"), "has not begun");
  EXPECT_EQ(Bytes("ledger_key.pem"), before);
  SignHead();
  std::filesystem::remove(Path("ledger_key.pem"));
  ExpectRefused(Rotate("ledger_key"), "ledger_key.pem is not there");
  EXPECT_EQ(Bytes("ledger_key.pem"), "none");
}

// The former key is written first, and then the new one: between the two both are the same.
TEST_F(KeyRotationTest, WhatWasInterruptedIsDoneAgain) {
  SignHead();
  for (const auto& [key, former, name] : {std::tuple("ledger_key.pem", "ledger_key.old.pem", "ledger_key"),
                                          std::tuple("page_token", "page_token.old", "page_token")}) {
    const std::string before = Bytes(key);
    ASSERT_TRUE(WriteFileAtomic(Path(former), before, 0600).ok());
    ASSERT_TRUE(Rotate(name).ok()) << name;
    EXPECT_EQ(Bytes(former), before) << name;
    EXPECT_NE(Bytes(key), before) << name;
  }
}

TEST_F(KeyRotationTest, TheFormerPageTokenKeyStillOpens) {
  const exchange::ExchangeKeys before = Keys();
  EXPECT_TRUE(before.page_token_former.empty());
  ASSERT_TRUE(Rotate("page_token").ok());
  const exchange::ExchangeKeys now = Keys();
  EXPECT_NE(now.page_token, before.page_token);
  ASSERT_EQ(now.page_token_former.size(), 1u);
  EXPECT_EQ(std::string(now.page_token_former[0].begin(), now.page_token_former[0].end()), before.page_token);
  EXPECT_EQ(Mode("page_token.old"), 0600u);
  ExpectRefused(Rotate("page_token"), "--end-key-overlap page_token");
  EXPECT_EQ(Keys().page_token, now.page_token);
  ASSERT_TRUE(End("page_token").ok());
  EXPECT_TRUE(Keys().page_token_former.empty());
  EXPECT_EQ(Keys().page_token, now.page_token);
}

TEST_F(KeyRotationTest, TheFormerPageTokenKeyGoesWhenNoCursorIsGoodAnyMore) {
  EXPECT_TRUE(EndKeyOverlapInTime(config_, 4'000'000'000).ok()) << "there is none";
  ASSERT_TRUE(Rotate("page_token").ok());
  struct stat facts {};
  ASSERT_EQ(stat(Path("page_token.old").c_str(), &facts), 0);
  constexpr int64_t kWeekS = 7 * 86'400;
  EXPECT_TRUE(EndKeyOverlapInTime(config_, facts.st_mtime + kWeekS - 1).ok());
  EXPECT_NE(Bytes("page_token.old"), "none");
  EXPECT_TRUE(EndKeyOverlapInTime(config_, facts.st_mtime + kWeekS).ok());
  EXPECT_EQ(Bytes("page_token.old"), "none");
}

TEST_F(KeyRotationTest, OthersHaveNoOverlapAndFourStay) {
  for (const char* name : {"seller_hash", "etag"}) {
    const std::string before = Bytes(name);
    ASSERT_TRUE(Rotate(name).ok());
    EXPECT_NE(Bytes(name), before);
    EXPECT_EQ(Bytes(name).size(), kKeyBytes);
    EXPECT_EQ(Mode(name), 0600u);
    EXPECT_TRUE(absl::IsInvalidArgument(End(name).status()));
  }
  for (const char* name : {"token_master", "pseudonym", "erasure_keys", "ledger_contents"}) {
    const std::string before = Bytes(name);
    ASSERT_NE(before, "none");
    ExpectRefused(Rotate(name), "docs/operations.md");
    ExpectRefused(Rotate(name), name);
    EXPECT_EQ(Bytes(name), before);
    EXPECT_TRUE(absl::IsInvalidArgument(End(name).status()));
  }
  EXPECT_TRUE(absl::IsInvalidArgument(Rotate("ledger_key.pem").status()));
  std::filesystem::remove(Path("etag"));
  ExpectRefused(Rotate("etag"), "etag is not there");
}

TEST_F(KeyRotationTest, FormerKeysAreCheckedAsTheOthersAre) {
  SignHead();
  ASSERT_TRUE(Rotate("ledger_key").ok());
  ASSERT_TRUE(Rotate("page_token").ok());
  for (const char* name : {"ledger_key.old.pem", "page_token.old"}) {
    ASSERT_EQ(chmod(Path(name).c_str(), 0640), 0);
  }
  EXPECT_TRUE(absl::IsFailedPrecondition(LoadFormerLedgerKey(config_.key_dir()).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(LoadKeys(config_.key_dir(), false, random_).status()));
  ASSERT_TRUE(WriteFileAtomic(Path("ledger_key.old.pem"), "no key", 0600).ok());
  ASSERT_TRUE(WriteFileAtomic(Path("page_token.old"), "short", 0600).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(LoadFormerLedgerKey(config_.key_dir()).status()));
  EXPECT_THAT(std::string(LoadKeys(config_.key_dir(), false, random_).status().message()),
              HasSubstr("page_token.old has 5 bytes"));
}

// A lock is a process's: this one is another's, as a server's is.
TEST_F(KeyRotationTest, WhileAServerRunsNothingIsRotated) {
  int locked[2];
  ASSERT_EQ(pipe(locked), 0);
  const pid_t server = fork();
  if (server == 0) {
    const int fd = open((config_.store_dir() + "/LOCK").c_str(), O_RDWR);
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    const char result = fcntl(fd, F_SETLK, &lock) == 0 ? 'y' : 'n';
    if (write(locked[1], &result, 1) == 1) pause();
    _exit(1);
  }
  char result = 'n';
  EXPECT_EQ(read(locked[0], &result, 1), 1);
  EXPECT_EQ(result, 'y');
  const std::string before = Bytes("page_token");
  ExpectRefused(Rotate("page_token"), "the server is running");
  EXPECT_EQ(Bytes("page_token"), before);
  kill(server, SIGKILL);
  waitpid(server, nullptr, 0);
  EXPECT_TRUE(Rotate("page_token").ok());
  close(locked[0]);
  close(locked[1]);
}

}  // namespace
}  // namespace coalition::server
