// A record was wrong, or stands though it is contested; and who is told of that.
#include <gmock/gmock.h>

#include "common/errors.h"
#include "nlohmann/json.hpp"
#include "tests/unit/cli/verbs_fixture.h"

namespace coalition::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kRecord[] = "records/aaaaaaaaaaaaaaaaaaaaaaaaaa";

class ClearanceConnection final : public client::Connection {
 public:
  absl::StatusOr<v1::GetRecordResponse> GetRecord(const client::CallOptions&,
                                                  const v1::GetRecordRequest& request) override {
    v1::GetRecordResponse response;
    *response.mutable_record() = record;
    response.mutable_record()->set_name(request.name());
    return response;
  }
  absl::StatusOr<v1::CreateRecordResponse> CreateRecord(const client::CallOptions&,
                                                        const v1::CreateRecordRequest& request) override {
    v1::CreateRecordResponse response;
    *response.mutable_record() = request.record();
    for (const std::string& name : cleared_before) response.mutable_record()->add_cleared_before(name);
    return response;
  }
  absl::StatusOr<v1::ListRecordsResponse> ListRecords(const client::CallOptions&,
                                                      const v1::ListRecordsRequest& request) override {
    listed.push_back(request);
    return v1::ListRecordsResponse();
  }
  absl::StatusOr<v1::ClearRecordResponse> ClearRecord(const client::CallOptions&,
                                                      const v1::ClearRecordRequest& request) override {
    cleared.push_back(request);
    return v1::ClearRecordResponse();
  }
  absl::StatusOr<v1::ConfirmRecordResponse> ConfirmRecord(const client::CallOptions&,
                                                          const v1::ConfirmRecordRequest& request) override {
    confirmed.push_back(request);
    if (!refusal.ok()) return refusal;
    v1::ConfirmRecordResponse response;
    *response.mutable_record() = record;
    response.mutable_record()->set_name(request.name());
    response.mutable_record()->mutable_contest()->set_confirm_grounds(request.grounds());
    return response;
  }

  v1::Record record;
  absl::Status refusal;
  std::vector<std::string> cleared_before;
  std::vector<v1::ListRecordsRequest> listed;
  std::vector<v1::ClearRecordRequest> cleared;
  std::vector<v1::ConfirmRecordRequest> confirmed;
};

class ClearanceVerbsTest : public VerbsFixture<ClearanceConnection> {
 protected:
  ClearanceVerbsTest() {
    v1::Record& record = connection_->record;
    record.set_record_class(v1::RECORD_CLASS_OFFENDER_REPORT);
    record.mutable_seller()->set_platform("bazaar.example");
    record.mutable_seller()->set_seller_id("shop-4711");
    record.set_external_id("case-1");
    record.mutable_audience()->add_grants()->mutable_subject()->set_kind(v1::MEMBER_KIND_BRAND);
    record.mutable_audience()->mutable_grants(0)->set_view("full");
  }
  int Clear(std::vector<std::string> flags, const std::string& typed = "") {
    flags.insert(flags.begin(), {"record", "clear", kRecord});
    return Run(flags, typed);
  }
};

TEST_F(ClearanceVerbsTest, WhatWillHappenIsSaidAndAskedFor) {
  for (const char* typed : {"no\n", "\n", "y\n", ""}) {
    EXPECT_EQ(Clear({"--grounds", "genuine-goods"}, typed), kExitNo) << typed;
    EXPECT_THAT(err_.str(), EndsWith("Nothing was changed.\n"));
  }
  EXPECT_THAT(connection_->cleared, IsEmpty());
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("everyone who was shown it is told that it was wrong"),
                                HasSubstr("can't be undone"), HasSubstr("bazaar.example/shop-4711"),
                                HasSubstr("shared with: kind:brand=full"), HasSubstr("external id case-1")));
  EXPECT_EQ(Clear({"--grounds", "genuine-goods"}, "yes\n"), kExitOk) << err_.str();
  ASSERT_THAT(connection_->cleared, SizeIs(1));
  EXPECT_EQ(connection_->cleared[0].name(), kRecord);
  EXPECT_THAT(err_.str(), EndsWith("Cleared: " + std::string(kRecord) + "\n"));
  EXPECT_EQ(out_.str(), "");
}

TEST_F(ClearanceVerbsTest, EveryGroundsHasItsWord) {
  for (const auto& [word, grounds] : {std::pair("mistaken-identity", v1::CLEARANCE_GROUNDS_MISTAKEN_IDENTITY),
                                      {"genuine-goods", v1::CLEARANCE_GROUNDS_GENUINE_GOODS},
                                      {"authorised-seller", v1::CLEARANCE_GROUNDS_AUTHORISED_SELLER},
                                      {"no-valid-right", v1::CLEARANCE_GROUNDS_NO_VALID_RIGHT},
                                      {"appeal-upheld", v1::CLEARANCE_GROUNDS_APPEAL_UPHELD},
                                      {"other", v1::CLEARANCE_GROUNDS_OTHER}}) {
    EXPECT_EQ(Clear({"--grounds", word, "--yes"}), kExitOk) << word << err_.str();
    EXPECT_EQ(connection_->cleared.back().grounds(), grounds) << word;
  }
  connection_->cleared.clear();
  for (const std::vector<std::string>& flags : {std::vector<std::string>{"--yes"},
                                                {"--grounds", "unspecified", "--yes"},
                                                {"--grounds", "typo", "--yes"}})
    EXPECT_EQ(Clear(flags), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("mistaken-identity, genuine-goods, "));
  EXPECT_THAT(connection_->cleared, IsEmpty());
}

