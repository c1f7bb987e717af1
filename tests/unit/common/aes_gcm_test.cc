// Sealed messages: the standard's form, bound to key and context.
#include "common/aes_gcm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "common/hash.h"

namespace coalition {
namespace {

using Key = std::array<uint8_t, kGcmKeyBytes>;
using Nonce = std::array<uint8_t, kGcmNonceBytes>;

std::string Unhex(std::string_view hex) { return HexDecode(hex).value(); }

template <class T>
T Filled(std::string_view hex) {
  const std::string bytes = Unhex(hex);
  T filled = {};
  EXPECT_EQ(bytes.size(), filled.size());
  std::copy_n(bytes.begin(), std::min(bytes.size(), filled.size()), filled.begin());
  return filled;
}

// Of McGrew and Viega, "The Galois/Counter Mode of Operation (GCM)", test case 16.
TEST(AesGcm, IsTheStandards) {
  const Key key = Filled<Key>("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
  const Nonce nonce = Filled<Nonce>("cafebabefacedbaddecaf888");
  const std::string plaintext = Unhex(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aed"
      "f5"
      "aa0de657ba637b39");
  const std::string bound = Unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  const std::string sealed = GcmSeal(key, nonce, plaintext, bound);
  EXPECT_EQ(
      HexEncode(sealed),
      "cafebabefacedbaddecaf888"
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f6"
      "1e6393ba7a0abcc9f662"
      "76fc6ece0f4e1768cddf8853bb2d551b");
  EXPECT_EQ(GcmOpen(key, sealed, bound), plaintext);
}

// One after the other in one thread, whose cipher is used again: neither sees what was before.
TEST(AesGcm, WhatIsOtherwiseDoesNotOpen) {
  const Key key = {1}, another = {2};
  const Nonce nonce = {3};
  for (const std::string_view plaintext : {std::string_view(), std::string_view("plaintext")}) {
    for (const std::string_view bound : {std::string_view(), std::string_view("bound")}) {
      const std::string sealed = GcmSeal(key, nonce, plaintext, bound);
      EXPECT_EQ(sealed.size(), plaintext.size() + kGcmSealBytes);
      EXPECT_EQ(GcmOpen(another, sealed, bound), std::nullopt);
      EXPECT_EQ(GcmOpen(key, sealed, bound), plaintext);
      EXPECT_EQ(GcmOpen(key, sealed, "else"), std::nullopt);
      EXPECT_EQ(GcmOpen(key, sealed, bound), plaintext);
      for (size_t size = 0; size < sealed.size(); ++size) {
        EXPECT_EQ(GcmOpen(key, sealed.substr(0, size), bound), std::nullopt) << size;
      }
      for (size_t i = 0; i < sealed.size(); ++i) {
        std::string changed = sealed;
        changed[i] = static_cast<char>(changed[i] ^ 1);
        EXPECT_EQ(GcmOpen(key, changed, bound), std::nullopt) << i;
      }
      EXPECT_NE(GcmSeal(another, nonce, plaintext, bound), sealed);
      EXPECT_EQ(GcmSeal(key, nonce, plaintext, bound), sealed);
    }
  }
}

}  // namespace
}  // namespace coalition
