// Keys of a real server are rotated: what members keep goes on being good, as long as it is meant to be.
#include "server/key_rotation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "common/errors.h"
#include "nlohmann/json.hpp"
#include "tests/integration/records.h"
#include "tests/support/cli_world.h"
#include "tests/support/eventually.h"

namespace coalition::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Exchange = v1::ExchangeService::Stub;

constexpr char kOrigin[] = "coalition.example/ledger";

TestServer::Options QuickTicks() {
  TestServer::Options options;
  options.edit_config = [](config::v1::ServerConfig* config) {
    config->mutable_ledger()->set_origin(kOrigin);
    config->mutable_ledger()->set_tick_ms(50);
    config->mutable_storage()->set_history_days(7);
  };
  return options;
}

class KeyRotationTest : public ::testing::Test {
 protected:
  TestServer& server() { return world_.server(); }
  void Rotate(const std::string& key) {
    server().Stop();
    SystemRandom random;
    const auto said = server::RotateKey(server().config(), key, random);
    ASSERT_TRUE(said.ok()) << said.status();
    server().Restart();
  }
  void EndOverlap(const std::string& key) {
    const auto said = server::EndKeyOverlap(server().config(), key);
    ASSERT_TRUE(said.ok()) << said.status();
    server().Restart();
  }

  CliWorld world_{QuickTicks()};
};

class LedgerKeyRotationTest : public KeyRotationTest {
 protected:
  // As the operator prints it.
  std::string PrintedKey() {
    const ToolResult printed = Tool(world_.directory())
                                   .Run({"ledger", "log-key", "--key",
                                         server().config().key_dir() + "/ledger_key.pem", "--name", kOrigin});
    EXPECT_EQ(printed.code, 0) << printed.err;
    return printed.out.substr(0, printed.out.find('\n'));
  }
  ToolResult With(const std::string& key, std::vector<std::string> command) const {
    command.insert(command.end(), {"--ledger-key", key});
    return world_.As("aurore").Run(command);
  }
  // Of a member of its own, as it were: each key has its own file.
  ToolResult Audit(const std::string& key, const std::string& member) const {
    return With(key, {"ledger", "audit", "--state", world_.directory() + "/" + member + ".checkpoint"});
  }
  // Until the audit says so; every one before verifies too.
  void ExpectFollowed(const std::string& key, const std::string& member, const std::string& said) const {
    ToolResult audit;
    EXPECT_TRUE(Eventually([&] {
      audit = Audit(key, member);
      return audit.code != 0 || audit.out.find(said) != std::string::npos;
    })) << audit.out;
    EXPECT_EQ(audit.code, 0) << audit.out << audit.err;
  }
  // The act that names the key: its entry.
  std::string ActThatNames(const std::string& key) const {
    std::string entry;
    EXPECT_TRUE(Eventually([&] {
      const ToolResult listed =
          world_.As("belmont").Run({"ledger", "list", "--kind", "act", "--limit", "0", "-o", "json"});
      EXPECT_EQ(listed.code, 0) << listed.err;
      const auto json = nlohmann::json::parse(listed.out, nullptr, false);
      if (!json.is_array()) return true;
      for (const auto& one : json) {
        const auto& act = one["content"]["act"];
        if (act["target"] == "ledger" && act["change"].get<std::string>().find(key) != std::string::npos)
          entry = one["name"];
      }
      return !entry.empty();
    }));
    return entry;
  }
};

TEST_F(LedgerKeyRotationTest, MembersLearnTheNewKeyFromALogThatTheFormerOneSigns) {
  const std::string former = PrintedKey();
  EXPECT_EQ(Audit(former, "aurore").code, 0);
  Rotate("ledger_key");
  const std::string newer = PrintedKey();
  EXPECT_NE(newer, former);

  // Whoever has pinned the former one goes on with the same log, is told, and has the new one proved.
  ExpectFollowed(former, "aurore", "The log has a newer key, ");
  EXPECT_THAT(Audit(former, "aurore").out, HasSubstr("`coalition ledger pin KEY --replace`"));
  const std::string act = ActThatNames(newer);
  const ToolResult verified = With(former, {"ledger", "verify", act});
  EXPECT_EQ(verified.code, 0) << verified.out << verified.err;
  EXPECT_THAT(verified.out, HasSubstr("the operator: ledger: its key is now " + newer));
  // Whoever has pinned the new one, too, also from what the former one had signed alone.
  std::filesystem::copy_file(world_.directory() + "/aurore.checkpoint",
                             world_.directory() + "/belmont.checkpoint");
  ExpectFollowed(newer, "belmont", "The log grew from ");
  EXPECT_EQ(With(newer, {"ledger", "verify", act}).code, 0);
  // It is said once.
  server().Restart();
  ExpectFollowed(former, "aurore", "The log grew from ");
  EXPECT_EQ(ActThatNames(newer), act);

  EndOverlap("ledger_key");
  ExpectFollowed(newer, "belmont", "The log grew from ");
  // The last checkpoint before the restart is shown until the next tick.
  ToolResult refused;
  EXPECT_TRUE(Eventually([&] { return (refused = Audit(former, "aurore")).code != 0; }));
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.out, AllOf(StartsWith("The checkpoint that the server shows does not verify: "),
                                 HasSubstr("`coalition ledger pin KEY --replace`")));
  // Once it has pinned the new one, it goes on from where it was.
  ExpectFollowed(newer, "aurore", "The log grew from ");
}