TEST_F(ClearanceVerbsTest, NobodyIsAskedWhoCanNotReadTheQuestionOrInADryRun) {
  EXPECT_EQ(Clear({"--grounds", "other", "--dry-run"}), kExitOk);
  EXPECT_THAT(err_.str(), "Checked; nothing was cleared.\n");
  EXPECT_TRUE(connection_->cleared.at(0).validate_only());
  io_.in_is_terminal = false;
  EXPECT_EQ(Clear({"--grounds", "other"}, "yes\n"), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("--yes"));
  ASSERT_THAT(connection_->cleared, SizeIs(1));
  EXPECT_EQ(Clear({"--grounds", "other", "--yes", "--comment", "we were shown them", "--etag", "e",
                   "--request-id", "r"}),
            kExitOk);
  ASSERT_THAT(connection_->cleared, SizeIs(2));
  EXPECT_EQ(connection_->cleared[1].comment(), "we were shown them");
  EXPECT_EQ(connection_->cleared[1].etag(), "e");
  EXPECT_EQ(connection_->cleared[1].request_id(), "r");
  EXPECT_FALSE(connection_->cleared[1].validate_only());
}

TEST_F(ClearanceVerbsTest, AConfirmationShowsTheRecord) {
  EXPECT_EQ(Run({"record", "confirm", kRecord}), kExitUsage);  // on what grounds?
  EXPECT_EQ(Run({"record", "confirm", kRecord, "--grounds", "bought again", "--etag", "e"}), kExitOk);
  ASSERT_THAT(connection_->confirmed, SizeIs(1));
  EXPECT_EQ(connection_->confirmed[0].name(), kRecord);
  EXPECT_EQ(connection_->confirmed[0].grounds(), "bought again");
  EXPECT_EQ(connection_->confirmed[0].etag(), "e");
  EXPECT_THAT(out_.str(), HasSubstr("CONFIRM GROUNDS   bought again\n"));
  EXPECT_EQ(Run({"record", "confirm", kRecord, "--grounds", "x", "--dry-run"}), kExitOk);
  EXPECT_TRUE(connection_->confirmed[1].validate_only());
  EXPECT_EQ(err_.str(), "Checked; nothing was changed.\n");
  connection_->refusal = Error(v1::ERROR_REASON_STATE_CONFLICT, "it is not contested");
  EXPECT_EQ(Run({"record", "confirm", kRecord, "--grounds", "x"}),
            64 + static_cast<int>(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(err_.str(), HasSubstr("it is not contested"));
}

TEST_F(ClearanceVerbsTest, AContestedRecordIsShownWithItsEnd) {
  v1::Record& record = connection_->record;
  record.set_state(v1::RECORD_STATE_CONTESTED);
  record.mutable_contest()->mutable_lapse_time()->set_seconds(1'790'000'000);
  EXPECT_EQ(Run({"record", "get", kRecord}), kExitOk);
  EXPECT_THAT(out_.str(), HasSubstr("LAPSES            2026-09-21T14:13:20Z\n"));
  record.clear_contest();
  EXPECT_EQ(Run({"record", "get", kRecord}), kExitOk);
  EXPECT_THAT(out_.str(), Not(HasSubstr("LAPSES")));
}

TEST_F(ClearanceVerbsTest, WhoListsAClearedSellerAgainIsWarned) {
  const std::vector<std::string> report = {
      "report", "bazaar.example/shop-4711", "--infringement", "trademark", "--grant", "kind:brand=full"};
  EXPECT_EQ(Run(report), kExitOk);
  EXPECT_EQ(err_.str(), "");
  connection_->cleared_before = {"records/a", "records/b"};
  for (const char* format : {"table", "json", "jsonl", "csv"}) {
    std::vector<std::string> command = report;
    command.insert(command.end(), {"-o", format});
    EXPECT_EQ(Run(command), kExitOk) << format;
    EXPECT_EQ(err_.str(), "This seller was cleared before: records/a, records/b\n") << format;
    EXPECT_THAT(out_.str(), AllOf(HasSubstr("records/a"), HasSubstr("records/b"))) << format;
  }
  EXPECT_EQ(Run({"report", "bazaar.example/shop-4711", "--infringement", "trademark", "-o", "json"}),
            kExitOk);
  const nlohmann::json json = nlohmann::json::parse(out_.str(), nullptr, /*allow_exceptions=*/false);
  EXPECT_EQ(json["clearedBefore"], nlohmann::json({"records/a", "records/b"}));
}

TEST_F(ClearanceVerbsTest, RecordsAreListedByState) {
  EXPECT_EQ(Run({"record", "list", "--state", "contested"}), kExitOk);
  EXPECT_EQ(Run({"record", "list", "--state", "Active", "--state", "contested"}), kExitOk);
  EXPECT_EQ(Run({"record", "list"}), kExitOk);
  ASSERT_THAT(connection_->listed, SizeIs(3));
  EXPECT_THAT(connection_->listed[0].filter().states(), ElementsAre(v1::RECORD_STATE_CONTESTED));
  EXPECT_THAT(connection_->listed[1].filter().states(),
              ElementsAre(v1::RECORD_STATE_ACTIVE, v1::RECORD_STATE_CONTESTED));
  EXPECT_THAT(connection_->listed[2].filter().states(), IsEmpty());
  EXPECT_EQ(Run({"record", "list", "--state", "lapsed"}), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("active, contested"));
}

}  // namespace
}  // namespace coalition::cli
