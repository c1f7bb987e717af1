#include "common/ed25519.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/openssl.h"

namespace coalition {
namespace {

using openssl::Failed;
using openssl::KeyPtr;
using DigestPtr = std::unique_ptr<EVP_MD_CTX, openssl::Deleter<&EVP_MD_CTX_free>>;

const unsigned char* Unsigned(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

}  // namespace

bool VerifyEd25519(const Ed25519PublicKey& key, std::string_view message, std::string_view signature) {
  if (signature.size() != kEd25519SignatureBytes) return false;
  const KeyPtr public_key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key.data(), key.size()));
  const DigestPtr context(EVP_MD_CTX_new());
  const bool verified =
      public_key != nullptr && context != nullptr &&
      EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, public_key.get()) == 1 &&
      EVP_DigestVerify(context.get(), Unsigned(signature), signature.size(), Unsigned(message),
                       message.size()) == 1;
  ERR_clear_error();
  return verified;
}

Ed25519Key::Ed25519Key(std::shared_ptr<evp_pkey_st> key, const Ed25519PublicKey& public_key)
    : key_(std::move(key)), public_key_(public_key) {}

absl::StatusOr<Ed25519Key> Ed25519Key::Make(std::shared_ptr<evp_pkey_st> key) {
  Ed25519PublicKey public_key{};
  size_t size = public_key.size();
  if (EVP_PKEY_get_raw_public_key(key.get(), public_key.data(), &size) != 1 || size != public_key.size()) {
    return Failed("derive the public key");
  }
  return Ed25519Key(std::move(key), public_key);
}

absl::StatusOr<Ed25519Key> Ed25519Key::Generate(Random& random) {
  std::array<uint8_t, kEd25519KeyBytes> seed;
  random.Fill(seed);
  absl::StatusOr<Ed25519Key> key = FromSeed(seed);
  OPENSSL_cleanse(seed.data(), seed.size());
  return key;
}

absl::StatusOr<Ed25519Key> Ed25519Key::FromSeed(std::span<const uint8_t, kEd25519KeyBytes> seed) {
  KeyPtr key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size()));
  ERR_clear_error();
  // Any 32 bytes are a key.
  if (key == nullptr) return openssl::OutOfMemory();
  return Make(std::move(key));
}

absl::StatusOr<Ed25519Key> Ed25519Key::FromPem(std::string_view pem) {
  absl::StatusOr<KeyPtr> key = openssl::ReadKey(pem);
  if (!key.ok()) return key.status();
  if (absl::Status type = openssl::CheckType(key->get(), "ED25519", "private key"); !type.ok()) return type;
  return Make(*std::move(key));
}

absl::StatusOr<std::string> Ed25519Key::ToPem() const {
  return openssl::PrivateKeyPem(key_.get(), "write the private key");
}

absl::StatusOr<std::string> Ed25519Key::Sign(std::string_view message) const {
  std::string signature(kEd25519SignatureBytes, '\0');
  size_t size = signature.size();
  const DigestPtr context(EVP_MD_CTX_new());
  if (context == nullptr || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) != 1 ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                     Unsigned(message), message.size()) != 1 ||
      size != signature.size()) {
    return Failed("sign");
  }
  return signature;
}

}  // namespace coalition
