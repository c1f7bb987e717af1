#include "server/backup/backup_file.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/hash.h"
#include "common/openssl.h"

namespace coalition::backup {
namespace {

using openssl::Failed;

constexpr std::string_view kInfo = "coalition-backup/v1 chunks";
constexpr size_t kKeyBytes = 32;
constexpr size_t kKeysBytes = 2 * kX25519KeyBytes;
constexpr size_t kDigestAt = kFileMagic.size() + kKeysBytes;
static_assert(kDigestAt + std::tuple_size_v<Sha256Digest> == kHeaderBytes);

unsigned char* Unsigned(std::string& bytes, size_t at = 0) {
  return reinterpret_cast<unsigned char*>(bytes.data()) + at;
}

const unsigned char* Unsigned(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

// Wiped when it goes.
struct Secret {
  explicit Secret(std::string secret) : bytes(std::move(secret)) {}
  ~Secret() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  std::string bytes;
};

OSSL_PARAM OctetParam(const char* name, std::string_view bytes) {
  return OSSL_PARAM_construct_octet_string(name, const_cast<char*>(bytes.data()), bytes.size());
}

absl::Status Hkdf(std::string_view secret, std::string_view salt, std::string_view info, std::string* out) {
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
                                   OctetParam(OSSL_KDF_PARAM_KEY, secret),
                                   OctetParam(OSSL_KDF_PARAM_SALT, salt),
                                   OctetParam(OSSL_KDF_PARAM_INFO, info), OSSL_PARAM_construct_end()};
  EVP_KDF* kdf = EVP_KDF_fetch(nullptr, "HKDF", nullptr);
  EVP_KDF_CTX* context = kdf == nullptr ? nullptr : EVP_KDF_CTX_new(kdf);
  const bool derived =
      context != nullptr && EVP_KDF_derive(context, Unsigned(*out), out->size(), parameters) == 1;
  EVP_KDF_CTX_free(context);
  EVP_KDF_free(kdf);
  return derived ? absl::OkStatus() : Failed("derive a key");
}

std::string HeaderWithoutDigest(const FileHeader& header) {
  std::string bytes(kFileMagic);
  bytes += Bytes(header.recipient);
  bytes += Bytes(header.ephemeral);
  return bytes;
}

}  // namespace

std::string EncodeHeader(const FileHeader& header) {
  std::string bytes = HeaderWithoutDigest(header);
  bytes += Bytes(Sha256(bytes));
  return bytes;
}

absl::StatusOr<FileHeader> DecodeHeader(std::string_view bytes) {
  if (bytes.substr(0, kFileMagicBegin.size()) != kFileMagicBegin) {
    return absl::InvalidArgumentError("this is no backup of a coalition's store");
  }
  if (bytes.size() < kHeaderBytes) {
    return absl::DataLossError(
        absl::StrCat("the backup is cut off at byte ", bytes.size(), ", within its header"));
  }
  if (bytes.substr(0, kFileMagic.size()) != kFileMagic) {
    return absl::InvalidArgumentError("the backup is of a version that this program does not know");
  }
  if (bytes.substr(kDigestAt, kHeaderBytes - kDigestAt) != Bytes(Sha256(bytes.substr(0, kDigestAt)))) {
    return absl::DataLossError("the backup is damaged in its header, at byte 0");
  }
  FileHeader header;
  const std::string_view keys = bytes.substr(kFileMagic.size(), kKeysBytes);
  std::copy_n(keys.begin(), kX25519KeyBytes, header.recipient.begin());
  std::copy_n(keys.begin() + kX25519KeyBytes, kX25519KeyBytes, header.ephemeral.begin());
  return header;
}

absl::StatusOr<std::unique_ptr<ChunkCipher>> ChunkCipher::Make(const FileHeader& header,
                                                               const X25519Key& key) {
  const bool seals = key.public_key() == header.ephemeral;
  absl::StatusOr<std::string> agreed = key.SharedSecret(seals ? header.recipient : header.ephemeral);
  if (!agreed.ok()) return agreed.status();
  const Secret shared(*std::move(agreed));
  Secret derived(std::string(kKeyBytes + kNoncePrefixBytes, '\0'));
  absl::Status status = Hkdf(shared.bytes, HeaderWithoutDigest(header), kInfo, &derived.bytes);
  if (!status.ok()) return status;
  EVP_CIPHER_CTX* const context = EVP_CIPHER_CTX_new();
  if (context == nullptr) return Failed("make a cipher");
  const std::string_view nonce_prefix = std::string_view(derived.bytes).substr(kKeyBytes);
  std::unique_ptr<ChunkCipher> cipher(new ChunkCipher(context, nonce_prefix));
  EVP_CIPHER* const aes = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  const bool ready = aes != nullptr && EVP_CipherInit_ex2(context, aes, Unsigned(derived.bytes), nullptr,
                                                          seals ? 1 : 0, nullptr) == 1;
  EVP_CIPHER_free(aes);  // the context keeps it
  if (!ready) return Failed("use AES-256-GCM");
  return cipher;
}

ChunkCipher::ChunkCipher(evp_cipher_ctx_st* cipher, std::string_view nonce_prefix)
    : cipher_(cipher), nonce_prefix_{} {
  std::copy(nonce_prefix.begin(), nonce_prefix.end(), nonce_prefix_.begin());
}

// Clears the key.
ChunkCipher::~ChunkCipher() { EVP_CIPHER_CTX_free(cipher_); }

std::array<uint8_t, ChunkCipher::kNonceBytes> ChunkCipher::NextNonce(bool last) {
  std::array<uint8_t, kNonceBytes> nonce{};
  std::copy(nonce_prefix_.begin(), nonce_prefix_.end(), nonce.begin());
  for (size_t i = 0; i < sizeof(chunks_); ++i) {
    nonce[kNoncePrefixBytes + i] = static_cast<uint8_t>(chunks_ >> (8 * (sizeof(chunks_) - 1 - i)));
  }
  nonce[kNonceBytes - 1] = last ? 1 : 0;
  ++chunks_;
  return nonce;
}

absl::Status ChunkCipher::Seal(std::string_view plaintext, bool last, std::string* to) {
  const std::array<uint8_t, kNonceBytes> nonce = NextNonce(last);
  const size_t at = to->size();
  to->resize(at + plaintext.size() + kTagBytes);
  int size = 0;
  const bool sealed = EVP_CipherInit_ex2(cipher_, nullptr, nullptr, nonce.data(), -1, nullptr) == 1 &&
                      EVP_CipherUpdate(cipher_, Unsigned(*to, at), &size, Unsigned(plaintext),
                                       static_cast<int>(plaintext.size())) == 1 &&
                      EVP_CipherFinal_ex(cipher_, Unsigned(*to, at + plaintext.size()), &size) == 1 &&
                      EVP_CIPHER_CTX_ctrl(cipher_, EVP_CTRL_AEAD_GET_TAG, kTagBytes,
                                          Unsigned(*to, at + plaintext.size())) == 1;
  return sealed ? absl::OkStatus() : Failed("encrypt");
}

bool ChunkCipher::Open(std::string_view sealed, bool last, std::string* to) {
  // The last one has at least one byte: so an empty one can't stand behind a full one.
  if (sealed.size() <= kTagBytes || sealed.size() > kSealedChunkBytes) return false;
  const std::array<uint8_t, kNonceBytes> nonce = NextNonce(last);
  const std::string_view ciphertext = sealed.substr(0, sealed.size() - kTagBytes);
  std::string tag(sealed.substr(ciphertext.size()));
  const size_t at = to->size();
  to->resize(at + ciphertext.size());
  int size = 0;
  const bool opened = EVP_CipherInit_ex2(cipher_, nullptr, nullptr, nonce.data(), -1, nullptr) == 1 &&
                      EVP_CipherUpdate(cipher_, Unsigned(*to, at), &size, Unsigned(ciphertext),
                                       static_cast<int>(ciphertext.size())) == 1 &&
                      EVP_CIPHER_CTX_ctrl(cipher_, EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag.data()) == 1 &&
                      EVP_CipherFinal_ex(cipher_, Unsigned(tag), &size) == 1;
  ERR_clear_error();
  if (!opened) to->resize(at);
  return opened;
}

}  // namespace coalition::backup
