// Every row accounted for: created, unchanged, rejected, skipped; refused rows byte for byte.
#include "client/cli/import_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <deque>
#include <filesystem>
#include <set>
#include <sstream>

#include "tests/unit/cli/bytes.h"

namespace coalition::cli {
namespace {

using ::testing::HasSubstr;

// Keeps records by external_id; refuses those whose comment says so.
class KeepingCall final : public client::ImportCall {
 public:
  explicit KeepingCall(std::map<std::string, v1::Record>* kept) : kept_(kept) {}
  bool Write(const v1::ImportRecordsRequest& request) override {
    v1::ImportRecordsResponse& response = answers_.emplace_back();
    for (const v1::ImportItem& item : request.items()) {
      v1::ImportResult& result = *response.add_results();
      result.set_item_id(item.item_id());
      if (item.record().offender_report().comment() == "refuse") {
        result.set_status(v1::IMPORT_STATUS_REJECTED);
        result.mutable_error()->set_field("record.offender_report.comment");
        result.mutable_error()->set_message("says refuse");
      } else if (request.validate_only()) {
        result.set_status(v1::IMPORT_STATUS_VALID);
      } else {
        const bool is_new = kept_->emplace(item.record().external_id(), item.record()).second;
        result.set_status(is_new ? v1::IMPORT_STATUS_CREATED : v1::IMPORT_STATUS_UNCHANGED);
      }
    }
    return true;
  }
  bool Read(v1::ImportRecordsResponse* response) override {
    if (answers_.empty()) return false;
    *response = answers_.front();
    answers_.pop_front();
    return true;
  }
  void WritesDone() override {}
  absl::Status Finish() override { return absl::OkStatus(); }
  void Cancel() override {}

