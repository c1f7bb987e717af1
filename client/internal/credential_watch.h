// Follows the certificate files of a client that lives longer than its certificate.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <thread>

#include "absl/status/status.h"
#include "client/credentials.h"
#include "client/options.h"

namespace coalition::client::internal {

// Looks at the files from a thread of its own, every tls.reload_interval; has none where the interval is 0 or
// no file is named.
class CredentialWatch {
 public:
  // Puts credentials that are sound, and other than those in use, to use, or says why not; then it is called
  // again at the next look. Comes back soon when it is asked to stop.
  using Use = std::function<absl::Status(const Credentials&, const std::stop_token&)>;

  CredentialWatch(const TlsOptions& tls, const Credentials& in_use, Use use);
  // Stops, and waits for the end of what is under way.
  ~CredentialWatch() = default;
  CredentialWatch(const CredentialWatch&) = delete;
  CredentialWatch& operator=(const CredentialWatch&) = delete;

 private:
  // What was refused, so that nothing is said twice of the same.
  struct Refused {
    Credentials files;
    absl::StatusCode code;
    friend bool operator==(const Refused&, const Refused&) = default;
  };

  void Run(const std::stop_token& stop);
  void Look(const std::stop_token& stop);
  void Report(const Credentials& files, const absl::Status& status);

  const TlsOptions tls_;
  const Use use_;
  // The thread's alone.
  Credentials in_use_;
  std::optional<Refused> refused_;
  std::jthread thread_;  // last: the others outlive it
};

}  // namespace coalition::client::internal