TEST_F(LedgerKeyRotationTest, WithoutTheFormerKeyALogThatItAloneHasSignedIsRefused) {
  server().Stop();
  SystemRandom random;
  ASSERT_TRUE(server::RotateKey(server().config(), "ledger_key", random).ok());
  const std::string former = server().config().key_dir() + "/ledger_key.old.pem";
  std::filesystem::rename(former, former + ".away");
  const auto refused = server::Server::Start(server().ServerOptionsFor(server().config()));
  EXPECT_TRUE(absl::IsFailedPrecondition(refused.status())) << refused.status();
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("ledger_key.old.pem"));
  std::filesystem::rename(former + ".away", former);
  server().Restart();
  EXPECT_TRUE(Eventually([&] { return Audit(PrintedKey(), "aurore").code == 0; }));
}

class PageTokenRotationTest : public KeyRotationTest {
 protected:
  PageTokenRotationTest() {
    for (const char* seller : {"shop-1", "shop-2"}) {
      v1::Record record = Report(seller);
      GrantMember(&record, "belmont");
      const auto created = Call(server().Exchange("aurore"), &Exchange::CreateRecord, CreateOf(record));
      EXPECT_TRUE(created.ok()) << created.status();
    }
    const auto page = List("");
    EXPECT_TRUE(page.ok()) << page.status();
    token_ = page.value_or(v1::ListRecordsResponse()).next_page_token();
    cursor_ = Watched("").value_or("");
    EXPECT_NE(token_, "");
    EXPECT_NE(cursor_, "");
  }

  absl::StatusOr<v1::ListRecordsResponse> List(const std::string& token) {
    v1::ListRecordsRequest request;
    request.set_page_size(1);
    request.set_page_token(token);
    return Call(server().Exchange("belmont"), &Exchange::ListRecords, request);
  }
  // The first cursor of a watch that begins there, or why it has ended.
  absl::StatusOr<std::string> Watched(const std::string& cursor) {
    grpc::ClientContext context;
    const auto stub = server().Watch("belmont");
    const auto stream = stub->WatchRecords(&context);
    v1::WatchRecordsRequest start;
    start.mutable_start()->set_cursor(cursor);
    stream->Write(start);
    v1::WatchRecordsResponse response;
    for (int64_t read = 1; stream->Read(&response); ++read) {
      if (!response.cursor().empty()) {
        context.TryCancel();
        return response.cursor();
      }
      v1::WatchRecordsRequest next;
      next.mutable_acknowledgement()->set_responses(read);
      stream->Write(next);
    }
    return FromGrpc(stream->Finish());
  }
  void ExpectGood() {
    const auto page = List(token_);
    EXPECT_TRUE(page.ok()) << page.status();
    EXPECT_EQ(page.value_or(v1::ListRecordsResponse()).records_size(), 1);
    const auto cursor = Watched(cursor_);
    EXPECT_TRUE(cursor.ok()) << cursor.status();
  }
  void ExpectNoneIsGood() {
    EXPECT_EQ(List(token_).status(), PageTokenInvalid());
    EXPECT_EQ(GetErrorReason(Watched(cursor_).status()), v1::ERROR_REASON_CURSOR_INVALID);
  }

  std::string token_, cursor_;
};

TEST_F(PageTokenRotationTest, WhatTheFormerKeySealedIsGoodUntilTheOverlapEnds) {
  ExpectGood();
  Rotate("page_token");
  ExpectGood();
  const std::string token = List("").value_or(v1::ListRecordsResponse()).next_page_token();
  const std::string cursor = Watched(cursor_).value_or("");
  EndOverlap("page_token");
  ExpectNoneIsGood();
  // What came since is the new key's.
  token_ = token;
  cursor_ = cursor;
  ExpectGood();
}

TEST_F(PageTokenRotationTest, TheOverlapEndsByItselfWhenHistoryIsKeptNoLonger) {
  Rotate("page_token");
  const std::string former = server().config().key_dir() + "/page_token.old";
  const auto rotated = std::filesystem::last_write_time(former);
  constexpr std::chrono::hours kDay(24);
  std::filesystem::last_write_time(former, rotated - 6 * kDay);
  server().Restart();
  ExpectGood();
  std::filesystem::last_write_time(former, rotated - 7 * kDay);
  server().Restart();
  ExpectNoneIsGood();
  EXPECT_FALSE(std::filesystem::exists(former));
}

TEST_F(PageTokenRotationTest, OtherKeysAreRotatedAndNothingIsLost) {
  const auto shown = List("");
  ASSERT_TRUE(shown.ok()) << shown.status();
  for (const char* key : {"seller_hash", "etag"}) Rotate(key);
  const auto screened = Call(server().Exchange("belmont"), &Exchange::ScreenSellers, ScreenOf("shop-1"));
  ASSERT_TRUE(screened.ok()) << screened.status();
  ASSERT_EQ(screened->results_size(), 1);
  EXPECT_EQ(screened->results(0).matches_size(), 1);
  const auto again = List("");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_NE(again->records(0).etag(), shown->records(0).etag());
  ExpectGood();
}

}  // namespace
}  // namespace coalition::testing
