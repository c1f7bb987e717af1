// coalitiond --verify, as the operator runs it: its exit codes, and what it says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "common/file.h"
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

}  // namespace
}  // namespace coalition::testing
