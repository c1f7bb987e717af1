// How a client reaches an exchange.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>

#include "absl/status/status.h"

namespace coalition::client {

// When a call is tried again. Only calls that can't do harm twice are: reads, writes that carry a
// request_id (the client gives each write of a record one), approving and applying a policy, which name
// what they replace, cosigning, and administration. Only after UNAVAILABLE, and after RESOURCE_EXHAUSTED that
// says when (google.rpc.RetryInfo).
struct RetryPolicy {
  // Tries in all; 1 means never again.
  int attempts_max = 5;
  // The wait before the second try, multiplied for each further one. Each wait is shortened at random by up
  // to half, so that clients that failed together don't return together. A RetryInfo of the server prolongs
  // it.
  std::chrono::milliseconds backoff_initial{100};
  std::chrono::milliseconds backoff_max{5'000};
  double backoff_multiplier = 2.0;
  // Of all tries and waits of one call together: no try begins after it, and each try's own timeout, the
  // first's too, is cut to what is left of it.
  std::chrono::milliseconds budget{30'000};
};

// Mutual TLS: each of the three as PEM text or as the name of a PEM file; the text wins where both are set.
// Files are looked at while the client lives. When they have changed, fit together and the server takes them,
// later calls go over a connection with the new ones; calls under way end on the old one. Until then the old
// ones stay: a file that is broken, or a key that is not registered yet, fails no call.
struct TlsOptions {
  // The CA certificates that the server's certificate must chain to. The system's own CAs are never used.
  std::string ca_pem{};
  std::string ca_file{};
  // The client's certificate, followed by intermediate certificates, if any.
  std::string certificate_pem{};
  std::string certificate_file{};
  // Its private key, not encrypted.
  std::string key_pem{};
  std::string key_file{};
  // How often the files are looked at. 0: once, when the client is made.
  std::chrono::milliseconds reload_interval{10'000};
  // Called from a thread of the client's, which it may hold up, after each change of the files: OK when they
  // are in use, else why they are not; not again for the same. Must not destroy the client.
  std::function<void(const absl::Status&)> on_reload{};
};

struct ImportOptions {
  // Checks the items, writes nothing: results are VALID or REJECTED.
  bool validate_only = false;
  // Requests under way: written and not yet answered. At least 1.
  int window = 4;
  // Of one request. The server's defaults allow 250 items and 4 MiB.
  int items_per_request = 250;
  size_t bytes_per_request = size_t{1} << 20;
  // How long the server may be silent while it owes an answer.
  std::chrono::milliseconds answer_timeout{60'000};
};

struct WatchOptions {
  // Of an earlier watch with the same filter: goes on right behind it. Empty: from the beginning.
  std::string cursor{};
  // Whether a stream that broke, or fell behind, is opened again. Else its error is returned.
  bool reconnect = true;
};

struct ClientOptions {
  // host:port. An IPv6 address in brackets.
  std::string server;
  TlsOptions tls;
  // The DNS name or IP address that the server's certificate must carry. Empty: the host of `server`.
  std::string server_name;
  // Of each try of a unary call; cut to retry.budget.
  std::chrono::milliseconds timeout{10'000};
  RetryPolicy retry;
  // Of one received message.
  size_t message_bytes_max = size_t{64} << 20;
  // A connection with calls under way is probed after this silence.
  std::chrono::milliseconds keepalive{60'000};
  // Put before gRPC's own in the user-agent header, e.g. "onboarding/2.1".
  std::string user_agent;
};

// OK if every setting is in range and `server` is host:port with a port of 1 to 65535. INVALID_ARGUMENT names
// the setting. Reads no files. Thread-safe.
absl::Status CheckOptions(const ClientOptions& options);

// Makes every later gRPC connection of this process speak TLS 1.3 and nothing older, by leaving TLS 1.2 no
// cipher suite that works without pre-shared keys (gRPC's C++ interface has no setting for it). Changes the
// environment: call it at the start of main, before there are other threads and before gRPC is used. Does
// nothing where GRPC_SSL_CIPHER_SUITES is set already. The exchange speaks TLS 1.3 only in any case; this is
// for a client that wants to insist by itself.
void RequireTls13InThisProcess();

}  // namespace coalition::client
