// A TCP connection for the probe.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/fd.h"

namespace coalition::client::internal {

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
  std::string text;  // "192.0.2.7:7443"
};

// NOT_FOUND: the name has no address. Blocks as long as the system's resolver does.
absl::StatusOr<std::vector<Address>> Resolve(const std::string& host, int port);

// Not thread-safe.
class Socket {
 public:
  // UNAVAILABLE: refused. DEADLINE_EXCEEDED: no answer in time. Others: the system's reason.
  static absl::StatusOr<Socket> Connect(const Address& address, std::chrono::milliseconds timeout);

  // All of it. No SIGPIPE.
  absl::Status Send(const std::string& bytes, std::chrono::milliseconds timeout);
  // What has arrived, at least one byte; 0: the other side closed. DEADLINE_EXCEEDED: nothing came in time.
  absl::StatusOr<size_t> Receive(char* buffer, size_t size, std::chrono::milliseconds timeout);

 private:
  explicit Socket(Fd fd) : fd_(std::move(fd)) {}

  Fd fd_;
};

}  // namespace coalition::client::internal
