// Who would see a record, who sees it and why, at the command line against a real server: scene 1.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "nlohmann/json.hpp"
#include "tests/integration/starter_policy.h"
#include "tests/support/cli_world.h"

namespace coalition::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

using Arguments = std::vector<std::string>;

const char* const kNever = "records/aaaaaaaaaaaaaaaaaaaaaaaaaa";

nlohmann::json Json(const ToolResult& result) {
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.err, "");
  return nlohmann::json::parse(result.out, nullptr, /*allow_exceptions=*/false);
}

// The first word of each line below the head, up to an empty line.
std::vector<std::string> FirstColumn(const std::string& table) {
  std::vector<std::string> words;
  std::istringstream lines(table);
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line) && !line.empty()) words.push_back(line.substr(0, line.find(' ')));
  return words;
}

class CliExplainTest : public ::testing::Test {
 protected:
  // aurore reports shop-4711 to all brands but corsa, label AMBER.
  void SetUp() override {
    report_ = Json(As("aurore").Run({"report", "bazaar.example/shop-4711", "--infringement", "trademark",
                                     "--right", "EUIPO:018000001", "--audience", "peers", "--exclude",
                                     "member:corsa", "-o", "json"}))["name"];
  }
  Tool As(const std::string& member, const std::string& credential = "backend") {
    return world_.As(world_.server().IdentityOf(member, credential));
  }

  CliWorld world_{WithStarterPolicy("brands_and_marketplaces")};
  std::string report_;
};

TEST_F(CliExplainTest, TheContributorIsToldOfEachMember) {
  const ToolResult told = As("aurore").Run({"explain", report_});
  EXPECT_EQ(told.code, 0) << told.err;
  EXPECT_EQ(told.err, "");
  EXPECT_THAT(FirstColumn(told.out),
              ElementsAre("members/belmont", "members/bazaar", "members/corsa", "members/customs",
                          "members/office", "members/paylink", "members/souk"));
  EXPECT_THAT(told.out,
              HasSubstr("\nbelmont sees it through \"peer\"\n"
                        "  grant audience grants every BRAND \"peer\": granted to every BRAND through "
                        "\"peer\"\n      without it: would not see the record\n"));
  EXPECT_THAT(told.out, HasSubstr("\n  exclusion audience excludes members/corsa: "));
  EXPECT_THAT(told.out,
              HasSubstr("\nbazaar does not see it: no grant of the record's audience matches it\n"));

  const nlohmann::json one = Json(As("aurore").Run({"explain", report_, "corsa", "-o", "json"}));
  ASSERT_EQ(one["members"].size(), 1U);
  EXPECT_EQ(one["members"][0]["causes"][0]["layer"], "LAYER_EXCLUSION");
  EXPECT_EQ(one["members"][0]["causes"][0]["visibleWithout"], true);
  const ToolResult csv = As("aurore").Run({"explain", report_, "-o", "csv"});
  EXPECT_THAT(csv.out, StartsWith("member,kind,relation,sees,views,full,token,coarse,because\n"));
  EXPECT_THAT(csv.out, HasSubstr("\nmembers/belmont,brand,other,yes,peer,"));
  EXPECT_THAT(csv.out, HasSubstr("\nmembers/bazaar,marketplace,host,no,,,,,"));
}

TEST_F(CliExplainTest, OthersLearnOfThemselvesAlone) {
  const ToolResult own = As("belmont").Run({"explain", report_});
  EXPECT_EQ(own.code, 0) << own.err;
  EXPECT_THAT(FirstColumn(own.out), ElementsAre("members/belmont"));
  EXPECT_THAT(own.out, HasSubstr("granted to every BRAND"));
  EXPECT_THAT(own.out, Not(HasSubstr("corsa")));
  const ToolResult of_others = As("belmont").Run({"explain", report_, "corsa"});
  EXPECT_EQ(of_others.code, 64 + 7);
  EXPECT_EQ(of_others.out, "");
  EXPECT_THAT(of_others.err, HasSubstr("AUDITOR"));
  // Hidden is absent, whoever is asked about.
  for (const Arguments& about : {Arguments{}, Arguments{"corsa"}, Arguments{"belmont"}}) {
    for (const char* member : {"corsa", "bazaar", "office"}) {
      Arguments of_hidden = {"explain", report_}, of_none = {"explain", kNever};
      of_hidden.insert(of_hidden.end(), about.begin(), about.end());
      of_none.insert(of_none.end(), about.begin(), about.end());
      const ToolResult hidden = As(member).Run(of_hidden), none = As(member).Run(of_none);
      EXPECT_EQ(hidden.code, 64 + 5);
      EXPECT_EQ(hidden.out, "");
      EXPECT_EQ(hidden.err, none.err);
    }
  }
}

TEST_F(CliExplainTest, AnAuditorAsksAboutAnyone) {
  const nlohmann::json told = Json(As("office", "audit").Run({"explain", report_, "-o", "json"}));
  EXPECT_EQ(told["members"].size(), 7U);
  EXPECT_EQ(told, Json(As("aurore").Run({"explain", report_, "-o", "json"})));
  EXPECT_EQ(As("office", "audit").Run({"can-see", report_, "bazaar"}).code, 1);
  EXPECT_EQ(As("office", "audit").Run({"record", "get", report_}).code, 64 + 7);
}

