// TLS 1.3 and nothing older, on the real port; and a check at start that can tell.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "server/tls_files.h"
#include "tests/support/test_server.h"

namespace coalition::testing {
namespace {

using Context = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;
using Session = std::unique_ptr<SSL, decltype(&SSL_free)>;

void Use(SSL_CTX* context, const Identity& identity) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> certificate(
      BIO_new_mem_buf(identity.certificate_pem.data(), static_cast<int>(identity.certificate_pem.size())),
      &BIO_free);
  const std::unique_ptr<BIO, decltype(&BIO_free)> key(
      BIO_new_mem_buf(identity.key_pem.data(), static_cast<int>(identity.key_pem.size())), &BIO_free);
  X509* x509 = PEM_read_bio_X509(certificate.get(), nullptr, nullptr, nullptr);
  EVP_PKEY* pkey = PEM_read_bio_PrivateKey(key.get(), nullptr, nullptr, nullptr);
  EXPECT_EQ(SSL_CTX_use_certificate(context, x509), 1);
  EXPECT_EQ(SSL_CTX_use_PrivateKey(context, pkey), 1);
  X509_free(x509);
  EVP_PKEY_free(pkey);
}

// Whether a client that speaks `version` alone, with a good certificate, gets through the handshake.
bool Handshakes(const TestServer& server, int version) {
  const Context context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
  SSL_CTX_set_security_level(context.get(), 0);
  SSL_CTX_set_min_proto_version(context.get(), version);
  SSL_CTX_set_max_proto_version(context.get(), version);
  SSL_CTX_set_cipher_list(context.get(), "ALL:@SECLEVEL=0");
  Use(context.get(), server.IdentityOf("aurore"));
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(server.port()));
  EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  const Session ssl(SSL_new(context.get()), &SSL_free);
  constexpr unsigned char kAlpn[] = {2, 'h', '2'};
  SSL_set_alpn_protos(ssl.get(), kAlpn, sizeof(kAlpn));
  SSL_set_fd(ssl.get(), fd);
  const bool done = SSL_connect(ssl.get()) == 1;
  ERR_clear_error();
  close(fd);
  return done;
}

TEST(TlsVersionTest, OldVersionsAreRefusedAndTheServerGoesOn) {
  TestServer server;
  EXPECT_FALSE(Handshakes(server, TLS1_2_VERSION));
  EXPECT_FALSE(Handshakes(server, TLS1_1_VERSION));
  EXPECT_TRUE(Handshakes(server, TLS1_3_VERSION));
  const auto who = server.WhoAmI(server.IdentityOf("aurore"));
  EXPECT_TRUE(who.ok()) << who.status();
}

// The control: against a server that takes TLS 1.2, the check at start says so.
TEST(TlsVersionTest, TheCheckAtStartFindsAServerThatTakesTls12) {
  CertificateFactory make;
  const Context context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
  SSL_CTX_set_security_level(context.get(), 0);
  Use(context.get(), make.RsaServer());
  std::vector<std::thread> servers;
  const absl::Status checked = server::CheckTls13Only([&](int fd) {
    servers.emplace_back([&context, fd] {
      const int flags = fcntl(fd, F_GETFL);
      fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
      const Session ssl(SSL_new(context.get()), &SSL_free);
      SSL_set_fd(ssl.get(), fd);
      SSL_accept(ssl.get());
      ERR_clear_error();
      close(fd);
    });
  });
  for (std::thread& thread : servers) thread.join();
  EXPECT_EQ(checked.code(), absl::StatusCode::kFailedPrecondition) << checked;
}

}  // namespace
}  // namespace coalition::testing
