// The members' listening socket and the loop that takes its connections. Our own, since gRPC 1.51's listener
// never accepts again after it has once met the descriptor limit (CVE-2023-4785).
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/mutex.h"

namespace coalition::server {

// Thread-safe but for Start and Stop, which one thread calls.
class Acceptor {
 public:
  // Takes the address, so that nobody else can; nobody can connect yet. FAILED_PRECONDITION: it is taken
  // (another server?); INVALID_ARGUMENT: it is none of this machine's; PERMISSION_DENIED.
  static absl::StatusOr<std::unique_ptr<Acceptor>> Bind(const std::string& listen, int connections_max);
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  int port() const { return port_; }

  // Listens, and from its own thread gives each connection, non-blocking, to `take`, which owns it then. One
  // over the limit is closed at once. Without descriptors it waits and goes on.
  absl::Status Start(std::function<void(int fd)> take);
  // Takes no more connections and closes the socket.
  void Stop();

  struct Counts {
    uint64_t accepted = 0;
    uint64_t over_limit = 0;  // closed
    uint64_t failures = 0;    // of accept: mostly out of descriptors
    uint64_t open = 0;        // connections now
  };
  Counts counts();

 private:
  Acceptor(int fd, int port, int connections_max);
  void Run();
  void Accept(int fd);
  bool Register(int fd);
  void DropClosed() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const int listener_;
  const int wake_;  // eventfd
  const int port_;
  const size_t connections_max_;
  std::function<void(int fd)> take_;
  std::atomic<bool> stopping_{false};
  std::atomic<uint64_t> accepted_{0}, over_limit_{0}, failures_{0};
  Mutex mutex_;
  // gRPC owns and closes what was taken and tells nobody. A descriptor whose socket is no longer the one that
  // was handed over is closed: exact whenever it is looked at, and no descriptor of ours is spent on it.
  std::unordered_map<int, ino_t> taken_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace coalition::server
