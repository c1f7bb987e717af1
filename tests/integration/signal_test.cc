// What a supervisor says to coalitiond with a signal.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <functional>
#include <thread>

#include "tests/support/server_process.h"
#include "tests/support/store/scratch_dir.h"
#include "tests/support/tls_visit.h"

namespace coalition::testing {
namespace {

bool Soon(const std::function<bool()>& condition) {
  for (int i = 0; i < 6'000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

TEST(SignalTest, HangUpTakesOverTheTlsFilesAndNothingElseHappens) {
  const ScratchDir directory;
  ServerProcess server(directory.path(), COALITIOND_BINARY);
  ASSERT_TRUE(server.Start().ok());
  const Identity visitor = server.certificates().Member("aurore", "visitor");
  const auto served = [&] { return VisitTls(server.port(), visitor).server_certificate_pem; };
  auto client = server.Connect("aurore");
  ASSERT_TRUE(client.ok()) << client.status();
  ASSERT_TRUE((*client)->WhoAmI().ok());

  // The server looks by itself each 10 s: of two in a row, one at least is the signal's work.
  std::chrono::steady_clock::duration took = std::chrono::hours(1);
  for (int i = 0; i < 2; ++i) {
    const Identity renewed = server.certificates().Server();
    CertificateFactory::Write(renewed, server.directory(), "server");
    const auto start = std::chrono::steady_clock::now();
    ASSERT_TRUE(server.Signal(SIGHUP).ok());
    ASSERT_TRUE(Soon([&] { return served() == renewed.certificate_pem; })) << server.Log();
    took = std::min(took, std::chrono::steady_clock::now() - start);
    EXPECT_TRUE((*client)->WhoAmI().ok());
  }
  EXPECT_LT(took, std::chrono::seconds(5));
  // A key that is none is refused, and does not end it.
  CertificateFactory::Write({server.certificates().Server().certificate_pem, "garbage", ""},
                            server.directory(), "server");
  ASSERT_TRUE(server.Signal(SIGHUP).ok());
  EXPECT_TRUE(Soon([&] { return server.Log().find("tls_reload_refused") != std::string::npos; }));
  EXPECT_TRUE((*client)->WhoAmI().ok());
  EXPECT_NE(served(), "");
  client->reset();  // an idle client hears only after seconds that the server wants to close
  EXPECT_TRUE(server.Stop().ok());
}

}  // namespace
}  // namespace coalition::testing
