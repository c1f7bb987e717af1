#include "client/tls_probe.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/internal/socket.h"
#include "common/host_port.h"

namespace coalition::client {
namespace {

using std::chrono::milliseconds;

template <class T, void (*Free)(T*)>
struct Deleter {
  void operator()(T* object) const { Free(object); }
};
using SslCtxPtr = std::unique_ptr<SSL_CTX, Deleter<SSL_CTX, SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, Deleter<SSL, SSL_free>>;
using X509Ptr = std::unique_ptr<X509, Deleter<X509, X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY, EVP_PKEY_free>>;
struct BioDeleter {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using BioPtr = std::unique_ptr<BIO, BioDeleter>;

BioPtr Reader(const std::string& pem) {
  return BioPtr(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

std::string Take(BIO* bio) {
  char* data = nullptr;
  const int64_t size = BIO_get_mem_data(bio, &data);
  std::string bytes(data, static_cast<size_t>(size));
  (void)BIO_reset(bio);
  return bytes;
}

// RFC 2253.
std::string NameText(const X509_NAME* name) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253);
  return Take(bio.get());
}

// The client's side of TLS 1.3 with `credentials`.
SslCtxPtr MakeContext(const Credentials& credentials) {
  SslCtxPtr context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  const BioPtr ca = Reader(credentials.ca_pem);
  while (X509Ptr certificate{PEM_read_bio_X509(ca.get(), nullptr, nullptr, nullptr)}) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), certificate.get());
  }
  const BioPtr chain = Reader(credentials.certificate_pem);
  if (const X509Ptr leaf{PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr)}) {
    SSL_CTX_use_certificate(context.get(), leaf.get());
  }
  while (X509Ptr certificate{PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr)}) {
    SSL_CTX_add1_chain_cert(context.get(), certificate.get());
  }
  const BioPtr key_text = Reader(credentials.key_pem);
  if (const KeyPtr key{PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr)}) {
    SSL_CTX_use_PrivateKey(context.get(), key.get());
  }
  return context;
}

bool IsIpAddress(const std::string& host) {
  in_addr v4;
  in6_addr v6;
  return inet_pton(AF_INET, host.c_str(), &v4) == 1 || inet_pton(AF_INET6, host.c_str(), &v6) == 1;
}

ProbeFailure FromVerifyResult(int64_t code) {
  switch (code) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return ProbeFailure::kServerExpired;
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return ProbeFailure::kServerNotYetValid;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return ProbeFailure::kServerName;
    case X509_V_ERR_INVALID_PURPOSE:
      return ProbeFailure::kServerPurpose;
    default:
      return ProbeFailure::kServerUntrusted;
  }
}

// What OpenSSL's error says about the other side.
ProbeFailure FromOpenSslReason(int reason) {
  switch (reason) {
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
      return ProbeFailure::kClientUnknownCa;
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
      return ProbeFailure::kClientExpired;
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
      return ProbeFailure::kClientRefused;
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_UNSUPPORTED_PROTOCOL:
      return ProbeFailure::kTlsVersion;
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_UNEXPECTED_MESSAGE:
      return ProbeFailure::kNotTls;
    default:
      return ProbeFailure::kHandshake;
  }
}

// One TLS connection over one socket, through memory, so that waiting has a limit and nothing raises SIGPIPE.
class Handshake {
 public:
  Handshake(SSL_CTX* context, internal::Socket& socket, milliseconds timeout)
      : ssl_(SSL_new(context)), socket_(socket), timeout_(timeout) {
    in_ = BIO_new(BIO_s_mem());
    out_ = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl_.get(), in_, out_);  // owns both
    SSL_set_connect_state(ssl_.get());
  }

  SSL* ssl() { return ssl_.get(); }

  // Calls `operation` and moves bytes until it is done. OK, or why the socket gave no more; OpenSSL's own
  // error stays in its queue and is the caller's to look at.
  template <class Operation>
  absl::Status Run(Operation operation, int* result) {
    for (;;) {
      ERR_clear_error();
      *result = operation();
      const int error = SSL_get_error(ssl_.get(), *result);
      if (BIO_pending(out_) > 0) {
        if (absl::Status status = socket_.Send(Take(out_), timeout_);
            !status.ok() && error != SSL_ERROR_SSL) {
          // The other side's last words may still be there to be read.
          if (absl::Status more = Fill(); !more.ok()) return more;
          continue;
        }
      }
      if (*result > 0 || error != SSL_ERROR_WANT_READ) return absl::OkStatus();
      if (absl::Status status = Fill(); !status.ok()) return status;
    }
  }

 private:
  absl::Status Fill() {
    char buffer[16 * 1024];
    absl::StatusOr<size_t> size = socket_.Receive(buffer, sizeof(buffer), timeout_);
    if (!size.ok()) return size.status();
    if (*size == 0) return absl::UnavailableError("the server closed the connection");
    BIO_write(in_, buffer, static_cast<int>(*size));
    return absl::OkStatus();
  }

  const SslPtr ssl_;
  BIO* in_;
  BIO* out_;
  internal::Socket& socket_;
  const milliseconds timeout_;
};

ProbeResult& Failed(ProbeResult& result, ProbeFailure failure, std::string detail) {
  result.failure = failure;
  result.detail = std::move(detail);
  return result;
}

std::string OpenSslText(uint64_t error) {
  const char* reason = ERR_reason_error_string(error);
  return reason == nullptr ? "TLS failed without a reason" : reason;
}

