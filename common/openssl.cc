#include "common/openssl.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "absl/strings/str_cat.h"
#include "common/strings.h"
#include "common/tls.h"

namespace coalition::openssl {
namespace {

bool HashDer(unsigned char* der, int size, Sha256Digest* digest) {
  if (size <= 0) return false;
  *digest = Sha256({reinterpret_cast<const char*>(der), static_cast<size_t>(size)});
  OPENSSL_free(der);
  return true;
}

}  // namespace

BioPtr View(std::string_view pem) {
  return BioPtr(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

std::string Contents(BIO* memory) {
  const char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  return size > 0 ? std::string(data, static_cast<size_t>(size)) : std::string();
}

absl::Status OutOfMemory() { return absl::ResourceExhaustedError("OpenSSL is out of memory"); }

absl::Status Failed(const char* what) {
  ERR_clear_error();
  return absl::InternalError(absl::StrCat("OpenSSL could not ", what));
}

absl::Status CheckType(const EVP_PKEY* key, const char* type, const char* what) {
  if (EVP_PKEY_is_a(key, type) == 1) return absl::OkStatus();
  const char* has = EVP_PKEY_get0_type_name(key);
  return absl::InvalidArgumentError(
      absl::StrCat("the ", what, " is of type ", has == nullptr ? "unknown" : has, ", not ", type));
}

absl::StatusOr<std::string> PrivateKeyPem(const EVP_PKEY* key, const char* act) {
  const BioPtr bio(BIO_new(BIO_s_secmem()));
  if (key == nullptr || bio == nullptr ||
      PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return Failed(act);
  }
  return Contents(bio.get());
}

int RefusePassphrase(char*, int, int, void* asked) {
  if (asked != nullptr) *static_cast<bool*>(asked) = true;
  return -1;
}

absl::StatusOr<std::vector<X509Ptr>> ReadCertificates(std::string_view pem, size_t count_max) {
  if (pem.size() > kPemBytesMax) return absl::InvalidArgumentError("the PEM text is larger than 1 MiB");
  std::vector<X509Ptr> certificates;
  const BioPtr bio = View(pem);
  while (bio != nullptr && certificates.size() < count_max) {
    X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, RefusePassphrase, nullptr));
    if (certificate == nullptr) break;
    certificates.push_back(std::move(certificate));
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (certificates.size() < count_max && !at_end) {
    return absl::InvalidArgumentError(
        absl::StrCat("certificate ", certificates.size() + 1, " of the PEM text is broken"));
  }
  if (certificates.empty()) return absl::InvalidArgumentError("there is no PEM certificate");
  return certificates;
}

absl::StatusOr<KeyPtr> ReadKey(std::string_view pem) {
  if (pem.size() > kPemBytesMax) return absl::InvalidArgumentError("the PEM text is larger than 1 MiB");
  bool encrypted = false;
  const BioPtr bio = View(pem);
  KeyPtr key(bio == nullptr ? nullptr
                            : PEM_read_bio_PrivateKey(bio.get(), nullptr, RefusePassphrase, &encrypted));
  ERR_clear_error();
  if (encrypted)
    return absl::InvalidArgumentError("the private key is encrypted: store it without a passphrase");
  if (key == nullptr) return absl::InvalidArgumentError("there is no PEM private key that can be read");
  return key;
}

const EVP_MD* DigestFor(const EVP_PKEY* key) {
  return EVP_PKEY_is_a(key, "EC") == 1 && EVP_PKEY_get_bits(key) > 256 ? EVP_sha384() : EVP_sha256();
}

bool HashKey(const EVP_PKEY* key, Sha256Digest* digest) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  return HashDer(der, size, digest);
}

bool HashKey(const X509_PUBKEY* key, Sha256Digest* digest) {
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(key, &der);
  return HashDer(der, size, digest);
}

std::string Oneline(const X509_NAME* name) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253) < 0) return "";
  return CleanUtf8(Contents(bio.get()), 512);
}

}  // namespace coalition::openssl
