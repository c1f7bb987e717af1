#include "server/acceptor.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "server/config.h"

namespace coalition::server {
namespace {

constexpr int kBacklog = 1024;
// Without descriptors: how long until another try. Connections wait in the backlog meanwhile.
constexpr int kBackOffMsMin = 10;
constexpr int kBackOffMsMax = 500;
// A look at every connection costs a system call for each. An address that knocks on and on at its limit must
// not have the loop do nothing else; whoever is refused meanwhile may come again.
constexpr std::chrono::milliseconds kSweepInterval(100);

absl::Status BindError(const std::string& listen, int error) {
  const std::string text = absl::StrCat("listen ", listen, ": ", std::strerror(error));
  if (error == EADDRINUSE) {
    return absl::FailedPreconditionError(
        absl::StrCat(text, ": another server, or another program, has this port"));
  }
  if (error == EACCES)
    return absl::PermissionDeniedError(absl::StrCat(text, ": ports below 1024 need a privilege"));
  return absl::InvalidArgumentError(text);
}

struct AddressesDeleter {
  void operator()(addrinfo* addresses) const { freeaddrinfo(addresses); }
};

absl::StatusOr<int> BoundSocket(const std::string& listen) {
  const absl::StatusOr<HostPort> address = ParseHostPort(listen);
  if (!address.ok()) return address.status();
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int error =
          getaddrinfo(address->host.c_str(), std::to_string(address->port).c_str(), &hints, &found)) {
    return absl::InvalidArgumentError(absl::StrCat("listen ", listen, ": ", gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, AddressesDeleter> addresses(found);
  const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return BindError(listen, errno);
  // A restart need not wait for the old connections' TIME_WAIT. Never SO_REUSEPORT: a second server would
  // share the port.
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (bind(fd, found->ai_addr, found->ai_addrlen) != 0) {
    const int error = errno;
    close(fd);
    return BindError(listen, error);
  }
  return fd;
}

int PortOf(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<sockaddr_in6*>(&address)->sin6_port);
  return ntohs(reinterpret_cast<sockaddr_in*>(&address)->sin_port);
}

// 0: the descriptor is closed, or no socket.
ino_t SocketOf(int fd) {
  struct stat facts {};
  return fstat(fd, &facts) == 0 && S_ISSOCK(facts.st_mode) ? facts.st_ino : 0;
}

}  // namespace

uint64_t AddressKey(const sockaddr_storage& peer) {
  if (peer.ss_family == AF_INET) return ntohl(reinterpret_cast<const sockaddr_in&>(peer).sin_addr.s_addr);
  if (peer.ss_family != AF_INET6) return 0;
  const in6_addr& address = reinterpret_cast<const sockaddr_in6&>(peer).sin6_addr;
  // An IPv4 address is a /64 of ::/32 here, which is nobody's.
  const bool mapped = IN6_IS_ADDR_V4MAPPED(&address);
  uint64_t key = 0;
  for (int i = mapped ? 12 : 0; i < (mapped ? 16 : 8); ++i) key = key << 8 | address.s6_addr[i];
  return key;
}

absl::StatusOr<std::unique_ptr<Acceptor>> Acceptor::Bind(const std::string& listen, int connections_max,
                                                         int connections_per_address_max) {
  const absl::StatusOr<int> fd = BoundSocket(listen);
  if (!fd.ok()) return fd.status();
  return std::unique_ptr<Acceptor>(
      new Acceptor(*fd, PortOf(*fd), connections_max, connections_per_address_max));
}

Acceptor::Acceptor(int fd, int port, int connections_max, int connections_per_address_max)
    : listener_(fd),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      port_(port),
      all_{"connections_max", static_cast<size_t>(connections_max)},
      per_address_{"connections_per_address_max", static_cast<size_t>(connections_per_address_max)} {}

Acceptor::~Acceptor() {
  Stop();
  close(listener_);
  close(wake_);
}

absl::Status Acceptor::Start(std::function<void(int fd)> take) {
  if (wake_ < 0) return absl::ResourceExhaustedError("no descriptor for the accept loop");
  take_ = std::move(take);
  // Fails also when another socket began to listen here since Bind.
  if (listen(listener_, kBacklog) != 0) {
    return absl::FailedPreconditionError(absl::StrCat("listen on port ", port_, ": ", std::strerror(errno),
                                                      ": another program has this port"));
  }
  thread_ = std::thread([this] { Run(); });
  return absl::OkStatus();
}

void Acceptor::Stop() {
  stopping_.store(true, std::memory_order_release);
  const uint64_t one = 1;
  if (write(wake_, &one, sizeof(one)) < 0) Log::Warn("accept_wake_failed");
  if (thread_.joinable()) thread_.join();
  // Those in the backlog, and those to come, are refused by the system.
  shutdown(listener_, SHUT_RDWR);
}

void Acceptor::Run() {
  static LogLimit limit;
  int back_off_ms = kBackOffMsMin;
  while (!stopping_.load(std::memory_order_acquire)) {
    pollfd polled[] = {{listener_, POLLIN, 0}, {wake_, POLLIN, 0}};
    if (poll(polled, 2, -1) < 0 && errno != EINTR) Log::Limited(limit, LogLevel::kError, "poll_failed");
    if ((polled[0].revents & POLLIN) == 0) continue;
    sockaddr_storage peer{};
    socklen_t size = sizeof(peer);
    const int fd =
        accept4(listener_, reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      back_off_ms = kBackOffMsMin;
      Accept(fd, peer);
      continue;
    }
    // The connection was gone before we came; or nothing was there.
    if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED || errno == EPROTO) continue;
    failures_.fetch_add(1, std::memory_order_relaxed);
    Log::Limited(limit, LogLevel::kError, "accept_failed",
                 {{"error", std::strerror(errno)}, {"retry_ms", back_off_ms}});
    poll(&polled[1], 1, back_off_ms);
    back_off_ms = std::min(back_off_ms * 2, kBackOffMsMax);
  }
}

void Acceptor::Accept(int fd, const sockaddr_storage& peer) {
  if (Limit* const over = Register(fd, AddressKey(peer)); over != nullptr) {
    close(fd);
    over->refused.fetch_add(1, std::memory_order_relaxed);
    Log::Limited(over->log, LogLevel::kWarn, "connection_refused", {{"limit", over->name}});
    return;
  }
  accepted_.fetch_add(1, std::memory_order_relaxed);
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  take_(fd);
}

Acceptor::Limit* Acceptor::Register(int fd, uint64_t address) {
  MutexLock lock(mutex_);
  // The number may have been another connection's, which is closed then.
  if (const auto before = taken_.find(fd); before != taken_.end()) Drop(before);
  const bool full = taken_.size() >= all_.max;
  const bool address_full = OpenOf(address) >= per_address_.max;
  if (full || (address_full && std::chrono::steady_clock::now() - swept_ >= kSweepInterval)) DropClosed();
  if (taken_.size() >= all_.max) return &all_;
  if (OpenOf(address) >= per_address_.max) return &per_address_;
  taken_[fd] = {SocketOf(fd), address};
  ++of_address_[address];
  return nullptr;
}

size_t Acceptor::OpenOf(uint64_t address) const {
  const auto found = of_address_.find(address);
  return found == of_address_.end() ? 0 : found->second;
}

Acceptor::TakenByFd::iterator Acceptor::Drop(TakenByFd::iterator at) {
  const auto count = of_address_.find(at->second.address);
  if (--count->second == 0) of_address_.erase(count);
  return taken_.erase(at);
}

void Acceptor::DropClosed() {
  for (auto at = taken_.begin(); at != taken_.end();) {
    at = SocketOf(at->first) == at->second.socket ? std::next(at) : Drop(at);
  }
  swept_ = std::chrono::steady_clock::now();
}

Acceptor::Counts Acceptor::counts() {
  MutexLock lock(mutex_);
  DropClosed();
  return {accepted_.load(std::memory_order_relaxed), all_.refused.load(std::memory_order_relaxed),
          per_address_.refused.load(std::memory_order_relaxed), failures_.load(std::memory_order_relaxed),
          taken_.size()};
}

}  // namespace coalition::server
