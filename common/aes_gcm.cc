#include "common/aes_gcm.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <limits>

namespace coalition {
namespace {

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

// Has its cipher from the beginning: to set it costs as much as to seal a record. Keeps its last key until
// the next one.
class CipherContext {
 public:
  explicit CipherContext(bool encrypts) : context_(EVP_CIPHER_CTX_new()) {
    Require(context_ != nullptr &&
            EVP_CipherInit_ex2(context_, Cipher(), nullptr, nullptr, encrypts ? 1 : 0, nullptr) == 1);
  }
  // Freeing clears the key.
  ~CipherContext() { EVP_CIPHER_CTX_free(context_); }
  CipherContext(const CipherContext&) = delete;
  CipherContext& operator=(const CipherContext&) = delete;

  // Of this thread.
  static EVP_CIPHER_CTX* Encrypting() {
    thread_local const CipherContext context(true);
    return context.context_;
  }
  static EVP_CIPHER_CTX* Decrypting() {
    thread_local const CipherContext context(false);
    return context.context_;
  }

 private:
  EVP_CIPHER_CTX* context_;
};

const unsigned char* Unsigned(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

int Length(std::string_view text) {
  Require(text.size() <= static_cast<size_t>(std::numeric_limits<int>::max()));
  return static_cast<int>(text.size());
}

// Begins with that key and nonce, and binds what follows.
void Begin(EVP_CIPHER_CTX* context, std::span<const uint8_t, kGcmKeyBytes> key, const unsigned char* nonce,
           std::string_view bound) {
  int size = 0;
  // -1: in the direction that the context has.
  Require(EVP_CipherInit_ex2(context, nullptr, key.data(), nonce, -1, nullptr) == 1);
  Require(EVP_CipherUpdate(context, nullptr, &size, Unsigned(bound), Length(bound)) == 1);
}

}  // namespace

std::string GcmSeal(std::span<const uint8_t, kGcmKeyBytes> key,
                    std::span<const uint8_t, kGcmNonceBytes> nonce, std::string_view plaintext,
                    std::string_view bound) {
  std::string sealed(kGcmSealBytes + plaintext.size(), '\0');
  auto* const out = std::copy(nonce.begin(), nonce.end(), reinterpret_cast<unsigned char*>(sealed.data()));
  EVP_CIPHER_CTX* const context = CipherContext::Encrypting();
  Begin(context, key, nonce.data(), bound);
  int size = 0;
  Require(EVP_CipherUpdate(context, out, &size, Unsigned(plaintext), Length(plaintext)) == 1);
  Require(EVP_CipherFinal_ex(context, out + plaintext.size(), &size) == 1);
  Require(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kGcmTagBytes, out + plaintext.size()) == 1);
  return sealed;
}

std::optional<std::string> GcmOpen(std::span<const uint8_t, kGcmKeyBytes> key, std::string_view sealed,
                                   std::string_view bound) {
  if (sealed.size() < kGcmSealBytes) return std::nullopt;
  const std::string_view ciphertext = sealed.substr(kGcmNonceBytes, sealed.size() - kGcmSealBytes);
  std::array<char, kGcmTagBytes> tag;
  std::copy_n(sealed.end() - kGcmTagBytes, kGcmTagBytes, tag.begin());
  std::string plaintext(ciphertext.size(), '\0');
  auto* const out = reinterpret_cast<unsigned char*>(plaintext.data());
  EVP_CIPHER_CTX* const context = CipherContext::Decrypting();
  Begin(context, key, Unsigned(sealed), bound);
  int size = 0;
  Require(EVP_CipherUpdate(context, out, &size, Unsigned(ciphertext), Length(ciphertext)) == 1);
  Require(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kGcmTagBytes, tag.data()) == 1);
  if (EVP_CipherFinal_ex(context, out + plaintext.size(), &size) != 1) return std::nullopt;
  return plaintext;
}

}  // namespace coalition
