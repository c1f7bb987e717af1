#include "common/hash.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace coalition {
namespace {

std::string Hex(const Sha256Digest& digest) { return HexEncode(Bytes(digest)); }

// FIPS 180-4's examples.
TEST(Sha256, MatchesTheStandard) {
  EXPECT_EQ(Hex(Sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Hex(Sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256({"a", "", "bc"}), Sha256("abc"));
}

TEST(Sha256, StreamsAndBeginsAnew) {
  Sha256Stream stream;
  stream.Update("a");
  stream.Update("bc");
  EXPECT_EQ(stream.Finish(), Sha256("abc"));
  EXPECT_EQ(stream.Finish(), Sha256(""));
}

// RFC 4231, cases 1, 2 and 6.
TEST(HmacSha256, MatchesTheStandard) {
  EXPECT_EQ(Hex(HmacSha256(std::string(20, '\x0b'), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(Hex(HmacSha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(
      Hex(HmacSha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(HmacSha256, AnEmptyKeyIsNotTheKeyBefore) {
  const Sha256Digest empty = HmacSha256("", "data");
  HmacSha256("some key", "data");
  EXPECT_EQ(HmacSha256("", "data"), empty);
  EXPECT_EQ(Hex(HmacSha256("", "")), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(Hashes, AreRightOnManyThreadsAtOnce) {
  const Sha256Digest digest = Sha256("abc");
  const Sha256Digest mac = HmacSha256("key", "abc");
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        EXPECT_EQ(Sha256("abc"), digest);
        EXPECT_EQ(HmacSha256("key", "abc"), mac);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Hex, RefusesWhatIsNotHex) {
  EXPECT_EQ(HexDecode("00fFaB").value(), std::string("\0\xff\xab", 3));
  EXPECT_FALSE(HexDecode("0").has_value());
  EXPECT_FALSE(HexDecode("0g").has_value());
  EXPECT_FALSE(HexDecode("0x12").has_value());
}

// RFC 4648 §10, in lower case and without padding.
TEST(Base32, MatchesTheStandard) {
  EXPECT_EQ(Base32Encode(""), "");
  EXPECT_EQ(Base32Encode("f"), "my");
  EXPECT_EQ(Base32Encode("fo"), "mzxq");
  EXPECT_EQ(Base32Encode("foo"), "mzxw6");
  EXPECT_EQ(Base32Encode("foob"), "mzxw6yq");
  EXPECT_EQ(Base32Encode("fooba"), "mzxw6ytb");
  EXPECT_EQ(Base32Encode("foobar"), "mzxw6ytboi");
}

TEST(Base32, HasOneSpellingForEachValue) {
  for (const std::string text : {"MY", "mz", "m", "my======", "m1", "mzx", "mzxw6y"}) {
    EXPECT_FALSE(Base32Decode(text).has_value()) << text;
  }
}

RC_GTEST_PROP(Encodings, ReadBackWhatWasWritten, (const std::string& bytes)) {
  RC_ASSERT(HexDecode(HexEncode(bytes)) == bytes);
  RC_ASSERT(Base32Decode(Base32Encode(bytes)) == bytes);
}

RC_GTEST_PROP(ConstantTimeEquals, IsEquality, (const std::string& a, const std::string& b)) {
  RC_ASSERT(ConstantTimeEquals(a, b) == (a == b));
  RC_ASSERT(ConstantTimeEquals(a, std::string(a)));
}

}  // namespace
}  // namespace coalition
