// coalitiond in a process of its own: what can be killed.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/client.h"
#include "tests/support/certificates.h"
#include "tests/support/process.h"
#include "tests/support/reserved_port.h"

namespace coalition::testing {

// A directory with configuration, certificates and bootstrap file of a small coalition, in which the server
// is started and killed any number of times: aurore and belmont BRAND, bazaar MARKETPLACE with
// bazaar.example, each with a credential "backend" that reads and contributes and an "admin", its
// MEMBER_ADMIN; office SECRETARIAT, whose "admin" is COALITION_ADMIN; the built-in policy without a quorum.
// Kills what still runs when destroyed. Not thread-safe.
class ServerProcess {
 public:
  // `directory` must be there and empty; `binary` is coalitiond.
  ServerProcess(std::string directory, std::string binary);
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // Starts the server and waits until it accepts connections. If it ended instead, the error has the end of
  // its log.
  absl::Status Start();
  // SIGKILL, and waits for the end.
  void Kill();
  // SIGTERM, and waits for the end: see Process::Stop. FAILED_PRECONDITION: it does not run.
  absl::Status Stop();
  // Sends it to the running server. FAILED_PRECONDITION: it does not run.
  absl::Status Signal(int signal);

  // A client of the running server as the member's credential, without retries.
  absl::StatusOr<std::unique_ptr<client::Client>> Connect(const std::string& member,
                                                          const std::string& credential = "backend") const;

  const std::string& directory() const { return directory_; }
  CertificateFactory& certificates() { return certificates_; }
  int port() const { return port_.port(); }
  // What it has written so far.
  std::string Log() const;

 private:
  void WriteCoalition();

  std::string directory_;
  std::string binary_;
  CertificateFactory certificates_;
  // One for the life of the directory: a client finds the next server where the last one was, and nobody else
  // gets the port in between.
  const ReservedPort port_, admin_port_;  // the members\' and the administration\'s
  std::unique_ptr<Process> process_;
};

}  // namespace coalition::testing
