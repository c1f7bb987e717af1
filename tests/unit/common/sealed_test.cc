#include "common/sealed.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <set>
#include <string>

namespace coalition {
namespace {

constexpr std::array<uint8_t, kSealKeyBytes> kKey = {1, 2, 3};
constexpr std::array<uint8_t, kSealKeyBytes> kOtherKey = {1, 2, 4};

class SealerTest : public ::testing::Test {
 protected:
  SystemRandom random_;
  Sealer sealer_{kKey, random_};
};

TEST_F(SealerTest, OpensWhatItSealed) {
  for (const std::string plaintext : {"", "x", "a position of some length"}) {
    const auto opened = sealer_.Open(sealer_.Seal(plaintext, "souk|list"), "souk|list");
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_EQ(*opened, plaintext);
  }
  EXPECT_TRUE(sealer_.Open(sealer_.Seal("x", ""), "").ok());
}

TEST_F(SealerTest, BindsTheTokenToKeyAndContext) {
  const std::string token = sealer_.Seal("position", "souk|list");
  EXPECT_FALSE(sealer_.Open(token, "corsa|list").ok());
  EXPECT_FALSE(sealer_.Open(token, "").ok());
  EXPECT_FALSE(Sealer(kOtherKey, random_).Open(token, "souk|list").ok());
  EXPECT_TRUE(Sealer(kKey, random_).Open(token, "souk|list").ok());
}

TEST_F(SealerTest, AFormerKeyOpensAndSealsNoMore) {
  const Sealer rotated(kOtherKey, random_, {kKey});
  const std::string before = sealer_.Seal("position", "souk|list");
  const auto opened = rotated.Open(before, "souk|list");
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(*opened, "position");
  EXPECT_FALSE(rotated.Open(before, "corsa|list").ok());
  const std::string after = rotated.Seal("position", "souk|list");
  EXPECT_TRUE(rotated.Open(after, "souk|list").ok());
  EXPECT_FALSE(sealer_.Open(after, "souk|list").ok());
  EXPECT_TRUE(Sealer(kOtherKey, random_).Open(after, "souk|list").ok());
  EXPECT_EQ(rotated.Open(after, "b").status(), sealer_.Open(after, "b").status());
}

TEST_F(SealerTest, SaysTheSameOfEveryBadToken) {
  const absl::Status other = sealer_.Open(sealer_.Seal("p", "a"), "b").status();
  EXPECT_EQ(other.code(), absl::StatusCode::kInvalidArgument);
  for (const std::string& token :
       {std::string(), std::string("%%%"), std::string("AAAA"), std::string(100'000, 'A')}) {
    EXPECT_EQ(sealer_.Open(token, "a").status(), other);
  }
}

TEST_F(SealerTest, LengthFollowsFromTheLengthAlone) {
  EXPECT_EQ(sealer_.Seal(std::string(40, 'a'), "x").size(),
            sealer_.Seal(std::string(40, '\xff'), "other").size());
}

TEST_F(SealerTest, NeverMakesTheSameTokenTwice) {
  std::set<std::string> tokens;
  for (int i = 0; i < 200; ++i) EXPECT_TRUE(tokens.insert(sealer_.Seal("position", "souk")).second);
}

constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

RC_GTEST_PROP(SealerProperty, RefusesATokenWithAnyFlippedBit, (const std::string& plaintext)) {
  SystemRandom random;
  const Sealer sealer(kKey, random);
  std::string token = sealer.Seal(plaintext, "souk|list");
  RC_ASSERT(sealer.Open(token, "souk|list").ok());
  const auto at = *rc::gen::inRange<size_t>(0, token.size());
  // A bit of what the character stands for: also the last one's, which stands for less than six.
  const size_t digit = kDigits.find(token[at]) ^ (size_t{1} << *rc::gen::inRange(0, 6));
  token[at] = kDigits[digit];
  RC_ASSERT(!sealer.Open(token, "souk|list").ok());
}

RC_GTEST_PROP(SealerProperty, RefusesATokenOfAnotherSpelling, (const std::string& plaintext)) {
  SystemRandom random;
  const Sealer sealer(kKey, random);
  const std::string token = sealer.Seal(plaintext, "q");
  for (const std::string& other : {token + "=", token + "==", token + "A", " " + token, token + "\n",
                                   token.substr(0, token.size() - 1)}) {
    RC_ASSERT(!sealer.Open(other, "q").ok());
  }
}

}  // namespace
}  // namespace coalition
