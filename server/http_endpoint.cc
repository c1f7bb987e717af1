#include "server/http_endpoint.h"

#include <arpa/inet.h>
#include <civetweb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <string_view>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "prometheus/text_serializer.h"
#include "server/config.h"

namespace coalition::server {
namespace {

struct Page {
  int code = 200;
  const char* reason = "OK";
  const char* type = "text/plain; charset=utf-8";
  std::string body;
};

int LogCivetweb(const mg_connection*, const char* message) {
  static LogLimit limit;
  Log::Limited(limit, LogLevel::kWarn, "http", {{"message", message}});
  return 1;
}

// "[::1]:7480" and "127.0.0.1:7480" as civetweb wants them; it knows no names.
std::string ListeningPorts(const HostPort& address) {
  const std::string host = address.host == "localhost" ? "127.0.0.1" : address.host;
  const bool is_v6 = host.find(':') != std::string::npos;
  return is_v6 ? absl::StrCat("[", host, "]:", address.port) : absl::StrCat(host, ":", address.port);
}

// A connection to our own port that says nothing.
void Touch(int port, bool is_v6) {
  const int fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return;
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  v4.sin_port = htons(static_cast<uint16_t>(port));
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_addr = in6addr_loopback;
  v6.sin6_port = v4.sin_port;
  const int begun = is_v6 ? connect(fd, reinterpret_cast<sockaddr*>(&v6), sizeof(v6))
                          : connect(fd, reinterpret_cast<sockaddr*>(&v4), sizeof(v4));
  // Refused or under way: either is enough.
  static_cast<void>(begun);
  close(fd);
}

}  // namespace

absl::StatusOr<std::unique_ptr<HttpEndpoint>> HttpEndpoint::Start(const std::string& listen, Pages pages) {
  const absl::StatusOr<HostPort> address = ParseHostPort(listen);
  if (!address.ok()) return address.status();
  std::unique_ptr<HttpEndpoint> endpoint(new HttpEndpoint(std::move(pages)));
  const std::string ports = ListeningPorts(*address);
  // Few threads and short waits: its clients are a supervisor and a scraper.
  const char* options[] = {"listening_ports",
                           ports.c_str(),
                           "num_threads",
                           "8",
                           "request_timeout_ms",
                           "1000",
                           "max_request_size",
                           "8192",
                           "connection_queue",
                           "16",
                           "enable_keep_alive",
                           "no",
                           nullptr};
  mg_callbacks callbacks{};
  callbacks.log_message = &LogCivetweb;
  // civetweb sets signal dispositions of the whole process.
  struct sigaction pipe {
  }, child{};
  sigaction(SIGPIPE, nullptr, &pipe);
  sigaction(SIGCHLD, nullptr, &child);
  endpoint->context_ = mg_start(&callbacks, nullptr, options);
  sigaction(SIGPIPE, &pipe, nullptr);
  sigaction(SIGCHLD, &child, nullptr);
  if (endpoint->context_ == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat("http_listen ", listen, ": can't listen; another program may have this port"));
  }
  mg_server_port bound{};
  if (mg_get_server_ports(endpoint->context_, 1, &bound) == 1) endpoint->port_ = bound.port;
  endpoint->is_v6_ = address->host.find(':') != std::string::npos;
  mg_set_request_handler(endpoint->context_, "**", &HttpEndpoint::Handle, endpoint.get());
  return endpoint;
}

HttpEndpoint::~HttpEndpoint() {
  if (context_ == nullptr) return;
  // civetweb looks for new connections every two seconds, and for mg_stop only then: so there are some.
  std::atomic<bool> stopped{false};
  std::thread caller([this, &stopped] {
    while (!stopped.load()) {
      Touch(port_, is_v6_);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  });
  mg_stop(context_);
  stopped.store(true);
  caller.join();
}

int HttpEndpoint::Handle(mg_connection* connection, void* self) {
  return static_cast<const HttpEndpoint*>(self)->Answer(connection);
}

int HttpEndpoint::Answer(mg_connection* connection) const {
  const mg_request_info* request = mg_get_request_info(connection);
  const std::string_view method = request->request_method == nullptr ? "" : request->request_method;
  const std::string_view path = request->local_uri == nullptr ? "" : request->local_uri;
  Page page;
  if (method != "GET" && method != "HEAD") {
    page = {405, "Method Not Allowed", page.type, "only GET\n"};
  } else if (path == "/livez") {
    page.body = "ok\n";
  } else if (path == "/readyz") {
    const std::string reason = pages_.not_ready();
    if (reason.empty()) {
      const std::string warning = pages_.warning();
      page.body = warning.empty() ? "ready\n" : absl::StrCat("ready\nwarning: ", warning, "\n");
    } else {
      page = {503, "Service Unavailable", page.type, absl::StrCat(reason, "\n")};
    }
  } else if (path == "/metrics") {
    page.type = "text/plain; version=0.0.4; charset=utf-8";
    page.body = prometheus::TextSerializer().Serialize(pages_.metrics());
  } else {
    page = {404, "Not Found", page.type, "/livez, /readyz or /metrics\n"};
  }
  mg_printf(connection,
            "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nCache-Control: no-store\r\n"
            "Connection: close\r\n\r\n",
            page.code, page.reason, page.type, page.body.size());
  if (method != "HEAD") mg_write(connection, page.body.data(), page.body.size());
  return page.code;
}

}  // namespace coalition::server
