// The command line against a real server over mutual TLS: what each verb does, prints and returns.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "nlohmann/json.hpp"
#include "tests/support/cli_world.h"

namespace coalition::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

nlohmann::json Json(const ToolResult& result) {
  EXPECT_EQ(result.code, 0) << result.err;
  return nlohmann::json::parse(result.out, nullptr, /*allow_exceptions=*/false);
}

// The report of scene one.
std::string Report(const CliWorld& world, const std::string& external_id = "case-17") {
  return Json(world.As("aurore").Run(
      {"report", "bazaar.example/shop-4711", "--infringement", "trademark", "--right", "EUIPO:012345678",
       "--listing", "https://bazaar.example/item/1", "--grant", "kind:brand=full", "--exclude",
       "member:corsa", "--external-id", external_id, "-o", "json"}))["name"];
}

TEST(CliServerTest, WhoIsWho) {
  CliWorld world;
  const nlohmann::json me = Json(world.As("aurore").Run({"whoami", "-o", "json"}));
  EXPECT_EQ(me["member"]["name"], "members/aurore");
  const ToolResult members = world.As("aurore").Run({"member", "list", "-o", "csv"});
  EXPECT_THAT(members.out, HasSubstr("\nmembers/bazaar,"));
  EXPECT_EQ(Json(world.As("aurore").Run({"member", "show", "bazaar", "-o", "json"}))["kind"],
            "MEMBER_KIND_MARKETPLACE");
  EXPECT_EQ(Json(world.As("aurore").Run({"platform", "list", "-o", "json"})).size(), 2u);
  EXPECT_EQ(world.As("aurore").Run({"member", "show", "nobody"}).code, 69);
}

TEST(CliServerTest, EachMemberSeesWhatTheAudienceAllows) {
  CliWorld world;
  const std::string name = Report(world);
  EXPECT_EQ(Json(world.As("belmont").Run({"record", "get", name, "-o", "json"}))["view"], "full");
  const ToolResult hidden = world.As("corsa").Run({"record", "get", name});
  const ToolResult absent = world.As("corsa").Run({"record", "get", "records/aaaaaaaaaaaaaaaaaaaaaaaaaa"});
  EXPECT_EQ(hidden.code, 69);
  EXPECT_EQ(hidden.err, absent.err);
  EXPECT_EQ(hidden.out, absent.out);

  EXPECT_EQ(world.As("belmont").Run({"screen", "bazaar.example/shop-4711"}).code, 1);
  EXPECT_EQ(world.As("corsa").Run({"screen", "bazaar.example/shop-4711"}).code, 0);
  EXPECT_THAT(world.As("belmont").Run({"seller", "show", "bazaar.example/shop-4711"}).out,
              HasSubstr("offender-report 1"));
}

TEST(CliServerTest, RepeatingAContributionChangesNothing) {
  CliWorld world;
  EXPECT_EQ(Report(world), Report(world));
  const ToolResult dry =
      world.As("aurore").Run({"report", "bazaar.example/s", "--infringement", "trademark", "--dry-run"});
  EXPECT_EQ(dry.code, 0) << dry.err;
  EXPECT_THAT(dry.err, HasSubstr("nothing was kept"));
  EXPECT_THAT(dry.err, HasSubstr("nobody but you"));
  EXPECT_EQ(Json(world.As("aurore").Run({"record", "list", "-o", "json"})).size(), 1u);
}

