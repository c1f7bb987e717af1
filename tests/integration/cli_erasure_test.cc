// Erasure at the command line over real mutual TLS: asked about by what the server says of it, done once, and
// gone for whoever had it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/file.h"
#include "common/hash.h"
#include "nlohmann/json.hpp"
#include "tests/support/cli_world.h"

namespace coalition::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

nlohmann::json Json(const ToolResult& result) {
  EXPECT_EQ(result.code, 0) << result.err;
  return nlohmann::json::parse(result.out, nullptr, /*allow_exceptions=*/false);
}

class CliErasureTest : public ::testing::Test {
 protected:
  Tool Admin() const { return world_.As(world_.server().IdentityOf("office", "admin")); }
  std::string Report(const std::string& member, const std::string& seller) const {
    return Json(
        world_.As(member).Run({"report", seller, "--infringement", "trademark", "--right", "EUIPO:012345678",
                               "--grant", "kind:brand=full", "-o", "json"}))["name"];
  }
  int Get(const std::string& member, const std::string& name) const {
    return world_.As(member).Run({"record", "get", name}).code;
  }
  // Of the server's file of keys, as its operator sees it.
  std::string Sha256OfKeys() const {
    const auto file = ReadFile(world_.server().directory() + "/keys/erasure_keys", size_t{64} << 20);
    EXPECT_TRUE(file.ok()) << file.status();
    return file.ok() ? HexEncode(Bytes(Sha256(*file))) : "";
  }

  mutable CliWorld world_;
};

TEST_F(CliErasureTest, WhatIsLostIsNamedFirstAndGoneAfterwards) {
  const std::string name = Report("aurore", "bazaar.example/shop-4711");
  ASSERT_EQ(Get("belmont", name), 0);
  const std::string opinion = Json(world_.As("belmont").Run(
      {"opinion", name, "confirmed", "--grant", "kind:brand=full", "-o", "json"}))["name"];
  const std::vector<std::string> erase = {"admin",       "erase",       name,         "--grounds",
                                          "court-order", "--reference", "12 O 345/26"};
  const ToolResult refused = Admin().RunAtTerminal(erase, "Type yes: ", "no\n");
  EXPECT_EQ(refused.code, 1) << refused.err;
  EXPECT_THAT(refused.err, AllOf(HasSubstr("Erasing 1 record, for good"),
                                 HasSubstr("1 record of members/aurore, 1 of them to be seen until now"),
                                 HasSubstr("1 record refers to them"), HasSubstr(opinion),
                                 HasSubstr("Erase 1 record?"), HasSubstr("Nothing was changed.")));
  EXPECT_EQ(Get("belmont", name), 0) << "it was only asked about";

  const std::string before = Sha256OfKeys();
  const ToolResult done = Admin().RunAtTerminal(erase, "Type yes: ", "yes\n");
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.out, AllOf(HasSubstr(name), HasSubstr("members/aurore")));
  EXPECT_NE(Sha256OfKeys(), before);
  EXPECT_THAT(done.err, AllOf(HasSubstr("Erased 1 record, before 0."), HasSubstr("key_dir"),
                              HasSubstr(Sha256OfKeys())));
  for (const char* member : {"aurore", "belmont"}) EXPECT_EQ(Get(member, name), 64 + 5) << member;
  EXPECT_THAT(world_.As("belmont").Run({"recall", "list", "-o", "csv"}).out, HasSubstr(name + ",gone"));

  std::vector<std::string> again = erase;
  again.insert(again.end(), {"--yes", "-o", "json"});
  const nlohmann::json json = Json(Admin().Run(again));
  EXPECT_EQ(json["records"][0]["erasedBefore"], true);
  EXPECT_EQ(json["erasureKeysSha256"], Sha256OfKeys());
}

TEST_F(CliErasureTest, AllAboutASellerOfEveryMember) {
  const std::string first = Report("aurore", "bazaar.example/shop-1");
  const std::string second = Report("corsa", "bazaar.example/shop-1");
  const std::string other = Report("aurore", "bazaar.example/shop-2");
  ASSERT_EQ(world_.As("corsa").Run({"record", "withdraw", second, "--yes"}).code, 0);
  const std::vector<std::string> erase = {"admin",    "erase",  "--platform", "bazaar.example",
                                          "--seller", "shop-1", "--grounds",  "data-subject"};
  std::vector<std::string> checked = erase, done = erase;
  checked.insert(checked.end(), {"--dry-run", "-o", "json"});
  done.insert(done.end(), {"--yes", "-o", "csv"});
  EXPECT_EQ(Json(Admin().Run(checked))["records"].size(), 2U);
  EXPECT_EQ(Get("aurore", first), 0) << "it was only checked";
  const ToolResult erased = Admin().Run(done);
  EXPECT_EQ(erased.code, 0) << erased.err;
  EXPECT_THAT(erased.out, AllOf(HasSubstr(first + ",members/aurore,true,false\n"),
                                HasSubstr(second + ",members/corsa,false,false\n"), Not(HasSubstr(other))));
  EXPECT_EQ(Get("aurore", first), 64 + 5);
  EXPECT_EQ(Get("aurore", other), 0);
}

TEST_F(CliErasureTest, WhoMayNotErasesNothing) {
  const std::string name = Report("aurore", "bazaar.example/shop-1");
  const std::vector<std::string> erase = {"admin", "erase", name, "--grounds", "contributor"};
  std::vector<std::string> at_once = erase;
  at_once.emplace_back("--yes");
  const ToolResult unasked = Admin().Run(erase, "yes\n");
  EXPECT_EQ(unasked.code, 2) << "nobody sits at a terminal";
  EXPECT_THAT(unasked.err, HasSubstr("--yes"));
  const ToolResult result =
      Tool(world_.directory())
          .Connect("127.0.0.1:" + std::to_string(world_.server().admin_port()), world_.ca_file(),
                   world_.server().IdentityOf("aurore", "admin"), world_.directory())
          .Run(at_once);
  EXPECT_EQ(result.code, 64 + 7) << result.err;
  EXPECT_THAT(result.err, HasSubstr("COALITION_ADMIN"));
  EXPECT_EQ(Get("aurore", name), 0);
  const ToolResult unknown = Admin().Run(
      {"admin", "erase", "records/aaaaaaaaaaaaaaaaaaaaaaaaaa", "--grounds", "court-order", "--yes"});
  EXPECT_EQ(unknown.code, 64 + 5) << unknown.err;
}

}  // namespace
}  // namespace coalition::testing
