#include "client/cli/csv_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cerrno>

#include "tests/unit/cli/bytes.h"

namespace coalition::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<CsvRow> ReadAll(const std::string& text, size_t row_bytes_max = 1'000) {
  CsvReader reader(FromText(text), row_bytes_max);
  std::vector<CsvRow> rows;
  CsvRow row;
  while (reader.Next(&row)) rows.push_back(row);
  EXPECT_TRUE(reader.status().ok());
  return rows;
}

std::string Raw(const std::vector<CsvRow>& rows) {
  std::string raw;
  for (const CsvRow& row : rows) raw += row.raw;
  return raw;
}

TEST(CsvReaderTest, ReadsQuotesAndNewlinesInsideFields) {
  const std::string text = "a,b\n1,\"x \"\"y\"\"\nz, w\"\n2,\n";
  const auto rows = ReadAll(text);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_THAT(rows[1].fields, ElementsAre("1", "x \"y\"\nz, w"));
  EXPECT_EQ(rows[1].line, 2u);
  EXPECT_EQ(rows[1].raw, "1,\"x \"\"y\"\"\nz, w\"\n");
  EXPECT_EQ(rows[2].line, 4u);
  EXPECT_THAT(rows[2].fields, ElementsAre("2", ""));
  EXPECT_EQ(Raw(rows), text);
}

TEST(CsvReaderTest, TakesByteOrderMarkCrlfBlankLinesAndAMissingLastLineEnd) {
  const auto rows = ReadAll(
      "\xef\xbb\xbf"
      "a,b\r\n\r\n  \r\n1,\"x\r\ny\"\r\n2,3");
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_THAT(rows[0].fields, ElementsAre("a", "b"));
  EXPECT_THAT(rows[1].fields, ElementsAre("1", "x\r\ny"));
  EXPECT_EQ(rows[1].line, 4u);
  EXPECT_THAT(rows[2].fields, ElementsAre("2", "3"));
  EXPECT_EQ(rows[2].raw, "2,3");
}

TEST(CsvReaderTest, ABadRowIsOneLineAndTheNextIsReadAgain) {
  // Line 2 opens a quote that line 3 seems to close.
  const auto rows = ReadAll("a,b\n1,\"x\n2,\"y\"\n3,z\n");
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[1].line, 2u);
  EXPECT_THAT(rows[1].error, HasSubstr("quotes are wrong"));
  EXPECT_EQ(rows[1].raw, "1,\"x\n");
  EXPECT_THAT(rows[2].fields, ElementsAre("2", "y"));
  EXPECT_EQ(rows[2].line, 3u);
  EXPECT_THAT(rows[3].fields, ElementsAre("3", "z"));
}

TEST(CsvReaderTest, AnUnclosedQuoteSwallowsNothing) {
  const auto rows = ReadAll("a,b\n1,\"x\n2,y\n3,z\n");
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_THAT(rows[1].error, HasSubstr("not closed before the end"));
  EXPECT_THAT(rows[2].fields, ElementsAre("2", "y"));
  EXPECT_THAT(rows[3].fields, ElementsAre("3", "z"));
}

TEST(CsvReaderTest, AnUnclosedQuoteIsBoundedByTheRowLimit) {
  std::string text = "a,b\n1,\"x\n";
  for (int i = 0; i < 100; ++i) text += std::to_string(i) + ",yyyyyyyyyy\n";
  const auto rows = ReadAll(text, 200);
  ASSERT_EQ(rows.size(), 102u);
  EXPECT_THAT(rows[1].error, HasSubstr("not closed within 200 bytes"));
  for (size_t i = 2; i < rows.size(); ++i) EXPECT_EQ(rows[i].error, "") << i;
  EXPECT_EQ(Raw(rows), text);
}

TEST(CsvReaderTest, ALongLineArrivesInPiecesAndHarmsNoOther) {
  const std::string text = "a,b\n1," + std::string(1'000, 'x') + "\n2,y\n";
  const auto rows = ReadAll(text, 300);
  ASSERT_EQ(rows.size(), 6u);
  EXPECT_THAT(rows[1].error, HasSubstr("longer than 300 bytes"));
  EXPECT_FALSE(rows[1].continued);
  for (size_t i = 2; i < 5; ++i) EXPECT_TRUE(rows[i].continued);
  EXPECT_THAT(rows[5].fields, ElementsAre("2", "y"));
  EXPECT_EQ(rows[5].line, 3u);
  EXPECT_EQ(Raw(rows), text);
}

TEST(CsvReaderTest, AnotherNumberOfFieldsIsBad) {
  const auto rows = ReadAll("a,b\n1\n2,3,4\n5,6\n");
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_THAT(rows[1].error, HasSubstr("1 fields and the first row 2"));
  EXPECT_THAT(rows[2].error, HasSubstr("3 fields"));
  EXPECT_EQ(rows[3].error, "");
}

TEST(CsvReaderTest, ACarriageReturnInsideAnUnquotedFieldIsBad) {
  const auto rows = ReadAll("a,b\n1,x\r2,y\n3,z\n");
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_NE(rows[1].error, "");
  EXPECT_THAT(rows[2].fields, ElementsAre("3", "z"));
}

TEST(CsvReaderTest, AnInterruptionIsNotARow) {
  int calls = 0;
  CsvReader reader(
      [&](char* buffer, size_t) -> ssize_t {
        if (++calls > 1) {
          errno = EINTR;
          return -1;
        }
        const std::string text = "a,b\n1,2\n3,\"half";
        text.copy(buffer, text.size());
        return static_cast<ssize_t>(text.size());
      },
      1'000);
  CsvRow row;
  EXPECT_TRUE(reader.Next(&row));
  EXPECT_TRUE(reader.Next(&row));
  EXPECT_FALSE(reader.Next(&row));
  EXPECT_TRUE(reader.interrupted());
  EXPECT_TRUE(reader.status().ok());
}

// Whatever comes in: no byte that is not white space is lost or said twice, in bounded pieces.
RC_GTEST_PROP(CsvReaderProperty, EveryByteIsInExactlyOneRow, ()) {
  const auto text =
      *rc::gen::container<std::string>(rc::gen::element('a', ',', '"', '\n', '\r', ' ', '\0', '\xff'));
  const auto limit = *rc::gen::inRange<size_t>(4, 60);
  std::string raw;
  CsvReader reader(FromText(text, 3), limit);
  CsvRow row;
  while (reader.Next(&row)) {
    RC_ASSERT(row.raw.size() <= 3 * limit);
    raw += row.raw;
  }
  const auto significant = [](std::string s) {
    s.erase(std::remove_if(s.begin(), s.end(), [](char c) { return c == '\n' || c == '\r' || c == ' '; }),
            s.end());
    return s;
  };
  RC_ASSERT(significant(raw) == significant(text));
}

}  // namespace
}  // namespace coalition::cli