// OpenSSL's own verdict stands. A certificate that fails is to be seen too, and is not kept by the handshake.
int NoteCertificate(int verified, X509_STORE_CTX* store) {
  const auto* ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto& result = *static_cast<ProbeResult*>(SSL_get_app_data(ssl));
  X509* const certificate = X509_STORE_CTX_get0_cert(store);
  if (result.server_certificate.has_value() || certificate == nullptr) return verified;
  const BioPtr pem(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(pem.get(), certificate);
  if (auto facts = ParseCertificatePem(Take(pem.get())); facts.ok()) {
    result.server_certificate = *std::move(facts);
  }
  return verified;
}

void NoteServer(SSL* ssl, ProbeResult& result) {
  const STACK_OF(X509_NAME)* names = SSL_get0_peer_CA_list(ssl);
  for (int i = 0; i < sk_X509_NAME_num(names); ++i) {
    result.accepted_issuers.push_back(NameText(sk_X509_NAME_value(names, i)));
  }
  result.tls_version = SSL_get_version(ssl);
}

// The handshake as seen from here; the server may still refuse our certificate.
bool Connect(Handshake& tls, ProbeResult& result) {
  int done = 0;
  const absl::Status status = tls.Run([&] { return SSL_do_handshake(tls.ssl()); }, &done);
  const uint64_t error = ERR_peek_error();
  NoteServer(tls.ssl(), result);
  if (done > 0) return true;
  if (const int64_t verify = SSL_get_verify_result(tls.ssl()); verify != X509_V_OK) {
    Failed(result, FromVerifyResult(verify), X509_verify_cert_error_string(verify));
  } else if (!status.ok()) {
    Failed(result, ProbeFailure::kNotTls, std::string(status.message()));
  } else {
    Failed(result, FromOpenSslReason(ERR_GET_REASON(error)), OpenSslText(error));
  }
  return false;
}

// HTTP/2's preface and an empty SETTINGS frame; the server begins with its own SETTINGS once it has accepted
// us.
void AwaitSettings(Handshake& tls, ProbeResult& result) {
  static constexpr char kPreface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
  int done = 0;
  absl::Status status =
      tls.Run([&] { return SSL_write(tls.ssl(), kPreface, static_cast<int>(sizeof(kPreface) - 1)); }, &done);
  char frame[9] = "";
  if (status.ok()) status = tls.Run([&] { return SSL_read(tls.ssl(), frame, sizeof(frame)); }, &done);
  const uint64_t error = ERR_peek_error();
  if (!status.ok()) {
    Failed(result, ProbeFailure::kClosed, std::string(status.message()));
  } else if (done <= 0) {
    const bool clean = SSL_get_error(tls.ssl(), done) == SSL_ERROR_ZERO_RETURN || error == 0;
    if (clean) {
      Failed(result, ProbeFailure::kClosed, "the server closed the connection");
    } else {
      Failed(result, FromOpenSslReason(ERR_GET_REASON(error)), OpenSslText(error));
    }
  } else {
    result.reached = ProbeStep::kHttp2;
  }
}

void ProbeTls(internal::Socket& socket, const std::string& name, const Credentials& credentials,
              milliseconds timeout, ProbeResult& result) {
  const SslCtxPtr context = MakeContext(credentials);
  Handshake tls(context.get(), socket, timeout);
  SSL_set_app_data(tls.ssl(), &result);
  SSL_set_verify(tls.ssl(), SSL_VERIFY_PEER, NoteCertificate);
  if (IsIpAddress(name)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls.ssl()), name.c_str());
  } else {
    SSL_set_tlsext_host_name(tls.ssl(), name.c_str());
    SSL_set1_host(tls.ssl(), name.c_str());
  }
  static constexpr unsigned char kH2[] = {2, 'h', '2'};
  SSL_set_alpn_protos(tls.ssl(), kH2, sizeof(kH2));
  if (!Connect(tls, result)) return;
  result.reached = ProbeStep::kTls;
  const unsigned char* alpn = nullptr;
  unsigned alpn_size = 0;
  SSL_get0_alpn_selected(tls.ssl(), &alpn, &alpn_size);
  result.alpn.assign(reinterpret_cast<const char*>(alpn), alpn_size);
  const bool h2 = result.alpn == "h2";
  if (h2) result.reached = ProbeStep::kAlpn;
  AwaitSettings(tls, result);
  // A refusal of our certificate says more than the missing protocol.
  if (!h2 && (result.failure == ProbeFailure::kNone || result.failure == ProbeFailure::kClosed)) {
    result.reached = ProbeStep::kTls;
    Failed(result, ProbeFailure::kAlpn, "the server did not choose h2");
  }
}

}  // namespace

ProbeResult ProbeServer(const ClientOptions& options, const Credentials& credentials, milliseconds timeout) {
  ProbeResult result;
  const absl::StatusOr<HostPort> server = ParseHostPort(options.server, /*port_min=*/1);
  if (!server.ok()) return Failed(result, ProbeFailure::kNameUnknown, std::string(server.status().message()));
  const auto addresses = internal::Resolve(server->host, server->port);
  if (!addresses.ok())
    return Failed(result, ProbeFailure::kNameUnknown, std::string(addresses.status().message()));
  for (const internal::Address& address : *addresses) result.addresses.push_back(address.text);
  result.reached = ProbeStep::kName;

  absl::Status refused = absl::UnknownError("the name has no address");
  for (const internal::Address& address : *addresses) {
    absl::StatusOr<internal::Socket> socket = internal::Socket::Connect(address, timeout);
    if (!socket.ok()) {
      refused = socket.status();
      continue;
    }
    result.reached = ProbeStep::kPort;
    const std::string& name = options.server_name.empty() ? server->host : options.server_name;
    ProbeTls(*socket, name, credentials, timeout, result);
    return result;
  }
  const bool closed = absl::IsUnavailable(refused);
  return Failed(result, closed ? ProbeFailure::kPortClosed : ProbeFailure::kPortUnreachable,
                std::string(refused.message()));
}

}  // namespace coalition::client
