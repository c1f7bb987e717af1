// A member's own policy at the command line, against a real server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nlohmann/json.hpp"
#include "tests/support/cli_world.h"

namespace coalition::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class CliOwnPolicyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const ToolResult reported =
        world_.As("aurore").Run({"report", "bazaar.example/shop-4711", "--infringement", "trademark",
                                 "--grant", "kind:brand=full", "-o", "json"});
    ASSERT_EQ(reported.code, 0) << reported.err;
    record_ = nlohmann::json::parse(reported.out, nullptr, false)["name"];
    without_belmont_ =
        world_.Write("own.textproto", "unbounded: true\nexclusions { member: \"members/belmont\" }\n");
  }
  bool BelmontSees() { return world_.As("belmont").Run({"record", "get", record_}).code == 0; }
  std::string InForce() { return aurore_.Run({"policy", "own", "get"}).out; }

  CliWorld world_;
  const Tool aurore_ = world_.As(world_.server().IdentityOf("aurore", "admin"));
  std::string record_, without_belmont_;
};

TEST_F(CliOwnPolicyTest, WhatIsGotCanBeEditedAndSet) {
  const std::string never = InForce();
  EXPECT_EQ(never, "# members/aurore/policy: never set.\nunbounded: true\n");
  const std::string file =
      world_.Write("edited.textproto", never + "exclusions { member: \"members/belmont\" }\n");
  const ToolResult diff = aurore_.Run({"policy", "own", "diff", file});
  EXPECT_EQ(diff.code, 0) << diff.err;
  EXPECT_THAT(diff.out, StartsWith("Narrows, for all records, at once and for good:\n  - "));
  EXPECT_THAT(diff.out, HasSubstr("members/belmont"));
  EXPECT_THAT(diff.out, HasSubstr("Your records: 1 would be seen less of, at once"));
  EXPECT_EQ(diff.err, "");
  EXPECT_TRUE(BelmontSees());
  const ToolResult set = aurore_.Run({"policy", "own", "set", file, "--yes", "-o", "json"});
  EXPECT_EQ(set.code, 0) << set.err;
  EXPECT_EQ(set.err, "");
  EXPECT_EQ(nlohmann::json::parse(set.out, nullptr, false)["version"], "1");
  EXPECT_FALSE(BelmontSees());
  EXPECT_THAT(InForce(), StartsWith("# members/aurore/policy, version 1, since epoch "));
  // Nothing of it is for others to read.
  EXPECT_EQ(world_.As("belmont").Run({"policy", "own", "get"}).out,
            "# members/belmont/policy: never set.\nunbounded: true\n");
}

TEST_F(CliOwnPolicyTest, OnlyAYesSetsIt) {
  const std::vector<std::string> set = {"policy", "own", "set", without_belmont_, "-o", "json"};
  const ToolResult unasked = aurore_.Run(set, "yes\n");
  EXPECT_EQ(unasked.code, 2);
  EXPECT_THAT(unasked.err, HasSubstr("--yes"));
  // No; nothing; the end of input; Ctrl-C.
  for (const char* typed : {"no\n", "\n", "\x04", "\x03"}) {
    const ToolResult left = aurore_.RunAtTerminal(set, "Set it? Type yes: ", typed);
    const bool interrupted = *typed == '\x03';
    EXPECT_EQ(left.code, interrupted ? -1 : 1) << left.err;
    EXPECT_THAT(left.err, HasSubstr("1 of your records will be seen by fewer, or less of them"));
    EXPECT_EQ(left.err.find("Nothing was set.") != std::string::npos, !interrupted) << left.err;
    EXPECT_EQ(left.out, "");
  }
  EXPECT_THAT(InForce(), HasSubstr("never set"));
  EXPECT_TRUE(BelmontSees());
  const ToolResult yes = aurore_.RunAtTerminal(set, "Set it? Type yes: ", "yes\n");
  EXPECT_EQ(yes.code, 0) << yes.err;
  EXPECT_EQ(nlohmann::json::parse(yes.out, nullptr, false)["version"], "1");
  EXPECT_FALSE(BelmontSees());
}

TEST_F(CliOwnPolicyTest, AnotherVersionThanTheOneExpectedIsRefused) {
  EXPECT_EQ(aurore_.Run({"policy", "own", "set", without_belmont_, "--yes", "--expected-version", "0"}).code,
            0);
  const std::string other = world_.Write("other.textproto", "unbounded: true\n");
  const ToolResult stale = aurore_.Run({"policy", "own", "set", other, "--yes", "--expected-version", "0"});
  EXPECT_EQ(stale.code, 64 + 10);
  EXPECT_EQ(stale.out, "");
  EXPECT_THAT(stale.err, HasSubstr("Version 1 is: look at `coalition policy own diff` again"));
  EXPECT_THAT(InForce(), HasSubstr("members/belmont"));
}

TEST_F(CliOwnPolicyTest, AMistakeHasItsPlace) {
  const std::string text = "unbounded: true\nexclusions { member: \"members/belmond\" }\n";
  const std::string file = world_.Write("wrong.textproto", text);
  for (const std::vector<std::string>& verb :
       {std::vector<std::string>{"policy", "own", "diff", file}, {"policy", "own", "set", file, "--yes"}}) {
    const ToolResult wrong = aurore_.Run(verb);
    EXPECT_EQ(wrong.code, 64 + 3);
    EXPECT_EQ(wrong.out, "");
    EXPECT_THAT(wrong.err, HasSubstr(file + ":2:"));
  }
  const ToolResult unknown = aurore_.Run({"policy", "own", "diff", "-"}, "exclusion {}\n");
  EXPECT_EQ(unknown.code, 2);
  EXPECT_THAT(unknown.err, StartsWith("standard input:1:"));
  EXPECT_THAT(unknown.err, HasSubstr("did you mean \"exclusions\"?"));
  EXPECT_THAT(InForce(), HasSubstr("never set"));
}

}  // namespace
}  // namespace coalition::testing
