// coalitiond --rotate-key and --end-key-overlap, as the operator runs them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

#include "common/file.h"
#include "tests/support/server_process.h"
#include "tests/support/store/scratch_dir.h"

namespace coalition::testing {
namespace {

using ::testing::HasSubstr;

class RotateCommandTest : public ::testing::Test {
 protected:
  struct Ran {
    int code = -1;
    std::string said;
  };
  Ran Run(const std::string& arguments) const {
    const std::string out = server_.directory() + "/out";
    std::string command = COALITIOND_BINARY;
    command += " --config " + server_.directory() + "/server.textproto ";
    command += arguments + " >" + out + " 2>&1";
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, ReadFile(out, 1 << 20).value_or("")};
  }
  std::string Key(const std::string& name) const {
    return ReadFile(server_.directory() + "/keys/" + name, 4096).value_or("none");
  }

  const ScratchDir directory_;
  ServerProcess server_{directory_.path(), COALITIOND_BINARY};
};

TEST_F(RotateCommandTest, RotatesWhatIsStoppedAndTheServerStartsWithIt) {
  ASSERT_TRUE(server_.Start().ok());
  const std::string ledger_key = Key("ledger_key.pem"), page_token = Key("page_token");
  const Ran running = Run("--rotate-key ledger_key");
  EXPECT_EQ(running.code, 1);
  EXPECT_THAT(running.said, HasSubstr("coalitiond: the server is running"));
  EXPECT_EQ(Key("ledger_key.pem"), ledger_key);

  ASSERT_TRUE(server_.Stop().ok());
  for (const char* key : {"ledger_key", "page_token"}) {
    const Ran rotated = Run(std::string("--rotate-key ") + key);
    EXPECT_EQ(rotated.code, 0) << rotated.said;
    EXPECT_THAT(rotated.said, HasSubstr("is a new key"));
  }
  EXPECT_NE(Key("ledger_key.pem"), ledger_key);
  EXPECT_EQ(Key("ledger_key.old.pem"), ledger_key);
  EXPECT_EQ(Key("page_token.old"), page_token);
  EXPECT_EQ(Run("--end-key-overlap ledger_key").code, 1) << "the new one has signed nothing yet";
  ASSERT_TRUE(server_.Start().ok());
  // Once a tick was sealed.
  Ran ended;
  for (int i = 0; i < 600 && ended.code != 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    ended = Run("--end-key-overlap ledger_key");
  }
  EXPECT_EQ(ended.code, 0) << ended.said;
  EXPECT_EQ(Key("ledger_key.old.pem"), "none");
  ASSERT_TRUE(server_.Stop().ok());
  EXPECT_TRUE(server_.Start().ok());
}

TEST_F(RotateCommandTest, WhatIsNoKeyIsAWrongCommandLine) {
  for (const char* wrong : {"--rotate-key keys", "--end-key-overlap etag", "--rotate-key", "--rotate-key ''",
                            "--rotate-key etag --end-key-overlap page_token"}) {
    EXPECT_EQ(Run(wrong).code, 2) << wrong;
  }
}

}  // namespace
}  // namespace coalition::testing
