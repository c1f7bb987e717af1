// coalitiond --verify, as the operator runs it: its exit codes, and what it says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "common/file.h"
#include "server/denials/journal.h"
#include "tests/support/server_process.h"
#include "tests/support/store/scratch_dir.h"

namespace coalition::testing {
namespace {

using ::testing::HasSubstr;

class VerifyCommandTest : public ::testing::Test {
 protected:
  struct Ran {
    int code = -1;
    std::string said;
  };
  Ran Run(const std::string& config = "server.textproto") const {
    const std::string out = server_.directory() + "/out";
    std::string command = COALITIOND_BINARY;
    command += " --config " + server_.directory() + "/" + config + " --verify >" + out + " 2>&1";
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, ReadFile(out, 1 << 20).value_or("")};
  }
  std::string head_dir() const { return server_.directory() + "/store-head"; }
  // Changes a bit in the middle of the largest file of the store.
  void Damage() const {
    std::filesystem::path largest;
    uintmax_t most = 0;
    for (const auto& file : std::filesystem::recursive_directory_iterator(server_.directory())) {
      const std::string kind = file.path().extension();
      if ((kind != ".log" && kind != ".ldb") || file.file_size() <= most) continue;
      most = file.file_size();
      largest = file.path();
    }
    std::string bytes = ReadFile(largest, size_t{64} << 20).value_or("");
    ASSERT_FALSE(bytes.empty());
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    ASSERT_TRUE(WriteFileAtomic(largest, bytes, 0600).ok());
  }

  const ScratchDir directory_;
  ServerProcess server_{directory_.path(), COALITIOND_BINARY};
};

TEST_F(VerifyCommandTest, SaysBySentenceAndExitCodeWhetherTheStoreIsSound) {
  EXPECT_EQ(Run("none.textproto").code, 2);
  EXPECT_EQ(Run().code, 2) << "there is no store yet";
  ASSERT_TRUE(server_.Start().ok());
  const Ran running = Run();
  EXPECT_EQ(running.code, 2);
  EXPECT_THAT(running.said, HasSubstr("in use by another server"));

  ASSERT_TRUE(server_.Stop().ok());
  const Ran sound = Run();
  EXPECT_EQ(sound.code, 0) << sound.said;
  EXPECT_THAT(sound.said, HasSubstr("reading the ledger"));
  EXPECT_THAT(sound.said, HasSubstr(" is sound: "));

  Damage();
  const Ran damaged = Run();
  EXPECT_EQ(damaged.code, 1) << damaged.said;
  EXPECT_THAT(damaged.said, HasSubstr("to do: "));
  EXPECT_THAT(damaged.said, HasSubstr("is NOT sound: "));
}

TEST_F(VerifyCommandTest, HoldsTheStoreAgainstWhatLiesBesideIt) {
  ASSERT_TRUE(server_.Start().ok());
  ASSERT_TRUE(server_.Stop().ok());
  const auto expect_finding = [&](const std::string& what) {
    const Ran ran = Run();
    EXPECT_EQ(ran.code, 1) << ran.said;
    EXPECT_THAT(ran.said, HasSubstr("head: " + what));
  };
  // As a restore leaves it that was cut short.
  const std::string mark = head_dir() + "/restoring";
  ASSERT_TRUE(WriteFileAtomic(mark, "backup\nhad a head\n", 0600).ok());
  expect_finding("a restore into ");
  std::filesystem::remove(mark);

  const std::string file = denials::Journal::FileIn(head_dir());
  const std::string whole = ReadFile(file, 1 << 20).value_or("");
  storage::v1::StoredDenials ahead;
  ahead.set_revision(1'000'000);
  ASSERT_TRUE((*denials::Journal::Open({head_dir()}))->Append(ahead).ok());
  expect_finding("the store is behind its journal of denials, " + file + ": it is at revision ");
  ASSERT_TRUE(WriteFileAtomic(file, "no journal", 0600).ok());
  expect_finding(file + " is no journal of denials");
  EXPECT_EQ(ReadFile(file, 100).value_or(""), "no journal") << "it is left as it is";
  std::filesystem::remove(file);
  expect_finding("the store is behind its journal of denials, " + file + ": it has had a journal");
  EXPECT_FALSE(std::filesystem::exists(file));
  // As a power cut leaves it, which an opening mends.
  const std::string torn = whole + "DNY1";
  ASSERT_TRUE(WriteFileAtomic(file, torn, 0600).ok());
  std::filesystem::remove(denials::Journal::LockIn(head_dir()));
  EXPECT_EQ(Run().code, 0) << "positive control";
  EXPECT_EQ(ReadFile(file, 1 << 20).value_or(""), torn);
  EXPECT_FALSE(std::filesystem::exists(denials::Journal::LockIn(head_dir())));
}

}  // namespace
}  // namespace coalition::testing
