// What the files that use OpenSSL share: owning pointers, its errors, and PEM. For them alone: no other
// header includes this one.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/hash.h"

namespace coalition::openssl {

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
inline void FreeNames(GENERAL_NAMES* names) { sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free); }
// The stack only borrows the certificates.
inline void FreeStack(STACK_OF(X509) * certificates) { sk_X509_free(certificates); }

using BioPtr = std::unique_ptr<BIO, Deleter<&BIO_free_all>>;
using X509Ptr = std::unique_ptr<X509, Deleter<&X509_free>>;
using RequestPtr = std::unique_ptr<X509_REQ, Deleter<&X509_REQ_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Deleter<&EVP_PKEY_free>>;
using NamesPtr = std::unique_ptr<GENERAL_NAMES, Deleter<&FreeNames>>;
using StorePtr = std::unique_ptr<X509_STORE, Deleter<&X509_STORE_free>>;
using StoreContextPtr = std::unique_ptr<X509_STORE_CTX, Deleter<&X509_STORE_CTX_free>>;
using StackPtr = std::unique_ptr<STACK_OF(X509), Deleter<&FreeStack>>;

// A read-only view of `pem`, which must outlive it. nullptr: out of memory.
BioPtr View(std::string_view pem);
// What was written to a BIO_s_mem.
std::string Contents(BIO* memory);
// RESOURCE_EXHAUSTED.
absl::Status OutOfMemory();
// INTERNAL "OpenSSL could not `what`"; forgets OpenSSL's own account of it.
absl::Status Failed(const char* what);

// Refuses to ask anybody for a passphrase; sets `*asked`, a bool, if one was wanted.
int RefusePassphrase(char* buffer, int size, int writing, void* asked);

// The first `count_max` certificates, at least one; or INVALID_ARGUMENT.
absl::StatusOr<std::vector<X509Ptr>> ReadCertificates(std::string_view pem, size_t count_max);
// Unencrypted; or INVALID_ARGUMENT.
absl::StatusOr<KeyPtr> ReadKey(std::string_view pem);
// INVALID_ARGUMENT unless the key is of that type, by OpenSSL's name. `what`: "private key", "public key".
absl::Status CheckType(const EVP_PKEY* key, const char* type, const char* what);
// Unencrypted PKCS #8. INTERNAL: `act` could not be done.
absl::StatusOr<std::string> PrivateKeyPem(const EVP_PKEY* key, const char* act);

// A request whose signature and key are sound; ParseSigningRequestPem says when.
absl::StatusOr<RequestPtr> ReadRequest(std::string_view pem);

// What goes with the key's strength: SHA-384 for P-384, else SHA-256.
const EVP_MD* DigestFor(const EVP_PKEY* key);

// Of the DER SubjectPublicKeyInfo. False: OpenSSL can't encode it.
bool HashKey(const EVP_PKEY* key, Sha256Digest* digest);
// Of the bytes as they stand in a certificate or request, which is what `openssl x509 -pubkey` prints.
bool HashKey(const X509_PUBKEY* key, Sha256Digest* digest);

// RFC 2253, escaped; at most 512 bytes.
std::string Oneline(const X509_NAME* name);

}  // namespace coalition::openssl