 private:
  std::map<std::string, v1::Record>* const kept_;
  std::deque<v1::ImportRecordsResponse> answers_;
};

class ImportRunTest : public ::testing::Test {
 protected:
  ImportRunTest() {
    std::string pattern = ::testing::TempDir() + "/import-run-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    directory_ = pattern;
    rejects_ = directory_ + "/rejects";
    settings_.err = &err_;
    settings_.rejects_file = rejects_;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  ImportCounts Run(const std::string& jsonl, size_t row_bytes_max = 10'000) {
    const absl::Status status = TryRun(jsonl, row_bytes_max);
    EXPECT_TRUE(status.ok()) << status;
    return counts_;
  }
  absl::Status TryRun(const std::string& jsonl, size_t row_bytes_max = 10'000) {
    auto source = MakeJsonlSource(FromText(jsonl, 1'000), row_bytes_max);
    client::ImportOptions options = options_;
    ImportRun run(*source, settings_, [&](auto on_result) {
      return std::make_unique<client::ImportStream>(
          [this]() -> absl::StatusOr<std::unique_ptr<client::ImportCall>> {
            if (!refusal_.ok()) return refusal_;
            return std::make_unique<KeepingCall>(&kept_);
          },
          options, client::RetryPolicy(), std::move(on_result), [](std::chrono::milliseconds) {});
    });
    absl::Status status = run.Run();
    interrupted_ = run.interrupted();
    counts_ = run.counts();
    first_line_rejected_ = run.first_line_rejected();
    return status;
  }

  std::string directory_;  // of this test alone
  std::string rejects_;
  std::ostringstream err_;
  ImportSettings settings_;
  client::ImportOptions options_;
  std::map<std::string, v1::Record> kept_;
  absl::Status refusal_;  // of the server, to open a stream
  ImportCounts counts_;
  bool interrupted_ = false;
  bool first_line_rejected_ = false;
};

TEST_F(ImportRunTest, CountsAndKeepsRefusedRowsByteForByte) {
  const std::string bad = "{\"offenderReport\": {\"comment\": \"refuse\"}}  \r\n";
  const std::string garbage = "\x1b[2Jgarbage\xff\n";
  const ImportCounts counts = Run("{\"externalId\":\"a\"}\n" + bad + garbage + "{\"externalId\":\"b\"}\n");
  EXPECT_EQ(counts.rows, 4u);
  EXPECT_EQ(counts.created, 2u);
  EXPECT_EQ(counts.rejected, 2u);
  EXPECT_EQ(ReadWhole(rejects_), garbage + bad);  // ours at once, the server's when it answers
  EXPECT_THAT(err_.str(), HasSubstr("line 2 (record.offender_report.comment): says refuse\n"));
  EXPECT_THAT(err_.str(), HasSubstr("line 3: it is not"));
  EXPECT_THAT(err_.str(), ::testing::Not(HasSubstr("\x1b")));
}

TEST_F(ImportRunTest, ASecondRunChangesNothingAlsoWithoutExternalIds) {
  const std::string rows =
      "{\"offenderReport\":{\"comment\":\"one\"}}\n{\"offenderReport\":{\"comment\":\"two\"}}\n";
  EXPECT_EQ(Run(rows).created, 2u);
  const ImportCounts again = Run(rows);
  EXPECT_EQ(again.created, 0u);
  EXPECT_EQ(again.unchanged, 2u);
  EXPECT_FALSE(std::filesystem::exists(rejects_));
}

TEST_F(ImportRunTest, DefaultsFillWhatARowDoesNotSay) {
  settings_.defaults.set_label(v1::LABEL_GREEN);
  v1::Grant& grant = *settings_.defaults.mutable_audience()->add_grants();
  grant.mutable_subject()->set_everyone(true);
  grant.set_view("notice");
  settings_.defaults.mutable_audience()->add_exclusions()->set_member("members/corsa");
  Run("{\"externalId\":\"a\"}\n"
      "{\"externalId\":\"b\",\"label\":\"LABEL_RED\",\"audience\":{\"grants\":[{\"subject\":{\"member\":"
      "\"members/bazaar\"},"
      "\"view\":\"full\"}]}}\n");
  EXPECT_EQ(kept_["a"].label(), v1::LABEL_GREEN);
  EXPECT_TRUE(kept_["a"].audience().grants(0).subject().everyone());
  EXPECT_EQ(kept_["b"].label(), v1::LABEL_RED);
  ASSERT_EQ(kept_["b"].audience().grants_size(), 1);
  EXPECT_EQ(kept_["b"].audience().grants(0).subject().member(), "members/bazaar");
  EXPECT_EQ(kept_["b"].audience().exclusions_size(), 1);  // an exclusion is never dropped
}

TEST_F(ImportRunTest, TheAudienceIsNoPartOfWhatARowIs) {
  v1::Record one, other;
  one.mutable_offender_report()->set_comment("x");
  other = one;
  other.set_label(v1::LABEL_RED);
  other.mutable_audience()->add_exclusions()->set_member("members/corsa");
  EXPECT_EQ(DeriveExternalId(one), DeriveExternalId(other));
  EXPECT_THAT(DeriveExternalId(one), ::testing::MatchesRegex("sha256:[0-9a-f]{64}"));
  other.mutable_offender_report()->set_comment("y");
  EXPECT_NE(DeriveExternalId(one), DeriveExternalId(other));
}

TEST_F(ImportRunTest, ADryRunKeepsNothing) {
  options_.validate_only = true;
  const ImportCounts counts =
      Run("{\"externalId\":\"a\"}\n{\"offenderReport\": {\"comment\": \"refuse\"}}\n");
  EXPECT_EQ(counts.valid, 1u);
  EXPECT_EQ(counts.rejected, 1u);
  EXPECT_TRUE(kept_.empty());
}

TEST_F(ImportRunTest, ARowOverTheLimitIsKeptWhole) {
  const std::string giant = "{\"x\":\"" + std::string(5'000, 'y') + "\"}\n";
  const ImportCounts counts = Run(giant + "{\"externalId\":\"a\"}\n", 1'000);
  EXPECT_EQ(counts.rows, 2u);
  EXPECT_EQ(counts.rejected, 1u);
  EXPECT_EQ(counts.created, 1u);
  EXPECT_EQ(ReadWhole(rejects_), giant);
}

TEST_F(ImportRunTest, ErrorsAreToldUpToALimitAndThenCounted) {
  settings_.errors_max = 3;
  std::string rows;
  for (int i = 0; i < 10; ++i) rows += "garbage\n";
  EXPECT_EQ(Run(rows).rejected, 10u);
  EXPECT_THAT(err_.str(), HasSubstr("line 3:"));
  EXPECT_THAT(err_.str(), ::testing::Not(HasSubstr("line 4:")));
  EXPECT_THAT(err_.str(), HasSubstr("and 7 more rejected rows"));
}

TEST_F(ImportRunTest, ProgressIsOneLineOfWhatThereIs) {
  settings_.progress = true;
  std::string rows;
  for (int i = 0; i < 256; ++i) rows += "{\"externalId\":\"" + std::to_string(i) + "\"}\n";
  options_.items_per_request = 1;
  options_.window = 1;
  Run(rows);
  // Not wrapped at the terminal's edge, and cleared in the end.
  EXPECT_THAT(err_.str(),
              ::testing::MatchesRegex(
                  "\r\x1b\\[K\x1b\\[\\?7l256 rows, 255 created, [0-9,]+/s\x1b\\[\\?7h\r\x1b\\[K"));
  err_.str("");
  Run(rows);
  EXPECT_THAT(err_.str(), HasSubstr("256 rows, 255 unchanged, "));
}

TEST_F(ImportRunTest, WhatIsWrongWithJsonIsOneLine) {
  Run("garbage\n{\"externalId\":}\n{\"externalId\":\n{\"nothing\":1}\n");
  EXPECT_EQ(err_.str(),
            "line 1: it is not a record in JSON: Unexpected token. At: garbage\n"
            "line 2: it is not a record in JSON: Unexpected token. At: }\n"
            "line 3: it is not a record in JSON: Unexpected end of string. Expected a value. At the end.\n"
            "line 4: it is not a record in JSON: nothing: Cannot find field.\n");
}

TEST_F(ImportRunTest, AnInterruptionFinishesWhatIsUnderWay) {
  int asked = 0;
  settings_.interrupted = [&] { return ++asked > 3; };
  const ImportCounts counts =
      Run("{\"externalId\":\"a\"}\n{\"externalId\":\"b\"}\n{\"externalId\":\"c\"}\n{\"externalId\":\"d\"}\n");
  EXPECT_TRUE(interrupted_);
  EXPECT_EQ(counts.rows, 3u);
  EXPECT_EQ(counts.created, 3u);
  EXPECT_EQ(kept_.size(), 3u);
}

TEST_F(ImportRunTest, CsvRefusalsComeUnderTheHeader) {
  class Nothing final : public RowMapper {
   public:
    absl::Status SetHeader(const std::vector<std::string>&,
                           const std::function<void(const std::string&)>&) override {
      return absl::OkStatus();
    }
    RowKind Map(const std::vector<std::string>&, v1::Record*, RowError* error) override {
      *error = {2, "b", "no"};
      return RowKind::kRejected;
    }
    RowError Locate(const std::string&) const override { return {}; }
  };
  const std::string text =
      "\xef\xbb\xbf"
      "a,b\r\n1,\"x\ny\"\r\n2,\"open\r\n";
  auto source = MakeCsvSource(FromText(text), 1'000, std::make_unique<Nothing>());
  ASSERT_TRUE(source->Start([](const std::string&) {}).ok());
  ImportRun run(*source, settings_, [&](auto on_result) {
    return std::make_unique<client::ImportStream>(
        [this]() -> absl::StatusOr<std::unique_ptr<client::ImportCall>> {
          return std::make_unique<KeepingCall>(&kept_);
        },
        options_, client::RetryPolicy(), std::move(on_result), [](std::chrono::milliseconds) {});
  });
  ASSERT_TRUE(run.Run().ok());
  EXPECT_EQ(run.counts().rejected, 2u);
  EXPECT_EQ(ReadWhole(rejects_), text);
  EXPECT_THAT(err_.str(), HasSubstr("line 2, field 2 (b): no\n"));
}

TEST_F(ImportRunTest, WhatAnEarlierRunRejectedDoesNotStay) {
  std::ofstream(rejects_) << "old\n";
  Run("{\"externalId\":\"a\"}\n");
  EXPECT_EQ(ReadWhole(rejects_), "");
  std::ofstream(rejects_) << "old, and longer than what comes\n";
  Run("garbage\n");
  EXPECT_EQ(ReadWhole(rejects_), "garbage\n");
}

TEST_F(ImportRunTest, OutcomesWithoutASellerAreCounted) {
  const std::string rows =
      "{\"externalId\":\"a\",\"takedownOutcome\":{},\"seller\":{\"platform\":\"b.example\"}}\n"
      "{\"externalId\":\"b\",\"takedownOutcome\":{},\"seller\":{\"platform\":\"b.example\",\"sellerId\":"
      "\"s\"}}\n"
      "{\"externalId\":\"c\",\"offenderReport\":{}}\n";
  EXPECT_EQ(Run(rows).sellerless, 1u);
  EXPECT_EQ(Run(rows).sellerless, 1u);  // also when it was there already
}

TEST_F(ImportRunTest, AFirstLineThatIsNoRecordIsNoted) {
  Run("platform,seller_id\n");
  EXPECT_TRUE(first_line_rejected_);
  Run("{\"externalId\":\"a\"}\ngarbage\n");
  EXPECT_FALSE(first_line_rejected_);
}

TEST_F(ImportRunTest, ARejectsFileThatCanNotBeWrittenIsAnError) {
  settings_.rejects_file = "/nowhere/rejects";
  const absl::Status status = TryRun("garbage\n");
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("/nowhere/rejects"));
}

TEST_F(ImportRunTest, AnImportThatStopsEarlySaysTheSameOfItsRejectedRows) {
  settings_.rejects_file = "/nowhere/rejects";
  settings_.errors_max = 2;
  settings_.progress = true;
  options_.items_per_request = 1;
  refusal_ = absl::PermissionDeniedError("no contributor");
  EXPECT_EQ(TryRun("garbage\ngarbage\ngarbage\n{\"externalId\":\"a\"}\ngarbage\n"), refusal_);
  EXPECT_EQ(counts_.rows, 4u);
  EXPECT_THAT(err_.str(), ::testing::EndsWith("\r\x1b[K"  // no progress is left before what follows
                                              "and 1 more rejected rows\n"
                                              "error: the rejected rows could not all be written to "
                                              "/nowhere/rejects\n"));
}

}  // namespace
}  // namespace coalition::cli
