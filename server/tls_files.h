// The server's certificate, its key and the CA that members' certificates must chain to: read and judged
// before gRPC sees them, since gRPC says of every mistake in them the same nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coalition/config/v1/server_config.pb.h"

namespace coalition::server {

struct TlsFiles {
  std::string certificate_pem;
  std::string key_pem;
  std::string client_ca_pem;
  int64_t not_after_s = 0;  // of the server's certificate
};

// Blocks on the disk. FAILED_PRECONDITION or INVALID_ARGUMENT names the file and what to do: no ECDSA key, a
// key of another certificate, a certificate not for servers or not current, no CA certificate, a CA that has
// expired.
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
