// Clearance, contest and recalls at the command line over real mutual TLS. Scene 5: a seller was wrongly
// listed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <functional>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"
#include "tests/support/cli_world.h"
#include "tests/support/eventually.h"

namespace coalition::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kSeller[] = "bazaar.example/shop-4711";

nlohmann::json Json(const ToolResult& result) {
  return nlohmann::json::parse(result.out, nullptr, /*allow_exceptions=*/false);
}

class CliRecallTest : public ::testing::Test {
 protected:
  ToolResult As(const std::string& member, const std::vector<std::string>& command) const {
    return world_.As(member).Run(command);
  }
  // What a command that succeeds prints as JSON.
  nlohmann::json Ask(const std::string& member, std::vector<std::string> command) const {
    command.insert(command.end(), {"-o", "json"});
    const ToolResult result = As(member, command);
    EXPECT_EQ(result.code, 0) << result.err;
    return Json(result);
  }
  // The name of the record that the command makes.
  std::string Make(const std::string& member, const std::vector<std::string>& command) const {
    return Ask(member, command)["name"];
  }
  std::string Report(const std::string& member, const std::string& grant) const {
    return Make(member, {"report", kSeller, "--infringement", "trademark", "--grant", grant});
  }
  // aurore's report, after bazaar, which got a notice resting on it, has upheld the seller's appeal.
  std::string ContestedReport(const std::string& grant) const {
    std::string report = Report("aurore", grant);
    Appeal(report);
    return report;
  }
  void Appeal(const std::string& report) const {
    const std::string notice =
        Make("aurore", {"notice", kSeller, "--listing", "https://bazaar.example/item/1", "--action",
                        "remove-listings", "--report", report, "--grant", "member:bazaar=notice"});
    Make("bazaar", {"outcome", kSeller, "--action", "no", "--notice", notice, "--appeal", "upheld", "--grant",
                    "member:aurore=full"});
  }
  std::string StateOf(const std::string& member, const std::string& record) const {
    return Ask(member, {"record", "get", record})["state"];
  }
  std::vector<std::string> RecallsOf(const std::string& member) const {
    std::vector<std::string> recalls;
    for (const nlohmann::json& recall : Ask(member, {"recall", "list"}))
      recalls.push_back(std::string(recall["kind"]) + " " + std::string(recall["name"]));
    return recalls;
  }
  // Reports of aurore's for belmont, by an import, as names one a line, newest first.
  std::string Import(int count) const {
    std::string rows;
    for (int i = 0; i < count; ++i) {
      rows += "{\"seller\":{\"platform\":\"bazaar.example\",\"sellerId\":\"s" + std::to_string(i) +
              "\"},\"offenderReport\":{\"infringementTypes\":[\"KEYWORD_TRADEMARK_INFRINGEMENT\"]}}\n";
    }
    const ToolResult imported =
        world_.As("aurore").Run({"import", "-", "--grant", "member:belmont=full"}, rows);
    EXPECT_EQ(imported.code, 0) << imported.err;
    return NamesSeenBy("aurore");
  }
  std::string NamesSeenBy(const std::string& member) const {
    std::string names;
    for (const nlohmann::json& record :
         Ask(member, {"record", "list", "--class", "report", "--contributor", "aurore", "--limit", "0"}))
      names += std::string(record["name"]) + "\n";
    return names;
  }
  // Until `member` may be told of the record's recall: that it was shown it is kept behind the answer.
  bool IsShown(const std::string& member, const std::string& record) const {
    return Eventually([&] {
      const ToolResult status = As("aurore", {"record", "recall-status", record, "-o", "csv"});
      return status.out.find("members/" + member + ",") != std::string::npos;
    });
  }

