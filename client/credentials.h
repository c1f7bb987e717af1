// The certificates and the key of a client, read and checked before the network is tried: gRPC itself would
// say only "Socket closed".
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/options.h"

namespace coalition::client {

// PEM text. `key_pem` is a secret: not for logs or messages.
struct Credentials {
  std::string ca_pem;
  std::string certificate_pem;
  std::string key_pem;
  friend bool operator==(const Credentials&, const Credentials&) = default;
};

// Reads the files that are named where there is no text. INVALID_ARGUMENT: a setting is missing or a file is
// too large; or the file's error, with its path. Blocks on the disk. Thread-safe.
absl::StatusOr<Credentials> LoadCredentials(const TlsOptions& options);

// INVALID_ARGUMENT: one of the three is not PEM of its kind, the key is encrypted, or it is not the
// certificate's. FAILED_PRECONDITION: the certificate has expired or is not yet valid at `now_s` (Unix time).
// Thread-safe.
absl::Status CheckCredentials(const Credentials& credentials, int64_t now_s);

// The part of CheckCredentials about time.
absl::Status CheckCertificateDates(const std::string& certificate_pem, int64_t now_s);

}  // namespace coalition::client
