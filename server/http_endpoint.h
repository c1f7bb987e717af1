// The one plaintext port: loopback HTTP for /livez, /readyz and /metrics.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "prometheus/metric_family.h"

struct mg_connection;
struct mg_context;

namespace coalition::server {

// Thread-safe. The functions are called from the endpoint's threads, until it is destroyed.
class HttpEndpoint {
 public:
  struct Pages {
    // Empty: ready. Else why not, in one line.
    std::function<std::string()> not_ready;
    // Asked when ready. Empty, or in one line what somebody should mend; stands below "ready".
    std::function<std::string()> warning;
    std::function<std::vector<prometheus::MetricFamily>()> metrics;
  };

  // Serves from now on. `listen` as in ServerConfig.http_listen, a loopback address. FAILED_PRECONDITION: it
  // is taken.
  static absl::StatusOr<std::unique_ptr<HttpEndpoint>> Start(const std::string& listen, Pages pages);
  ~HttpEndpoint();
  HttpEndpoint(const HttpEndpoint&) = delete;
  HttpEndpoint& operator=(const HttpEndpoint&) = delete;

  int port() const { return port_; }

 private:
  explicit HttpEndpoint(Pages pages) : pages_(std::move(pages)) {}
  static int Handle(mg_connection* connection, void* self);
  int Answer(mg_connection* connection) const;

  const Pages pages_;
  mg_context* context_ = nullptr;
  int port_ = 0;
  bool is_v6_ = false;
};

}  // namespace coalition::server
