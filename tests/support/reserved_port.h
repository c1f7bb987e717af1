// A port that no other program gets, between the servers that a test starts on it.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace coalition::testing {

// A TCP port of 127.0.0.1, bound and not listening: it refuses connections, the system gives it to nobody who
// asks for any port, and one server after the other may listen on it, since ours set SO_REUSEADDR. A port
// that was only free a moment ago may be another test's by now.
class ReservedPort {
 public:
  // Aborts if there is none.
  ReservedPort() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int on = 1;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (fd_ < 0 || setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(fd_, generic, size) != 0 || getsockname(fd_, generic, &size) != 0) {
      std::abort();
    }
    port_ = ntohs(address.sin_port);
  }
  ~ReservedPort() { close(fd_); }
  ReservedPort(const ReservedPort&) = delete;
  ReservedPort& operator=(const ReservedPort&) = delete;

  int port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  const int fd_;
  int port_ = 0;
};

}  // namespace coalition::testing
