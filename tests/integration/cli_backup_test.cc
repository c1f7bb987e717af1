// A backup at the command line over real mutual TLS: made with a key of the operator's own, whole under its
// name or not there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>

#include "nlohmann/json.hpp"
#include "tests/integration/import_stream.h"
#include "tests/support/backups.h"
#include "tests/support/cli_world.h"
#include "tests/support/eventually.h"
#include "tests/support/store/scratch_dir.h"

namespace coalition::testing {
namespace {

using ::testing::HasSubstr;

class CliBackupTest : public ::testing::Test {
 protected:
  CliBackupTest() : made_(MakeKey()), world_(Options()) {}

  ToolResult MakeKey() const {
    return Tool(dir_.path().string())
        .Run({"admin", "backup-key", "--out-private", Private(), "--out-public", Public(), "-o", "json"});
  }
  TestServer::Options Options() const {
    TestServer::Options options;
    options.edit_config = [file = Public()](config::v1::ServerConfig* config) {
      config->mutable_backup()->set_recipient_key_file(file);
      config->mutable_backup()->set_mib_per_second_max(1);
    };
    return options;
  }
  std::string Private() const { return dir_.Sub("private.pem"); }
  std::string Public() const { return dir_.Sub("public.pem"); }
  std::string Out() const { return dir_.Sub("it.backup"); }
  Tool Admin() const { return world_.As(world_.server().IdentityOf("office", "admin")); }
  bool NothingIsLeft() const {
    return !std::filesystem::exists(Out()) && !std::filesystem::exists(Out() + ".partial");
  }

  const ScratchDir dir_;
  const ToolResult made_;
  mutable CliWorld world_;
};

TEST_F(CliBackupTest, IsMadeAndOpenedWithTheKey) {
  ASSERT_EQ(made_.code, 0) << made_.err;
  EXPECT_THAT(made_.err, HasSubstr("backup.recipient_key_file"));
  struct stat facts {};
  ASSERT_EQ(stat(Private().c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777, 0600U);
  const ToolResult result = Admin().Run({"admin", "backup", "--out", Out(), "-o", "json"});
  ASSERT_EQ(result.code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out, nullptr, false);
  EXPECT_EQ(json["file"], Out());
  EXPECT_EQ(json["recipientKeyId"], nlohmann::json::parse(made_.out, nullptr, false)["keyId"]);
  ASSERT_EQ(stat(Out().c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777, 0600U);
  const std::string file = CliWorld::Read(Out());
  EXPECT_EQ(json["bytes"], file.size());
  const auto key = ReadX25519KeyFile(Private());
  ASSERT_TRUE(key.ok()) << key.status();
  const auto rows = ReadBackup(file, *key);
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_EQ(json["rows"], rows->size());
  EXPECT_FALSE(std::filesystem::exists(Out() + ".partial"));

  const ToolResult again = Admin().Run({"admin", "backup", "--out", Out()});
  EXPECT_EQ(again.code, 2);
  EXPECT_THAT(again.err, HasSubstr("is there already"));
  EXPECT_EQ(CliWorld::Read(Out()), file) << "as it was";
  EXPECT_EQ(MakeKey().code, 2) << "no key is replaced";
  EXPECT_EQ(ReadX25519KeyFile(Private())->public_key(), key->public_key());
}

TEST_F(CliBackupTest, WhoMayNotLeavesNothing) {
  const ToolResult result =
      Tool(world_.directory())
          .Connect("127.0.0.1:" + std::to_string(world_.server().admin_port()), world_.ca_file(),
                   world_.server().IdentityOf("aurore", "admin"), world_.directory())
          .Run({"admin", "backup", "--out", Out()});
  EXPECT_EQ(result.code, 64 + 7) << result.err;
  EXPECT_THAT(result.err, HasSubstr("COALITION_ADMIN"));
  EXPECT_TRUE(NothingIsLeft());
}

TEST_F(CliBackupTest, CtrlCLeavesNothing) {
  ImportCall import(world_.server().Exchange("aurore"));
  v1::ImportRecordsResponse response;
  for (int i = 0; i < 20; ++i) {
    v1::ImportRecordsRequest request = ImportOf(100 * i, 100);
    for (v1::ImportItem& item : *request.mutable_items())
      item.mutable_record()->mutable_offender_report()->set_comment(std::string(4'000, 'x'));
    ASSERT_TRUE(import.Write(request));
    ASSERT_TRUE(import.Read(&response));
  }
  import.WritesDone();
  ASSERT_TRUE(import.Finish().ok());
  const ToolResult result = Admin().RunSeen({"admin", "backup", "--out", Out()}, [&](const auto&, pid_t pid) {
    // Some megabytes at one a second: it is under way, with its handler in place, when bytes have come.
    EXPECT_TRUE(Eventually([&] {
      std::error_code ignored;
      const auto size = std::filesystem::file_size(Out() + ".partial", ignored);
      return !ignored && size > 0;
    }));
    kill(pid, SIGINT);
  });
  EXPECT_EQ(result.code, 130) << result.err;
  EXPECT_THAT(result.err, HasSubstr("there is no backup"));
  EXPECT_TRUE(NothingIsLeft());
}

}  // namespace
}  // namespace coalition::testing
