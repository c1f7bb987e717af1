#include "common/x25519.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "common/hash.h"
#include "common/key_file.h"
#include "common/openssl.h"

namespace coalition {
namespace {

using openssl::BioPtr;
using openssl::Failed;
using openssl::KeyPtr;
using DerivationPtr = std::unique_ptr<EVP_PKEY_CTX, openssl::Deleter<&EVP_PKEY_CTX_free>>;

constexpr size_t kFileBytesMax = 16384;

KeyPtr PublicKey(const X25519PublicKey& key) {
  return KeyPtr(EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, key.data(), key.size()));
}

absl::StatusOr<X25519PublicKey> RawPublicKey(const EVP_PKEY* key) {
  X25519PublicKey raw{};
  size_t size = raw.size();
  if (EVP_PKEY_get_raw_public_key(key, raw.data(), &size) != 1 || size != raw.size()) {
    return Failed("derive the public key");
  }
  return raw;
}

absl::Status InFile(const std::string& path, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(path, ": ", status.message()));
}

}  // namespace

absl::StatusOr<std::string> ToPem(const X25519PublicKey& key) {
  const KeyPtr public_key = PublicKey(key);
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (public_key == nullptr || bio == nullptr || PEM_write_bio_PUBKEY(bio.get(), public_key.get()) != 1) {
    return Failed("write the public key");
  }
  return openssl::Contents(bio.get());
}

absl::StatusOr<X25519PublicKey> X25519PublicKeyFromPem(std::string_view pem) {
  if (pem.size() > kFileBytesMax) return absl::InvalidArgumentError("there is no PEM public key");
  if (pem.find("PRIVATE KEY-----") != std::string_view::npos) {
    return absl::InvalidArgumentError("this is a private key: the public one is wanted here, and no other");
  }
  const BioPtr bio = openssl::View(pem);
  const KeyPtr key(
      bio == nullptr ? nullptr : PEM_read_bio_PUBKEY(bio.get(), nullptr, openssl::RefusePassphrase, nullptr));
  ERR_clear_error();
  if (key == nullptr) return absl::InvalidArgumentError("there is no PEM public key that can be read");
  if (absl::Status type = openssl::CheckType(key.get(), "X25519", "public key"); !type.ok()) return type;
  return RawPublicKey(key.get());
}

std::string X25519KeyId(const X25519PublicKey& key) {
  const Sha256Digest digest = Sha256(Bytes(key));
  return HexEncode(Bytes(digest).substr(0, 8));
}

X25519Key::X25519Key(std::shared_ptr<evp_pkey_st> key, const X25519PublicKey& public_key)
    : key_(std::move(key)), public_key_(public_key) {}

absl::StatusOr<X25519Key> X25519Key::Make(std::shared_ptr<evp_pkey_st> key) {
  const absl::StatusOr<X25519PublicKey> public_key = RawPublicKey(key.get());
  if (!public_key.ok()) return public_key.status();
  return X25519Key(std::move(key), *public_key);
}

absl::StatusOr<X25519Key> X25519Key::Generate(Random& random) {
  std::array<uint8_t, kX25519KeyBytes> secret;
  random.Fill(secret);
  KeyPtr key(EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, secret.data(), secret.size()));
  OPENSSL_cleanse(secret.data(), secret.size());
  ERR_clear_error();
  // Any 32 bytes are a key.
  if (key == nullptr) return openssl::OutOfMemory();
  return Make(std::move(key));
}

absl::StatusOr<X25519Key> X25519Key::FromPem(std::string_view pem) {
  absl::StatusOr<KeyPtr> key = openssl::ReadKey(pem);
  if (!key.ok()) return key.status();
  if (absl::Status type = openssl::CheckType(key->get(), "X25519", "private key"); !type.ok()) return type;
  return Make(*std::move(key));
}

absl::StatusOr<std::string> X25519Key::ToPem() const {
  return openssl::PrivateKeyPem(key_.get(), "write the private key");
}

absl::StatusOr<std::string> X25519Key::SharedSecret(const X25519PublicKey& peer) const {
  const KeyPtr other = PublicKey(peer);
  const DerivationPtr context(EVP_PKEY_CTX_new(key_.get(), nullptr));
  if (other == nullptr || context == nullptr || EVP_PKEY_derive_init(context.get()) != 1) {
    return Failed("agree upon a key");
  }
  std::string secret(kX25519KeyBytes, '\0');
  size_t size = secret.size();
  // OpenSSL refuses a secret of zeros, which RFC 7748 §6.1 leaves to its users.
  const bool derived =
      EVP_PKEY_derive_set_peer(context.get(), other.get()) == 1 &&
      EVP_PKEY_derive(context.get(), reinterpret_cast<unsigned char*>(secret.data()), &size) == 1 &&
      size == secret.size();
  ERR_clear_error();
  if (!derived) return absl::InvalidArgumentError("the public key is none that can be agreed with");
  return secret;
}

absl::Status WriteX25519KeyFile(const std::string& path, const X25519Key& key) {
  const absl::StatusOr<std::string> pem = key.ToPem();
  if (!pem.ok()) return pem.status();
  return WriteNewFile(path, *pem, 0600);
}

absl::StatusOr<X25519Key> ReadX25519KeyFile(const std::string& path) {
  const absl::StatusOr<std::string> pem = ReadFile(path, kFileBytesMax);
  if (!pem.ok()) return pem.status();
  if (absl::Status is_private = CheckPrivateFile(path); !is_private.ok()) return is_private;
  absl::StatusOr<X25519Key> key = X25519Key::FromPem(*pem);
  if (!key.ok()) return InFile(path, key.status());
  return key;
}

absl::Status WriteX25519PublicKeyFile(const std::string& path, const X25519PublicKey& key) {
  const absl::StatusOr<std::string> pem = ToPem(key);
  if (!pem.ok()) return pem.status();
  return WriteNewFile(path, *pem, 0644);
}

absl::StatusOr<X25519PublicKey> ReadX25519PublicKeyFile(const std::string& path) {
  const absl::StatusOr<std::string> pem = ReadFile(path, kFileBytesMax);
  if (!pem.ok()) return pem.status();
  absl::StatusOr<X25519PublicKey> key = X25519PublicKeyFromPem(*pem);
  if (!key.ok()) return InFile(path, key.status());
  return key;
}

}  // namespace coalition
