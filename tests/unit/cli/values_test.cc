#include "client/cli/values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace coalition::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <class T>
std::string Refusal(const absl::StatusOr<T>& value) {
  EXPECT_TRUE(absl::IsInvalidArgument(value.status())) << value.status();
  return std::string(value.status().message());
}

TEST(ValuesTest, Sellers) {
  const auto seller = ParseSeller(" Bazaar.Example/shop/4711 ");
  ASSERT_TRUE(seller.ok());
  EXPECT_EQ(seller->platform(), "bazaar.example");
  EXPECT_EQ(seller->seller_id(), "shop/4711");
  EXPECT_EQ(SellerText(*seller), "bazaar.example/shop/4711");
  EXPECT_THAT(Refusal(ParseSeller("bazaar.example")), HasSubstr("PLATFORM/SELLER"));
  EXPECT_THAT(Refusal(ParseSeller("bazaar.example/")), HasSubstr("seller_id"));
  EXPECT_THAT(Refusal(ParseSeller("/shop")), HasSubstr("platform"));
  EXPECT_THAT(Refusal(ParseSeller("bazaar.example/a\x1b")), HasSubstr("seller_id"));
  EXPECT_EQ(ParseSellerOrPlatform("bazaar.example")->seller_id(), "");
}

TEST(ValuesTest, Labels) {
  EXPECT_EQ(ParseLabel("amber").value(), v1::LABEL_AMBER);
  EXPECT_EQ(ParseLabel("TLP:AMBER+STRICT").value(), v1::LABEL_AMBER_STRICT);
  EXPECT_EQ(ParseLabel("Amber-Strict").value(), v1::LABEL_AMBER_STRICT);
  EXPECT_EQ(ParseLabel("LABEL_CLEAR").value(), v1::LABEL_CLEAR);
  EXPECT_THAT(Refusal(ParseLabel("orange")), HasSubstr("red, amber-strict, amber, green, clear"));
  EXPECT_THAT(Refusal(ParseLabel("tlp:ambre")), HasSubstr("\"tlp:ambre\" is not"));  // as it was typed
  EXPECT_FALSE(ParseLabel("unspecified").ok());
  EXPECT_EQ(LabelText(v1::LABEL_AMBER_STRICT), "amber-strict");
}

TEST(ValuesTest, Enums) {
  EXPECT_EQ(ParseRecordClass("report").value(), v1::RECORD_CLASS_OFFENDER_REPORT);
  EXPECT_EQ(ParseRecordClass("takedown-notice").value(), v1::RECORD_CLASS_TAKEDOWN_NOTICE);
  EXPECT_THAT(Refusal(ParseRecordClass("x")), HasSubstr("report, notice, outcome, opinion"));
  EXPECT_EQ(ParseActionTaken("partial").value(), v1::ACTION_TAKEN_PARTIAL);
  EXPECT_EQ(ParseAppealResult("upheld").value(), v1::APPEAL_RESULT_UPHELD);
  EXPECT_EQ(ParseOpinionVerdict("false-positive").value(), v1::OPINION_VERDICT_FALSE_POSITIVE);
  EXPECT_EQ(ParsePermittedAction("none").value(), v1::PERMITTED_ACTION_NONE);
  EXPECT_EQ(VerdictText(v1::VERDICT_NOT_LISTED), "not listed");
  EXPECT_EQ(EnumName("Remove-listings"), "REMOVE_LISTINGS");
  EXPECT_EQ(EnumText("DECISION_ACCOUNT_SUSPENDED", "DECISION_"), "account-suspended");
}

TEST(ValuesTest, GrantsAndSubjectsReadBack) {
  for (const char* text :
       {"member:bazaar=notice", "group:watchmakers=full", "kind:brand=full", "everyone=notice"}) {
    const auto grant = ParseGrant(text);
    ASSERT_TRUE(grant.ok()) << grant.status();
    EXPECT_EQ(GrantText(*grant), text);
  }
  EXPECT_EQ(GrantText(ParseGrant("kind:payment").value()), "kind:payment=full");
  EXPECT_EQ(ParseGrant("member:bazaar").value().subject().member(), "members/bazaar");
  EXPECT_THAT(Refusal(ParseGrant("bazaar=full")), HasSubstr("member:ID"));
  EXPECT_THAT(Refusal(ParseGrant("kind:shop=full")), HasSubstr("marketplace"));
  EXPECT_THAT(Refusal(ParseGrant("member:Bazaar=full")), HasSubstr("member id"));
  EXPECT_THAT(Refusal(ParseGrant("kind:brand=")), HasSubstr("WHOM=VIEW"));
  EXPECT_FALSE(ParseSubject("nobody").ok());
}

