// Policies as files, without a server: validate, test.
#include "client/cli/policy_file.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>

#include "common/policy/default_policy.h"
#include "nlohmann/json.hpp"
#include "tests/unit/cli/verbs_fixture.h"

namespace coalition::cli {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

class PolicyFileTest : public VerbsFixture<client::Connection> {
 protected:
  // The default policy, with one thing in place of another.
  std::string Edited(const std::string& from, const std::string& to) {
    std::string text(policy::DefaultPolicyText());
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    if (at != std::string::npos) text.replace(at, from.size(), to);
    return text;
  }
  std::string Write(const std::string& text) {
    const std::string path = ::testing::TempDir() + "/policy-" + std::to_string(::getpid()) + ".textproto";
    std::ofstream(path) << text;
    return path;
  }
};

TEST_F(PolicyFileTest, AGoodPolicyIsCounted) {
  const std::string path = Write(std::string(policy::DefaultPolicyText()));
  EXPECT_EQ(Run({"policy", "validate", path}), kExitOk);
  EXPECT_EQ(out_.str(), path + ": no problems; 8 views, 5 ceilings, 4 tests\n");
  EXPECT_EQ(err_.str(), "");
  EXPECT_EQ(Run({"policy", "validate", path, "-o", "json"}), kExitOk);
  EXPECT_EQ(out_.str(), "[]\n");
}

TEST_F(PolicyFileTest, AProblemHasItsLineAndColumn) {
  const std::string text =
      "title: 'x'\nceilings {\n  kinds: [MEMBER_KIND_BRAND,\n    MEMBER_KIND_BRAND]\n}\n";
  EXPECT_EQ(Run({"policy", "validate", "-"}, text), kExitNo);
  EXPECT_THAT(out_.str(),
              HasSubstr("standard input:4:5: ceilings[0].kinds[1]: kind of member named twice\n"));
  EXPECT_THAT(out_.str(), HasSubstr("standard input:2:1: ceilings[0].labels: "));
  EXPECT_EQ(Run({"policy", "validate", "-", "-o", "json"}, text), kExitNo);
  bool found = false;
  for (const auto& problem : nlohmann::json::parse(out_.str())) {
    if (problem["path"] != "ceilings[0].kinds[1]") continue;
    found = true;
    EXPECT_EQ(problem["line"], 4);
    EXPECT_EQ(problem["column"], 5);
  }
  EXPECT_TRUE(found);
}

TEST_F(PolicyFileTest, AMisspeltFieldIsNearAnother) {
  EXPECT_EQ(Run({"policy", "validate", "-"}, Edited("\"comment\"", "\"coment\"")), kExitNo);
  EXPECT_THAT(out_.str(), HasSubstr("did you mean \"comment\"?"));
  EXPECT_EQ(Run({"policy", "validate", "-", "-o", "csv"}, "\n ceiling {}"), kExitNo);
  EXPECT_THAT(out_.str(), HasSubstr("\nstandard input,2,"));
  EXPECT_THAT(out_.str(), HasSubstr("did you mean"));
}

TEST_F(PolicyFileTest, AFileThatCanNotBeReadIsNoProblemOfThePolicy) {
  for (const char* verb : {"validate", "test", "diff"}) {
    EXPECT_EQ(Run({"policy", verb, "/no/such"}), kExitUsage);
    EXPECT_THAT(err_.str(), HasSubstr("/no/such"));
    EXPECT_EQ(out_.str(), "");
  }
}

TEST_F(PolicyFileTest, TestsAreRunOneByOne) {
  EXPECT_EQ(Run({"policy", "test", "-"}, std::string(policy::DefaultPolicyText())), kExitOk);
  EXPECT_THAT(out_.str(), EndsWith("ok    the secretariat sees nothing\n"));
  EXPECT_THAT(out_.str(), Not(HasSubstr("FAIL")));
  EXPECT_EQ(err_.str(), "4 tests, 0 failed\n");
}

TEST_F(PolicyFileTest, AFailingTestSaysWhatTheReaderSees) {
  const std::string text = Edited("expect { view: \"full\" }", "expect { view: \"notice\" }");
  EXPECT_EQ(Run({"policy", "test", "-"}, text), kExitNo);
  EXPECT_THAT(out_.str(), HasSubstr("FAIL  a brand sees what is granted to brands\n      standard input:"));
  EXPECT_EQ(err_.str(), "4 tests, 1 failed\n");
  EXPECT_EQ(Run({"policy", "test", "-", "-o", "csv"}, text), kExitNo);
  EXPECT_THAT(out_.str(), HasSubstr("\na brand sees what is granted to brands,fail,"));
}

TEST_F(PolicyFileTest, TestsOfABrokenPolicyAreNotRun) {
  EXPECT_EQ(Run({"policy", "test", "-"}, "ceilings {}"), kExitUsage);
  EXPECT_EQ(out_.str(), "");
  EXPECT_THAT(err_.str(), HasSubstr("standard input:1:1: ceilings[0].kinds: "));
}

// It parses, and no server would take it.
TEST_F(PolicyFileTest, ATextThatIsNotUtf8HasItsPlace) {
  for (const char* bad : {"\xff", "\\377"}) {
    EXPECT_EQ(Run({"policy", "validate", "-"}, "title: \"" + std::string(bad) + "\"\n"), kExitNo);
    EXPECT_THAT(out_.str(), HasSubstr("standard input:1:8: title: \"\\xff\" is not UTF-8\n"));
  }
  const std::string name = Edited("name: \"a brand sees", "name: \"\xff");
  EXPECT_EQ(Run({"policy", "test", "-"}, name), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("policy_test[1].name: "));
}

TEST_F(PolicyFileTest, WhatIsWrittenDoesNotDriveATerminal) {
  EXPECT_EQ(Run({"policy", "validate", "-"}, "title: 'x' ceilings { view: '\\033[2J' }"), kExitNo);
  EXPECT_THAT(out_.str(), Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace coalition::cli
