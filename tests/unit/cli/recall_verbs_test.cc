// What was taken back, who has dealt with it, and with what that ends.
#include <gmock/gmock.h>

#include "nlohmann/json.hpp"
#include "tests/unit/cli/verbs_fixture.h"

namespace coalition::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr char kFirst[] = "records/aaaaaaaaaaaaaaaaaaaaaaaaaa";
constexpr char kSecond[] = "records/beaaaaaaaaaaaaaaaaaaaaaaaa";
constexpr char kThird[] = "records/caaaaaaaaaaaaaaaaaaaaaaaaa";

// What is outstanding comes one a page, with an empty page between.
class RecallConnection final : public client::Connection {
 public:
  absl::StatusOr<v1::ListRecallsResponse> ListRecalls(const client::CallOptions&,
                                                      const v1::ListRecallsRequest& request) override {
    if (!refusal.ok()) return refusal;
    const size_t page = request.page_token().empty() ? 0 : std::stoul(request.page_token());
    v1::ListRecallsResponse response;
    if (page % 2 == 0 && page / 2 < outstanding.size()) *response.add_recalls() = outstanding[page / 2];
    if (page / 2 + 1 < outstanding.size()) response.set_next_page_token(std::to_string(page + 1));
    return response;
  }
  absl::StatusOr<v1::AcknowledgeRecallsResponse> AcknowledgeRecalls(
      const client::CallOptions&, const v1::AcknowledgeRecallsRequest& request) override {
    for (const v1::Retraction& recall : request.recalls()) acknowledged.push_back(recall);
    return v1::AcknowledgeRecallsResponse();
  }
  absl::StatusOr<v1::GetRecallStatusResponse> GetRecallStatus(
      const client::CallOptions&, const v1::GetRecallStatusRequest& request) override {
    asked.push_back(request.name());
    return status;
  }

  std::vector<v1::Retraction> outstanding, acknowledged;
  v1::GetRecallStatusResponse status;
  std::vector<std::string> asked;
  absl::Status refusal;
};

class RecallVerbsTest : public VerbsFixture<RecallConnection> {
 protected:
  RecallVerbsTest() {
    connection_->outstanding = {Recall(kFirst, v1::RETRACTION_KIND_GONE),
                                Recall(kSecond, v1::RETRACTION_KIND_CLEARED)};
  }

  static v1::Retraction Recall(const std::string& name, v1::RetractionKind kind) {
    v1::Retraction recall;
    recall.set_name(name);
    recall.set_kind(kind);
    return recall;
  }
  v1::RecallRecipient& AddRecipient(const std::string& member, v1::MemberKind kind, v1::RecallState state) {
    v1::RecallRecipient& recipient = *connection_->status.add_recipients();
    recipient.set_member(member);
    recipient.set_kind(kind);
    recipient.set_state(state);
    return recipient;
  }
  // "GONE records/…", as they were acknowledged.
  std::vector<std::string> Acknowledged() const {
    std::vector<std::string> said;
    for (const v1::Retraction& recall : connection_->acknowledged)
      said.push_back(v1::RetractionKind_Name(recall.kind()).substr(16) + " " + recall.name());
    return said;
  }
};

TEST_F(RecallVerbsTest, AllPagesAreListed) {
  EXPECT_EQ(Run({"recall", "list"}), kExitOk) << err_.str();
  EXPECT_EQ(out_.str(), "RECORD                              KIND\n" + std::string(kFirst) + "  gone\n" +
                            std::string(kSecond) + "  cleared\n");
  EXPECT_EQ(Run({"recall", "list", "-o", "csv"}), kExitOk);
  EXPECT_EQ(out_.str(),
            "record,kind\n" + std::string(kFirst) + ",gone\n" + std::string(kSecond) + ",cleared\n");
  EXPECT_EQ(Run({"recall", "list", "-o", "jsonl"}), kExitOk);
  EXPECT_EQ(out_.str(), "{\"name\":\"" + std::string(kFirst) + "\",\"kind\":\"RETRACTION_KIND_GONE\"}\n" +
                            "{\"name\":\"" + std::string(kSecond) +
                            "\",\"kind\":\"RETRACTION_KIND_CLEARED\"}\n");
  EXPECT_EQ(Run({"recall", "list", "-o", "json"}), kExitOk);
  EXPECT_EQ(nlohmann::json::parse(out_.str(), nullptr, false).size(), 2u);
  EXPECT_EQ(err_.str(), "");
}

