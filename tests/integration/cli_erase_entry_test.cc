// Erasure of the ledger's entries at the command line over real mutual TLS: asked about, done once, and what
// members prove and are told afterwards.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/file.h"
#include "common/hash.h"
#include "nlohmann/json.hpp"
#include "tests/support/cli_world.h"
#include "tests/support/eventually.h"

namespace coalition::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kSeller[] = "bazaar.example/shop-4711";
constexpr char kOrigin[] = "coalition.example/ledger";

class CliEraseEntryTest : public ::testing::Test {
 protected:
  CliEraseEntryTest() : world_(QuickTicks()) {
    const ToolResult printed =
        Tool(world_.directory())
            .Run({"ledger", "log-key", "--key", world_.server().config().key_dir() + "/ledger_key.pem",
                  "--name", kOrigin});
    EXPECT_EQ(printed.code, 0) << printed.err;
    key_ = printed.out.substr(0, printed.out.find('\n'));
  }
  static TestServer::Options QuickTicks() {
    TestServer::Options options;
    options.edit_config = [](config::v1::ServerConfig* config) {
      config->mutable_ledger()->set_origin(kOrigin);
      config->mutable_ledger()->set_tick_ms(50);
    };
    return options;
  }

  Tool Admin() const { return world_.As(world_.server().IdentityOf("office", "admin")); }
  // With the log's key, as it was told by another way.
  ToolResult As(const std::string& member, std::vector<std::string> command) const {
    command.insert(command.end(), {"--ledger-key", key_});
    return world_.As(member).Run(command);
  }
  static nlohmann::json Json(const ToolResult& result) {
    EXPECT_EQ(result.code, 0) << result.err;
    return nlohmann::json::parse(result.out, nullptr, /*allow_exceptions=*/false);
  }
  // A report by aurore that belmont's screening has found.
  std::string Screened() const {
    const std::string report = Json(As("aurore", {"report", kSeller, "--infringement", "trademark", "--grant",
                                                  "kind:brand=full", "-o", "json"}))["name"];
    EXPECT_EQ(As("belmont", {"screen", kSeller}).code, 1);
    return report;
  }
  // Of that screening, as soon as it is sealed.
  std::string Disclosure() const {
    std::string name;
    EXPECT_TRUE(Eventually([&] {
      const auto entries = Json(As("belmont", {"ledger", "list", "--kind", "disclosure", "-o", "json"}));
      if (!entries.is_array()) return true;
      if (!entries.empty()) name = entries[0]["name"];
      return !name.empty();
    }));
    return name;
  }
  ToolResult Verify(const std::string& entry) const { return As("belmont", {"ledger", "verify", entry}); }
  // Of the server's file of keys, as its operator sees it.
  std::string Sha256OfKeys() const {
    const auto file = ReadFile(world_.server().directory() + "/keys/ledger_contents", size_t{1} << 20);
    EXPECT_TRUE(file.ok()) << file.status();
    return file.ok() ? HexEncode(Bytes(Sha256(*file))) : "";
  }

  mutable CliWorld world_;
  std::string key_;
};

