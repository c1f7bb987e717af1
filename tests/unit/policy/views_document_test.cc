// The table of views in docs/api.md says what the code does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "common/file.h"
#include "common/policy/default_policy.h"
#include "common/policy/fields.h"
#include "tests/unit/policy/support.h"

namespace coalition::policy {
namespace {

constexpr size_t kDocumentBytesMax = size_t{1} << 20;
const std::map<std::string, v1::RecordClass> kClassNames = {{"report", v1::RECORD_CLASS_OFFENDER_REPORT},
                                                            {"notice", v1::RECORD_CLASS_TAKEDOWN_NOTICE},
                                                            {"outcome", v1::RECORD_CLASS_TAKEDOWN_OUTCOME},
                                                            {"opinion", v1::RECORD_CLASS_OPINION}};

// "class field" to what "full" and "notice" show of it.
using Table = std::map<std::string, std::pair<std::string, std::string>>;

Table OfTheDocument(const std::string& text) {
  static const std::regex kRow(R"(\| ([a-z, ]+) \| ((?:`[a-z_.]+`(?:, )?)+) \| (\S+) \| (\S+) \|)");
  static const std::regex kClass("[a-z]+"), kField("[a-z_.]+");
  Table table;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::smatch row;
    if (!std::regex_match(line, row, kRow)) continue;
    const std::string classes = row[1] == "every" ? "report, notice, outcome, opinion" : row[1].str();
    const std::string fields = row[2];
    for (std::sregex_iterator of(classes.begin(), classes.end(), kClass), end; of != end; ++of) {
      for (std::sregex_iterator field(fields.begin(), fields.end(), kField); field != end; ++field) {
        const std::string key = of->str() + " " + field->str();
        EXPECT_TRUE(table.try_emplace(key, row[3], row[4]).second) << key << " stands there twice";
      }
    }
  }
  return table;
}

std::string Shown(v1::RecordClass record_class, ViewId view, size_t field) {
  switch (DefaultView(record_class, view).level(static_cast<int>(field))) {
    case Level::kFull:
      return "whole";
    case Level::kPartial:
      return FieldsOf(record_class)[field].chain == v1::CHAIN_DAY ? "day" : "token";
    default:
      return "–";
  }
}

Table OfTheCode() {
  Table table;
  for (const auto& [name, record_class] : kClassNames) {
    const std::vector<Field>& fields = FieldsOf(record_class);
    for (size_t i = 0; i < fields.size(); ++i) {
      table[name + " " + fields[i].path] = {Shown(record_class, kViewFull, i),
                                            Shown(record_class, kViewNotice, i)};
    }
  }
  return table;
}

TEST(ViewsDocument, IsWhatTheCodeDoes) {
  const auto text = ReadFile(COALITION_SOURCE_DIR "/docs/api.md", kDocumentBytesMax);
  ASSERT_TRUE(text.ok()) << text.status();
  const Table written = OfTheDocument(*text), code = OfTheCode();
  for (const auto& [field, shown] : code) {
    const auto found = written.find(field);
    ASSERT_NE(found, written.end()) << field << " is missing";
    EXPECT_EQ(found->second, shown) << field;
  }
  EXPECT_EQ(written.size(), code.size()) << "a field stands there that there is not";
}

}  // namespace
}  // namespace coalition::policy
