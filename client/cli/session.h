// What a verb works with: settings, streams and the client.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/contexts.h"
#include "client/cli/output.h"
#include "client/cli/status.h"
#include "client/client.h"
#include "common/tls.h"

namespace coalition::cli {

// The process's streams, or a test's. Results go to `out`, all else to `err`.
struct Io {
  std::ostream& out;
  std::ostream& err;
  // As read(2) of standard input: 0 at the end, -1 with errno, EINTR after a signal.
  std::function<ssize_t(char* buffer, size_t size)> read_in;
  bool in_is_terminal = false;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  // It is one that can clear a line.
  bool err_shows_progress = false;
  // From now on Ctrl-C sets `interrupted`, where it else ends the process. For verbs with something to
  // finish.
  std::function<void()> catch_interrupt = [] {};
  // Whether Ctrl-C was pressed since.
  std::function<bool()> interrupted = [] { return false; };
};

// One run of one verb. Not thread-safe.
class Session {
 public:
  Session(const Globals& globals, Io& io);

  const Globals& globals() const { return globals_; }
  Io& io() const { return io_; }
  Format format() const { return format_; }

  // Made at the first call, from the settings; reaches for the network only when it is used. Warns of a
  // certificate that ends soon. Errors are Local.
  absl::StatusOr<client::Client*> Client();
  // By the certificate of the settings, without asking. Errors are Local.
  absl::StatusOr<SpiffeId> OwnIdentity() const;
  // For tests: the client to use instead.
  void SetClient(std::unique_ptr<client::Client> client) { client_ = std::move(client); }

  ListPrinter List(std::vector<std::string> columns);
  void One(const Facts& facts, const std::string& json);

  // Says what went wrong and returns the exit code for it.
  int Fail(const absl::Status& status);
  // The same for what the user wrote: kExitUsage.
  int Misused(const std::string& message);
  void Note(const std::string& message);
  // All of standard input, at most `bytes_max`.
  absl::StatusOr<std::string> ReadIn(size_t bytes_max);

 private:
  void WarnOfExpiry(const client::TlsOptions& tls);

  const Globals globals_;
  Io& io_;
  const Format format_;
  std::unique_ptr<client::Client> client_;
};

}  // namespace coalition::cli
