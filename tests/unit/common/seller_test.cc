#include "common/seller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace coalition {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string Refusal(std::string_view platform, std::string_view seller_id) {
  const auto key = NormalizeSeller(platform, seller_id);
  if (key.ok()) return "accepted";
  EXPECT_EQ(key.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(key.status().message());
}

TEST(NormalizeSeller, TrimsBothAndLowersThePlatformAlone) {
  const auto key = NormalizeSeller(" \t\n\v\f\rBazaar.EXAMPLE \n", "\r Shop-4711 B ");
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(key->platform, "bazaar.example");
  EXPECT_EQ(key->seller_id, "Shop-4711 B");
}

TEST(NormalizeSeller, KeepsOtherScriptsAsTheyAre) {
  const auto key = NormalizeSeller("bazaar.example", "\xe5\xba\x97\xe9\x93\xba-\xc3\xa9-\xf0\x9f\x91\x9c");
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(key->seller_id, "\xe5\xba\x97\xe9\x93\xba-\xc3\xa9-\xf0\x9f\x91\x9c");
}

TEST(NormalizeSeller, RefusesWhatIsEmptyOrTooLong) {
  EXPECT_EQ(Refusal("", "x"), "platform is empty");
  EXPECT_EQ(Refusal(" \t", "x"), "platform is empty");
  EXPECT_EQ(Refusal("a", ""), "seller_id is empty");
  EXPECT_EQ(Refusal("a", "\n "), "seller_id is empty");
  EXPECT_EQ(Refusal(std::string(253, 'a'), std::string(256, 'x')), "accepted");
  EXPECT_EQ(Refusal(std::string(254, 'a'), "x"), "platform is 254 bytes long: at most 253 are allowed");
  EXPECT_EQ(Refusal("a", std::string(257, 'x')), "seller_id is 257 bytes long: at most 256 are allowed");
}

TEST(NormalizeSeller, RefusesPlatformsThatAreNoHostNames) {
  for (const std::string platform :
       {"a b", "a_b", "http://a", "a/b", ".a", "a.", "a..b", "a\x01", "b\xc3\xa4zaar"}) {
    EXPECT_THAT(Refusal(platform, "x"), HasSubstr("is not a host name")) << platform;
  }
}

TEST(NormalizeSeller, RefusesControlCharactersByName) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"\x01", "U+0001"},         {"\x1f", "U+001F"},
      {"\x7f", "U+007F"},         {"\t", "U+0009"},
      {"\xc2\x80", "U+0080"},     {"\xc2\x9f", "U+009F"},
      {"\xe2\x80\xa8", "U+2028"}, {"\xe2\x80\xa9", "U+2029"},
      {"\xd8\x9c", "U+061C"},     {"\xe2\x80\x8e", "U+200E"},
      {"\xe2\x80\x8f", "U+200F"}, {"\xe2\x80\xaa", "U+202A"},
      {"\xe2\x80\xae", "U+202E"}, {"\xe2\x81\xa6", "U+2066"},
      {"\xe2\x81\xa9", "U+2069"}, {std::string(1, '\0'), "U+0000"}};
  for (const auto& [character, name] : cases) {
    EXPECT_EQ(Refusal("a", "ab" + character + "c"),
              "seller_id holds the control character " + name + " at byte 2");
  }
  EXPECT_EQ(Refusal("a", "a\xc2\xa0z"), "accepted");  // the character after C1
}

TEST(NormalizeSeller, RefusesBrokenUtf8) {
  for (const std::string id : {"ab\xff", "ab\xc3", "ab\xe2\x80", "ab\xc0\x80", "ab\xed\xa0\x80"}) {
    EXPECT_EQ(Refusal("a", id), "seller_id is not UTF-8 at byte 2");
  }
}

TEST(NormalizeSeller, DoesNotCopyNormalInput) {
  const std::string platform = "bazaar.example";
  const std::string id = " shop-4711";
  SellerKeyView view;
  std::string scratch;
  ASSERT_TRUE(NormalizeSeller(platform, id, &view, &scratch).ok());
  EXPECT_EQ(view.platform.data(), platform.data());
  EXPECT_EQ(view.seller_id.data(), id.data() + 1);
  EXPECT_TRUE(scratch.empty());
}

TEST(NormalizeSeller, LeavesTheOutputAloneOnRefusal) {
  SellerKeyView view{.platform = "before", .seller_id = "before"};
  std::string scratch;
  EXPECT_FALSE(NormalizeSeller("A", "", &view, &scratch).ok());
  EXPECT_EQ(view.platform, "before");
  EXPECT_EQ(view.seller_id, "before");
}

TEST(NormalizePlatform, IsThePlatformsPart) {
  EXPECT_EQ(NormalizePlatform(" Bazaar.Example").value(), "bazaar.example");
  EXPECT_THAT(NormalizePlatform("a b").status().message().data(), StartsWith("platform "));
}

// Mostly what could be a part, with a fair share of what could not.
rc::Gen<std::string> Part() {
  const auto character = rc::gen::weightedOneOf<std::string>(
      {{200, rc::gen::map(rc::gen::elementOf(std::string("abcXYZ019.-")),
                          [](char c) { return std::string(1, c); })},
       {10, rc::gen::element<std::string>(" ", "\t", "\n", "\r", "\v", "\f")},
       {1, rc::gen::element<std::string>("\xc3\xa9", "\xe2\x80\xae", "\xc2\x85", "\xff", "_", "\x7f")}});
  return rc::gen::map(rc::gen::resize(20, rc::gen::container<std::vector<std::string>>(character)),
                      [](const std::vector<std::string>& parts) {
                        std::string text;
                        for (const std::string& part : parts) text += part;
                        return text;
                      });
}

RC_GTEST_PROP(NormalizeSellerProperty, IsIdempotentAndTheSameOnBothPaths, ()) {
  const std::string platform = *Part();
  const std::string id = *Part();
  const auto key = NormalizeSeller(platform, id);
  SellerKeyView view;
  std::string scratch;
  const absl::Status status = NormalizeSeller(platform, id, &view, &scratch);
  RC_ASSERT(status == key.status());
  RC_CLASSIFY(key.ok(), "accepted");
  if (!key.ok()) return;
  RC_ASSERT(view.platform == key->platform);
  RC_ASSERT(view.seller_id == key->seller_id);
  const auto again = NormalizeSeller(key->platform, key->seller_id);
  RC_ASSERT(again.ok());
  RC_ASSERT(*again == *key);
}

RC_GTEST_PROP(NormalizeSellerProperty, WhiteSpaceAndCaseOfThePlatformDoNotMatter, ()) {
  const auto padding = rc::gen::container<std::string>(rc::gen::elementOf(std::string(" \t\n\v\f\r")));
  const std::string before = *padding;
  const std::string after = *padding;
  const auto changed = NormalizeSeller(before + "BaZaar.example" + after, after + "Shop" + before);
  RC_ASSERT(changed.ok());
  RC_ASSERT(*changed == (SellerKey{"bazaar.example", "Shop"}));
}

}  // namespace
}  // namespace coalition