TEST(ValuesTest, Infringements) {
  EXPECT_EQ(ParseInfringement("trademark").value(), "KEYWORD_TRADEMARK_INFRINGEMENT");
  EXPECT_EQ(ParseInfringement("Geographic-Indications").value(),
            "KEYWORD_GEOGRAPHIC_INDICATIONS_INFRINGEMENT");
  EXPECT_EQ(ParseInfringement("KEYWORD_OF_TOMORROW").value(), "KEYWORD_OF_TOMORROW");
  EXPECT_THAT(Refusal(ParseInfringement("trademrak")), HasSubstr("trademark, design"));
}

TEST(ValuesTest, Rights) {
  EXPECT_EQ(ParseRight("EUIPO:012345678", "").value().type(), "TRADEMARK");
  EXPECT_EQ(ParseRight("EUIPO:012345678", "KEYWORD_DESIGN_INFRINGEMENT").value().type(), "DESIGN");
  const auto right = ParseRight("patent:EPO:EP1234567", "").value();
  EXPECT_EQ(right.type(), "PATENT");
  EXPECT_EQ(right.office(), "EPO");
  EXPECT_EQ(right.registration_number(), "EP1234567");
  for (const char* bad : {"", "EUIPO", "EUIPO:", ":1", "a::1", "EUIPO:1;EUIPO:2", "EUIPO:1;2", "a:b:c:d"}) {
    EXPECT_FALSE(ParseRight(bad, "").ok()) << bad;
  }
}

TEST(ValuesTest, Evidence) {
  const std::string hash = "sha256:" + std::string(64, 'a');
  EXPECT_EQ(ParseEvidence("TEST_PURCHASE").value().type(), "TEST_PURCHASE");
  const auto evidence = ParseEvidence("test-purchase:" + hash + ":box:3").value();
  EXPECT_EQ(evidence.type(), "TEST_PURCHASE");
  EXPECT_EQ(evidence.hash(), hash);
  EXPECT_EQ(evidence.reference(), "box:3");
  for (const std::string& bad :
       std::vector<std::string>{"", ":" + hash, "x:sha256:abc", "x:md5:" + std::string(64, 'a'),
                                "x:" + hash + "b", "x:sha256:" + std::string(64, 'g')}) {
    EXPECT_FALSE(ParseEvidence(bad).ok()) << bad;
  }
}

TEST(ValuesTest, Times) {
  EXPECT_EQ(TimeText(ParseTime("2026-03-01").value()), "2026-03-01T00:00:00Z");
  EXPECT_EQ(TimeText(ParseTime("2026-03-01 12:34:56").value()), "2026-03-01T12:34:56Z");
  EXPECT_EQ(TimeText(ParseTime("2026-03-01T12:34:56+02:00").value()), "2026-03-01T10:34:56Z");
  for (const char* bad : {"", "today", "2026-3-1", "2026-13-01", "2026-02-30", "2026-03-01T25:00:00Z",
                          "01/03/2026", "2026-03-01T12:34", "2026-03-01 12:34:5x"}) {
    EXPECT_FALSE(ParseTime(bad).ok()) << bad;
  }
  google::protobuf::Timestamp wild;
  wild.set_seconds(INT64_MAX);
  EXPECT_EQ(TimeText(wild), "invalid");
  EXPECT_EQ(TimeText({}), "");
}

TEST(ValuesTest, Names) {
  EXPECT_EQ(ParseRecord("aaaaaaaaaaaaaaaaaaaaaaaaaa").value(), "records/aaaaaaaaaaaaaaaaaaaaaaaaaa");
  EXPECT_FALSE(ParseRecord("records/short").ok());
  EXPECT_EQ(ParseMember("aurore").value(), "members/aurore");
  EXPECT_EQ(ParseMember("members/aurore").value(), "members/aurore");
  EXPECT_FALSE(ParseMember("members/").ok());
}

TEST(ValuesTest, Lists) { EXPECT_THAT(SplitList(" a ; b;;c ", ';'), ElementsAre("a", "b", "c")); }

TEST(ValuesTest, AudiencesAreNamedInShortOrInFull) {
  EXPECT_EQ(*ParseAudience("brands"), "audiences/brands");
  EXPECT_EQ(*ParseAudience("audiences/brands"), "audiences/brands");
  EXPECT_EQ(*ParseAudience("members/aurore/audiences/usual"), "members/aurore/audiences/usual");
  for (const char* wrong : {"", "Brands", "audiences/", "members/aurore", "members/aurore/usual", "a/b",
                            "members//audiences/a", "xaudiences/a", "audiences/a/b"}) {
    EXPECT_FALSE(ParseAudience(wrong).ok()) << wrong;
  }
}

}  // namespace
}  // namespace coalition::cli