  std::string mirror() const { return world_.directory() + "/mirror"; }
  // paylink's mirror, while `act` acts.
  ToolResult WhileMirrored(const std::function<void()>& act) const {
    return world_.As("paylink").RunSeen({"mirror", "run", "--dir", mirror()}, [&](const auto&, pid_t pid) {
      act();
      ::kill(pid, SIGINT);
    });
  }
  // "listed", "not listed", …, without an exchange to ask.
  bool MirrorSays(const std::string& verdict) const {
    return Eventually([&] {
      const ToolResult check =
          Tool(world_.directory()).Run({"mirror", "check", "--dir", mirror(), kSeller, "-o", "csv"});
      return check.out.find("," + verdict + ",") != std::string::npos &&
             check.code == (verdict == "listed" ? 1 : 0);
    });
  }

  CliWorld world_;
};

TEST_F(CliRecallTest, ASellerWasWronglyListed) {
  const std::string report = Report("aurore", "member:paylink=full");
  const std::string belmonts = Report("belmont", "member:corsa=full");
  const ToolResult run = WhileMirrored([&] {
    EXPECT_TRUE(MirrorSays("listed"));
    Appeal(report);
    // At once, and listed nowhere any more.
    const nlohmann::json contested = Ask("aurore", {"record", "get", report});
    EXPECT_EQ(contested["state"], "RECORD_STATE_CONTESTED");
    EXPECT_TRUE(contested["contest"].contains("lapseTime")) << contested;
    EXPECT_EQ(Ask("aurore", {"record", "list", "--state", "contested"}).at(0)["name"], report);
    EXPECT_EQ(As("paylink", {"screen", kSeller}).code, 0);
    EXPECT_TRUE(MirrorSays("disputed"));
    // Nothing is taken back yet.
    EXPECT_EQ(As("aurore", {"record", "recall-status", report}).code, 0);
    const ToolResult cleared =
        As("aurore", {"record", "clear", report, "--grounds", "appeal-upheld", "--comment", "17", "--yes"});
    EXPECT_EQ(cleared.code, 0) << cleared.err;
    EXPECT_TRUE(MirrorSays("not listed"));
    EXPECT_TRUE(Eventually([&] { return As("aurore", {"record", "recall-status", report}).code == 0; }));
    const nlohmann::json status = Ask("aurore", {"record", "recall-status", report});
    EXPECT_EQ(status["kind"], "RETRACTION_KIND_CLEARED");
    ASSERT_EQ(status["recipients"].size(), 1u) << status;
    EXPECT_EQ(status["recipients"][0]["member"], "members/paylink");
    EXPECT_EQ(status["recipients"][0]["state"], "RECALL_STATE_ACKNOWLEDGED");
  });
  EXPECT_EQ(run.code, 130) << run.err;
  EXPECT_THAT(RecallsOf("paylink"), IsEmpty());  // the mirror has dealt with it
  EXPECT_EQ(As("aurore", {"record", "get", report}).code, 69);
  EXPECT_EQ(StateOf("belmont", belmonts), "RECORD_STATE_ACTIVE");  // is belmont's to decide
  EXPECT_EQ(As("corsa", {"screen", kSeller}).code, 1);
}

TEST_F(CliRecallTest, WhoListsTheSellerAgainIsWarned) {
  const std::vector<std::string> again = {"report", kSeller, "--infringement", "trademark"};
  const std::string report = ContestedReport("member:belmont=full");
  EXPECT_THAT(As("aurore", again).err, Not(HasSubstr("cleared before")));
  EXPECT_EQ(As("aurore", {"record", "clear", report, "--grounds", "genuine-goods", "--yes"}).code, 0);
  const std::string warning = "This seller was cleared before: " + report + "\n";
  for (const char* member : {"aurore", "belmont"}) {
    const ToolResult warned = As(member, again);
    EXPECT_EQ(warned.code, 0) << warned.err;
    EXPECT_THAT(warned.err, HasSubstr(warning)) << member;
  }
  EXPECT_THAT(As("corsa", again).err, Not(HasSubstr("cleared before")));  // never saw it
}

