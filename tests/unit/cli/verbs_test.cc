// What verbs do with their flags and with the person at the terminal, over a connection that only notes
// requests.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <sstream>

#include "client/cli/app.h"
#include "tests/unit/cli/bytes.h"
#include "tests/unit/cli/verbs_fixture.h"

namespace coalition::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kRecord[] = "records/aaaaaaaaaaaaaaaaaaaaaaaaaa";

class NotingConnection final : public client::Connection {
 public:
  absl::StatusOr<v1::GetRecordResponse> GetRecord(const client::CallOptions&,
                                                  const v1::GetRecordRequest& request) override {
    v1::GetRecordResponse response;
    response.mutable_record()->set_name(request.name());
    return response;
  }
  absl::StatusOr<v1::ListRecordsResponse> ListRecords(const client::CallOptions&,
                                                      const v1::ListRecordsRequest&) override {
    return v1::ListRecordsResponse();
  }
  absl::StatusOr<v1::ReviseRecordResponse> ReviseRecord(const client::CallOptions&,
                                                        const v1::ReviseRecordRequest& request) override {
    revised.push_back(request);
    v1::ReviseRecordResponse response;
    *response.mutable_record() = request.record();
    return response;
  }
  absl::StatusOr<v1::WithdrawRecordResponse> WithdrawRecord(
      const client::CallOptions&, const v1::WithdrawRecordRequest& request) override {
    withdrawn.push_back(request.name());
    return v1::WithdrawRecordResponse();
  }

  std::vector<v1::ReviseRecordRequest> revised;
  std::vector<std::string> withdrawn;
};

class VerbsTest : public VerbsFixture<NotingConnection> {
 protected:
  int Revise(std::vector<std::string> flags, const std::string& typed = "") {
    flags.insert(flags.begin(), {"record", "revise", kRecord});
    return Run(flags, typed);
  }
};

TEST_F(VerbsTest, NobodyIsNotWithAnAudience) {
  const std::string file = R"({"audience":{"grants":[{"subject":{"everyone":true},"view":"notice"}]}})";
  for (const std::vector<std::string>& flags :
       {std::vector<std::string>{"--nobody", "--grant", "kind:brand=full"},
        {"--grant", "kind:brand=full", "--nobody"},
        {"--nobody", "--exclude", "member:corsa"},
        {"--nobody", "--audience", "brands"},
        {"--nobody", "--file", "-", "--field", "audience"}}) {
    EXPECT_EQ(Revise(flags, file), kExitUsage) << flags[0] << flags[1];
    EXPECT_THAT(err_.str(), HasSubstr("--nobody"));
  }
  EXPECT_THAT(connection_->revised, IsEmpty());
  EXPECT_EQ(Revise({"--nobody", "--label", "red"}), kExitOk);
  ASSERT_EQ(connection_->revised.size(), 1u);
  EXPECT_THAT(connection_->revised[0].update_mask().paths(), ElementsAre("audience", "label"));
  EXPECT_FALSE(connection_->revised[0].record().audience().grants_size());
  EXPECT_THAT(err_.str(), Not(HasSubstr("No --grant")));  // it was asked for
}

TEST_F(VerbsTest, ANewAudienceThatGrantsNothingIsSaid) {
  const std::string note = "No --grant: nobody but you sees this record.\n";
  EXPECT_EQ(Revise({"--exclude", "member:corsa"}), kExitOk);
  EXPECT_THAT(err_.str(), HasSubstr(note));
  EXPECT_EQ(Revise({"--exclude", "member:corsa", "--dry-run"}), kExitOk);
  EXPECT_THAT(err_.str(), HasSubstr(note));
  EXPECT_EQ(Revise({"--file", "-", "--field", "label,audience"}, R"({"label":"LABEL_RED"})"), kExitOk);
  EXPECT_THAT(err_.str(), HasSubstr(note));
  // Not where somebody sees it, or where the audience stays as it is.
  EXPECT_EQ(Revise({"--exclude", "member:corsa", "--grant", "kind:brand=full"}), kExitOk);
  EXPECT_EQ(err_.str(), "");
  EXPECT_EQ(Revise({"--label", "red"}), kExitOk);
  EXPECT_EQ(err_.str(), "");
  EXPECT_EQ(connection_->revised.size(), 5u);
}

TEST_F(VerbsTest, OnlyWhatHasSomethingToFinishCatchesCtrlC) {
  EXPECT_EQ(Run({"record", "list", "--external-id", "import"}), kExitOk);
  EXPECT_EQ(Run({"record", "withdraw", kRecord, "--yes"}), kExitOk);
  EXPECT_EQ(catches_, 0);
  EXPECT_EQ(Run({"import", "-"}), kExitOk) << err_.str();
  EXPECT_EQ(catches_, 1);
}

