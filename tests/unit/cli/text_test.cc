#include "client/cli/text.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <sstream>

namespace coalition::cli {
namespace {

class TextTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { UseUtf8(); }
};

TEST_F(TextTest, WhatCouldDriveATerminalIsShownNotSent) {
  EXPECT_EQ(Printable("\x1b[2J"), "\\x1b[2J");
  EXPECT_EQ(Printable("a\nb\tc\r"), "a\\nb\\tc\\r");
  EXPECT_EQ(Printable(std::string("\0", 1)), "\\x00");
  EXPECT_EQ(Printable("\x7f"), "\\x7f");
  EXPECT_EQ(Printable("\xc2\x9b"
                      "31m"),
            "\\u{9b}31m");                                             // C1 CSI
  EXPECT_EQ(Printable("\xe2\x80\xae"), "\\u{202e}");                   // right-to-left override
  EXPECT_EQ(Printable("\xe2\x81\xa6"), "\\u{2066}");                   // isolate
  EXPECT_EQ(Printable("\xe2\x80\xa8"), "\\u{2028}");                   // line separator
  EXPECT_EQ(Printable("\xf3\xa0\x80\xa1"), "\\u{e0021}");              // tag
  EXPECT_EQ(Printable("\xff\xc3"), "\\xff\\xc3");                      // not UTF-8
  EXPECT_EQ(Printable("Zürich 東京 🛍"), "Zürich 東京 🛍");  // text stays text
}

RC_GTEST_PROP(PrintableProperty, NoControlByteSurvives, (const std::string& text)) {
  for (const char c : Printable(text)) {
    const auto byte = static_cast<unsigned char>(c);
    RC_ASSERT(byte >= 0x20 && byte != 0x7f);
  }
}

TEST_F(TextTest, WidthCountsColumns) {
  EXPECT_EQ(DisplayWidth("abc"), 3u);
  EXPECT_EQ(DisplayWidth("Zürich"), 6u);
  EXPECT_EQ(DisplayWidth("東京"), 4u);
  EXPECT_EQ(DisplayWidth("e\xcc\x81"), 1u);  // combining accent
}

TEST_F(TextTest, TablesAlignWideText) {
  std::ostringstream out;
  WriteTable({"name", "second_column"}, {{"東京", "x"}, {"a", "\x1b[31mred"}, {"last", ""}}, 0, out);
  EXPECT_EQ(out.str(),
            "NAME  SECOND COLUMN\n"
            "東京  x\n"
            "a     \\x1b[31mred\n"
            "last\n");
}

TEST_F(TextTest, LongCellsAreCutBetweenCharacters) {
  std::ostringstream out;
  WriteTable({"n", "v"}, {{"東京都港区", "x"}}, 6, out);
  EXPECT_EQ(out.str(), "N      V\n東京…  x\n");
}

TEST_F(TextTest, CsvIsQuotedWhereNeeded) {
  EXPECT_EQ(CsvLine({"a", "b,c", "d\"e", "f\ng", "", " h"}), "a,\"b,c\",\"d\"\"e\",\"f\ng\",,\" h\"\n");
}

TEST_F(TextTest, DurationsAreRounded) {
  EXPECT_EQ(DurationText(0), "0 s");
  EXPECT_EQ(DurationText(89), "89 s");
  EXPECT_EQ(DurationText(90), "2 min");
  EXPECT_EQ(DurationText(5'400), "2 h");
  EXPECT_EQ(DurationText(26 * 3'600 + 1), "26 h");
  EXPECT_EQ(DurationText(36 * 3'600), "2 days");
  EXPECT_EQ(DurationText(INT64_MAX), "106751991167301 days");
}

TEST_F(TextTest, Thousands) {
  EXPECT_EQ(WithThousands(0), "0");
  EXPECT_EQ(WithThousands(999), "999");
  EXPECT_EQ(WithThousands(1000), "1,000");
  EXPECT_EQ(WithThousands(1234567), "1,234,567");
}

}  // namespace
}  // namespace coalition::cli