TEST_F(CliRecallTest, AReportIsConfirmedAndListsAgain) {
  const std::string report = ContestedReport("kind:payment=full");
  EXPECT_EQ(StateOf("aurore", report), "RECORD_STATE_CONTESTED");
  EXPECT_EQ(As("paylink", {"screen", kSeller}).code, 0);
  EXPECT_FALSE(Ask("paylink", {"record", "get", report}).contains("contest"));  // aurore's affair
  const nlohmann::json confirmed =
      Ask("aurore", {"record", "confirm", report, "--grounds", "second test purchase"});
  EXPECT_EQ(confirmed["state"], "RECORD_STATE_ACTIVE");
  EXPECT_EQ(confirmed["contest"]["confirmGrounds"], "second test purchase");
  EXPECT_EQ(As("paylink", {"screen", kSeller}).code, 1);
  EXPECT_EQ(As("aurore", {"record", "confirm", report, "--grounds", "again"}).code, 73);
}

TEST_F(CliRecallTest, WithoutAMirrorItIsAcknowledgedByHand) {
  const std::string gone = Report("aurore", "kind:brand=full");
  const std::string wrong = Report("aurore", "member:belmont=full");
  for (const std::string& report : {gone, wrong}) {
    EXPECT_EQ(StateOf("belmont", report), "RECORD_STATE_ACTIVE");
    EXPECT_TRUE(IsShown("belmont", report));
  }
  EXPECT_THAT(RecallsOf("belmont"), IsEmpty());
  EXPECT_EQ(As("aurore", {"record", "withdraw", gone, "--yes"}).code, 0);
  EXPECT_EQ(As("aurore", {"record", "clear", wrong, "--grounds", "mistaken-identity", "--yes"}).code, 0);
  for (const std::string& report : {gone, wrong})
    EXPECT_EQ(As("aurore", {"record", "recall-status", report}).code, 1);
  EXPECT_THAT(RecallsOf("belmont"), ::testing::UnorderedElementsAre("RETRACTION_KIND_GONE " + gone,
                                                                    "RETRACTION_KIND_CLEARED " + wrong));
  EXPECT_THAT(RecallsOf("corsa"), IsEmpty());  // it was not shown them
  EXPECT_EQ(As("belmont", {"recall", "acknowledge", wrong}).code, 0);
  EXPECT_EQ(As("aurore", {"record", "recall-status", wrong}).code, 0);
  EXPECT_EQ(As("aurore", {"record", "recall-status", gone}).code, 1);
  const ToolResult rest = As("belmont", {"recall", "acknowledge", "--all", "-o", "csv"});
  EXPECT_EQ(rest.code, 0) << rest.err;
  EXPECT_EQ(rest.out, "record,kind\n" + gone + ",gone\n");
  EXPECT_EQ(As("aurore", {"record", "recall-status", gone}).code, 0);
  EXPECT_THAT(RecallsOf("belmont"), IsEmpty());
  const ToolResult twice = As("belmont", {"recall", "acknowledge", gone});
  EXPECT_EQ(twice.code, 1);
  EXPECT_THAT(twice.err, HasSubstr("there is nothing to acknowledge"));
}

TEST_F(CliRecallTest, ABadImportIsUndone) {
  constexpr int kRecords = 600;  // of more than two requests
  const std::string names = Import(kRecords);
  const std::string oldest = names.substr(names.size() - 35, 34);
  EXPECT_EQ(NamesSeenBy("belmont"), names);
  EXPECT_TRUE(IsShown("belmont", oldest));
  const std::string file = world_.Write("names.txt", "# an import gone wrong\n" + names);
  const std::vector<std::string> command = {"record", "withdraw", "--from", file, "--yes"};

  const ToolResult unasked = As("aurore", {"record", "withdraw", "--from", file});
  EXPECT_EQ(unasked.code, 2) << unasked.err;
  const ToolResult dry = As("aurore", {"record", "withdraw", "--from", file, "--dry-run"});
  EXPECT_EQ(dry.code, 0) << dry.err;
  EXPECT_THAT(dry.err, HasSubstr("Valid 600, before 0, rejected 0."));
  EXPECT_EQ(NamesSeenBy("aurore"), names);

  const ToolResult withdrawn = As("aurore", command);
  EXPECT_EQ(withdrawn.code, 0) << withdrawn.err;
  EXPECT_THAT(withdrawn.err, HasSubstr("Withdrawn 600, before 0, rejected 0."));
  EXPECT_EQ(NamesSeenBy("aurore"), "");
  EXPECT_EQ(NamesSeenBy("belmont"), "");
  EXPECT_THAT(RecallsOf("belmont"), Contains("RETRACTION_KIND_GONE " + oldest));
  const ToolResult again = As("aurore", command);
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("Withdrawn 0, before 600, rejected 0."));
}

