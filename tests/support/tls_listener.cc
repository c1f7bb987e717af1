#include "tests/support/tls_listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace coalition::testing {
namespace {

void Must(bool good) {
  if (!good) std::abort();
}

BIO* Reader(const std::string& pem) { return BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())); }

int ChooseH2(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char*, unsigned,
             void*) {
  static const unsigned char kH2[] = {'h', '2'};
  *out = kH2;
  *out_size = sizeof(kH2);
  return SSL_TLSEXT_ERR_OK;
}

SSL_CTX* MakeContext(const TlsListener::Options& options) {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  if (options.tls_1_2_only) SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
  BIO* bio = Reader(options.identity.certificate_pem);
  X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  bio = Reader(options.identity.key_pem);
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  Must(SSL_CTX_use_certificate(context, certificate) == 1 && SSL_CTX_use_PrivateKey(context, key) == 1);
  X509_free(certificate);
  EVP_PKEY_free(key);
  if (!options.client_ca_pem.empty()) {
    bio = Reader(options.client_ca_pem);
    X509* ca = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    BIO_free(bio);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca);
    SSL_CTX_add_client_CA(context, ca);
    X509_free(ca);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  if (options.alpn_h2) SSL_CTX_set_alpn_select_cb(context, ChooseH2, nullptr);
  return context;
}

}  // namespace

TlsListener::TlsListener(Options options) : options_(std::move(options)) {
  std::signal(SIGPIPE, SIG_IGN);
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  Must(::bind(listener_, generic, size) == 0 && ::listen(listener_, 8) == 0 &&
       ::getsockname(listener_, generic, &size) == 0);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Serve(); });
}

TlsListener::~TlsListener() {
  stopping_ = true;
  thread_.join();
  ::close(listener_);
}

void TlsListener::Serve() {
  while (!stopping_) {
    pollfd waiting{listener_, POLLIN, 0};
    if (::poll(&waiting, 1, 50) <= 0) continue;
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    ++connections_;
    Handle(fd);
    ::close(fd);
  }
}

void TlsListener::Handle(int fd) {
  const timeval patience{20, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  if (options_.silent) {
    while (!stopping_) {
      pollfd waiting{fd, POLLRDHUP, 0};
      if (::poll(&waiting, 1, 50) > 0) return;
    }
    return;
  }
  if (options_.plain_text) {
    const char kAnswer[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
    Must(::send(fd, kAnswer, sizeof(kAnswer) - 1, MSG_NOSIGNAL) > 0);
    return;
  }
  SSL_CTX* context = MakeContext(options_);
  SSL* ssl = SSL_new(context);
  SSL_set_fd(ssl, fd);
  const bool shaken = SSL_accept(ssl) == 1;
  if (shaken) ++handshakes_;
  if (shaken && options_.settings) {
    const char kSettings[] = "\0\0\0\4\0\0\0\0\0";
    SSL_write(ssl, kSettings, 9);
    char buffer[64];
    SSL_read(ssl, buffer, sizeof(buffer));
    SSL_shutdown(ssl);
  } else {
    // Let the alert arrive before the connection ends.
    ::shutdown(fd, SHUT_WR);
    char buffer[512];
    while (::recv(fd, buffer, sizeof(buffer), 0) > 0) {
    }
  }
  SSL_free(ssl);
  SSL_CTX_free(context);
}

}  // namespace coalition::testing
