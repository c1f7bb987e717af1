// coalition admin backup: a file under its name is whole, and is what the server has made; all else leaves
// none.
#include <gmock/gmock.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "client/cli/partial_file.h"
#include "common/hash.h"
#include "common/x25519.h"
#include "tests/unit/cli/verbs_fixture.h"

namespace coalition::cli {
namespace {

using ::testing::HasSubstr;

// Sends what it is told to, and tells how much was taken.
class BackupConnection : public client::Connection {
 public:
  absl::Status CreateBackup(const v1::CreateBackupRequest&, const TakeBackup& take) override {
    for (const v1::CreateBackupResponse& message : messages) {
      ++taken;
      if (!take(message)) return absl::CancelledError("cancelled");
    }
    return end;
  }

  std::vector<v1::CreateBackupResponse> messages;
  absl::Status end;
  int taken = 0;
};

class BackupVerbsTest : public VerbsFixture<BackupConnection> {
 protected:
  BackupVerbsTest() {
    std::string name = (std::filesystem::temp_directory_path() / "coalition-backup-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    dir_ = name;
    for (const char* data : {"one", "two"}) connection_->messages.emplace_back().set_data(data);
    v1::BackupSummary& summary = *connection_->messages.emplace_back().mutable_summary();
    summary.set_bytes(6);
    summary.set_sha256(std::string(Bytes(Sha256("onetwo"))));
    summary.set_rows(2);
    summary.set_revision(7);
    summary.set_recipient_key_id("0123456789abcdef");
  }
  ~BackupVerbsTest() override { std::filesystem::remove_all(dir_); }

  v1::BackupSummary& summary() { return *connection_->messages.back().mutable_summary(); }
  std::string Path(const std::string& name) const { return (dir_ / name).string(); }
  static std::string Read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  static void Write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }
  int Backup() { return Run({"admin", "backup", "--out", Path("it")}); }
  // What there is in the directory.
  size_t Files() const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(dir_), {}));
  }

  std::filesystem::path dir_;
};

TEST_F(BackupVerbsTest, TheFileIsWhatTheServerSent) {
  // Left behind by a run that was killed.
  Write(Path("it.partial"), "something longer than what comes");
  EXPECT_EQ(Backup(), kExitOk) << err_.str();
  EXPECT_EQ(Read(Path("it")), "onetwo");
  EXPECT_EQ(Files(), 1U);
  EXPECT_THAT(out_.str(), HasSubstr("0123456789abcdef"));
  EXPECT_THAT(out_.str(), HasSubstr(HexEncode(Bytes(Sha256("onetwo")))));
  struct stat facts {};
  ASSERT_EQ(stat(Path("it").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777, 0600U);
}

TEST_F(BackupVerbsTest, WhatIsNotWholeOrNotTheSameIsNoBackup) {
  const v1::BackupSummary right = summary();
  summary().set_bytes(7);
  EXPECT_EQ(Backup(), 64 + 15) << "a byte is missing";
  summary() = right;
  summary().set_sha256(std::string(Bytes(Sha256("twoone"))));
  EXPECT_EQ(Backup(), 64 + 15) << "it is another one";
  EXPECT_THAT(err_.str(), HasSubstr("begin it anew"));
  summary() = right;
  connection_->messages.pop_back();
  EXPECT_EQ(Backup(), 64 + 15) << "it has no end";
  connection_->end = absl::UnavailableError("gone");
  EXPECT_EQ(Backup(), 64 + 14);
  EXPECT_EQ(Files(), 0U);
}

TEST_F(BackupVerbsTest, AFileThatIsThereStays) {
  Write(Path("it"), "an older backup");
  EXPECT_EQ(Backup(), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("is there already"));
  EXPECT_EQ(Read(Path("it")), "an older backup");
  EXPECT_EQ(connection_->taken, 0) << "nothing was asked for";
  EXPECT_EQ(Files(), 1U);
}

TEST_F(BackupVerbsTest, CtrlCEndsItAndLeavesNothing) {
  io_.interrupted = [this] { return connection_->taken == 2; };
  EXPECT_EQ(Backup(), kExitInterrupted);
  EXPECT_EQ(catches_, 1);
  EXPECT_EQ(connection_->taken, 2) << "the rest was not read";
  EXPECT_EQ(Files(), 0U);
}

TEST_F(BackupVerbsTest, AFileThatCanNotBeWrittenIsToldBeforeAnythingIsAsked) {
  EXPECT_EQ(Run({"admin", "backup", "--out", Path("nowhere/it")}), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("nowhere/it.partial"));
  EXPECT_EQ(connection_->taken, 0);
}

TEST_F(BackupVerbsTest, AKeyIsMadeOnce) {
  const std::vector<std::string> args = {"admin",         "backup-key",   "--out-private",
                                         Path("private"), "--out-public", Path("public")};
  EXPECT_EQ(Run(args), kExitOk) << err_.str();
  const auto key = ReadX25519KeyFile(Path("private"));
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(*ReadX25519PublicKeyFile(Path("public")), key->public_key());
  EXPECT_THAT(out_.str(), HasSubstr(X25519KeyId(key->public_key())));
  const std::string before = Read(Path("private"));
  EXPECT_EQ(Run(args), kExitUsage);
  std::filesystem::remove(Path("public"));
  EXPECT_EQ(Run(args), kExitUsage) << "the private one is there";
  EXPECT_EQ(Read(Path("private")), before);
  EXPECT_FALSE(std::filesystem::exists(Path("public")));
}

TEST_F(BackupVerbsTest, TwoDoNotWriteOneFile) {
  auto first = PartialFile::Create(Path("it"));
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_TRUE(absl::IsFailedPrecondition(PartialFile::Create(Path("it")).status()));
  ASSERT_TRUE(first->Append("whole").ok());
  // Somebody else's, made meanwhile.
  Write(Path("it"), "other");
  EXPECT_TRUE(absl::IsAlreadyExists(first->Finish()));
  EXPECT_EQ(Read(Path("it")), "other");
}

}  // namespace
}  // namespace coalition::cli
