// The tree of verbs: every example of every --help parses, mistakes are usage errors in words.
#include "client/cli/app.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "CLI/CLI.hpp"

namespace coalition::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// As a shell would: white space separates, single quotes keep together.
std::vector<std::string> ShellWords(const std::string& command) {
  std::vector<std::string> words;
  bool in_word = false;
  bool quoted = false;
  for (const char c : command) {
    if (c == '\'') {
      quoted = !quoted;
      if (!in_word) words.emplace_back();
      in_word = true;
    } else if (c == ' ' && !quoted) {
      in_word = false;
    } else {
      if (!in_word) words.emplace_back();
      in_word = true;
      words.back() += c;
    }
  }
  EXPECT_FALSE(quoted) << command;
  return words;
}

struct Parsed {
  int code = -1;
  bool acts = false;
  std::string out;
  std::string err;
};

Parsed Parse(const std::vector<std::string>& args) {
  App app;
  std::ostringstream out, err;
  Parsed parsed;
  parsed.code = app.Parse(args, out, err);
  parsed.acts = static_cast<bool>(app.action());
  parsed.out = out.str();
  parsed.err = err.str();
  return parsed;
}

// Every verb that does something, as words.
void Collect(CLI::App* app, std::vector<std::string> words, std::vector<std::vector<std::string>>* verbs) {
  const auto below = app->get_subcommands([](CLI::App*) { return true; });
  if (below.empty()) verbs->push_back(words);
  for (CLI::App* verb : below) {
    words.push_back(verb->get_name());
    Collect(verb, words, verbs);
    words.pop_back();
  }
}

std::vector<std::vector<std::string>> AllVerbs() {
  App app;
  std::vector<std::vector<std::string>> verbs;
  Collect(app.root().app(), {}, &verbs);
  return verbs;
}

TEST(AppTest, EveryExampleParses) {
  App app;
  EXPECT_GT(app.examples().size(), 30u);
  for (const Example& example : app.examples()) {
    const Parsed parsed = Parse(ShellWords(example.command));
    EXPECT_EQ(parsed.code, kExitOk) << example.command << "\n" << parsed.err;
    EXPECT_TRUE(parsed.acts) << example.command;
    EXPECT_FALSE(example.says.empty());
  }
}

TEST(AppTest, AnExampleWithAMisspeltFlagWouldBeFound) {
  EXPECT_EQ(Parse(ShellWords("screen --fil sellers.txt")).code, kExitUsage);
}

TEST(AppTest, EveryVerbHasHelpWithExamplesOfItsOwn) {
  const auto verbs = AllVerbs();
  EXPECT_GE(verbs.size(), 20u);
  for (std::vector<std::string> words : verbs) {
    std::string command = "coalition";
    for (const std::string& word : words) command += " " + word;
    words.push_back("--help");
    const Parsed parsed = Parse(words);
    EXPECT_EQ(parsed.code, kExitOk);
    EXPECT_FALSE(parsed.acts);
    EXPECT_THAT(parsed.out, HasSubstr("Examples:\n  " + command)) << command;
    EXPECT_EQ(parsed.err, "");
  }
}

TEST(AppTest, TheVerbsThatPeopleLookForAreThere) {
  std::set<std::string> first;
  for (const auto& words : AllVerbs()) first.insert(words[0]);
  for (const char* verb :
       {"context", "whoami", "member", "platform", "screen", "seller", "report", "notice", "outcome",
        "opinion", "record", "watch", "import", "doctor", "policy", "audience", "explain", "can-see"}) {
    EXPECT_TRUE(first.count(verb)) << verb;
  }
}

TEST(AppTest, MistakesAreUsageErrorsInWords) {
  EXPECT_EQ(Parse({}).code, kExitUsage);
  EXPECT_THAT(Parse({"scren"}).err, HasSubstr("did you mean \"screen\""));
  EXPECT_THAT(Parse({"record", "lst"}).err, HasSubstr("did you mean \"list\""));
  EXPECT_THAT(Parse({"record", "get"}).err, HasSubstr("RECORD"));
  EXPECT_THAT(Parse({"whoami", "-o", "xml"}).err, HasSubstr("xml"));
  EXPECT_THAT(Parse({"import", "f", "--format", "xml"}).err, HasSubstr("xml"));
  EXPECT_THAT(Parse({"import", "f", "--window", "0"}).err, HasSubstr("window"));
  EXPECT_THAT(Parse({"scr\x1b[2J"}).err, Not(HasSubstr("\x1b")));
}

TEST(AppTest, NumbersAreNotNegative) {
  EXPECT_EQ(Parse({"record", "list", "--limit", "-1"}).code, kExitUsage);
  EXPECT_EQ(Parse({"import", "f", "--max-errors", "-1"}).code, kExitUsage);
  EXPECT_EQ(Parse({"record", "list", "--limit", "0"}).code, kExitOk);
  EXPECT_EQ(Parse({"import", "f", "--max-errors", "0"}).code, kExitOk);
}

TEST(AppTest, HelpIsAlsoAVerb) {
  EXPECT_EQ(Parse({"help"}).out, Parse({"--help"}).out);
  for (const std::vector<std::string>& verb : {std::vector<std::string>{"report"}, {"record", "get"}}) {
    std::vector<std::string> first = verb, last = verb;
    first.insert(first.begin(), "help");
    last.emplace_back("--help");
    EXPECT_EQ(Parse(first).code, kExitOk);
    EXPECT_EQ(Parse(first).out, Parse(last).out);
  }
  EXPECT_THAT(Parse({"help", "report"}).out, HasSubstr("coalition report"));
}

TEST(AppTest, ExamplesRunInTheDemosCoalition) {
  const App app;
  for (const Example& example : app.examples()) {
    EXPECT_THAT(example.command, Not(HasSubstr("corsa")));    // no member of it
    EXPECT_THAT(example.command, Not(HasSubstr("case-17")));  // taken there
  }
}

TEST(AppTest, TheVersionIsPrinted) {
  const Parsed parsed = Parse({"--version"});
  EXPECT_EQ(parsed.code, kExitOk);
  EXPECT_THAT(parsed.out, ::testing::StartsWith("coalition "));
}

TEST(AppTest, GlobalFlagsAreTakenBeforeAndAfterTheVerb) {
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{"-o", "json", "--context", "work", "member", "list"},
        std::vector<std::string>{"member", "list", "-o", "json", "--context", "work"}}) {
    App app;
    std::ostringstream out, err;
    ASSERT_EQ(app.Parse(args, out, err), kExitOk) << err.str();
    EXPECT_EQ(app.globals().output, "json");
    EXPECT_EQ(app.globals().context, "work");
  }
}

TEST(AppTest, FlagsWinOverTheEnvironment) {
  ::setenv("COALITION_SERVER", "environment:1", 1);
  ::setenv("COALITION_CONTEXT", "environment", 1);
  App app;
  std::ostringstream out, err;
  ASSERT_EQ(app.Parse({"whoami", "--server", "flag:1"}, out, err), kExitOk);
  EXPECT_EQ(app.globals().server, "flag:1");
  EXPECT_EQ(app.globals().context, "environment");
  ::unsetenv("COALITION_SERVER");
  ::unsetenv("COALITION_CONTEXT");
}

}  // namespace
}  // namespace coalition::cli
