// What a server says of itself at /metrics.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "tests/support/test_server.h"

namespace coalition::testing {

// One number of the server's /metrics, by its name and labels; 0 where it is not.
inline uint64_t Metric(const TestServer& server, const std::string& series) {
  const std::string body = HttpGet(server.http_port(), "/metrics").body;
  const size_t at = body.find("\n" + series + " ");
  return at == std::string::npos ? 0 : std::stoull(body.substr(at + series.size() + 2));
}

// Messages of import streams that the server has received, or the answers that it has sent to them.
inline uint64_t ImportMessages(const TestServer& server, const std::string& received_or_sent) {
  return Metric(server, "grpc_server_msg_" + received_or_sent +
                            "_total{grpc_service=\"coalition.v1.ExchangeService\",grpc_method="
                            "\"ImportRecords\",grpc_type=\"bidi_stream\"}");
}

}  // namespace coalition::testing
