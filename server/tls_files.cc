#include "server/tls_files.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/fd.h"
#include "common/file.h"
#include "common/strings.h"
#include "common/tls.h"
#include "server/tls_trial.h"

namespace coalition::server {
namespace {

absl::Status Bad(const std::string& file, absl::string_view what) {
  return absl::FailedPreconditionError(absl::StrCat(file, ": ", what));
}

absl::Status InFile(const std::string& file, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(file, ": ", status.message()));
}

absl::Status CheckCertificate(const std::string& file, const CertificateFacts& facts, int64_t now_s) {
  if (!facts.server_auth) {
    return Bad(
        file,
        "the certificate's extended key usage does not include server authentication; issue one that does");
  }
  if (facts.is_ca) return Bad(file, "the first certificate is a CA's; put the server's own first");
  if (now_s < facts.not_before_s) {
    return Bad(file, absl::StrCat("the certificate is not valid before ", FormatTime(facts.not_before_s),
                                  "; check this machine's clock"));
  }
  if (now_s > facts.not_after_s) {
    return Bad(file,
               absl::StrCat("the certificate expired on ", FormatTime(facts.not_after_s), "; renew it"));
  }
  return absl::OkStatus();
}

absl::Status CheckKey(const config::v1::Tls& tls, const TlsPem& pem) {
  const absl::StatusOr<PrivateKeyFacts> key = ParsePrivateKeyPem(pem.key);
  if (!key.ok()) return InFile(tls.key_file(), key.status());
  if (!key->is_ecdsa) {
    return Bad(tls.key_file(), absl::StrCat("the key is ", key->type,
                                            "; it must be ECDSA (P-256): that is what lets this "
                                            "server speak TLS 1.3 and nothing older"));
  }
  const absl::Status match = CheckKeyMatchesCertificate(pem.certificate, pem.key);
  if (!match.ok()) {
    return Bad(tls.key_file(),
               absl::StrCat("is not the key of ", tls.certificate_file(), " (", match.message(), ")"));
  }
  return absl::OkStatus();
}

absl::Status CheckClientCas(const std::string& file, const std::vector<CertificateFacts>& cas,
                            int64_t now_s) {
  bool current = false;
  for (const CertificateFacts& facts : cas) {
    if (!facts.is_ca) return Bad(file, absl::StrCat(facts.subject, " is not a CA certificate"));
    current = current || IsCurrent(facts, now_s);
  }
  if (!current) return Bad(file, "no CA certificate in it is current: no member could connect");
  return absl::OkStatus();
}

absl::Status SystemError(absl::string_view what) {
  return absl::UnavailableError(absl::StrCat("TLS self-check: ", what, ": ", std::strerror(errno)));
}

// Two ends of one TCP connection of this machine: gRPC takes nothing else.
absl::StatusOr<std::pair<Fd, Fd>> LoopbackPair() {
  Fd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  Fd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener.get(), generic, size) != 0 || listen(listener.get(), 1) != 0 ||
      getsockname(listener.get(), generic, &size) != 0) {
    return SystemError("listen on loopback");
  }
  const timeval limit{5, 0};
  setsockopt(client.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  setsockopt(client.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  if (connect(client.get(), generic, size) != 0) return SystemError("connect on loopback");
  Fd server(accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (server.get() < 0) return SystemError("accept on loopback");
  return std::make_pair(std::move(client), std::move(server));
}

// Whether a handshake limited to `version` gets as far as the client can see. Trusts nobody and says nothing:
// only the version matters.
absl::StatusOr<bool> Handshakes(int version, const std::function<void(int fd)>& accept) {
  absl::StatusOr<std::pair<Fd, Fd>> ends = LoopbackPair();
  if (!ends.ok()) return ends.status();
  accept(ends->second.release());
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  &SSL_CTX_free);
  if (context == nullptr) return absl::InternalError("TLS self-check: OpenSSL has no context");
  // Security level 0: the client is to accept whatever the server would do, down to what OpenSSL has.
  SSL_CTX_set_security_level(context.get(), 0);
  SSL_CTX_set_min_proto_version(context.get(), version);
  SSL_CTX_set_max_proto_version(context.get(), version);
  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), &SSL_free);
  constexpr unsigned char kAlpn[] = {2, 'h', '2'};
  SSL_set_alpn_protos(ssl.get(), kAlpn, sizeof(kAlpn));
  SSL_set_fd(ssl.get(), ends->first.get());
  if (SSL_connect(ssl.get()) != 1) return false;
  // Until the server has said that it wants a certificate and has closed: then it has also logged so.
  char byte;
  SSL_read(ssl.get(), &byte, 1);
  return true;
}

}  // namespace

