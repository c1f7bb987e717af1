// A TLS handshake in memory, with certificates that no connection has seen yet.
#pragma once

#include "absl/status/status.h"
#include "server/tls_files.h"

namespace coalition::server {

// Whether OpenSSL takes the set as gRPC gives it to it, and a client can then finish a TLS 1.3 handshake with
// it: a key on a curve that TLS 1.3 lacks parses, matches, and serves nobody. FAILED_PRECONDITION says what
// OpenSSL says. Looks at no date and trusts nobody. Thread-safe.
absl::Status TryTls13Handshake(const TlsPem& pem);

}  // namespace coalition::server