TEST(CliServerTest, NoticeOutcomeOpinionAndTheirCourse) {
  CliWorld world;
  const std::string report = Report(world);
  const std::string notice = Json(world.As("aurore").Run(
      {"notice", "bazaar.example/shop-4711", "--listing", "https://bazaar.example/item/1", "--action",
       "remove-listings", "--report", report, "--grant", "member:bazaar=notice", "-o", "json"}))["name"];
  const nlohmann::json outcome = Json(
      world.As("bazaar").Run({"outcome", "bazaar.example/shop-4711", "--action", "partial", "--account",
                              "suspended", "--notice", notice, "--grant", "kind:brand=full", "-o", "json"}));
  EXPECT_EQ(outcome["takedownOutcome"]["decisionAccount"], "DECISION_ACCOUNT_SUSPENDED");
  const std::string outcome_name = outcome["name"];
  const nlohmann::json revised =
      Json(world.As("bazaar").Run({"record", "revise", outcome_name, "--reinstated-at", "2026-11-20",
                                   "--appeal", "upheld", "-o", "json"}));
  EXPECT_EQ(revised["takedownOutcome"]["reinstated"], true);
  EXPECT_EQ(revised["takedownOutcome"]["appealResult"], "APPEAL_RESULT_UPHELD");
  EXPECT_EQ(world.As("belmont").Run({"opinion", report, "confirmed", "--grant", "kind:brand=full"}).code, 0);
  const nlohmann::json profile =
      Json(world.As("aurore").Run({"seller", "show", "bazaar.example/shop-4711", "-o", "json"}));
  ASSERT_EQ(profile["takedowns"].size(), 1u) << profile;
  EXPECT_EQ(profile["takedowns"][0]["lastActionTaken"], "ACTION_TAKEN_PARTIAL");
  EXPECT_EQ(profile["takedowns"][0]["reinstated"], true);
  EXPECT_EQ(Json(world.As("aurore").Run({"record", "list", "--refers-to", notice, "-o", "json"})).size(), 1u);
}

TEST(CliServerTest, WithdrawingAsksAndNamesWhatIsLost) {
  CliWorld world;
  const std::string name = Report(world);
  const ToolResult unasked = world.As("aurore").Run({"record", "withdraw", name});
  EXPECT_EQ(unasked.code, 2);
  EXPECT_THAT(unasked.err, HasSubstr("--yes"));
  EXPECT_EQ(world.As("belmont").Run({"record", "get", name}).code, 0);
  EXPECT_EQ(world.As("belmont").Run({"record", "withdraw", name, "--yes"}).code, 69);
  EXPECT_EQ(world.As("aurore").Run({"record", "withdraw", name, "--yes"}).code, 0);
  EXPECT_EQ(world.As("belmont").Run({"record", "get", name}).code, 69);
}

TEST(CliServerTest, ErrorsNameTheFieldAndTheRemedy) {
  CliWorld world;
  const ToolResult label =
      world.As("aurore").Run({"report", "bazaar.example/s", "--infringement", "trademark", "--label", "red",
                              "--grant", "kind:brand=full"});
  EXPECT_EQ(label.code, 64 + 3);
  EXPECT_THAT(label.err, HasSubstr("RED allows members"));
  const ToolResult missing = world.As("aurore").Run({"report", "bazaar.example/s"});
  EXPECT_EQ(missing.code, 64 + 3);
  EXPECT_THAT(missing.err, HasSubstr("infringement_types"));
  const ToolResult platform = world.As("bazaar").Run({"outcome", "souk.example", "--action", "yes"});
  EXPECT_THAT(platform.err, HasSubstr("platform list"));
  const ToolResult role = world.As(world.server().IdentityOf("aurore", "reader"))
                              .Run({"report", "bazaar.example/s", "--infringement", "trademark", "-v"});
  EXPECT_EQ(role.code, 64 + 7);
  EXPECT_THAT(role.err, HasSubstr("reason: ROLE_MISSING"));
}

TEST(CliServerTest, WhatOthersWroteDoesNotDriveTheTerminal) {
  CliWorld world;
  const std::string file = world.Write("evil.json",
                                       "{\"seller\":{\"platform\":\"bazaar.example\",\"sellerId\":\"s\"},"
                                       "\"offenderReport\":{\"infringementTypes\":"
                                       "[\"KEYWORD_TRADEMARK_INFRINGEMENT\"],\"sellerDisplayName\":"
                                       "\"nice shop\",\"comment\":\"see \\u202emoc.elpmaxe\"}}");
  const ToolResult created =
      world.As("aurore").Run({"report", "--file", file, "--grant", "kind:brand=full", "-o", "json"});
  const ToolResult shown = world.As("belmont").Run({"record", "get", Json(created)["name"]});
  EXPECT_EQ(shown.code, 0) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("see \\u{202e}moc.elpmaxe"));
  EXPECT_THAT(shown.out, Not(HasSubstr("\xe2\x80\xae")));
}

