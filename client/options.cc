#include "client/options.h"

#include <cstdlib>
#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/strings.h"

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

absl::StatusOr<HostPort> ParseHostPort(const std::string& server) {
  const std::string example = ", e.g. exchange.example:7443";
  if (server.empty()) return Bad("the server is missing: give it as host:port" + example);
  const size_t colon = server.rfind(':');
  if (colon == std::string::npos)
    return Bad(absl::StrCat("the server ", Quoted(server), " has no port", example));
  HostPort result;
  result.host = server.substr(0, colon);
  if (result.host.size() > 1 && result.host.front() == '[' && result.host.back() == ']') {
    result.host = result.host.substr(1, result.host.size() - 2);
  } else if (result.host.find_first_of(":/[]") != std::string::npos) {
    return Bad(absl::StrCat("the server ", Quoted(server), " is not host:port", example,
                            "; an IPv6 address stands in brackets"));
  }
  if (result.host.empty()) return Bad(absl::StrCat("the server ", Quoted(server), " has no host", example));
  for (const char c : result.host) {
    if (c <= ' ' || c > '~') {
      return Bad(absl::StrCat("the server ", Quoted(server), " has a character in it that no host has"));
    }
  }
  const std::string port = server.substr(colon + 1);
  if (port.find_first_not_of("0123456789") != std::string::npos || !absl::SimpleAtoi(port, &result.port) ||
      result.port < 1 || result.port > 65535) {
    return Bad(absl::StrCat("the server's port ", Quoted(port), " is not a number of 1 to 65535"));
  }
  return result;
}

absl::Status CheckOptions(const ClientOptions& options) {
  if (absl::StatusOr<HostPort> parts = ParseHostPort(options.server); !parts.ok()) return parts.status();
  if (options.timeout.count() < 1) return Bad("timeout must be at least 1 ms");
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