TEST_F(RecallVerbsTest, NoneAndARefusal) {
  connection_->outstanding.clear();
  EXPECT_EQ(Run({"recall", "list", "-o", "json"}), kExitOk);
  EXPECT_EQ(out_.str(), "[]\n");
  connection_->refusal = absl::UnavailableError("not now");
  EXPECT_EQ(Run({"recall", "list"}), 78);
  EXPECT_EQ(Run({"recall", "acknowledge", "--all"}), 78);
  EXPECT_THAT(connection_->acknowledged, IsEmpty());
}

// A record whose kind is a later server's is told, and acknowledged as it was listed.
TEST_F(RecallVerbsTest, KindsOfLaterServers) {
  connection_->outstanding = {Recall(kFirst, static_cast<v1::RetractionKind>(7))};
  EXPECT_EQ(Run({"recall", "acknowledge", "--all", "-o", "csv"}), kExitOk);
  EXPECT_EQ(out_.str(), "record,kind\n" + std::string(kFirst) + ",7\n");
  ASSERT_THAT(connection_->acknowledged, SizeIs(1));
  EXPECT_EQ(static_cast<int>(connection_->acknowledged[0].kind()), 7);
}

TEST_F(RecallVerbsTest, AllOrThoseNamedAreAcknowledgedAsListed) {
  EXPECT_EQ(Run({"recall", "acknowledge", "--all", "-o", "csv"}), kExitOk);
  EXPECT_THAT(Acknowledged(), ElementsAre("GONE " + std::string(kFirst), "CLEARED " + std::string(kSecond)));
  EXPECT_EQ(out_.str(),
            "record,kind\n" + std::string(kFirst) + ",gone\n" + std::string(kSecond) + ",cleared\n");
  EXPECT_EQ(err_.str(), "Acknowledged: 2\n");
  connection_->acknowledged.clear();
  // With or without the collection's name, said twice.
  EXPECT_EQ(Run({"recall", "acknowledge", kSecond, std::string(kSecond).substr(8), "-o", "csv"}), kExitOk);
  EXPECT_THAT(Acknowledged(), ElementsAre("CLEARED " + std::string(kSecond)));
  EXPECT_EQ(out_.str(), "record,kind\n" + std::string(kSecond) + ",cleared\n");
}

TEST_F(RecallVerbsTest, WhatIsNotOutstandingIsToldAndTheRestIsAcknowledged) {
  EXPECT_EQ(Run({"recall", "acknowledge", kThird, kFirst}), kExitNo);
  EXPECT_THAT(Acknowledged(), ElementsAre("GONE " + std::string(kFirst)));
  EXPECT_THAT(err_.str(), HasSubstr(std::string(kThird) + ": there is nothing to acknowledge\n"));
  EXPECT_THAT(err_.str(), Not(HasSubstr(kFirst)));
}

TEST_F(RecallVerbsTest, WhichOnesMustBeSaid) {
  EXPECT_EQ(Run({"recall", "acknowledge"}), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("--all"));
  EXPECT_EQ(Run({"recall", "acknowledge", kFirst, "--all"}), kExitUsage);
  EXPECT_EQ(Run({"recall", "acknowledge", kFirst, "members/aurore"}), kExitUsage);
  EXPECT_THAT(connection_->acknowledged, IsEmpty());
}

