// A server in a process of its own, and what the system says of it. For tests and benchmarks.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace coalition::testing {

// Kills the process when destroyed, and waits for its end. Not thread-safe, but for the const functions.
class Process {
 public:
  // Standard output and error go to `log_file`.
  static absl::StatusOr<std::unique_ptr<Process>> Start(const std::vector<std::string>& command,
                                                        const std::string& log_file);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // OK while it runs; else says how it ended, with the end of its log.
  absl::Status Check();
  // SIGTERM, then waits. DEADLINE_EXCEEDED: killed after 60 s. INTERNAL: did not end with 0.
  absl::Status Stop();

  // User and system time so far.
  double CpuSeconds() const;
  // Waits until the process has rested for a second: LevelDB compacts in the background for a while after an
  // import, and would be measured with whatever is.
  absl::Status WaitIdle(std::chrono::seconds timeout);
  // A line of /proc/PID/status, e.g. "VmRSS", in bytes; 0: not there.
  uint64_t MemoryBytes(const std::string& field) const;

  pid_t pid() const { return pid_; }

 private:
  Process(pid_t pid, std::string log_file) : pid_(pid), log_file_(std::move(log_file)) {}

  pid_t pid_;
  std::string log_file_;
  bool ended_ = false;
  int wait_status_ = 0;
};

// A TCP port of 127.0.0.1 that was free a moment ago.
absl::StatusOr<int> FreePort();
// Waits until something listens on the port. The error is the process's when it ended.
absl::Status WaitForPort(int port, Process* process, std::chrono::seconds timeout);

}  // namespace coalition::testing
