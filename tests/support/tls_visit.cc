#include "tests/support/tls_visit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "common/openssl.h"

namespace coalition::testing {
namespace {

using openssl::KeyPtr;
using openssl::View;
using openssl::X509Ptr;
using ContextPtr = std::unique_ptr<SSL_CTX, openssl::Deleter<&SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, openssl::Deleter<&SSL_free>>;

void Must(bool good) {
  if (!good) std::abort();
}

int KeepSession(SSL* ssl, SSL_SESSION* session) {
  static_cast<TlsVisit*>(SSL_get_app_data(ssl))->session = TlsSession(session, &SSL_SESSION_free);
  return 1;  // it is ours now
}

ContextPtr MakeContext(const Identity& identity) {
  ContextPtr context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context.get(), &KeepSession);
  const X509Ptr certificate(
      PEM_read_bio_X509(View(identity.certificate_pem).get(), nullptr, nullptr, nullptr));
  const KeyPtr key(PEM_read_bio_PrivateKey(View(identity.key_pem).get(), nullptr, nullptr, nullptr));
  Must(SSL_CTX_use_certificate(context.get(), certificate.get()) == 1);
  Must(SSL_CTX_use_PrivateKey(context.get(), key.get()) == 1);
  return context;
}

int Connect(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval limit{10, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  Must(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  return fd;
}

std::string PemOf(X509* certificate) {
  const openssl::BioPtr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), certificate);
  const char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<size_t>(size)};
}

}  // namespace

TlsVisit VisitTls(int port, const Identity& identity, const TlsSession& resume) {
  std::signal(SIGPIPE, SIG_IGN);
  TlsVisit visit;
  const ContextPtr context = MakeContext(identity);
  const SslPtr ssl(SSL_new(context.get()));
  SSL_set_app_data(ssl.get(), &visit);
  constexpr unsigned char kAlpn[] = {2, 'h', '2'};
  SSL_set_alpn_protos(ssl.get(), kAlpn, sizeof(kAlpn));
  if (resume != nullptr) SSL_set_session(ssl.get(), resume.get());
  const int fd = Connect(port);
  SSL_set_fd(ssl.get(), fd);
  if (SSL_connect(ssl.get()) == 1) {
    const X509Ptr shown(SSL_get1_peer_certificate(ssl.get()));
    if (shown != nullptr) visit.server_certificate_pem = PemOf(shown.get());
    visit.resumed = SSL_session_reused(ssl.get()) == 1;
    char byte;
    visit.accepted = SSL_read(ssl.get(), &byte, 1) == 1;
  }
  ERR_clear_error();
  // Else OpenSSL takes the connection for broken off, and the session for one not to be resumed.
  SSL_set_shutdown(ssl.get(), SSL_SENT_SHUTDOWN);
  close(fd);
  return visit;
}

}  // namespace coalition::testing
