#include "common/sealed.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "common/hash.h"
#include "common/strings.h"

namespace coalition {
namespace {

constexpr char kVersion = 1;
constexpr size_t kSaltBytes = 16;
constexpr size_t kTagBytes = 16;
constexpr size_t kOverheadBytes = 1 + kSaltBytes + kTagBytes;
// Longer input is nothing that we made, and lengths stay far below OpenSSL's int.
constexpr size_t kTokenBytesMax = size_t{64} << 10;
// Right because each key encrypts one message.
constexpr unsigned char kNonce[12] = {};

void Require(bool ok) {
  if (ok) return;
  std::fputs("fatal: OpenSSL cannot encrypt with AES-256-GCM\n", stderr);
  std::abort();
}

const EVP_CIPHER* Cipher() {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  Require(cipher != nullptr);
  return cipher;
}

struct CipherContext {
  CipherContext() : context(EVP_CIPHER_CTX_new()) { Require(context != nullptr); }
  // Freeing clears the key.
  ~CipherContext() { EVP_CIPHER_CTX_free(context); }
  CipherContext(const CipherContext&) = delete;
  CipherContext& operator=(const CipherContext&) = delete;
  EVP_CIPHER_CTX* context;
};

struct TokenKey {
  TokenKey(std::span<const uint8_t> key, std::string_view salt) : bytes(HmacSha256(Bytes(key), salt)) {}
  ~TokenKey() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
  TokenKey(const TokenKey&) = delete;
  TokenKey& operator=(const TokenKey&) = delete;
  Sha256Digest bytes;
};

const unsigned char* Unsigned(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

absl::Status NotOurs() { return absl::InvalidArgumentError("the token is not valid for this request"); }

// What `bytes`, which have the layout of a token, seal under that key. nullopt: it has not sealed them.
std::optional<std::string> OpenWith(const SealKey& seal_key, std::string_view bytes,
                                    std::string_view associated_data) {
  const TokenKey key(seal_key, bytes.substr(1, kSaltBytes));
  const std::string_view ciphertext = bytes.substr(1 + kSaltBytes, bytes.size() - kOverheadBytes);
  std::string tag(bytes.substr(bytes.size() - kTagBytes));
  std::string plaintext(ciphertext.size(), '\0');
  auto* out = reinterpret_cast<unsigned char*>(plaintext.data());
  CipherContext cipher;
  int size = 0;
  Require(EVP_DecryptInit_ex2(cipher.context, Cipher(), key.bytes.data(), kNonce, nullptr) == 1);
  Require(EVP_DecryptUpdate(cipher.context, nullptr, &size, Unsigned(associated_data),
                            static_cast<int>(associated_data.size())) == 1);
  Require(EVP_DecryptUpdate(cipher.context, out, &size, Unsigned(ciphertext),
                            static_cast<int>(ciphertext.size())) == 1);
  Require(EVP_CIPHER_CTX_ctrl(cipher.context, EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag.data()) == 1);
  if (EVP_DecryptFinal_ex(cipher.context, out + plaintext.size(), &size) != 1) return std::nullopt;
  return plaintext;
}

}  // namespace

Sealer::Sealer(std::span<const uint8_t, kSealKeyBytes> key, Random& random, std::vector<SealKey> former)
    : former_(std::move(former)), random_(random) {
  std::copy(key.begin(), key.end(), key_.begin());
}

Sealer::~Sealer() {
  OPENSSL_cleanse(key_.data(), key_.size());
  for (SealKey& key : former_) OPENSSL_cleanse(key.data(), key.size());
}

std::string Sealer::Seal(std::string_view plaintext, std::string_view associated_data) const {
  Require(plaintext.size() <= kTokenBytesMax / 2 &&
          associated_data.size() <= std::numeric_limits<int>::max());
  const std::string salt = random_.Bytes(kSaltBytes);
  const TokenKey key(key_, salt);
  std::string sealed(1, kVersion);
  sealed += salt;
  sealed.resize(plaintext.size() + kOverheadBytes);
  auto* out = reinterpret_cast<unsigned char*>(sealed.data()) + 1 + kSaltBytes;
  CipherContext cipher;
  int size = 0;
  Require(EVP_EncryptInit_ex2(cipher.context, Cipher(), key.bytes.data(), kNonce, nullptr) == 1);
  Require(EVP_EncryptUpdate(cipher.context, nullptr, &size, Unsigned(associated_data),
                            static_cast<int>(associated_data.size())) == 1);
  Require(EVP_EncryptUpdate(cipher.context, out, &size, Unsigned(plaintext),
                            static_cast<int>(plaintext.size())) == 1);
  Require(EVP_EncryptFinal_ex(cipher.context, out + plaintext.size(), &size) == 1);
  Require(EVP_CIPHER_CTX_ctrl(cipher.context, EVP_CTRL_AEAD_GET_TAG, kTagBytes, out + plaintext.size()) == 1);
  return absl::WebSafeBase64Escape(sealed);
}

absl::StatusOr<std::string> Sealer::Open(std::string_view token, std::string_view associated_data) const {
  if (token.size() > kTokenBytesMax || associated_data.size() > std::numeric_limits<int>::max())
    return NotOurs();
  std::string sealed;
  // The decoder is lenient about padding and unused bits: only the one spelling that we would have made is
  // ours.
  if (!absl::WebSafeBase64Unescape(Absl(token), &sealed) ||
      Absl(token) != absl::WebSafeBase64Escape(sealed)) {
    return NotOurs();
  }
  if (sealed.size() < kOverheadBytes || sealed[0] != kVersion) return NotOurs();
  std::optional<std::string> plaintext = OpenWith(key_, sealed, associated_data);
  for (size_t i = 0; !plaintext && i < former_.size(); ++i) {
    plaintext = OpenWith(former_[i], sealed, associated_data);
  }
  if (!plaintext) return NotOurs();
  return *std::move(plaintext);
}

}  // namespace coalition
