#include "client/internal/connection_driver.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

namespace coalition::client::internal {
namespace {

// How long the end of a client may take, and how soon it is seen that a connection is being made.
constexpr std::chrono::milliseconds kLook{100};

bool IsBeingMade(grpc_connectivity_state state) {
  return state == GRPC_CHANNEL_CONNECTING || state == GRPC_CHANNEL_TRANSIENT_FAILURE;
}

}  // namespace

ConnectionDriver::ConnectionDriver(std::function<std::shared_ptr<grpc::Channel>()> channel)
    : channel_(std::move(channel)), thread_([this](const std::stop_token& stop) { Run(stop); }) {}

void ConnectionDriver::Run(const std::stop_token& stop) const {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    const std::shared_ptr<grpc::Channel> channel = channel_();
    const grpc_connectivity_state state = channel->GetState(false);
    if (IsBeingMade(state)) {
      channel->WaitForStateChange(state, std::chrono::system_clock::now() + kLook);
    } else {
      stopped.wait_for(lock, stop, kLook, [] { return false; });
    }
  }
}

}  // namespace coalition::client::internal
