#include "server/tls_trial.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/openssl.h"

namespace coalition::server {
namespace {

using openssl::KeyPtr;
using openssl::View;
using openssl::X509Ptr;
using ContextPtr = std::unique_ptr<SSL_CTX, openssl::Deleter<&SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, openssl::Deleter<&SSL_free>>;

// A flight of each side is one round; TLS 1.3 takes two, with a retry three.
constexpr int kRoundsMax = 8;

absl::Status Refused(const char* what) {
  char reason[256];
  ERR_error_string_n(ERR_peek_error(), reason, sizeof(reason));
  const bool known = ERR_peek_error() != 0;
  ERR_clear_error();
  return absl::FailedPreconditionError(
      absl::StrCat(what, known ? absl::StrCat(" (", reason, ")") : std::string()));
}

// Null at the end.
X509Ptr Next(BIO* bio) { return X509Ptr(PEM_read_bio_X509(bio, nullptr, nullptr, nullptr)); }

absl::Status UseCertificates(SSL_CTX* context, const TlsPem& pem) {
  const openssl::BioPtr chain = View(pem.certificate);
  const openssl::BioPtr key_bio = View(pem.key);
  const X509Ptr own = Next(chain.get());
  const KeyPtr key(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, nullptr, nullptr));
  if (own == nullptr || SSL_CTX_use_certificate(context, own.get()) != 1) {
    return Refused("OpenSSL does not take the certificate");
  }
  while (X509Ptr issuer = Next(chain.get())) {
    if (SSL_CTX_add1_chain_cert(context, issuer.get()) != 1) {
      return Refused("OpenSSL does not take a certificate of the chain");
    }
  }
  if (key == nullptr || SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    return Refused("OpenSSL does not take the key");
  }
  const openssl::BioPtr cas = View(pem.client_ca);
  while (X509Ptr ca = Next(cas.get())) {
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca.get()) != 1) {
      return Refused("OpenSSL does not take a CA certificate");
    }
  }
  ERR_clear_error();  // of the files' ends
  return absl::OkStatus();
}

// Gives each the other's bytes. False: OpenSSL has no memory.
bool Join(SSL* a, SSL* b) {
  BIO *end_a = nullptr, *end_b = nullptr;
  if (BIO_new_bio_pair(&end_a, 0, &end_b, 0) != 1) return false;
  SSL_set_bio(a, end_a, end_a);
  SSL_set_bio(b, end_b, end_b);
  return true;
}

}  // namespace

absl::Status TryTls13Handshake(const TlsPem& pem) {
  const ContextPtr server_context(SSL_CTX_new(TLS_server_method()));
  const ContextPtr client_context(SSL_CTX_new(TLS_client_method()));
  if (server_context == nullptr || client_context == nullptr) return Refused("OpenSSL has no context");
  if (absl::Status used = UseCertificates(server_context.get(), pem); !used.ok()) return used;
  SSL_CTX_set_min_proto_version(client_context.get(), TLS1_3_VERSION);
  SSL_CTX_set_verify(client_context.get(), SSL_VERIFY_NONE, nullptr);
  const SslPtr server(SSL_new(server_context.get()));
  const SslPtr client(SSL_new(client_context.get()));
  if (server == nullptr || client == nullptr || !Join(server.get(), client.get())) {
    return Refused("OpenSSL is out of memory");
  }
  SSL_set_accept_state(server.get());
  SSL_set_connect_state(client.get());
  for (int round = 0; round < kRoundsMax; ++round) {
    SSL_do_handshake(client.get());
    SSL_do_handshake(server.get());
    if (SSL_is_init_finished(client.get()) && SSL_is_init_finished(server.get())) {
      ERR_clear_error();
      return absl::OkStatus();
    }
  }
  return Refused("no client could speak TLS 1.3 with it; use a P-256 key");
}

}  // namespace coalition::server
