#include "client/cli/dsa_sor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "client/cli/values.h"
#include "tests/unit/cli/bytes.h"

namespace coalition::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kData = COALITION_SOURCE_DIR "/tests/data/";

struct Imported {
  std::vector<ImportRow> rows;
  std::vector<std::string> warnings;
  absl::Status status;
};

Imported Import(const std::string& text, DsaOptions options) {
  auto source = MakeCsvSource(FromText(text, 4'096), size_t{1} << 20, MakeDsaMapper(std::move(options)));
  Imported result;
  result.status = source->Start([&](const std::string& warning) { result.warnings.push_back(warning); });
  if (!result.status.ok()) return result;
  ImportRow row;
  while (source->Next(&row)) result.rows.push_back(row);
  result.status = source->status();
  return result;
}

DsaOptions Bazaar() {
  return {{{"bazaar", "bazaar.example"}, {"bazaar.example", "bazaar.example"}}, nullptr};
}

std::vector<RowKind> Kinds(const Imported& imported) {
  std::vector<RowKind> kinds;
  for (const ImportRow& row : imported.rows) kinds.push_back(row.kind);
  return kinds;
}

constexpr RowKind kRecord = RowKind::kRecord;
constexpr RowKind kSkipped = RowKind::kSkipped;
constexpr RowKind kRejected = RowKind::kRejected;

TEST(DsaSorTest, ReadsTheHeaderOf2025) {
  const Imported imported = Import(ReadWhole(kData + "dsa_sor_2025.csv"), Bazaar());
  ASSERT_TRUE(imported.status.ok()) << imported.status;
  EXPECT_THAT(imported.warnings, IsEmpty());
  EXPECT_THAT(Kinds(imported),
              ElementsAre(kRecord, kRecord, kRecord, kSkipped, kRejected, kRejected, kRejected, kRejected,
                          kRecord, kRejected, kRecord, kRejected, kRecord));

  const v1::Record& first = imported.rows[0].record;
  EXPECT_EQ(first.external_id(), "5f0c1d2e-0000-4000-8000-000000000001");
  EXPECT_EQ(SellerText(first.seller()), "bazaar.example");
  EXPECT_EQ(first.takedown_outcome().action_taken(), v1::ACTION_TAKEN_YES);
  EXPECT_EQ(first.takedown_outcome().uuid(), first.external_id());
  EXPECT_THAT(first.takedown_outcome().territorial_scope(), ElementsAre("DE", "FR", "IT"));
  EXPECT_EQ(TimeText(first.takedown_outcome().created_at()), "2026-11-02T09:30:00Z");
  EXPECT_EQ(first.takedown_outcome().platform_uid(), "listing-1");
  EXPECT_FALSE(first.has_audience());

  const v1::TakedownOutcome& second = imported.rows[1].record.takedown_outcome();
  EXPECT_EQ(second.action_taken(), v1::ACTION_TAKEN_YES);
  EXPECT_EQ(
      second.decision_facts(),
      "The seller wrote: \"they are \"\"inspired by\"\" the brand\",\nand gave no proof.\nSecond warning.");
  EXPECT_EQ(second.content_id_ean(), "4006381333931");
  EXPECT_EQ(TimeText(second.end_date_account_restriction()), "2027-01-31T00:00:00Z");
  EXPECT_EQ(imported.rows[2].record.takedown_outcome().action_taken(), v1::ACTION_TAKEN_PARTIAL);

  const v1::TakedownOutcome& plain = imported.rows[8].record.takedown_outcome();
  EXPECT_EQ(plain.category(), "STATEMENT_CATEGORY_OF_TOMORROW");
  EXPECT_THAT(plain.territorial_scope(), ElementsAre("DE", "FR"));
  EXPECT_THAT(plain.decision_visibility(), ElementsAre("DECISION_VISIBILITY_CONTENT_DISABLED"));
  EXPECT_THAT(imported.rows[10].record.takedown_outcome().decision_facts(), HasSubstr("Łódź, 東京"));
}

TEST(DsaSorTest, SaysLineColumnAndReasonOfEachBadRow) {
  const Imported imported = Import(ReadWhole(kData + "dsa_sor_2025.csv"), Bazaar());
  struct Case {
    size_t row;
    uint64_t line;
    size_t field;
    const char* column;
    const char* reason;
  };
  for (const Case& c :
       {Case{4, 8, 30, "application_date", "not a time"},
        Case{5, 9, 2, "decision_visibility", "none of decision_visibility"},
        Case{6, 10, 1, "uuid", "not a UUID"}, Case{7, 11, 29, "territorial_scope", "not a list"},
        Case{9, 13, 16, "illegal_content_explanation", "more than 2000 characters"},
        Case{11, 15, 0, "", "quotes are wrong"}}) {
    const ImportRow& row = imported.rows[c.row];
    EXPECT_EQ(row.line, c.line);
    EXPECT_EQ(row.error.field, c.field);
    EXPECT_EQ(row.error.column, c.column);
    EXPECT_THAT(row.error.reason, HasSubstr(c.reason));
  }
}

TEST(DsaSorTest, ReadsTheHeaderOf2024) {
  const Imported imported = Import(ReadWhole(kData + "dsa_sor_2024.csv"), Bazaar());
  ASSERT_TRUE(imported.status.ok()) << imported.status;
  EXPECT_THAT(Kinds(imported), ElementsAre(kRecord, kRecord, kRecord, kSkipped, kRecord));
  EXPECT_EQ(imported.rows[0].record.takedown_outcome().category(),
            "STATEMENT_CATEGORY_UNSAFE_AND_ILLEGAL_PRODUCTS");
  EXPECT_EQ(imported.rows[1].record.takedown_outcome().action_taken(), v1::ACTION_TAKEN_PARTIAL);
  EXPECT_EQ(imported.rows[2].record.takedown_outcome().decision_monetary_other(), "Payout held,\r\nonce");
  EXPECT_EQ(imported.rows[4].record.takedown_outcome().incompatible_content_illegal(), "Yes");
}

// Real rows, where they are beside the source tree; else our own.
TEST(DsaSorTest, EveryRowOfASampleIsTaken) {
  const std::string real = COALITION_SOURCE_DIR "/../shared/data/dsa-sor-sample.csv";
  const bool has_real = std::filesystem::exists(real);
  DsaOptions options = Bazaar();
  if (has_real) {
    for (const char* name : {"wallapop", "kleinanzeigen", "idealo", "discord netherlands b.v."}) {
      options.platforms[name] = "bazaar.example";
    }
  }
  const Imported imported = Import(ReadWhole(has_real ? real : kData + "dsa_sor_2024.csv"), options);
  ASSERT_TRUE(imported.status.ok()) << imported.status;
  size_t records = 0;
  for (const ImportRow& row : imported.rows) {
    EXPECT_NE(row.kind, kRejected) << row.line << ": " << row.error.reason;
    records += row.kind == kRecord;
  }
  EXPECT_EQ(records, 4u);
}

TEST(DsaSorTest, ColumnsAreFoundByNameAndUnknownOnesToldOnce) {
  const std::string text =
      "platform_name,surprise,created_at,uuid,decision_account,decision_provision,decision_monetary,decision_"
      "visibility,"
      "category,action_taken\n"
      "Bazaar,!,2026-11-02 "
      "09:30:00,5F0C1D2E-0000-4000-8000-000000000001,DECISION_ACCOUNT_TERMINATED,,,,C,NO\n";
  const Imported imported = Import(text, Bazaar());
  ASSERT_TRUE(imported.status.ok()) << imported.status;
  ASSERT_EQ(imported.warnings.size(), 1u);
  EXPECT_THAT(imported.warnings[0], HasSubstr("surprise, action_taken"));
  ASSERT_EQ(imported.rows.size(), 1u);
  EXPECT_EQ(imported.rows[0].kind, kRecord) << imported.rows[0].error.reason;
  EXPECT_EQ(imported.rows[0].record.takedown_outcome().action_taken(), v1::ACTION_TAKEN_YES);
  EXPECT_EQ(imported.rows[0].record.external_id(), "5f0c1d2e-0000-4000-8000-000000000001");
}

TEST(DsaSorTest, RefusesWhatIsNoDump) {
  EXPECT_THAT(std::string(Import("a,b\n1,2\n", Bazaar()).status.message()),
              HasSubstr("lacks uuid, decision_visibility"));
  EXPECT_THAT(std::string(Import("", Bazaar()).status.message()), HasSubstr("empty"));
  EXPECT_THAT(std::string(Import("uuid,uuid\n", Bazaar()).status.message()), HasSubstr("twice"));
  EXPECT_THAT(std::string(Import("uuid,\"a\n", Bazaar()).status.message()),
              HasSubstr("header row can't be read"));
}

TEST(DsaSorTest, SellersComeFromTheMapAlone) {
  auto sellers = std::make_shared<SellerMap>();
  ASSERT_TRUE(sellers->Add("listing-1", "shop-4711"));
  DsaOptions options = Bazaar();
  options.sellers = sellers;
  const Imported imported = Import(ReadWhole(kData + "dsa_sor_2025.csv"), options);
  EXPECT_EQ(SellerText(imported.rows[0].record.seller()), "bazaar.example/shop-4711");
  EXPECT_EQ(SellerText(imported.rows[1].record.seller()), "bazaar.example");
}

TEST(DsaSorTest, RowsOfOthersAreNotEvenLookedAt) {
  // A bad row of another platform is skipped, not rejected.
  const std::string text =
      "uuid,decision_visibility,decision_monetary,decision_provision,decision_account,category,platform_"
      "name\n"
      "garbage,\xff,,,,,Elsewhere\n";
  EXPECT_THAT(Kinds(Import(text, Bazaar())), ElementsAre(kSkipped));
}

TEST(DsaSorTest, ActionTakenFollowsFromTheDecisions) {
  const auto derive = [](const char* visibility, const char* monetary, const char* provision,
                         const char* account) {
    v1::TakedownOutcome outcome;
    if (*visibility != 0) outcome.add_decision_visibility(visibility);
    outcome.set_decision_monetary(monetary);
    outcome.set_decision_provision(provision);
    outcome.set_decision_account(account);
    return DeriveActionTaken(outcome);
  };
  EXPECT_EQ(derive("", "", "", ""), v1::ACTION_TAKEN_UNSPECIFIED);
  EXPECT_EQ(derive("DECISION_VISIBILITY_CONTENT_REMOVED", "", "", ""), v1::ACTION_TAKEN_YES);
  EXPECT_EQ(derive("DECISION_VISIBILITY_CONTENT_DISABLED", "", "", ""), v1::ACTION_TAKEN_YES);
  EXPECT_EQ(derive("DECISION_VISIBILITY_CONTENT_DEMOTED", "", "", ""), v1::ACTION_TAKEN_PARTIAL);
  EXPECT_EQ(derive("DECISION_VISIBILITY_CONTENT_LABELLED", "", "", ""), v1::ACTION_TAKEN_PARTIAL);
  EXPECT_EQ(derive("DECISION_VISIBILITY_CONTENT_LABELLED", "", "", "DECISION_ACCOUNT_SUSPENDED"),
            v1::ACTION_TAKEN_YES);
  EXPECT_EQ(derive("", "DECISION_MONETARY_SUSPENSION", "", ""), v1::ACTION_TAKEN_PARTIAL);
  EXPECT_EQ(derive("", "", "DECISION_PROVISION_PARTIAL_TERMINATION", ""), v1::ACTION_TAKEN_PARTIAL);
  EXPECT_EQ(derive("", "", "DECISION_PROVISION_TOTAL_SUSPENSION", ""), v1::ACTION_TAKEN_YES);
  EXPECT_EQ(derive("", "", "", "DECISION_ACCOUNT_TERMINATED"), v1::ACTION_TAKEN_YES);
}

TEST(DsaSorTest, TheServersPathsLeadBackToColumns) {
  auto source = MakeCsvSource(FromText(ReadWhole(kData + "dsa_sor_2025.csv")), size_t{1} << 20,
                              MakeDsaMapper(Bazaar()));
  ASSERT_TRUE(source->Start([](const std::string&) {}).ok());
  EXPECT_EQ(source->Locate("record.takedown_outcome.decision_visibility[3]").column, "decision_visibility");
  EXPECT_EQ(source->Locate("record.takedown_outcome.decision_visibility[3]").field, 2u);
  EXPECT_EQ(source->Locate("record.external_id").column, "uuid");
  EXPECT_EQ(source->Locate("record.seller.platform").column, "platform_name");
  EXPECT_EQ(source->Locate("record.seller.seller_id").column, "platform_uid");
  EXPECT_EQ(source->Locate("record.audience").column, "record.audience");
}

}  // namespace
}  // namespace coalition::cli