TEST_F(VerbsTest, AWithdrawalIsAskedForAndTheLineIsTheAnswer) {
  for (const char* typed : {"no\n", "\n", "y\n", "yes, but not this one, the other one\n"}) {
    EXPECT_EQ(Run({"record", "withdraw", kRecord}, typed), kExitNo) << typed;
    EXPECT_THAT(err_.str(), EndsWith("Type yes: Nothing was changed.\n"));
    char left;
    EXPECT_EQ(io_.read_in(&left, 1), 0) << typed;  // else the shell would take it for a command
  }
  // Ctrl-D, also after some letters: what follows begins on a line of its own.
  for (const char* typed : {"", "yes"}) {
    EXPECT_EQ(Run({"record", "withdraw", kRecord}, typed), kExitNo) << typed;
    EXPECT_THAT(err_.str(), EndsWith("Type yes: \nNothing was changed.\n"));
  }
  EXPECT_THAT(connection_->withdrawn, IsEmpty());
  EXPECT_EQ(Run({"record", "withdraw", kRecord}, " yes \r\n"), kExitOk);
  EXPECT_THAT(connection_->withdrawn, ElementsAre(kRecord));
}

// Without a client of its own: settings come from the flags.
TEST_F(VerbsTest, MistakesOnThisSideAreUsage) {
  const std::string none = ::testing::TempDir() + "/no-such-config";
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{"whoami"},
        {"whoami", "--context", "nosuch"},
        {"whoami", "--server", "localhost", "--ca", "/x", "--cert", "/x", "--key", "/x"},
        {"whoami", "--server", "localhost:1", "--ca", "/x", "--cert", "/x", "--key", "/x"},
        {"whoami", "--server", "localhost:1", "--ca", "/x", "--cert", "/x", "--key", "/x", "--timeout",
         "abc"},
        {"context", "use", "nosuch"},
        {"context", "show", "nosuch"},
        {"context", "remove", "nosuch"}}) {
    std::vector<std::string> all = args;
    all.insert(all.end(), {"--config", none});
    err_.str("");
    EXPECT_EQ(cli::Run(all, io_), kExitUsage) << ::testing::PrintToString(args);
    EXPECT_THAT(err_.str(), ::testing::StartsWith("error: "));
  }
  EXPECT_EQ(Run({"screen", "--file", "/no/such"}), kExitUsage);
  EXPECT_EQ(Run({"import", "/no/such"}), kExitUsage);
  EXPECT_EQ(Run({"screen", "--file", "-"}, "no-seller\n"), kExitUsage);  // no line to ask about
}

TEST_F(VerbsTest, AContextIsNotAddedTwice) {
  const std::string config = ::testing::TempDir() + "/twice-" + std::to_string(::getpid());
  const std::vector<std::string> add = {"context", "add",  "work",     "--no-check", "--server",
                                        "a:1",     "--ca", "x",        "--cert",     "x",
                                        "--key",   "x",    "--config", config};
  EXPECT_EQ(Run(add), kExitOk) << err_.str();
  EXPECT_EQ(Run(add), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("--replace"));
  std::remove(config.c_str());
}

TEST_F(VerbsTest, ATableThatIsReadAsJsonIsExplainedOnce) {
  EXPECT_EQ(Run({"import", "-"}, "platform,seller_id\nb.example,s\n"), kExitNo);
  const std::string said = err_.str();
  EXPECT_EQ(said.find("--format csv"), said.rfind("--format csv"));
  EXPECT_THAT(said, HasSubstr("--format csv"));
}

TEST_F(VerbsTest, RejectsDoNotOverwriteTheInputUnderAnyName) {
  const std::string directory = ::testing::TempDir();
  const std::string input = directory + "/same-" + std::to_string(::getpid());
  std::ofstream(input) << "garbage\n";
  EXPECT_EQ(Run({"import", input, "--rejects", directory + "/./same-" + std::to_string(::getpid())}),
            kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("overwrite"));
  EXPECT_EQ(ReadWhole(input), "garbage\n");
  std::remove(input.c_str());
}

TEST_F(VerbsTest, NobodyIsAskedWhoCanNotReadTheQuestion) {
  for (bool* terminal : {&io_.in_is_terminal, &io_.err_is_terminal}) {
    *terminal = false;
    EXPECT_EQ(Run({"record", "withdraw", kRecord}, "yes\n"), kExitUsage);
    EXPECT_THAT(err_.str(), HasSubstr("--yes"));
    *terminal = true;
  }
  EXPECT_THAT(connection_->withdrawn, IsEmpty());
}

}  // namespace
}  // namespace coalition::cli