int64_t TlsFiles::client_ca_not_after_s() const {
  return std::min_element(client_cas.begin(), client_cas.end(),
                          [](const CertificateFacts& a, const CertificateFacts& b) {
                            return a.not_after_s < b.not_after_s;
                          })
      ->not_after_s;
}

absl::StatusOr<TlsPem> ReadTlsPem(const config::v1::Tls& tls) {
  TlsPem pem;
  const std::pair<const std::string*, std::string*> reads[] = {{&tls.certificate_file(), &pem.certificate},
                                                               {&tls.key_file(), &pem.key},
                                                               {&tls.client_ca_file(), &pem.client_ca}};
  for (const auto& [path, into] : reads) {
    absl::StatusOr<std::string> text = ReadFile(*path, kPemBytesMax);
    if (!text.ok()) return text.status();
    *into = *std::move(text);
  }
  return pem;
}

absl::StatusOr<TlsFiles> JudgeTlsPem(const config::v1::Tls& tls, TlsPem pem, int64_t now_s) {
  // All of the chain: half of a file that is being written is no chain.
  absl::StatusOr<std::vector<CertificateFacts>> chain = ParseCertificateChainPem(pem.certificate);
  if (!chain.ok()) return InFile(tls.certificate_file(), chain.status());
  if (absl::Status key = CheckKey(tls, pem); !key.ok()) return key;
  absl::Status certificate = CheckCertificate(tls.certificate_file(), chain->front(), now_s);
  if (!certificate.ok()) return certificate;
  absl::StatusOr<std::vector<CertificateFacts>> cas = ParseCertificateChainPem(pem.client_ca);
  if (!cas.ok()) return InFile(tls.client_ca_file(), cas.status());
  if (absl::Status ca = CheckClientCas(tls.client_ca_file(), *cas, now_s); !ca.ok()) return ca;
  if (absl::Status trial = TryTls13Handshake(pem); !trial.ok()) {
    return Bad(tls.certificate_file(), trial.message());
  }
  return TlsFiles{std::move(pem), *std::move(chain), *std::move(cas)};
}

absl::StatusOr<TlsFiles> LoadTlsFiles(const config::v1::Tls& tls, int64_t now_s) {
  absl::StatusOr<TlsPem> pem = ReadTlsPem(tls);
  if (!pem.ok()) return pem.status();
  return JudgeTlsPem(tls, *std::move(pem), now_s);
}

void RequireTls13() { setenv("GRPC_SSL_CIPHER_SUITES", "ECDHE-RSA-AES256-GCM-SHA384", 1); }

absl::Status CheckTls13Only(const std::function<void(int fd)>& accept) {
  for (const int old : {TLS1_2_VERSION, TLS1_1_VERSION}) {
    const absl::StatusOr<bool> accepted = Handshakes(old, accept);
    if (!accepted.ok()) return accepted.status();
    if (*accepted) {
      return absl::FailedPreconditionError(
          "TLS self-check: the server would accept a version older than TLS 1.3. gRPC was used before "
          "RequireTls13 in this "
          "process, or GRPC_SSL_CIPHER_SUITES was changed.");
    }
  }
  const absl::StatusOr<bool> accepted = Handshakes(TLS1_3_VERSION, accept);
  if (!accepted.ok()) return accepted.status();
  if (!*accepted) return absl::FailedPreconditionError("TLS self-check: the server does not accept TLS 1.3");
  return absl::OkStatus();
}

}  // namespace coalition::server