TEST_F(CliRecallTest, ManyAreClearedAndOthersRecordsAreNot) {
  const std::string belmonts = Report("belmont", "member:aurore=full");
  const std::string names = Import(3);
  EXPECT_EQ(NamesSeenBy("belmont"), names);
  const std::string first = names.substr(0, 34);
  EXPECT_TRUE(IsShown("belmont", first));
  const ToolResult cleared = world_.As("aurore").Run(
      {"record", "clear", "--from", "-", "--grounds", "no-valid-right", "--yes", "-o", "csv"},
      names + belmonts + "\n");
  EXPECT_EQ(cleared.code, 1) << cleared.err;
  EXPECT_THAT(cleared.err, HasSubstr("Cleared 3, before 0, rejected 1."));
  EXPECT_THAT(cleared.out, ::testing::StartsWith("record,reason,message\n" + belmonts + ","));
  EXPECT_EQ(StateOf("belmont", belmonts), "RECORD_STATE_ACTIVE");
  EXPECT_EQ(NamesSeenBy("aurore"), "");
  EXPECT_THAT(RecallsOf("belmont"), Contains("RETRACTION_KIND_CLEARED " + first));
  // What was cleared can't be withdrawn any more, nor need it be.
  const ToolResult again = world_.As("aurore").Run({"record", "withdraw", "--from", "-", "--yes"}, names);
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("Withdrawn 0, before 3, rejected 0."));
}

TEST_F(CliRecallTest, TheStatusIsItsContributorsAlone) {
  const std::string report = Report("aurore", "kind:brand=full");
  const ToolResult hers = As("belmont", {"record", "recall-status", report});
  const ToolResult never = As("belmont", {"record", "recall-status", "records/aaaaaaaaaaaaaaaaaaaaaaaaaa"});
  EXPECT_EQ(hers.code, 69) << hers.err;
  EXPECT_EQ(hers.err, never.err);
  EXPECT_EQ(As("belmont", {"record", "clear", report, "--grounds", "other", "--yes"}).code, 69);
  EXPECT_EQ(StateOf("belmont", report), "RECORD_STATE_ACTIVE");
}

TEST_F(CliRecallTest, ASuspendedMemberIsStillToldWhatNotToUse) {
  const std::string report = Report("aurore", "kind:brand=full");
  EXPECT_EQ(StateOf("belmont", report), "RECORD_STATE_ACTIVE");
  EXPECT_TRUE(IsShown("belmont", report));
  const Tool office = world_.As(world_.server().IdentityOf("office", "admin"));
  EXPECT_EQ(office.Run({"admin", "member", "suspend", "belmont", "--reason", "investigation", "--yes"}).code,
            0);
  EXPECT_EQ(As("belmont", {"record", "get", report}).code, 71);
  EXPECT_THAT(RecallsOf("belmont"), Contains("RETRACTION_KIND_GONE " + report));
  EXPECT_EQ(As("aurore", {"record", "recall-status", report}).code, 1);
  EXPECT_EQ(As("belmont", {"recall", "acknowledge", "--all"}).code, 0);
  EXPECT_THAT(RecallsOf("belmont"), IsEmpty());
  EXPECT_EQ(As("aurore", {"record", "recall-status", report}).code, 0);
}

}  // namespace
}  // namespace coalition::testing
