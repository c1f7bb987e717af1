// The running exchange: every room, wired, behind its sockets.
#pragma once

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coalition/config/v1/server_config.pb.h"
#include "common/clock.h"
#include "common/random.h"
#include "server/ledger/disclosures.h"

namespace coalition::server {

struct ServerOptions {
  // Complete: of LoadConfig, or through CompleteConfig.
  config::v1::ServerConfig config;
  // nullptr: the machine's. What is given must outlive the server.
  const Clock* clock = nullptr;
  Random* random = nullptr;
  // nullptr: one that counts.
  std::shared_ptr<ledger::DisclosureLog> disclosures;
};

// Several may run in one process. Thread-safe.
class Server {
 public:
  // Returns when members can call: opens the store (seconds, if it is large), takes the ports, checks TLS,
  // then serves. Errors say what to do; nothing of the server is left then.
  static absl::StatusOr<std::unique_ptr<Server>> Start(ServerOptions options);
  // Shuts down.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // The ports that were bound; http_port() is 0 when it is off.
  int port() const;
  int admin_port() const;
  int http_port() const;

  // Looks at the TLS files now instead of at the next tls.reload_ms. OK: what they hold is what new
  // connections are served with. Else the error names the file and why, and the old ones stay.
  absl::Status ReloadTls();

  // Says NOT_SERVING, takes no more connections or calls, lets calls under way end for at most
  // drain_timeout_ms, ends the others, closes the store. Returns when that is done; may be called again.
  void Shutdown();

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace coalition::server
