// For tests that kill the server: a directory and a coalitiond of its own for each. The target defines
// COALITIOND_BINARY.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "tests/support/server_process.h"

namespace coalition::testing {

class ServerProcessTest : public ::testing::Test {
 protected:
  ServerProcessTest() {
    std::string name = ::testing::TempDir() + "coalitiond-XXXXXX";
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    directory_ = name;
    server_ = std::make_unique<ServerProcess>(directory_, COALITIOND_BINARY);
  }
  // What a failed test leaves is kept.
  ~ServerProcessTest() override {
    server_.reset();
    std::error_code ignored;
    if (!HasFailure()) std::filesystem::remove_all(directory_, ignored);
  }

  void Start() {
    const absl::Status started = server_->Start();
    ASSERT_TRUE(started.ok()) << started;
  }
  std::unique_ptr<client::Client> Client(const std::string& member, const std::string& credential) {
    auto client = server_->Connect(member, credential);
    EXPECT_TRUE(client.ok()) << client.status();
    return *std::move(client);
  }

  std::string directory_;
  std::unique_ptr<ServerProcess> server_;
};

}  // namespace coalition::testing
