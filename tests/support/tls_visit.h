// One TLS connection to a server, by OpenSSL: what gRPC's clients can't tell of theirs.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "tests/support/certificates.h"

namespace coalition::testing {

using TlsSession = std::shared_ptr<SSL_SESSION>;

struct TlsVisit {
  std::string server_certificate_pem;  // empty: there was no handshake
  // The server spoke HTTP/2, so it took the client's certificate: in TLS 1.3 a client learns that only then.
  bool accepted = false;
  bool resumed = false;  // by the session that was offered, without a certificate
  TlsSession session;    // of the last ticket; null: the server sent none
};

// Connects to 127.0.0.1, makes a handshake, waits for the server's first word, and hangs up. Trusts whatever
// the server shows. `resume`: a session of an earlier visit. Thread-safe.
TlsVisit VisitTls(int port, const Identity& identity, const TlsSession& resume = nullptr);

}  // namespace coalition::testing
