// Changing who sees what at the command line, against a real server: from the file to the history.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "nlohmann/json.hpp"
#include "tests/integration/starter_policy.h"
#include "tests/support/cli_world.h"

namespace coalition::testing {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

using Arguments = std::vector<std::string>;

nlohmann::json Json(const ToolResult& result) {
  EXPECT_EQ(result.code, 0) << result.err;
  return nlohmann::json::parse(result.out, nullptr, /*allow_exceptions=*/false);
}

Arguments Joined(Arguments first, const Arguments& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

// Once, or the test fails.
std::string Replaced(std::string text, const std::string& what, const std::string& with) {
  const size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return at == std::string::npos ? text : text.replace(at, what.size(), with);
}

// ":LINE:COLUMN: " of an offset.
std::string Place(const std::string& text, size_t offset) {
  const std::string before = text.substr(0, offset);
  const size_t begin = before.rfind('\n') == std::string::npos ? 0 : before.rfind('\n') + 1;
  return ":" + std::to_string(std::count(before.begin(), before.end(), '\n') + 1) + ":" +
         std::to_string(offset - begin + 1) + ": ";
}

// The ceiling of marketplaces that do not host the seller, as `policy get` writes it.
constexpr char kScreening[] = "LABEL_CLEAR]\n  view: \"screening\"";
// It bounds RED reports too: the change that widens.
constexpr char kScreeningRed[] = "LABEL_CLEAR, LABEL_RED]\n  view: \"screening\"";
constexpr char kPromise[] = "policy_test {\n  name: \"a RED report is for brands alone\"";

class CliPolicyTest : public ::testing::Test {
 protected:
  Tool As(const std::string& member, const std::string& credential = "backend") {
    return world_.As(world_.server().IdentityOf(member, credential));
  }
  std::string InForce() {
    const ToolResult got = As("belmont").Run({"policy", "get"});
    EXPECT_EQ(got.code, 0) << got.err;
    EXPECT_EQ(got.err, "");
    return got.out;
  }
  // What brands see through "peer" loses a field.
  std::string Narrower(const std::string& field = "correction_contact") {
    const std::string text = InForce();
    const size_t peer = text.find("  name: \"peer\"");
    return text.substr(0, peer) + Replaced(text.substr(peer), "  full: \"" + field + "\"\n", "");
  }
  // That, and marketplaces may screen by RED reports, which the policy had promised not to be.
  std::string WiderAndNarrower() {
    std::string text = Replaced(Narrower(), kScreening, kScreeningRed);
    const size_t promise = text.find(kPromise);
    return text.erase(promise, text.find("policy_test {", promise + 1) - promise);
  }
  std::string File(const std::string& text) { return world_.Write("policy.textproto", text); }
  // As a reviewer names the difference of a file.
  Arguments Naming(const std::string& file) {
    const nlohmann::json diff = Json(As("office", "admin").Run({"policy", "diff", file, "-o", "json"}));
    return {"--epoch", diff["epoch"], "--digest", diff["digest"]};
  }
  std::string Report(const Arguments& audience) {
    return Json(As("aurore").Run(Joined({"report", "bazaar.example/shop-4711", "--infringement", "trademark",
                                         "--correction-contact", "brand@aurore.example", "-o", "json"},
                                        audience)))["name"];
  }
  nlohmann::json Get(const std::string& member, const std::string& record) {
    return Json(As(member).Run({"record", "get", record, "-o", "json"}));
  }
  void ApproveAndApply(const std::string& file);

  CliWorld world_{WithStarterPolicy("brands_and_marketplaces")};
};

TEST_F(CliPolicyTest, AMistakeHasItsPlaceAndASuggestion) {
  const std::string text = Replaced(InForce(), kScreening, "LABEL_CLEAR]\n  view: \"screning\"");
  const std::string file = File(text);
  const std::string place = file + Place(text, text.find("\"screning\""));
  for (const Arguments& online : {Arguments{}, Arguments{"--online"}}) {
    const ToolResult wrong = As("belmont").Run(Joined({"policy", "validate", file}, online));
    EXPECT_EQ(wrong.code, 1);
    EXPECT_THAT(wrong.out, StartsWith(place + "ceilings[3].view: "));
    EXPECT_THAT(wrong.out, HasSubstr("did you mean \"screening\"?"));
    EXPECT_EQ(wrong.err, "");
  }
  const nlohmann::json problem = nlohmann::json::parse(
      As("belmont").Run({"policy", "validate", file, "-o", "json"}).out, nullptr, false)[0];
  EXPECT_EQ(problem["path"], "ceilings[3].view");
  EXPECT_EQ(file + ":" + problem["line"].dump() + ":" + problem["column"].dump() + ": ", place);
  // What needs a sound policy says the same, as a mistake on this side.
  for (const Arguments& verb : {Arguments{"test"}, Arguments{"diff"}, Arguments{"apply", "--yes"}}) {
    const ToolResult refused = As("office", "admin").Run(Joined(Joined({"policy"}, verb), {file}));
    EXPECT_EQ(refused.code, 2);
    EXPECT_EQ(refused.out, "");
    EXPECT_THAT(refused.err, StartsWith(place));
  }
}

// Members and groups are known to the exchange alone.
TEST_F(CliPolicyTest, OnlineAlsoTheMembersAreChecked) {
  const std::string text =
      InForce() + "denies {\n  id: \"no-agent\"\n  subject { member: \"members/agent\" }\n}\n";
  const std::string file = File(text);
  EXPECT_EQ(As("belmont").Run({"policy", "validate", file}).code, 0);
  const ToolResult wrong = As("belmont").Run({"policy", "validate", file, "--online"});
  EXPECT_EQ(wrong.code, 1);
  EXPECT_THAT(wrong.out,
              StartsWith(file + Place(text, text.find("\"members/agent\"")) + "denies[0].subject"));
}

TEST_F(CliPolicyTest, APromiseThatIsBrokenIsNamed) {
  const std::string text = Replaced(InForce(), kScreening, kScreeningRed);
  const std::string file = File(text);
  EXPECT_EQ(As("belmont").Run({"policy", "validate", file}).code, 0);
  const ToolResult broken = As("belmont").Run({"policy", "test", file});
  EXPECT_EQ(broken.code, 1);
  EXPECT_THAT(broken.out, HasSubstr("FAIL  a RED report is for brands alone\n      " + file +
                                    Place(text, text.find(kPromise))));
  EXPECT_EQ(broken.err, "15 tests, 1 failed\n");
  const ToolResult online = As("belmont").Run({"policy", "validate", file, "--online"});
  EXPECT_EQ(online.code, 1);
  EXPECT_THAT(online.out, HasSubstr("fails: a RED report is for brands alone: "));
  // Nor is it applied, whoever asks for it.
  const ToolResult refused = As("office", "admin").Run(Joined({"policy", "apply", file}, Naming(file)));
  EXPECT_EQ(refused.code, 64 + 3);
  EXPECT_EQ(refused.out, "");
  EXPECT_THAT(refused.err, HasSubstr("a RED report is for brands alone"));
}

TEST_F(CliPolicyTest, TheDifferenceIsSaidInSentencesAndAsCells) {
  Report({"--audience", "peers"});
  const std::string file = File(WiderAndNarrower());
  const ToolResult said = As("aurore").Run({"policy", "diff", file});
  EXPECT_EQ(said.code, 0);
  EXPECT_EQ(said.err, "");
  const size_t widens = said.out.find("Widens, for records that are made from then on:\n  - ");
  const size_t narrows = said.out.find("Narrows, for all records, at once and for good:\n  - ");
  ASSERT_LT(widens, narrows) << said.out;
  EXPECT_THAT(said.out.substr(widens, narrows - widens), HasSubstr("MARKETPLACE"));
  EXPECT_THAT(said.out.substr(narrows), HasSubstr("correction_contact"));
  EXPECT_THAT(said.out, HasSubstr("1 would be seen less of, at once"));

  const nlohmann::json diff = Json(As("office", "admin").Run({"policy", "diff", file, "-o", "json"}));
  EXPECT_EQ(diff["approvalsNeeded"], 2);
  EXPECT_THAT(said.out, HasSubstr(diff["digest"].get<std::string>()));
  bool wider = false, narrower = false;
  for (const nlohmann::json& cell : diff["accessChanges"]) {
    if (cell["direction"] == "DIRECTION_WIDENS") {
      wider = true;
      EXPECT_EQ(cell["kinds"], nlohmann::json::array({"MEMBER_KIND_MARKETPLACE"}));
      EXPECT_EQ(cell["relations"], nlohmann::json::array({"RELATION_OTHER"}));
      EXPECT_EQ(cell["labels"], nlohmann::json::array({"LABEL_RED"}));
    } else if (cell["direction"] == "DIRECTION_NARROWS") {
      narrower = true;
      ASSERT_EQ(cell["fields"].size(), 1U) << cell;
      EXPECT_EQ(cell["fields"][0]["path"], "correction_contact");
      EXPECT_EQ(cell["fields"][0]["before"], "LEVEL_FULL");
      EXPECT_EQ(cell["fields"][0]["after"], "LEVEL_OMIT");
    }
  }
  EXPECT_TRUE(wider && narrower) << diff;
  const ToolResult csv = As("aurore").Run({"policy", "diff", file, "-o", "csv"});
  EXPECT_THAT(csv.out, StartsWith("direction,kinds,members,relations,class,labels,"));
  EXPECT_THAT(csv.out, HasSubstr("\nwidens,marketplace,,other,offender-report,red,"));
}

void CliPolicyTest::ApproveAndApply(const std::string& file) {
  const Arguments naming = Naming(file);
  const Arguments approve = Joined({"policy", "approve", file, "-o", "json"}, naming);
  const Arguments apply = Joined({"policy", "apply", file, "-o", "json"}, naming);
  ToolResult refused = As("office", "admin").Run(apply);
  EXPECT_EQ(refused.code, 64 + 9);
  EXPECT_THAT(refused.err, HasSubstr("policy approve"));
  // Who would see more has no say.
  refused = As("bazaar", "admin").Run(approve);
  EXPECT_EQ(refused.code, 64 + 7);
  EXPECT_EQ(refused.out, "");

  EXPECT_EQ(Json(As("aurore", "admin").Run(approve))["approvedBy"],
            nlohmann::json::array({"members/aurore"}));
  EXPECT_EQ(As("office", "admin").Run(apply).code, 64 + 9);
  EXPECT_EQ(Json(As("belmont", "admin").Run(approve))["approvedBy"].size(), 2U);
  EXPECT_EQ(Json(As("office", "admin").Run(Joined(apply, {"--dry-run"})))["version"], "2");
  EXPECT_THAT(InForce(), StartsWith("# Version 1,"));
  EXPECT_EQ(Json(As("office", "admin").Run(apply))["version"], "2");
}

TEST_F(CliPolicyTest, AWideningIsAgreedToAndANarrowingCountsAtOnce) {
  const std::string amber = Report({"--audience", "peers"});
  const Arguments to_souk = {"--label", "red", "--grant", "member:souk=screening"};
  const std::string earlier = Report(to_souk);
  EXPECT_TRUE(Get("belmont", amber)["offenderReport"].contains("correctionContact"));
  ApproveAndApply(File(WiderAndNarrower()));

  EXPECT_FALSE(Get("belmont", amber)["offenderReport"].contains("correctionContact"));
  EXPECT_TRUE(Get("aurore", amber)["offenderReport"].contains("correctionContact"));
  EXPECT_EQ(As("souk").Run({"record", "get", earlier}).code, 64 + 5);
  EXPECT_EQ(Get("souk", Report(to_souk))["view"], "screening");
}

TEST_F(CliPolicyTest, TheHistoryShowsWhoApprovedAndKeepsEachVersion) {
  const std::string file = File(WiderAndNarrower());
  ApproveAndApply(file);
  const nlohmann::json history = Json(As("bazaar").Run({"policy", "history", "-o", "json"}));
  ASSERT_EQ(history.size(), 2U);
  EXPECT_EQ(history[0]["version"], "2");
  EXPECT_EQ(history[0]["appliedBy"], "members/office/credentials/admin");
  EXPECT_EQ(history[0]["approvedBy"], nlohmann::json::array({"members/aurore", "members/belmont"}));
  EXPECT_THAT(As("bazaar").Run({"policy", "history"}).out, HasSubstr("members/aurore; members/belmont"));
  // Once more is no other version.
  const ToolResult again = As("office", "admin").Run(Joined({"policy", "apply", file}, Naming(file)));
  EXPECT_EQ(again.code, 0);
  EXPECT_THAT(again.err, HasSubstr("in force already"));
  EXPECT_THAT(InForce(), StartsWith("# Version 2,"));

  EXPECT_THAT(As("souk").Run({"policy", "get", "--version", "1"}).out, HasSubstr(kScreening));
  EXPECT_EQ(As("souk").Run({"policy", "get", "--version", "3"}).code, 64 + 5);
  const ToolResult compared = As("souk").Run({"policy", "diff", file, "--against", "1"});
  EXPECT_THAT(compared.out, HasSubstr("Widens"));
  EXPECT_THAT(compared.out, Not(HasSubstr("DIGEST")));
}

TEST_F(CliPolicyTest, WhatWasNotReviewedIsRefused) {
  const std::string file = File(Narrower());
  const Arguments naming = Naming(file);
  const Tool office = As("office", "admin");
  // Another difference than the one of the digest.
  const std::string other = world_.Write("other.textproto", Narrower("seller_display_name"));
  const ToolResult wrong = office.Run(Joined({"policy", "apply", other, "-v"}, naming));
  EXPECT_EQ(wrong.code, 64 + 9);
  EXPECT_EQ(wrong.out, "");
  EXPECT_THAT(wrong.err, HasSubstr("not the one of this digest"));
  EXPECT_THAT(wrong.err, HasSubstr("reason: DIFF_NOT_REVIEWED"));

  EXPECT_EQ(office.Run(Joined({"policy", "apply", other}, Naming(other))).code, 0);
  const ToolResult stale = office.Run(Joined({"policy", "apply", file, "-v"}, naming));
  EXPECT_EQ(stale.code, 64 + 10);
  EXPECT_EQ(stale.out, "");
  EXPECT_THAT(stale.err, HasSubstr("have changed since the epoch"));
  EXPECT_THAT(stale.err, HasSubstr("reason: EPOCH_STALE"));
  EXPECT_THAT(stale.err, HasSubstr("`coalition policy diff` again"));
  EXPECT_THAT(InForce(), HasSubstr("correction_contact"));
}

TEST_F(CliPolicyTest, OfTwoAtOnceOneIsApplied) {
  const std::string one = File(Narrower());
  const std::string other = world_.Write("other.textproto", Narrower("seller_display_name"));
  const Arguments apply_one = Joined({"policy", "apply", one}, Naming(one));
  const Arguments apply_other = Joined({"policy", "apply", other}, Naming(other));
  const Tool office = As("office", "admin");
  ToolResult first, second;
  std::thread beside([&] { first = office.Run(apply_one); });
  second = office.Run(apply_other);
  beside.join();
  EXPECT_EQ(std::min(first.code, second.code), 0) << first.err << second.err;
  EXPECT_EQ(std::max(first.code, second.code), 64 + 10) << first.err << second.err;
  EXPECT_THAT(InForce(), StartsWith("# Version 2,"));
}

TEST_F(CliPolicyTest, WhoHasNotTheRoleChangesNothing) {
  const std::string file = File(Narrower());
  const std::string own =
      world_.Write("own.textproto", "unbounded: true exclusions { member: \"members/corsa\" }");
  const Arguments naming = Naming(file);
  struct Case {
    const char* credential;
    Arguments command;
    const char* says;
  };
  for (const Case& c :
       {Case{"backend", Joined({"policy", "approve", file}, naming), "MEMBER_ADMIN"},
        Case{"backend", Joined({"policy", "apply", file}, naming), "COALITION_ADMIN"},
        Case{"admin", Joined({"policy", "apply", file}, naming), "COALITION_ADMIN"},
        Case{"backend", {"policy", "own", "set", own, "--yes"}, "MEMBER_ADMIN"},
        Case{"reader", {"policy", "own", "set", own, "--yes"}, "MEMBER_ADMIN"},
        Case{"reader", {"audience", "save", "a", "--grant", "kind:brand=peer"}, "CONTRIBUTOR"}}) {
    const ToolResult refused = As("aurore", c.credential).Run(c.command);
    EXPECT_EQ(refused.code, 64 + 7) << c.says << refused.out;
    EXPECT_THAT(refused.err, HasSubstr(c.says));
    EXPECT_THAT(refused.err, HasSubstr("`coalition whoami`"));
    EXPECT_EQ(refused.out, "");
  }
  EXPECT_THAT(InForce(), StartsWith("# Version 1,"));
  EXPECT_THAT(As("aurore").Run({"policy", "own", "get"}).out, HasSubstr("never set"));
}

// `policy apply` asks too, and takes no for an answer.
TEST_F(CliPolicyTest, NothingIsAppliedWithoutAYes) {
  const std::string file = File(Narrower());
  const Tool office = As("office", "admin");
  EXPECT_EQ(office.Run({"policy", "apply", file}).code, 2);
  const Arguments apply = {"policy", "apply", file, "-o", "json"};
  for (const char* typed : {"no\n", "\n", "\x04", "\x03"}) {
    const ToolResult left = office.RunAtTerminal(apply, "Type yes: ", typed);
    EXPECT_EQ(left.code, *typed == '\x03' ? -1 : 1) << left.err;
    EXPECT_EQ(left.out, "");
    EXPECT_THAT(left.err, HasSubstr("gone from all records that exist, at once and for good"));
  }
  EXPECT_THAT(InForce(), StartsWith("# Version 1,"));
  const ToolResult applied = office.RunAtTerminal(apply, "Type yes: ", "yes\n");
  EXPECT_EQ(Json(applied)["version"], "2");
  EXPECT_THAT(InForce(), StartsWith("# Version 2,"));
}

TEST(CliPolicyOfflineTest, NoServerAndNoContextAreNeeded) {
  const Tool alone("/nonexistent");
  for (const char* name : {"brands", "brands_and_marketplaces", "with_payment_and_authorities"}) {
    const std::string file = std::string(COALITION_SOURCE_DIR "/examples/policies/") + name + ".textproto";
    const ToolResult valid = alone.Run({"policy", "validate", file});
    EXPECT_EQ(valid.code, 0) << valid.out << valid.err;
    EXPECT_THAT(valid.out, StartsWith(file + ": no problems; "));
    EXPECT_THAT(valid.err, IsEmpty());
    const ToolResult tested = alone.Run({"policy", "test", file});
    EXPECT_EQ(tested.code, 0) << tested.out;
    EXPECT_THAT(tested.err, EndsWith(" tests, 0 failed\n"));
    EXPECT_EQ(alone.Run({"policy", "test", "-"}, CliWorld::Read(file)).out, tested.out);
    for (const Arguments& online : {Arguments{"validate", "--online", file}, Arguments{"diff", file}}) {
      const ToolResult refused = alone.Run(Joined({"policy"}, online));
      EXPECT_EQ(refused.code, 2);
      EXPECT_EQ(refused.out, "");
      EXPECT_THAT(refused.err, HasSubstr("no context is in use"));
    }
  }
}

}  // namespace
}  // namespace coalition::testing
