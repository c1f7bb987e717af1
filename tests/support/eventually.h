// Waiting for what will be so, instead of sleeping for as long as it mostly takes.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>

#include "tests/support/test_server.h"

namespace coalition::testing {

// Asks until it is so. False: it was not for a minute, far longer than anything that works takes.
inline bool Eventually(const std::function<bool()>& condition) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

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