TEST_F(CliEraseEntryTest, WhatIsLostIsNamedFirstAndTheProofStays) {
  const std::string report = Screened(), entry = Disclosure();
  const std::vector<std::string> who_saw = {"record", "who-saw", report, "-o", "csv"};
  const ToolResult saw = As("aurore", who_saw);
  EXPECT_THAT(saw.out, HasSubstr("members/belmont,brand,"));
  const ToolResult exported = As("belmont", {"ledger", "export"});
  EXPECT_EQ(exported.code, 0) << exported.err;

  const std::vector<std::string> erase = {"admin",       "erase-entry", entry,        "--grounds",
                                          "court-order", "--reference", "12 O 345/26"};
  const ToolResult refused = Admin().RunAtTerminal(erase, "Type yes: ", "no\n");
  EXPECT_EQ(refused.code, 1) << refused.err;
  EXPECT_THAT(refused.err, AllOf(HasSubstr("Erasing what 1 entry of the ledger says, for good"),
                                 HasSubstr("  " + entry), HasSubstr("Nothing was changed.")));
  const ToolResult open = Verify(entry);
  EXPECT_EQ(open.code, 0) << open.out << open.err;
  EXPECT_THAT(open.out, HasSubstr("members/belmont was shown 1 record by ScreenSellers.\n"));

  const std::string before = Sha256OfKeys();
  const ToolResult done = Admin().RunAtTerminal(erase, "Type yes: ", "yes\n");
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_NE(Sha256OfKeys(), before);
  EXPECT_THAT(done.err, AllOf(HasSubstr("Erased 1 entry, before 0."), HasSubstr("ledger_contents"),
                              HasSubstr(Sha256OfKeys())));
  const ToolResult closed = Verify(entry);
  EXPECT_EQ(closed.code, 0) << closed.out << closed.err;
  EXPECT_THAT(closed.out, AllOf(StartsWith(entry + " is in the log coalition.example/ledger, sealed at 20"),
                                HasSubstr("Its contents have ended"), Not(HasSubstr("was shown"))));
  EXPECT_EQ(As("aurore", who_saw).out, saw.out);
  // What was exported before proves it still.
  const ToolResult offline =
      As("belmont", {"ledger", "verify", "--file", world_.Write("ledger.jsonl", exported.out)});
  EXPECT_EQ(offline.code, 0) << offline.out << offline.err;
  EXPECT_TRUE(Eventually([&] {
    const ToolResult acts = As("corsa", {"ledger", "list", "--kind", "act", "-o", "csv"});
    EXPECT_EQ(acts.code, 0) << acts.err;
    return acts.out.find("1 erased on a court's order, reference 12 O 345/26") != std::string::npos;
  }));
}

TEST_F(CliEraseEntryTest, OnceErasedItIsNotAskedAboutAgain) {
  Screened();
  const std::string entry = Disclosure();
  const std::vector<std::string> erase = {"admin", "erase-entry", entry, "--grounds", "data-subject"};
  std::vector<std::string> checked = erase, done = erase;
  checked.insert(checked.end(), {"--dry-run", "-o", "json"});
  done.insert(done.end(), {"--yes", "-o", "json"});
  EXPECT_EQ(Json(Admin().Run(checked))["entries"][0]["name"], entry);
  EXPECT_THAT(Verify(entry).out, HasSubstr("was shown")) << "it was only checked";
  const auto first = Json(Admin().Run(done));
  EXPECT_EQ(first["ledgerContentsSha256"], Sha256OfKeys());
  EXPECT_THAT(Verify(entry).out, Not(HasSubstr("was shown")));
  const auto again = Json(Admin().Run(done));
  EXPECT_EQ(again["entries"][0]["erasedBefore"], true);
  EXPECT_EQ(again["ledgerContentsSha256"], Sha256OfKeys());
}

TEST_F(CliEraseEntryTest, WhoMayNotErasesNothing) {
  Screened();
  const std::string entry = Disclosure();
  const std::vector<std::string> erase = {"admin", "erase-entry", entry, "--grounds", "contributor"};
  EXPECT_EQ(Admin().Run(erase, "yes\n").code, 2) << "nobody sits at a terminal";
  std::vector<std::string> at_once = erase;
  at_once.emplace_back("--yes");
  const ToolResult refused =
      Tool(world_.directory())
          .Connect("127.0.0.1:" + std::to_string(world_.server().admin_port()), world_.ca_file(),
                   world_.server().IdentityOf("belmont", "admin"), world_.directory())
          .Run(at_once);
  EXPECT_EQ(refused.code, 64 + 7) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("COALITION_ADMIN"));
  const ToolResult unknown =
      Admin().Run({"admin", "erase-entry", entry, "999999999-1", "--grounds", "court-order", "--yes"});
  EXPECT_EQ(unknown.code, 64 + 5) << unknown.err;
  EXPECT_THAT(Verify(entry).out, HasSubstr("was shown"));
}

}  // namespace
}  // namespace coalition::testing
