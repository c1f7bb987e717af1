#include "common/ids.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>
#include <string>

#include "common/hash.h"
#include "common/strings.h"

namespace coalition {
namespace {

using ::testing::HasSubstr;

std::string Message(const absl::Status& status) { return std::string(status.message()); }

TEST(Ids, AcceptTheGrammarAndNothingElse) {
  EXPECT_TRUE(IsId("a"));
  EXPECT_TRUE(IsId("aurore-2"));
  EXPECT_TRUE(IsId("a" + std::string(62, 'z')));
  EXPECT_FALSE(IsId("a" + std::string(63, 'z')));
  for (const std::string id :
       {"", "A", "2a", "-a", "a_b", "a.b", "a/b", "a b", "a\n", "~token", "\xc3\xa9"}) {
    EXPECT_FALSE(IsId(id)) << id;
  }
  EXPECT_FALSE(IsId(std::string("a\0b", 3)));
}

TEST(Ids, SayWhatIsWrong) {
  EXPECT_TRUE(CheckId("aurore", "member id").ok());
  EXPECT_THAT(Message(CheckId("", "member id")), HasSubstr("member id is empty"));
  EXPECT_THAT(Message(CheckId("Aurore\n", "member id")), HasSubstr("member id \"Aurore\\n\" is not an id"));
  EXPECT_THAT(Message(CheckPlatformId("Bazaar")), HasSubstr("\"Bazaar\" is not a host name"));
}

TEST(Names, ReadBackWhatWasFormatted) {
  const std::string record(26, 'a');
  EXPECT_EQ(ParseMemberName(FormatMemberName("aurore")).value(), "aurore");
  EXPECT_EQ(ParseGroupName(FormatGroupName("luxury")).value(), "luxury");
  EXPECT_EQ(ParsePlatformName(FormatPlatformName("bazaar.example")).value(), "bazaar.example");
  EXPECT_EQ(ParseRecordName(FormatRecordName(record)).value(), record);
  EXPECT_EQ(FormatCredentialName("souk", "screening"), "members/souk/credentials/screening");
  EXPECT_EQ(ParseCredentialName("members/souk/credentials/screening").value(),
            (CredentialName{"souk", "screening"}));
}

TEST(Names, RefuseOthersWithThePattern) {
  for (const std::string name : {"", "members", "members/", "members/A", "member/a", "members/a/", "groups/a",
                                 "/members/a", "members/~abc", "members/a/credentials/b"}) {
    const auto parsed = ParseMemberName(name);
    EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_THAT(Message(parsed.status()), HasSubstr("members/{member}")) << name;
  }
  for (const std::string name :
       {"members/a", "members/a/credentials/", "members//credentials/b", "members/a/credentials/b/c",
        "members/a/keys/b", "members/a/credentials/B"}) {
    EXPECT_FALSE(ParseCredentialName(name).ok()) << name;
  }
  for (const std::string name : {"records/", "records/abc", "record/aaaaaaaaaaaaaaaaaaaaaaaaaa"}) {
    EXPECT_FALSE(ParseRecordName(name).ok()) << name;
  }
}

TEST(Names, EchoLittleOfALongOne) {
  EXPECT_LT(Message(ParseMemberName(std::string(100'000, 'x')).status()).size(), 300U);
}

TEST(Platforms, AreHostNames) {
  for (const std::string id : {"a", "bazaar.example", "x-1.y-2.z", "3.example"})
    EXPECT_TRUE(IsPlatformId(id)) << id;
  for (const std::string id : {"", ".", "a.", ".a", "a..b", "Bazaar", "a_b", "a b", "a:1", "a/b"}) {
    EXPECT_FALSE(IsPlatformId(id)) << id;
  }
  EXPECT_TRUE(IsPlatformId(std::string(253, 'a')));
  EXPECT_FALSE(IsPlatformId(std::string(254, 'a')));
}

TEST(RecordIds, AreRandomAndCanonical) {
  SystemRandom random;
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = NewRecordId(random);
    EXPECT_EQ(id.size(), 26U);
    EXPECT_TRUE(IsRecordId(id)) << id;
    EXPECT_TRUE(seen.insert(id).second);
  }
}

TEST(RecordIds, HaveOneSpellingEach) {
  EXPECT_TRUE(IsRecordId(std::string(26, 'a')));
  // The last character carries three bits: with any of the other two set it would be a second name of the
  // same bytes.
  EXPECT_FALSE(IsRecordId(std::string(25, 'a') + 'b'));
  EXPECT_TRUE(IsRecordId(std::string(25, 'a') + 'e'));
  EXPECT_FALSE(IsRecordId(std::string(26, 'A')));
  EXPECT_FALSE(IsRecordId(std::string(26, '1')));
  EXPECT_FALSE(IsRecordId(std::string(25, 'a')));
  EXPECT_FALSE(IsRecordId(std::string(27, 'a')));
}

RC_GTEST_PROP(RecordIds, GoToBytesAndBack, ()) {
  const auto raw = *rc::gen::container<std::string>(kRecordIdBytes, rc::gen::arbitrary<char>());
  const std::string id = RecordIdFromBytes(raw);
  const auto bytes = RecordIdToBytes(id);
  RC_ASSERT(bytes.has_value());
  RC_ASSERT(Bytes(*bytes) == raw);
}

TEST(Text, QuotedIsPrintableAndShort) {
  EXPECT_EQ(Quoted("a\"b\n"), "\"a\\\"b\\n\"");
  EXPECT_EQ(Quoted("abcdef", 3), "\"abc...\"");
}

TEST(Text, CleanUtf8ReplacesAndCutsBetweenCharacters) {
  EXPECT_EQ(CleanUtf8("a\xff\xc3\xa9", 10), "a?\xc3\xa9");
  EXPECT_EQ(CleanUtf8("a\xc3\xa9", 2), "a");
  EXPECT_EQ(CleanUtf8("\xc0\x80\xed\xa0\x80\xf5", 10), "??????");  // overlong, surrogate, too large
}

}  // namespace
}  // namespace coalition