// Control characters are refused by the server; what it says of them does not bring them back.
TEST(CliServerTest, ARefusalDoesNotDriveTheTerminalEither) {
  CliWorld world;
  const std::string file = world.Write("evil.json",
                                       "{\"seller\":{\"platform\":\"bazaar.example\",\"sellerId\":\"s\"},"
                                       "\"offenderReport\":{\"infringementTypes\":"
                                       "[\"KEYWORD_TRADEMARK_INFRINGEMENT\"],\"sellerDisplayName\":"
                                       "\"nice\\u001b[2Jshop\"}}");
  const ToolResult refused = world.As("aurore").Run({"report", "--file", file, "-o", "json"});
  EXPECT_EQ(refused.code, 64 + 3) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("seller_display_name"));
  EXPECT_THAT(refused.out + refused.err, Not(HasSubstr("\x1b")));
}

TEST(CliServerTest, ScreeningAFileOfThousandsInBatches) {
  CliWorld world;
  Report(world);
  std::string sellers = "# sign-ups\n\n";
  for (int i = 0; i < 2'500; ++i) sellers += "bazaar.example/shop-" + std::to_string(i + 4'000) + "\r\n";
  const ToolResult result = world.As("belmont").Run({"screen", "--file", "-", "-o", "csv"}, sellers);
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 2'501);
  EXPECT_THAT(result.out, HasSubstr("bazaar.example/shop-4711,listed,1,"));
  EXPECT_THAT(result.err, Not(HasSubstr("error")));
  const ToolResult bad = world.As("belmont").Run({"screen", "--file", "-"}, "bazaar.example/a\nnonsense\n");
  EXPECT_EQ(bad.code, 2);
  EXPECT_THAT(bad.err, HasSubstr("line 2:"));
  EXPECT_THAT(bad.out, HasSubstr("bazaar.example/a"));
}

TEST(CliServerTest, ContextsAreTriedBeforeTheyAreSaved) {
  CliWorld world;
  const IdentityFiles files =
      CertificateFactory::Write(world.server().IdentityOf("aurore"), world.directory(), "me");
  const Tool plain(world.directory());
  const std::vector<std::string> add = {"context",         "add",   "work",          "--server",
                                        world.address(),   "--ca",  world.ca_file(), "--cert",
                                        files.certificate, "--key", files.key};
  const ToolResult added = plain.Run(add);
  EXPECT_EQ(added.code, 0) << added.err;
  EXPECT_THAT(added.err, HasSubstr("connected as members/aurore/credentials/backend"));
  struct stat info {};
  ASSERT_EQ(::stat((world.directory() + "/.config/coalition/config.textproto").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(plain.Run({"whoami"}).code, 0);
  EXPECT_EQ(plain.Run(add).code, 2);

  const IdentityFiles stranger = CertificateFactory::Write(
      world.server().certificates().Member("aurore", "stranger"), world.directory(), "stranger");
  const std::vector<std::string> refused = {"context",       "add",           "bad",
                                            "--server",      world.address(), "--ca",
                                            world.ca_file(), "--cert",        stranger.certificate,
                                            "--key",         stranger.key};
  const ToolResult not_added = plain.Run(refused);
  EXPECT_EQ(not_added.code, 64 + 16);
  EXPECT_THAT(not_added.err, HasSubstr("Nothing was saved"));
  std::vector<std::string> unchecked = refused;
  unchecked.push_back("--no-check");
  EXPECT_EQ(plain.Run(unchecked).code, 0);
  EXPECT_EQ(plain.Run({"whoami", "--context", "bad"}).code, 64 + 16);
  EXPECT_EQ(plain.Run({"context", "use", "bad"}).code, 0);
  EXPECT_EQ(plain.Run({"whoami"}).code, 64 + 16);
  EXPECT_EQ(plain.Run({"context", "remove", "bad"}).code, 0);
  EXPECT_EQ(plain.Run({"whoami"}).code, 2);
  EXPECT_EQ(Json(plain.Run({"context", "list", "-o", "json"})).size(), 1u);
}

}  // namespace
}  // namespace coalition::testing