TEST_F(RecallVerbsTest, TheStatusIsALineAndATable) {
  connection_->status.set_kind(v1::RETRACTION_KIND_CLEARED);
  connection_->status.mutable_taken_back_time()->set_seconds(1'790'000'000);
  v1::RecallRecipient& paylink = AddRecipient("", v1::MEMBER_KIND_PAYMENT, v1::RECALL_STATE_NOT_TOLD);
  paylink.mutable_first_shown_day()->set_seconds(1'789'948'800);
  paylink.add_views("notice");
  v1::RecallRecipient& belmont =
      AddRecipient("members/belmont", v1::MEMBER_KIND_BRAND, v1::RECALL_STATE_ACKNOWLEDGED);
  belmont.add_views("full");
  belmont.add_views("peer");
  belmont.mutable_told_day()->set_seconds(1'789'948'800);
  belmont.mutable_acknowledged_day()->set_seconds(1'790'035'200);
  EXPECT_EQ(Run({"record", "recall-status", kFirst}), kExitNo) << err_.str();
  EXPECT_EQ(out_.str(),
            std::string(kFirst) +
                " was cleared at 2026-09-21T14:13:20Z. 1 member has to be waited for.\n"
                "MEMBER           KIND     FIRST SHOWN  VIEWS       STATE         TOLD        ACKNOWLEDGED\n"
                "                 payment  2026-09-21   notice      not told\n"
                "members/belmont  brand                 full; peer  acknowledged  2026-09-21  2026-09-22\n");
  EXPECT_THAT(connection_->asked, ElementsAre(kFirst));
  EXPECT_EQ(Run({"record", "recall-status", kFirst, "-o", "csv"}), kExitNo);
  EXPECT_EQ(out_.str(),
            "member,kind,first_shown,views,state,told,acknowledged\n"
            ",payment,2026-09-21,notice,not told,,\n"
            "members/belmont,brand,,full; peer,acknowledged,2026-09-21,2026-09-22\n");
  for (const char* format : {"json", "jsonl"}) {
    EXPECT_EQ(Run({"record", "recall-status", kFirst, "-o", format}), kExitNo);
    const nlohmann::json json = nlohmann::json::parse(out_.str(), nullptr, /*allow_exceptions=*/false);
    EXPECT_EQ(json["kind"], "RETRACTION_KIND_CLEARED") << format;
    EXPECT_EQ(json["recipients"].size(), 2u) << format;
  }
}

TEST_F(RecallVerbsTest, ItEndsWithOneWhileSomebodyHasToBeWaitedFor) {
  for (const auto& [state, code] : {std::pair(v1::RECALL_STATE_SHOWN, kExitOk),
                                    {v1::RECALL_STATE_NOT_TOLD, kExitNo},
                                    {v1::RECALL_STATE_TOLD, kExitNo},
                                    {v1::RECALL_STATE_ACKNOWLEDGED, kExitOk},
                                    {static_cast<v1::RecallState>(9), kExitNo}}) {
    connection_->status.Clear();
    AddRecipient("members/belmont", v1::MEMBER_KIND_BRAND, v1::RECALL_STATE_ACKNOWLEDGED);
    AddRecipient("members/corsa", v1::MEMBER_KIND_BRAND, state);
    for (const char* format : {"table", "json", "jsonl", "csv"})
      EXPECT_EQ(Run({"record", "recall-status", kFirst, "-o", format}), code) << state << format;
  }
}

TEST_F(RecallVerbsTest, TheLineSaysWhatBecameOfTheRecord) {
  EXPECT_EQ(Run({"record", "recall-status", kFirst}), kExitOk);
  EXPECT_EQ(out_.str(), std::string(kFirst) + " is not taken back. Nobody else was ever shown it.\n");
  AddRecipient("members/belmont", v1::MEMBER_KIND_BRAND, v1::RECALL_STATE_SHOWN);
  EXPECT_EQ(Run({"record", "recall-status", kFirst}), kExitOk);
  EXPECT_THAT(out_.str(),
              StartsWith(std::string(kFirst) + " is not taken back. Nobody has to be waited for.\n"));
  connection_->status.set_kind(v1::RETRACTION_KIND_GONE);
  connection_->status.mutable_taken_back_time()->set_seconds(1'790'000'000);
  connection_->status.mutable_recipients(0)->set_state(v1::RECALL_STATE_TOLD);
  AddRecipient("members/corsa", v1::MEMBER_KIND_BRAND, v1::RECALL_STATE_TOLD);
  EXPECT_EQ(Run({"record", "recall-status", kFirst}), kExitNo);
  EXPECT_THAT(out_.str(),
              StartsWith(std::string(kFirst) + " was withdrawn or had expired at "
                                               "2026-09-21T14:13:20Z. 2 members have to be waited for.\n"));
}

}  // namespace
}  // namespace coalition::cli
