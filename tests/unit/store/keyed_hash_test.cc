#include "common/keyed_hash.h"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <array>
#include <cstring>
#include <numeric>
#include <string>

namespace coalition {
namespace {

using Key = std::array<uint8_t, KeyedHash::kKeyBytes>;

Key CountingKey() {
  Key key;
  std::iota(key.begin(), key.end(), uint8_t{0});
  return key;
}

std::string CountingText(size_t length) {
  std::string text(length, '\0');
  std::iota(text.begin(), text.end(), '\0');
  return text;
}

// OpenSSL's SipHash with a result of 8 bytes.
uint64_t Reference(const Key& key, const std::string& text, unsigned compression_rounds,
                   unsigned final_rounds) {
  EVP_MAC* mac = EVP_MAC_fetch(nullptr, "SIPHASH", nullptr);
  EVP_MAC_CTX* context = EVP_MAC_CTX_new(mac);
  size_t size = sizeof(uint64_t);
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size),
                               OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_C_ROUNDS, &compression_rounds),
                               OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_D_ROUNDS, &final_rounds),
                               OSSL_PARAM_construct_end()};
  std::array<unsigned char, sizeof(uint64_t)> out = {};
  size_t written = 0;
  EXPECT_EQ(EVP_MAC_init(context, key.data(), key.size(), params), 1);
  EXPECT_EQ(EVP_MAC_update(context, reinterpret_cast<const unsigned char*>(text.data()), text.size()), 1);
  EXPECT_EQ(EVP_MAC_final(context, out.data(), &written, out.size()), 1);
  EXPECT_EQ(written, out.size());
  EVP_MAC_CTX_free(context);
  EVP_MAC_free(mac);
  uint64_t hash = 0;
  for (size_t i = 0; i < out.size(); ++i) hash |= uint64_t{out[i]} << (8 * i);
  return hash;
}

TEST(KeyedHash, AgreesWithThePaper) {
  // Appendix A of "SipHash: a fast short-input PRF": key 00..0f, input 00..0e.
  EXPECT_EQ(KeyedHash(CountingKey()).Strong(CountingText(15)), 0xa129ca6149be45e5U);
}

TEST(KeyedHash, AgreesWithOpenSslAtEveryLength) {
  const Key key = CountingKey();
  const KeyedHash hash(key);
  for (size_t length = 0; length < 300; ++length) {
    const std::string text = CountingText(length);
    ASSERT_EQ(hash.Strong(text), Reference(key, text, 2, 4)) << length;
    ASSERT_EQ(hash(text), Reference(key, text, 1, 3)) << length;
  }
}

TEST(KeyedHash, DependsOnTheKey) {
  Key other = CountingKey();
  other[15] ^= 1;
  EXPECT_NE(KeyedHash(CountingKey())("seller"), KeyedHash(other)("seller"));
}

}  // namespace
}  // namespace coalition
