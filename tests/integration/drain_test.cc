// A server that stops: what is under way ends well, nothing that was acknowledged is lost, and it is quick.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "common/errors.h"
#include "tests/integration/import_stream.h"
#include "tests/support/eventually.h"

namespace coalition::testing {
namespace {

using Stub = v1::ExchangeService::Stub;

// Whoever waits for the drain to cut off what is under way, or for the client's own deadline, waits for a
// minute; whoever does not has ended long before a quarter of one.
constexpr std::chrono::seconds kDrainTimeout{60};
constexpr std::chrono::seconds kAtOnce{15};

TestServer::Options WithALongDrain() {
  TestServer::Options options;
  options.edit_config = [](config::v1::ServerConfig* config) {
    config->set_drain_timeout_ms(static_cast<int>(std::chrono::milliseconds(kDrainTimeout).count()));
  };
  return options;
}

TEST(DrainTest, CallsAndImportsUnderWayEndAndWhatWasAcknowledgedIsThere) {
  TestServer server(WithALongDrain());
  std::atomic<bool> stopped{false};
  std::array<std::atomic<int>, 2> acknowledged{};  // of each importer
  std::atomic<int> odd{0};
  std::vector<std::thread> clients;
  for (int c = 0; c < 4; ++c) {
    clients.emplace_back([&, stub = server.Exchange("belmont")] {
      while (!stopped.load()) {
        const absl::Status status = Call(stub, &Stub::ScreenSellers, ScreenOf("shop-1")).status();
        // CANCELLED is gRPC's own answer to what comes after it began to stop and before the client has read
        // so.
        if (!status.ok() && !absl::IsUnavailable(status) && !absl::IsCancelled(status)) ++odd;
      }
    });
  }
  for (int c = 0; c < 2; ++c) {
    clients.emplace_back([&, c, stub = server.Exchange("aurore")] {
      ImportCall call(stub);
      v1::ImportRecordsResponse response;
      for (int i = 0; call.Write(ImportOf((c * 10'000 + i) * 10, 10)) && call.Read(&response); ++i) {
        acknowledged[static_cast<size_t>(c)] += response.results_size();
      }
      if (call.Finish().code() != absl::StatusCode::kUnavailable) ++odd;
    });
  }
  // Each: one that is still in its handshake is refused or cancelled, which says nothing.
  EXPECT_TRUE(Eventually([&] { return acknowledged[0].load() >= 50 && acknowledged[1].load() >= 50; }));
  const auto start = std::chrono::steady_clock::now();
  server.server().Shutdown();
  // Far below drain_timeout_ms: nothing had to be cut.
  EXPECT_LT(std::chrono::steady_clock::now() - start, kAtOnce);
  stopped.store(true);
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(odd.load(), 0);

  server.Restart();
  const auto aurore = server.Exchange("aurore");
  v1::ListRecordsRequest request;
  request.set_page_size(1000);
  int kept = 0;
  do {
    const auto page = Call(aurore, &Stub::ListRecords, request);
    ASSERT_TRUE(page.ok()) << page.status();
    kept += page->records_size();
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_GE(kept, acknowledged[0].load() + acknowledged[1].load());
}

TEST(DrainTest, ASilentImportStreamIsToldAtOnce) {
  TestServer server(WithALongDrain());
  ImportCall call(server.Exchange("aurore"));
  v1::ImportRecordsResponse response;
  ASSERT_TRUE(call.Write(ImportOf(0, 1)));
  ASSERT_TRUE(call.Read(&response));
  const auto start = std::chrono::steady_clock::now();
  server.server().Shutdown();
  EXPECT_LT(std::chrono::steady_clock::now() - start, kAtOnce);
  EXPECT_FALSE(call.Read(&response));
  const absl::Status status = call.Finish();
  EXPECT_EQ(GetErrorReason(status), v1::ERROR_REASON_SHUTTING_DOWN) << status;
}

TEST(DrainTest, ShutdownMayBeCalledTwice) {
  TestServer server;
  server.server().Shutdown();
  server.server().Shutdown();
}

}  // namespace
}  // namespace coalition::testing
