// The members' listening socket and the loop that takes its connections. Our own, since gRPC 1.51's listener
// never accepts again after it has once met the descriptor limit (CVE-2023-4785).
#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/log.h"
#include "common/mutex.h"

namespace coalition::server {

// What connections are counted by: the same number for all that come from one IPv4 address, also where IPv6
// maps it, and for all of one IPv6 /64, which is what one subscriber has at least.
uint64_t AddressKey(const sockaddr_storage& peer);

// Thread-safe but for Start and Stop, which one thread calls.
class Acceptor {
 public:
  // Takes the address, so that nobody else can; nobody can connect yet. FAILED_PRECONDITION: it is taken
  // (another server?); INVALID_ARGUMENT: it is none of this machine's; PERMISSION_DENIED.
  static absl::StatusOr<std::unique_ptr<Acceptor>> Bind(const std::string& listen, int connections_max,
                                                        int connections_per_address_max);
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  int port() const { return port_; }

  // Listens, and from its own thread gives each connection, non-blocking, to `take`, which owns it then. One
  // over a limit is closed at once; for some 100 ms one that has just been closed may still count for its
  // address. Without descriptors it waits and goes on.
  absl::Status Start(std::function<void(int fd)> take);
  // Takes no more connections and closes the socket.
  void Stop();

  struct Counts {
    uint64_t accepted = 0;
    uint64_t over_limit = 0;          // closed, for all connections
    uint64_t over_address_limit = 0;  // closed, for those of one address
    uint64_t failures = 0;            // of accept: mostly out of descriptors
    uint64_t open = 0;                // connections now
  };
  Counts counts();

 private:
  struct Limit {
    const char* name;
    size_t max;
    std::atomic<uint64_t> refused{0};
    LogLimit log{};
  };
  struct Taken {
    ino_t socket;
    uint64_t address;
  };
  using TakenByFd = std::unordered_map<int, Taken>;

  Acceptor(int fd, int port, int connections_max, int connections_per_address_max);
  void Run();
  void Accept(int fd, const sockaddr_storage& peer);
  // Null, or the limit that has no room for it.
  Limit* Register(int fd, uint64_t address);
  size_t OpenOf(uint64_t address) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  TakenByFd::iterator Drop(TakenByFd::iterator at) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DropClosed() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const int listener_;
  const int wake_;  // eventfd
  const int port_;
  Limit all_, per_address_;
  std::function<void(int fd)> take_;
  std::atomic<bool> stopping_{false};
  std::atomic<uint64_t> accepted_{0}, failures_{0};
  Mutex mutex_;
  // gRPC owns and closes what was taken and tells nobody. A descriptor whose socket is no longer the one that
  // was handed over is closed: exact whenever it is looked at, and no descriptor of ours is spent on it.
  TakenByFd taken_ ABSL_GUARDED_BY(mutex_);
  // How many of taken_ each address has; none has 0.
  std::unordered_map<uint64_t, size_t> of_address_ ABSL_GUARDED_BY(mutex_);
  std::chrono::steady_clock::time_point swept_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace coalition::server
