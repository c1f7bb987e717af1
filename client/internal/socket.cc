#include "client/internal/socket.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace coalition::client::internal {
namespace {

absl::Status SystemError(int error, const std::string& what) {
  const std::string message = absl::StrCat(what, ": ", std::strerror(error));
  if (error == ECONNREFUSED || error == ECONNRESET || error == EPIPE) return absl::UnavailableError(message);
  if (error == ETIMEDOUT || error == EAGAIN) return absl::DeadlineExceededError(message);
  return absl::UnknownError(message);
}

absl::Status Wait(int fd, int16_t events, std::chrono::milliseconds timeout) {
  pollfd poll_fd{fd, events, 0};
  int ready;
  do {
    ready = ::poll(&poll_fd, 1, static_cast<int>(timeout.count()));
  } while (ready < 0 && errno == EINTR);
  if (ready < 0) return SystemError(errno, "poll");
  if (ready == 0)
    return absl::DeadlineExceededError(absl::StrCat("no answer within ", timeout.count(), " ms"));
  return absl::OkStatus();
}

std::string Text(const addrinfo& info, int port) {
  char host[NI_MAXHOST] = "";
  ::getnameinfo(info.ai_addr, info.ai_addrlen, host, sizeof(host), nullptr, 0, NI_NUMERICHOST);
  return info.ai_family == AF_INET6 ? absl::StrCat("[", host, "]:", port) : absl::StrCat(host, ":", port);
}

}  // namespace

absl::StatusOr<std::vector<Address>> Resolve(const std::string& host, int port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
  if (error != 0) return absl::NotFoundError(::gai_strerror(error));
  std::vector<Address> addresses;
  for (const addrinfo* info = list; info != nullptr; info = info->ai_next) {
    Address address;
    std::memcpy(&address.storage, info->ai_addr, info->ai_addrlen);
    address.length = info->ai_addrlen;
    address.text = Text(*info, port);
    addresses.push_back(std::move(address));
  }
  ::freeaddrinfo(list);
  return addresses;
}

absl::StatusOr<Socket> Socket::Connect(const Address& address, std::chrono::milliseconds timeout) {
  Fd fd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd.get() < 0) return SystemError(errno, "socket");
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.length) == 0) {
    return Socket(std::move(fd));
  }
  if (errno != EINPROGRESS) return SystemError(errno, address.text);
  if (absl::Status status = Wait(fd.get(), POLLOUT, timeout); !status.ok()) return status;
  int error = 0;
  socklen_t length = sizeof(error);
  ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &length);
  if (error != 0) return SystemError(error, address.text);
  return Socket(std::move(fd));
}

absl::Status Socket::Send(const std::string& bytes, std::chrono::milliseconds timeout) {
  size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t n = ::send(fd_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n >= 0) {
      sent += static_cast<size_t>(n);
    } else if (errno == EAGAIN) {
      if (absl::Status status = Wait(fd_.get(), POLLOUT, timeout); !status.ok()) return status;
    } else if (errno != EINTR) {
      return SystemError(errno, "send");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<size_t> Socket::Receive(char* buffer, size_t size, std::chrono::milliseconds timeout) {
  for (;;) {
    const ssize_t n = ::recv(fd_.get(), buffer, size, 0);
    if (n >= 0) return static_cast<size_t>(n);
    if (errno == EAGAIN) {
      if (absl::Status status = Wait(fd_.get(), POLLIN, timeout); !status.ok()) return status;
    } else if (errno != EINTR) {
      return SystemError(errno, "receive");
    }
  }
}

}  // namespace coalition::client::internal
