// Finds out in words why a connection fails. gRPC reports every failure of name, port and TLS as UNAVAILABLE;
// this takes the same steps by itself, with sockets and OpenSSL.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "client/credentials.h"
#include "client/options.h"
#include "common/tls.h"

namespace coalition::client {

enum class ProbeFailure {
  kNone,
  // Before TLS.
  kNameUnknown,
  kPortClosed,       // refused
  kPortUnreachable,  // no answer in time, or no route
  // Something answers, but not as a TLS 1.3 server.
  kNotTls,
  kTlsVersion,
  kHandshake,  // any other failure; `detail` has OpenSSL's words
  // The server's certificate.
  kServerUntrusted,  // does not chain to our CA
  kServerExpired,
  kServerNotYetValid,
  kServerName,
  kServerPurpose,  // not a server's certificate
  // The server refused our certificate.
  kClientUnknownCa,
  kClientExpired,
  kClientRefused,  // for another reason, or without saying why
  // TLS works.
  kAlpn,    // the server does not speak HTTP/2 there
  kClosed,  // it closed the connection, or was silent, before it said anything in HTTP/2
};

// How far the probe came; each step includes those before it.
enum class ProbeStep { kNothing, kName, kPort, kTls, kAlpn, kHttp2 };

struct ProbeResult {
  ProbeFailure failure = ProbeFailure::kNone;
  // The last step that worked.
  ProbeStep reached = ProbeStep::kNothing;
  // What was seen, for people: an address, OpenSSL's reason, an alert.
  std::string detail;
  std::vector<std::string> addresses;  // of the server's name
  std::string tls_version;
  std::string alpn;
  // The server's certificate, as soon as it was shown, trusted or not.
  std::optional<CertificateFacts> server_certificate;
  // The CAs whose certificates the server says it accepts, RFC 2253; may be empty.
  std::vector<std::string> accepted_issuers;
};

// Resolves, connects, makes the TLS handshake with the client's certificate and waits for the server's first
// HTTP/2 frame (in TLS 1.3 that is when the client learns whether its certificate was accepted). Each step
// takes at most `timeout`. `options.server` and `server_name` are used; not its `tls`. Blocks. Thread-safe.
ProbeResult ProbeServer(const ClientOptions& options, const Credentials& credentials,
                        std::chrono::milliseconds timeout);

}  // namespace coalition::client