TEST_F(CliExplainTest, YesOrNoIsTheExitCode) {
  const ToolResult yes = As("aurore").Run({"can-see", report_, "belmont"});
  EXPECT_EQ(yes.code, 0);
  EXPECT_EQ(yes.out, "belmont sees it through \"peer\"\n");
  EXPECT_EQ(yes.err, "");
  const ToolResult no = As("aurore").Run({"can-see", report_, "corsa"});
  EXPECT_EQ(no.code, 1);
  EXPECT_EQ(no.out, "corsa does not see it: the record's audience excludes members/corsa\n");
  EXPECT_EQ(no.err, "");
  EXPECT_EQ(As("aurore").Run({"can-see", report_, "aurore"}).code, 0);
  EXPECT_EQ(As("belmont").Run({"can-see", report_, "belmont"}).code, 0);
  // No answer is no "no".
  for (const auto& [record, code] : std::map<std::string, int>{{kNever, 64 + 5}, {"records/x", 2}}) {
    const ToolResult none = As("aurore").Run({"can-see", record, "belmont"});
    EXPECT_EQ(none.code, code);
    EXPECT_EQ(none.out, "");
    EXPECT_THAT(none.err, StartsWith("error: "));
  }
  EXPECT_EQ(As("aurore").Run({"can-see", report_, "nobody"}).code, 64 + 5);
}

TEST_F(CliExplainTest, AnEarlierEpochIsJudgedAsItWas) {
  const std::string then = Json(As("aurore").Run({"explain", report_, "-o", "json"}))["epoch"];
  const std::string file = world_.Write(
      "policy.textproto", As("aurore").Run({"policy", "get"}).out +
                              "denies { id: \"no-watches\" subject { group: \"groups/watchmakers\" } }\n");
  const ToolResult applied = As("office", "admin").Run({"policy", "apply", file, "--yes"});
  ASSERT_EQ(applied.code, 0) << applied.err;
  const ToolResult now = As("aurore").Run({"can-see", report_, "belmont"});
  EXPECT_EQ(now.code, 1);
  EXPECT_EQ(now.out, "belmont does not see it: the coalition's policy denies groups/watchmakers\n");
  const ToolResult before = As("aurore").Run({"can-see", report_, "belmont", "--epoch", then});
  EXPECT_EQ(before.code, 0);
  EXPECT_EQ(before.out, "belmont sees it through \"peer\"\n");
  EXPECT_THAT(As("aurore").Run({"explain", report_, "--epoch", then}).out,
              HasSubstr("\nbelmont sees it through \"peer\"\n"));
  const ToolResult future = As("aurore").Run({"explain", report_, "--epoch", "999"});
  EXPECT_EQ(future.code, 64 + 3);
  EXPECT_EQ(future.out, "");
  EXPECT_THAT(future.err, HasSubstr("epoch"));
}

TEST_F(CliExplainTest, ThePreviewTellsItBefore) {
  const Arguments audience = {"--audience", "peers", "--exclude", "member:corsa", "-o", "json"};
  Arguments preview = {"audience", "preview", "bazaar.example/shop-4711"};
  preview.insert(preview.end(), audience.begin(), audience.end());
  const nlohmann::json before = Json(As("aurore").Run(preview));
  const nlohmann::json after = Json(As("aurore").Run({"explain", report_, "-o", "json"}));
  EXPECT_EQ(before["members"], after["members"]);
  EXPECT_EQ(Json(As("aurore").Run({"record", "list", "-o", "json"})).size(), 1U);

  const ToolResult forbidden = As("aurore").Run(
      {"audience", "preview", "bazaar.example/shop-4711", "--label", "red", "--audience", "peers"});
  EXPECT_EQ(forbidden.code, 1);
  EXPECT_EQ(forbidden.out, "");
  EXPECT_THAT(forbidden.err, HasSubstr("RED allows members"));
  const ToolResult nobody = As("aurore").Run({"audience", "preview", "bazaar.example/shop-4711"});
  EXPECT_EQ(nobody.code, 0);
  EXPECT_THAT(nobody.err, HasSubstr("nobody but you"));
  EXPECT_EQ(As("aurore").Run({"audience", "preview"}).code, 2);
}

TEST_F(CliExplainTest, AnAudienceIsKeptUnderItsName) {
  const Arguments save = {"audience", "save", "friends", "--grant", "member:belmont=full", "-o", "json"};
  const nlohmann::json saved = Json(As("aurore").Run(save));
  EXPECT_EQ(saved["name"], "members/aurore/audiences/friends");
  const std::string record =
      Json(As("aurore").Run({"report", "bazaar.example/shop-9", "--infringement", "trademark", "--audience",
                             "members/aurore/audiences/friends", "-o", "json"}))["name"];
  EXPECT_EQ(As("aurore").Run({"can-see", record, "belmont"}).code, 0);
  EXPECT_EQ(As("aurore").Run({"can-see", record, "corsa"}).code, 1);
  // What the name comes to mean changes no record.
  const std::string file =
      world_.Write("audience.textproto", "grants { subject { member: \"members/corsa\" } view: \"full\" }");
  EXPECT_EQ(Json(As("aurore").Run({"audience", "save", "friends", "--file", file, "-o", "json"}))["version"],
            "2");
  EXPECT_EQ(As("aurore").Run({"can-see", record, "corsa"}).code, 1);

  const ToolResult own = As("aurore").Run({"audience", "list", "-o", "csv"});
  EXPECT_THAT(own.out, HasSubstr("\nmembers/aurore/audiences/friends,2,member:corsa=full,"));
  EXPECT_THAT(own.out, HasSubstr("\naudiences/peers,"));
  EXPECT_THAT(As("belmont").Run({"audience", "list"}).out, Not(HasSubstr("friends")));
  const ToolResult empty = As("aurore").Run({"audience", "save", "friends"});
  EXPECT_EQ(empty.code, 2);
  EXPECT_EQ(empty.out, "");
}

}  // namespace
}  // namespace coalition::testing
