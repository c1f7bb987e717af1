#include "client/options.h"

#include <cstdlib>
#include <limits>

#include "absl/strings/str_cat.h"
#include "common/host_port.h"

namespace coalition::client {
namespace {

absl::Status Bad(const std::string& message) { return absl::InvalidArgumentError(message); }

absl::Status CheckRetry(const RetryPolicy& retry) {
  if (retry.attempts_max < 1) return Bad("retry.attempts_max must be at least 1");
  if (retry.backoff_initial.count() < 1) return Bad("retry.backoff_initial must be at least 1 ms");
  if (retry.backoff_max < retry.backoff_initial)
    return Bad("retry.backoff_max must not be under backoff_initial");
  if (!(retry.backoff_multiplier >= 1.0)) return Bad("retry.backoff_multiplier must be at least 1");
  if (retry.budget.count() < 1) return Bad("retry.budget must be at least 1 ms");
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckOptions(const ClientOptions& options) {
  if (const auto server = ParseHostPort(options.server, /*port_min=*/1); !server.ok()) {
    return Bad(absl::StrCat("server: ", server.status().message()));
  }
  if (options.timeout.count() < 1) return Bad("timeout must be at least 1 ms");
  if (options.tls.reload_interval.count() < 0) return Bad("tls.reload_interval must not be negative");
  if (options.keepalive.count() < 10'000)
    return Bad("keepalive must be at least 10 s: servers cut faster ones off");
  if (options.keepalive.count() > std::numeric_limits<int>::max()) return Bad("keepalive is too long");
  if (options.message_bytes_max < 1 || options.message_bytes_max > size_t{1} << 30) {
    return Bad("message_bytes_max must be 1 to 2^30");
  }
  return CheckRetry(options.retry);
}

void RequireTls13InThisProcess() {
  // Works only with a pre-shared key, which nobody has; the suites of TLS 1.3 are not affected by the
  // setting.
  ::setenv("GRPC_SSL_CIPHER_SUITES", "PSK-AES256-GCM-SHA384", /*overwrite=*/0);
}

}  // namespace coalition::client
