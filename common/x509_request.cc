#include "common/x509_request.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "absl/strings/str_cat.h"
#include "common/openssl.h"
#include "common/tls.h"

namespace coalition {
namespace {

using openssl::BioPtr;
using openssl::Failed;
using openssl::KeyPtr;
using openssl::RequestPtr;

constexpr int kRsaBitsMin = 3072;

}  // namespace

namespace openssl {

absl::StatusOr<RequestPtr> ReadRequest(std::string_view pem) {
  if (pem.size() > kPemBytesMax) return absl::InvalidArgumentError("the PEM text is larger than 1 MiB");
  const BioPtr bio = View(pem);
  RequestPtr request(bio == nullptr ? nullptr
                                    : PEM_read_bio_X509_REQ(bio.get(), nullptr, RefusePassphrase, nullptr));
  EVP_PKEY* key = request == nullptr ? nullptr : X509_REQ_get0_pubkey(request.get());
  // Whoever asks for a certificate of a key has to have it.
  const bool own = key != nullptr && X509_REQ_verify(request.get(), key) == 1;
  ERR_clear_error();
  if (request == nullptr) return absl::InvalidArgumentError("there is no PEM signing request");
  if (!own) {
    return absl::InvalidArgumentError(
        "the signing request is not signed with the key that it is about: it was damaged or made up");
  }
  char curve[64] = "";
  EVP_PKEY_get_group_name(key, curve, sizeof(curve), nullptr);
  ERR_clear_error();
  const std::string_view group = curve;
  const bool sound =
      (EVP_PKEY_is_a(key, "EC") == 1 && (group == SN_X9_62_prime256v1 || group == SN_secp384r1)) ||
      (EVP_PKEY_is_a(key, "RSA") == 1 && EVP_PKEY_get_bits(key) >= kRsaBitsMin);
  if (sound) return request;
  const char* type = EVP_PKEY_get0_type_name(key);
  return absl::InvalidArgumentError(
      absl::StrCat("a key of type ", type == nullptr ? "unknown" : type, *curve == '\0' ? "" : " ", curve,
                   " of ", EVP_PKEY_get_bits(key),
                   " bits is not certified: make one of ECDSA P-256 or P-384, or RSA of 3072 bits or more"));
}

}  // namespace openssl

absl::StatusOr<std::string> NewPrivateKeyPem(Curve curve) {
  const KeyPtr key(EVP_EC_gen(curve == Curve::kP256 ? "P-256" : "P-384"));
  return openssl::PrivateKeyPem(key.get(), "make a key");
}

absl::StatusOr<std::string> MakeSigningRequestPem(std::string_view key_pem, std::string_view organization) {
  if (organization.empty() || organization.size() > 64) {
    return absl::InvalidArgumentError("the organization must have 1 to 64 characters");
  }
  const absl::StatusOr<KeyPtr> key = openssl::ReadKey(key_pem);
  if (!key.ok()) return key.status();
  const RequestPtr request(X509_REQ_new());
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (request == nullptr || bio == nullptr) return openssl::OutOfMemory();
  X509_NAME* subject = X509_REQ_get_subject_name(request.get());
  const bool made = X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) == 1 &&
                    X509_NAME_add_entry_by_NID(subject, NID_organizationName, MBSTRING_UTF8,
                                               reinterpret_cast<const unsigned char*>(organization.data()),
                                               static_cast<int>(organization.size()), -1, 0) == 1 &&
                    X509_REQ_set_pubkey(request.get(), key->get()) == 1 &&
                    X509_REQ_sign(request.get(), key->get(), openssl::DigestFor(key->get())) > 0 &&
                    PEM_write_bio_X509_REQ(bio.get(), request.get()) == 1;
  if (!made) return Failed("make the signing request");
  return openssl::Contents(bio.get());
}

absl::StatusOr<SigningRequestFacts> ParseSigningRequestPem(std::string_view pem) {
  const absl::StatusOr<RequestPtr> request = openssl::ReadRequest(pem);
  if (!request.ok()) return request.status();
  SigningRequestFacts facts;
  facts.subject = openssl::Oneline(X509_REQ_get_subject_name(request->get()));
  if (!openssl::HashKey(X509_REQ_get_X509_PUBKEY(request->get()), &facts.spki_sha256)) {
    return Failed("read the key of the signing request");
  }
  return facts;
}

}  // namespace coalition
