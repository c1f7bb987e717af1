// The real command line as a process.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/support/certificates.h"

namespace coalition::testing {

struct ToolResult {
  // Of exit; -1: it was ended by a signal.
  int code = -1;
  std::string out;
  std::string err;
  // Most memory that it ever held.
  int64_t resident_kib = 0;
};

// Runs `coalition` (the path in COALITION_TOOL) with an environment of only PATH and HOME, which is `home`.
// Not thread-safe. Aborts if the process can't be started.
class Tool {
 public:
  explicit Tool(std::string home);

  // One more "NAME=value" in the environment.
  Tool& Environment(const std::string& variable);
  // Put before each call's own arguments.
  Tool& With(const std::vector<std::string>& arguments);
  // --server, --ca, --cert and --key for one identity, whose files are written to `directory`.
  Tool& Connect(const std::string& server, const std::string& ca_file, const Identity& identity,
                const std::string& directory);

  // With `input` as standard input.
  ToolResult Run(const std::vector<std::string>& arguments, const std::string& input = "") const;
  // `feed` writes to standard input, in pieces as it likes, and closes it by returning; it may send signals
  // to `pid`.
  ToolResult RunFed(const std::vector<std::string>& arguments,
                    const std::function<void(int fd, pid_t pid)>& feed) const;
  // `act` sees what has come to standard output so far, and may send signals to `pid`. Waits for the process
  // after it has returned.
  ToolResult RunSeen(
      const std::vector<std::string>& arguments,
      const std::function<void(const std::function<std::string()>& seen, pid_t pid)>& act) const;
  // Somebody sits at a terminal, which is standard input and stderr (`err` is all that it showed, what was
  // typed included); standard output is none. `typed` is typed when `question` stands there: "\x03" is
  // Ctrl-C, "\x04" Ctrl-D.
  ToolResult RunAtTerminal(const std::vector<std::string>& arguments, const std::string& question,
                           const std::string& typed) const;

 private:
  using Act = std::function<void(int in, pid_t pid, const std::function<std::string()>& seen)>;
  ToolResult RunWhile(const std::vector<std::string>& arguments, const Act& act) const;
  // The process, with these for its standard streams.
  pid_t Start(const std::vector<std::string>& arguments, int in, int out, int err) const;

  std::vector<std::string> environment_;
  std::vector<std::string> before_;
};

}  // namespace coalition::testing
