#include "common/policy/header.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/unit/policy/support.h"

namespace coalition::policy {
namespace {

// The form is durable: these bytes must be readable for ever.
TEST(Header, FormIsFixed) {
  Header header = Report();
  header.record_class = v1::RECORD_CLASS_OPINION;
  header.label = v1::LABEL_GREEN;
  header.state = Lifecycle::kContested;
  header.contributor = 0x01020304;
  header.platform = 5;
  header.made = 0x1122334455667788;
  header.expire_time_s = -2;
  header.subject = RecordIdBytes{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  header.grants = {{SubjectKind::kGroup, kViewNotice, 9, 0x0a}};
  header.exclusions = {{SubjectKind::kKind, 2}};
  const unsigned char expected[] = {
      1,    4,    4,    2,    2,    1,    1,    1,     // version, enums, flags, counts
      4,    3,    2,    1,    5,    0,    0,    0,     // contributor, platform
      0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11,  // made
      0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,  // expire time
      0,    1,    2,    3,    4,    5,    6,    7,    8, 9, 10, 11, 12, 13, 14, 15,  // subject
      2,    2,    9,    0,    0,    0,    0x0a, 0,    0, 0, 0,  0,  0,  0,           // grant
      3,    2,    0,    0,    0,                                                     // exclusion
  };
  EXPECT_EQ(EncodeHeader(header), std::string(reinterpret_cast<const char*>(expected), sizeof expected));
  EXPECT_EQ(HeaderView::Parse(EncodeHeader(header))->ToHeader(), header);
}

// Which values of one byte are let through.
std::set<int> Accepted(const std::string& bytes, size_t at) {
  std::set<int> accepted;
  for (int value = 0; value < 256; ++value) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(value);
    if (HeaderView::Parse(changed)) accepted.insert(value);
  }
  return accepted;
}

TEST(Header, UnknownEnumsHideTheRecord) {
  Header header = Report();
  header.grants = {ToMember(kBelmont)};
  header.exclusions = {{SubjectKind::kMember, kCorsa}};
  const std::string bytes = EncodeHeader(header);
  using Set = std::set<int>;
  EXPECT_EQ(Accepted(bytes, 0), (Set{1})) << "version";
  EXPECT_EQ(Accepted(bytes, 1), (Set{1, 2, 3, 4})) << "class";
  EXPECT_EQ(Accepted(bytes, 2), (Set{1, 2, 3, 4, 5})) << "label";
  EXPECT_EQ(Accepted(bytes, 3), (Set{1, 2, 3, 4, 5})) << "permitted action";
  EXPECT_EQ(Accepted(bytes, 4), (Set{1, 2, 3, 4})) << "lifecycle";
  EXPECT_EQ(Accepted(bytes, 5), (Set{0})) << "flags: a subject would not fit";
  EXPECT_EQ(Accepted(bytes, 32), (Set{1, 2, 3})) << "a grant's subject; everyone has no number";
  Set views;
  for (int view = 1; view <= kViewNamesMax; ++view) views.insert(view);
  EXPECT_EQ(Accepted(bytes, 33), views) << "a grant's view: whatever can have a name";
  EXPECT_EQ(Accepted(bytes, 46), (Set{1, 2, 3})) << "an exclusion's subject, never everyone";
}

TEST(Header, UnknownKindsHideTheRecord) {
  for (const uint32_t kind : {0U, 9U, 258U, 0xffffffffU}) {
    Header granted = Report(), excluded = Report();
    granted.grants = {{SubjectKind::kKind, kViewFull, kind, kMade}};
    excluded.exclusions = {{SubjectKind::kKind, kind}};
    EXPECT_FALSE(HeaderView::Parse(EncodeHeader(granted))) << kind;
    EXPECT_FALSE(HeaderView::Parse(EncodeHeader(excluded))) << kind;
  }
}

TEST(Header, MessageFollows) {
  const std::string bytes = EncodeHeader(Report()) + "message";
  const auto view = HeaderView::Parse(bytes);
  ASSERT_TRUE(view);
  EXPECT_EQ(bytes.substr(view->size()), "message");
  EXPECT_FALSE(view->subject().has_value());
}

TEST(HeaderDeathTest, RefusesToWriteWhatCannotBeCounted) {
  Header header = Report();
  header.grants.resize(255, ToMember(kBelmont));
  EXPECT_EQ(HeaderView::Parse(EncodeHeader(header))->grants_size(), 255);
  header.grants.push_back(ToMember(kCorsa));
  EXPECT_DEATH(EncodeHeader(header), "255 grants");
}

}  // namespace
}  // namespace coalition::policy
