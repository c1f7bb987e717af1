// The server's certificate, its key and the CA that members' certificates must chain to: read and judged
// before gRPC sees them, since gRPC says of every mistake in them the same nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coalition/config/v1/server_config.pb.h"
#include "common/tls.h"

namespace coalition::server {

// What stands in the three files. `key` is a secret: not for logs or messages.
struct TlsPem {
  std::string certificate;
  std::string key;
  std::string client_ca;
  friend bool operator==(const TlsPem&, const TlsPem&) = default;
};

// A set that fits together and can be served.
struct TlsFiles {
  TlsPem pem;
  std::vector<CertificateFacts> chain;       // the server's own first
  std::vector<CertificateFacts> client_cas;  // at least one is current

  // When the server's certificate ends, and the first of the CA certificates to end.
  int64_t not_after_s() const { return chain.front().not_after_s; }
  int64_t client_ca_not_after_s() const;
};

// Blocks on the disk. The file's error, with its path.
absl::StatusOr<TlsPem> ReadTlsPem(const config::v1::Tls& tls);

// FAILED_PRECONDITION or INVALID_ARGUMENT names the file and what to do: no ECDSA key, a key of another
// certificate, a certificate not for servers or not current, a chain that breaks off, no CA certificate, a
// broken one, none that is current; or TLS 1.3 can't be spoken with it.
absl::StatusOr<TlsFiles> JudgeTlsPem(const config::v1::Tls& tls, TlsPem pem, int64_t now_s);

// Both.
absl::StatusOr<TlsFiles> LoadTlsFiles(const config::v1::Tls& tls, int64_t now_s);

// Leaves TLS 1.3 alone to gRPC's servers of this process: gRPC 1.51 has no setting for the version, but an
// ECDSA key with RSA cipher suites alone leaves none for TLS 1.2. Must come before gRPC's first credentials,
// and before threads that read the environment.
void RequireTls13();

// Whether it worked: makes two connections over loopback, hands the server's ends to `accept` (which owns
// them then), and speaks TLS 1.2 on one, TLS 1.3 on the other. FAILED_PRECONDITION if TLS 1.2 is accepted or
// TLS 1.3 is not. Blocks, at most some seconds.
absl::Status CheckTls13Only(const std::function<void(int fd)>& accept);

}  // namespace coalition::server
