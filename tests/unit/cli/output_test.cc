#include "client/cli/output.h"

#include <gtest/gtest.h>

#include <sstream>

#include "coalition/v1/record.pb.h"
#include "nlohmann/json.hpp"

namespace coalition::cli {
namespace {

std::string Printed(Format format, int rows, bool terminal = false) {
  std::ostringstream out;
  ListPrinter printer(format, terminal, {"platform", "id"}, out);
  for (int i = 0; i < rows; ++i) {
    v1::Seller seller;
    seller.set_platform("bazaar.example");
    seller.set_seller_id(i == 0 ? "a\x1b,b" : "plain");
    printer.Row({seller.platform(), seller.seller_id()}, seller);
  }
  printer.Finish();
  return out.str();
}

TEST(ListPrinterTest, JsonIsOneArrayWhateverItHolds) {
  EXPECT_EQ(nlohmann::json::parse(Printed(Format::kJson, 0)).size(), 0u);
  const auto json = nlohmann::json::parse(Printed(Format::kJson, 3));
  ASSERT_EQ(json.size(), 3u);
  EXPECT_EQ(json[0]["sellerId"], "a\x1b,b");
}

TEST(ListPrinterTest, JsonlIsOneObjectALine) {
  std::istringstream lines(Printed(Format::kJsonl, 3));
  std::string line;
  int count = 0;
  for (; std::getline(lines, line); ++count) EXPECT_TRUE(nlohmann::json::parse(line).is_object());
  EXPECT_EQ(count, 3);
  EXPECT_EQ(Printed(Format::kJsonl, 0), "");
}

TEST(ListPrinterTest, CsvKeepsBytesForProgramsAndSparesTerminals) {
  EXPECT_EQ(Printed(Format::kCsv, 1), "platform,id\nbazaar.example,\"a\x1b,b\"\n");
  EXPECT_EQ(Printed(Format::kCsv, 1, true), "platform,id\nbazaar.example,\"a\\x1b,b\"\n");
}

TEST(ListPrinterTest, TablesAreForPeople) {
  EXPECT_EQ(Printed(Format::kTable, 2),
            "PLATFORM        ID\nbazaar.example  a\\x1b,b\nbazaar.example  plain\n");
}

TEST(PrintOneTest, EachFormat) {
  const Facts facts = {{"name", "x"}, {"empty", ""}, {"other_name", "y,z"}};
  const auto print = [&](Format format) {
    std::ostringstream out;
    PrintOne(format, false, facts, "{\"name\":\"x\"}", out);
    return out.str();
  };
  EXPECT_EQ(print(Format::kTable), "NAME        x\nOTHER NAME  y,z\n");
  EXPECT_EQ(print(Format::kCsv), "name,empty,other_name\nx,,\"y,z\"\n");
  EXPECT_EQ(print(Format::kJsonl), "{\"name\":\"x\"}\n");
  EXPECT_EQ(print(Format::kJson), "{\n  \"name\": \"x\"\n}\n");
}

TEST(ParseFormatTest, KnowsFour) {
  EXPECT_EQ(ParseFormat("table"), Format::kTable);
  EXPECT_EQ(ParseFormat("xml"), std::nullopt);
}

}  // namespace
}  // namespace coalition::cli
