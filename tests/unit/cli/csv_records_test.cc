#include "client/cli/csv_records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/cli/values.h"
#include "tests/unit/cli/bytes.h"

namespace coalition::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<ImportRow> Import(const std::string& text, absl::Status* status = nullptr) {
  auto source = MakeCsvSource(FromText(text, 1'000), 100'000, MakeCsvRecordMapper());
  const absl::Status started = source->Start([](const std::string&) {});
  if (status != nullptr) *status = started;
  std::vector<ImportRow> rows;
  ImportRow row;
  while (started.ok() && source->Next(&row)) rows.push_back(row);
  return rows;
}

TEST(CsvRecordsTest, ReportsAndNotices) {
  const auto rows = Import(
      "class,platform,seller_id,infringement_types,rights,listings,evidence,external_id,label,grants,"
      "exclusions,comment,"
      "human_reviewed,first_observed_time,requested_action,whole_account,report\n"
      "report,Bazaar.Example,shop-1,design;KEYWORD_X,EUIPO:1;PATENT:EPO:2,https://a.example/"
      "1;L-2,TEST_PURCHASE,case-1,green,"
      "kind:brand=full; everyone=notice,member:corsa,hello,yes,2026-01-02,,,\n"
      "notice,bazaar.example,shop-1,,EUIPO:1,https://a.example/"
      "1,,n-1,,member:bazaar,,,,,suspend-account,true,"
      "aaaaaaaaaaaaaaaaaaaaaaaaaa\n"
      ",bazaar.example,shop-2,trademark,,,,,,,,,,,,,\n");
  ASSERT_EQ(rows.size(), 3u);
  for (const ImportRow& row : rows)
    EXPECT_EQ(row.kind, RowKind::kRecord) << row.error.column << row.error.reason;
  const v1::Record& report = rows[0].record;
  EXPECT_EQ(SellerText(report.seller()), "bazaar.example/shop-1");
  EXPECT_THAT(report.offender_report().infringement_types(),
              ElementsAre("KEYWORD_DESIGN_INFRINGEMENT", "KEYWORD_X"));
  EXPECT_EQ(report.offender_report().rights(0).type(), "DESIGN");
  EXPECT_EQ(report.offender_report().rights(1).type(), "PATENT");
  EXPECT_EQ(report.offender_report().listings(0).url(), "https://a.example/1");
  EXPECT_EQ(report.offender_report().listings(1).listing_id(), "L-2");
  EXPECT_TRUE(report.offender_report().human_reviewed());
  EXPECT_EQ(report.label(), v1::LABEL_GREEN);
  EXPECT_EQ(report.audience().grants_size(), 2);
  EXPECT_EQ(report.audience().exclusions_size(), 1);
  const v1::TakedownNotice& notice = rows[1].record.takedown_notice();
  EXPECT_EQ(notice.requested_action(), "SUSPEND_ACCOUNT");
  EXPECT_TRUE(notice.whole_account());
  EXPECT_EQ(notice.right().registration_number(), "1");
  EXPECT_EQ(notice.report(), "records/aaaaaaaaaaaaaaaaaaaaaaaaaa");
  EXPECT_TRUE(rows[2].record.has_offender_report());
}

TEST(CsvRecordsTest, BadCellsAreNamed) {
  struct Case {
    const char* row;
    const char* column;
    const char* reason;
  };
  for (const Case& c :
       {Case{"outcome,b.example,s,,,,", "class", "report or a notice"},
        Case{",b.example,,,,,", "seller_id", "seller_id"},
        Case{",b.example,s,orange,,,", "label", "not a label"},
        Case{",b.example,s,,kind:shop,,", "grants", "kind of member"},
        Case{"notice,b.example,s,,,trademark,", "infringement_types", "a notice has no such field"},
        Case{"report,b.example,s,,,,remove", "requested_action", "a report has no such field"},
        Case{",b.example,s\xff,,,,", "seller_id", "not UTF-8"}}) {
    const auto rows =
        Import(std::string("class,platform,seller_id,label,grants,infringement_types,requested_action\n") +
               c.row + "\n");
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_EQ(rows[0].kind, RowKind::kRejected) << c.row;
    EXPECT_EQ(rows[0].error.column, c.column);
    EXPECT_THAT(rows[0].error.reason, HasSubstr(c.reason));
  }
}

TEST(CsvRecordsTest, AMisspeltColumnIsNotPassedOver) {
  absl::Status status;
  Import("platform,seller_id,exlusions\n", &status);
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("did you mean exclusions"));
  Import("platform,label\n", &status);
  EXPECT_THAT(std::string(status.message()), HasSubstr("lacks seller_id"));
}

TEST(CsvRecordsTest, OtherSeparatorsAreExplained) {
  for (const char* header : {"platform;seller_id;label\n", "platform\tseller_id\n"}) {
    absl::Status status;
    Import(header, &status);
    EXPECT_THAT(std::string(status.message()), HasSubstr("columns are separated by commas")) << header;
  }
}

TEST(CsvRecordsTest, ANoticeHasOneRight) {
  const auto rows = Import(
      "class,platform,seller_id,rights\nnotice,b.example,s,EUIPO:1;EUIPO:2\nnotice,b.example,s,EUIPO:1\n");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].kind, RowKind::kRejected);
  EXPECT_EQ(rows[0].error.column, "rights");
  EXPECT_THAT(rows[0].error.reason, HasSubstr("one right"));
  EXPECT_EQ(rows[1].kind, RowKind::kRecord);
}

TEST(JsonlTest, OneRecordALine) {
  auto source = MakeJsonlSource(FromText("\xef\xbb\xbf{\"externalId\":\"a\"}\n\n{\"external_id\":\"b\"}\r\n{"
                                         "\"nonsense\":1}\n[]\nnull x\n\xff\n{\"label\":7}"),
                                1'000);
  ASSERT_TRUE(source->Start([](const std::string&) {}).ok());
  std::vector<ImportRow> rows;
  ImportRow row;
  while (source->Next(&row)) rows.push_back(row);
  ASSERT_EQ(rows.size(), 7u);
  EXPECT_EQ(rows[0].record.external_id(), "a");
  EXPECT_EQ(rows[1].record.external_id(), "b");
  EXPECT_EQ(rows[1].line, 3u);
  for (size_t i = 2; i < 6; ++i) EXPECT_EQ(rows[i].kind, RowKind::kRejected) << i;
  EXPECT_THAT(rows[2].error.reason, HasSubstr("nonsense"));
  EXPECT_THAT(rows[5].error.reason, HasSubstr("UTF-8"));
  EXPECT_EQ(rows[6].record.label(), 7);  // an enum's number from the future; the server judges it
}

}  // namespace
}  // namespace coalition::cli
