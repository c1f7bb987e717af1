// Keeps a connection that is being made going.
#pragma once

#include <grpcpp/channel.h>

#include <functional>
#include <memory>
#include <stop_token>
#include <thread>

namespace coalition::client::internal {

// gRPC 1.51 moves a connection on only while some call waits, or else once in five seconds: after a server
// has come back, who waits between two tries would wait for each step of the TCP and TLS handshakes. So one
// thread waits for the channel as long as it is not connected.
class ConnectionDriver {
 public:
  // `channel` is asked from the thread, and must outlive the driver.
  explicit ConnectionDriver(std::function<std::shared_ptr<grpc::Channel>()> channel);

 private:
  void Run(const std::stop_token& stop) const;

  const std::function<std::shared_ptr<grpc::Channel>()> channel_;
  std::jthread thread_;  // last: uses the other
};

}  // namespace coalition::client::internal
